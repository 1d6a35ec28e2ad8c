//! A sensor message's way from the callback to the frame.

use std::sync::Arc;

use super::companions::LiveCompanions;
use super::current::CurrentSettings;
use super::health::Counters;
use super::input::{DepthTopics, Input};
use super::transforms::Transforms;
use crate::live::{DecodeError, Decoder, LiveFrame};
use crate::recurring::worth_telling;
use crate::replay::{DropReason, FrameDecoder, FrameParts, pair};
use crate::ros::{ImageView, Message, PointCloud2View, unpack_depth};

/// A message as it came, and what is read with it. Its buffers go round.
#[derive(Debug, Default)]
pub(super) struct SensorMessage {
    pub(super) bytes: Vec<u8>,
    /// A depth image that came compressed.
    unpacked: Vec<u8>,
    camera_info: Vec<u8>,
    colour: Vec<u8>,
}

/// What makes frames of messages.
pub(super) struct FrameMaker {
    /// Which messages come.
    pub(super) input: Input,
    /// Where sensors are.
    pub(super) transforms: Arc<Transforms>,
    /// What comes beside depth images.
    pub(super) companions: Arc<LiveCompanions>,
    /// How long things are waited for.
    pub(super) settings: Arc<CurrentSettings>,
    /// Learn of what is dropped.
    pub(super) counters: Arc<Counters>,
}

impl FrameMaker {
    /// Makes frames of messages; the message itself goes along, for the output.
    pub(super) fn into_decoder(self) -> Decoder<SensorMessage> {
        let mut decoder = FrameDecoder::default();
        Box::new(move |message, frame| {
            self.make(&mut decoder, message, frame).map_err(|reason| {
                if let Some(gap) = reason.transform_gap() {
                    self.counters.transform_gap(gap);
                }
                let kind = reason.kind();
                if let Some(count) = worth_telling(self.counters.dropped(kind)) {
                    log::warn!("{}: dropped: {reason} ({kind}: {count} so far)", self.input.topic());
                }
                DecodeError::from(reason)
            })
        })
    }

    fn make(
        &self,
        decoder: &mut FrameDecoder,
        message: &mut SensorMessage,
        frame: &mut LiveFrame,
    ) -> Result<(), DropReason> {
        match &self.input {
            Input::Clouds(_) => self.of_cloud(decoder, message, frame),
            Input::Depth(topics) => self.of_depth(topics, decoder, message, frame),
        }
    }

    fn of_cloud(
        &self,
        decoder: &mut FrameDecoder,
        message: &mut SensorMessage,
        frame: &mut LiveFrame,
    ) -> Result<(), DropReason> {
        let header = PointCloud2View::decode(&message.bytes)?.header;
        decoder.decode(&FrameParts::Points(&message.bytes), &mut frame.cloud)?;
        frame.stamp = header.stamp.nanoseconds();
        frame.pose = match self.transforms.locate(&header, self.settings.now().transform_wait)? {
            Some(pose) => pose,
            None => {
                let mut placer = self.transforms.lock();
                let optical = placer.is_optical(header.frame_id, &frame.cloud);
                placer.estimate(&frame.cloud, optical)?
            }
        };
        std::mem::swap(&mut message.bytes, &mut frame.message);
        Ok(())
    }

    fn of_depth(
        &self,
        topics: &DepthTopics,
        decoder: &mut FrameDecoder,
        message: &mut SensorMessage,
        frame: &mut LiveFrame,
    ) -> Result<(), DropReason> {
        if topics.is_compressed() {
            unpack_depth(&message.bytes, &mut message.unpacked)?;
            std::mem::swap(&mut message.bytes, &mut message.unpacked);
        }
        let wait = self.settings.now().transform_wait;
        let SensorMessage { bytes, camera_info, colour, .. } = message;
        let header = ImageView::decode(bytes)?.header;
        let stamp = header.stamp.nanoseconds();
        self.companions.gather(stamp, wait, camera_info, colour)?;
        let colour = (!colour.is_empty()).then_some(colour.as_slice());
        decoder.decode(&pair(bytes, camera_info, colour, topics.geometry())?, &mut frame.cloud)?;
        frame.stamp = stamp;
        frame.pose = match self.transforms.locate(&header, wait)? {
            Some(pose) => pose,
            None => self.transforms.lock().estimate(&frame.cloud, true)?,
        };
        std::mem::swap(bytes, &mut frame.message);
        Ok(())
    }
}
