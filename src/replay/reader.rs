//! A bag's messages → frames that have all that belongs to them.
//!
//! Shared by those who label a recording at once and those who keep its frames for later.

use nalgebra::Isometry3;

use super::choose::Chosen;
use super::pairing::Companions;
use super::place::{Located, Placer};
use super::queue::{Kept, Queue};
use super::{DropReason, Orientation, ReplayError};
use crate::ros::{CdrError, Header, ImageView, Message, PointCloud2View, TfMessage};
use crate::transport::{RawMessage, Topic};

/// How long a frame waits for what belongs to it, in log time (ns).
const PATIENCE: u64 = 500_000_000;

/// Type of transform messages.
const TRANSFORMS: &str = TfMessage::TYPE.name;

/// What is known beside the frames themselves.
pub struct Beside {
    /// Where the frames come from.
    pub chosen: Chosen,
    /// Where the sensor was.
    pub placer: Placer,
    /// Calibrations and colours of depth images.
    pub companions: Companions,
}

/// Takes frames that are ready.
pub trait Taker {
    /// A frame that waits no longer; `pose` is `None` where the cloud itself must tell. The inner result
    /// says why it has to be dropped.
    fn frame(
        &mut self,
        frame: &Kept,
        pose: Option<Isometry3<f64>>,
        beside: &mut Beside,
    ) -> Result<Result<(), DropReason>, ReplayError>;

    /// A frame will not be.
    fn drop_frame(&mut self, stamp: i64, reason: &DropReason);

    /// A message of transforms could not be decoded.
    fn unreadable_transforms(&mut self);
}

/// What a run holds between messages.
pub struct FrameReader {
    /// What is known beside the frames.
    pub beside: Beside,
    waiting: Queue,
}

impl FrameReader {
    /// Before the first message. `fixed_frame`: the one to use; empty = the first that fits.
    pub fn new(chosen: Chosen, orientation: Orientation, fixed_frame: &str) -> Self {
        let placer = Placer::new(orientation, fixed_frame);
        Self { beside: Beside { chosen, placer, companions: Companions::default() }, waiting: Queue::default() }
    }

    /// Keeps what a message brings (transforms, a frame, something that belongs to a frame), then hands
    /// out the frames that wait no longer.
    pub fn take(&mut self, message: RawMessage<'_>, topic: &Topic, to: &mut dyn Taker) -> Result<(), ReplayError> {
        self.keep(message, topic, to)?;
        self.settle(Some(message.log_time), to)
    }

    /// Hands out or drops the frames that still wait: the bag is at its end.
    pub fn finish(&mut self, to: &mut dyn Taker) -> Result<(), ReplayError> {
        self.settle(None, to)
    }

    fn keep(&mut self, message: RawMessage<'_>, topic: &Topic, to: &mut dyn Taker) -> Result<(), ReplayError> {
        let last = topic.name.rsplit('/').next().unwrap_or_default();
        if topic.type_name == TRANSFORMS && (last == "tf" || last == "tf_static") {
            if let Err(error) = self.beside.placer.take(message.data, last == "tf_static") {
                log::warn!("{}: {error}", topic.name);
                to.unreadable_transforms();
            }
            return Ok(());
        }
        let chosen = self.beside.chosen;
        if message.topic == chosen.topic() {
            match chosen.header(message.data) {
                Ok(header) => {
                    let stamp = header.stamp.nanoseconds();
                    if self.waiting.is_full() {
                        self.settle_first(false, to)?;
                    }
                    self.waiting.push(stamp, message);
                }
                Err(error) => to.drop_frame(message.log_time as i64, &error.into()),
            }
        } else if let Chosen::Depth { camera_info, colour, .. } = chosen {
            let companions = &mut self.beside.companions;
            let kept = if message.topic == camera_info {
                companions.take_camera_info(message)
            } else if Some(message.topic) == colour {
                companions.take_colour(message)
            } else {
                Ok(())
            };
            // One that cannot be read is as good as absent.
            if let Err(error) = kept {
                log::warn!("{}: {error}", topic.name);
            }
        }
        Ok(())
    }

    /// Hands out or drops the frames that wait no longer at log time `now` (`None`: the bag is at its end).
    fn settle(&mut self, now: Option<u64>, to: &mut dyn Taker) -> Result<(), ReplayError> {
        while let Some(first) = self.waiting.front() {
            let patient = now.is_some_and(|now| now < first.log_time.saturating_add(PATIENCE));
            if !self.settle_first(patient, to)? {
                break;
            }
        }
        Ok(())
    }

    /// Hands out or drops the frame that has waited longest; `false` if it waits on.
    fn settle_first(&mut self, patient: bool, to: &mut dyn Taker) -> Result<bool, ReplayError> {
        let Some(first) = self.waiting.front() else { return Ok(false) };
        let Beside { chosen, placer, companions } = &mut self.beside;
        if let Chosen::Depth { colour, .. } = chosen
            && patient
            && !companions.complete(first.stamp, colour.is_some())
        {
            return Ok(false);
        }
        let located = match chosen.header(&first.data) {
            Ok(header) => placer.locate(&header, patient),
            Err(error) => Located::Never(error.into()),
        };
        if matches!(located, Located::NotYet) {
            return Ok(false);
        }
        let Some(frame) = self.waiting.pop() else { return Ok(false) };
        let done = match located {
            Located::Known(pose) => to.frame(&frame, pose, &mut self.beside)?,
            Located::Never(reason) => Err(reason),
            Located::NotYet => Ok(()),
        };
        if let Err(reason) = done {
            to.drop_frame(frame.stamp, &reason);
        }
        self.waiting.recycle(frame);
        Ok(true)
    }
}

impl Chosen {
    /// Header of a message of the chosen topic.
    pub fn header(self, data: &[u8]) -> Result<Header<'_>, CdrError> {
        match self {
            Self::Points { .. } => PointCloud2View::decode(data).map(|cloud| cloud.header),
            Self::Depth { .. } => ImageView::decode(data).map(|image| image.header),
        }
    }
}
