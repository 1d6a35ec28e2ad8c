//! A cloud's way from the callback to the frame.

use std::sync::Arc;
use std::time::Duration;

use super::health::Counters;
use super::transforms::Transforms;
use crate::live::{DecodeError, Decoder, LiveFrame};
use crate::replay::{DropReason, FrameDecoder, FrameParts};
use crate::ros::{Message, PointCloud2View};

/// A message as it came. Its buffer goes round.
#[derive(Debug, Default)]
pub(super) struct CloudMessage {
    pub(super) bytes: Vec<u8>,
}

/// Makes frames of messages; the message itself goes along, for the output.
pub(super) fn decoder(transforms: Arc<Transforms>, wait: Duration, counters: Arc<Counters>) -> Decoder<CloudMessage> {
    let mut decoder = FrameDecoder::default();
    Box::new(move |message, frame| {
        decode(&mut decoder, &transforms, wait, message, frame).map_err(|reason| {
            counters.dropped(reason.kind());
            DecodeError::from(reason)
        })
    })
}

fn decode(
    decoder: &mut FrameDecoder,
    transforms: &Transforms,
    wait: Duration,
    message: &mut CloudMessage,
    frame: &mut LiveFrame,
) -> Result<(), DropReason> {
    let header = PointCloud2View::decode(&message.bytes)?.header;
    decoder.decode(&FrameParts::Points(&message.bytes), &mut frame.cloud)?;
    frame.stamp = header.stamp.nanoseconds();
    frame.pose = match transforms.locate(&header, wait)? {
        Some(pose) => pose,
        None => {
            let mut placer = transforms.lock();
            let optical = placer.is_optical(header.frame_id, &frame.cloud);
            placer.estimate(&frame.cloud, optical)?
        }
    };
    std::mem::swap(&mut message.bytes, &mut frame.message);
    Ok(())
}
