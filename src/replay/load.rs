//! The frames of a recording, kept in memory as the messages that they were.

use std::path::Path;
use std::sync::Arc;

use nalgebra::Isometry3;

use super::choose::choose;
use super::frame::{FrameDecoder, FrameParts};
use super::queue::Kept;
use super::reader::{Beside, FrameReader, Taker};
use super::{DropReason, Orientation, ReplayError};
use crate::cloud::{Cloud, ImageGeometry};
use crate::transport::open_bag;

/// How frames are loaded.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Topic of the clouds or depth images; found if absent.
    pub topic: Option<String>,
    /// How clouds are set upright.
    pub orientation: Orientation,
    /// Gravity-aligned frame; empty: found.
    pub fixed_frame: String,
    /// At most this many frames, the first ones.
    pub most: usize,
}

/// A frame that can be decoded at any time.
#[derive(Clone, Debug)]
pub struct LoadedFrame {
    /// Sensor → fixed frame.
    pub pose: Isometry3<f64>,
    /// When it was taken (ns).
    pub stamp: i64,
    /// Its points.
    pub points: usize,
    message: Vec<u8>,
    depth: Option<LoadedDepth>,
}

/// What belongs to a depth image.
#[derive(Clone, Debug)]
struct LoadedDepth {
    // Cameras say the same thing with every image.
    camera_info: Arc<[u8]>,
    colour: Option<Vec<u8>>,
    geometry: ImageGeometry,
}

impl LoadedFrame {
    /// Its messages.
    pub fn parts(&self) -> FrameParts<'_> {
        match &self.depth {
            None => FrameParts::Points(&self.message),
            Some(LoadedDepth { camera_info, colour, geometry }) => {
                FrameParts::Depth { image: &self.message, camera_info, colour: colour.as_deref(), geometry: *geometry }
            }
        }
    }
}

/// What was loaded.
#[derive(Clone, Debug, Default)]
pub struct LoadedDrive {
    /// Frames that have a cloud and a pose, in their order.
    pub frames: Vec<LoadedFrame>,
    /// Frames that were dropped.
    pub dropped: u64,
    /// Why the first of them was.
    pub first_reason: Option<DropReason>,
}

/// Loads the frames of a bag (`.mcap`, `.db3`, folder), with their poses. Each was decoded once: what cannot
/// be is dropped, and told.
///
/// # Errors
/// [`ReplayError`] when it is no bag, or no topic has clouds.
pub fn load_frames(input: &Path, options: &LoadOptions) -> Result<LoadedDrive, ReplayError> {
    let mut source = open_bag(input)?;
    let chosen = choose(input, source.as_ref(), options.topic.as_deref())?;
    let mut reader = FrameReader::new(chosen, options.orientation, &options.fixed_frame);
    let mut loader = Loader::default();
    while loader.drive.frames.len() < options.most && source.advance()? {
        let message = source.current();
        reader.take(message, &source.topics()[message.topic], &mut loader)?;
    }
    reader.finish(&mut loader)?;
    loader.drive.frames.truncate(options.most);
    Ok(loader.drive)
}

#[derive(Default)]
struct Loader {
    drive: LoadedDrive,
    decoder: FrameDecoder,
    cloud: Cloud,
    camera_info: Option<Arc<[u8]>>,
}

impl Loader {
    fn load(&mut self, frame: &Kept, pose: Option<Isometry3<f64>>, beside: &mut Beside) -> Result<(), DropReason> {
        self.decoder.decode(&beside.parts(frame)?, &mut self.cloud)?;
        let frame_id = beside.chosen.header(&frame.data)?.frame_id;
        let optical = beside.is_optical(frame_id, &self.cloud);
        let pose = pose.map_or_else(|| beside.placer.estimate(&self.cloud, optical), Ok)?;
        let depth = match beside.parts(frame)? {
            FrameParts::Points(_) => None,
            FrameParts::Depth { camera_info, colour, geometry, .. } => {
                let known = self.camera_info.clone().filter(|known| known[..] == *camera_info);
                let camera_info = known.unwrap_or_else(|| camera_info.into());
                self.camera_info = Some(Arc::clone(&camera_info));
                Some(LoadedDepth { camera_info, colour: colour.map(<[u8]>::to_vec), geometry })
            }
        };
        let (stamp, points, message) = (frame.stamp, self.cloud.len(), frame.data.clone());
        self.drive.frames.push(LoadedFrame { pose, stamp, points, message, depth });
        Ok(())
    }
}

impl Taker for Loader {
    fn frame(
        &mut self,
        frame: &Kept,
        pose: Option<Isometry3<f64>>,
        beside: &mut Beside,
    ) -> Result<Result<(), DropReason>, ReplayError> {
        Ok(self.load(frame, pose, beside))
    }

    fn drop_frame(&mut self, stamp: i64, reason: &DropReason) {
        log::info!("frame at {stamp} ns dropped: {reason}");
        self.drive.dropped += 1;
        self.drive.first_reason.get_or_insert_with(|| reason.clone());
    }

    fn unreadable_transforms(&mut self) {}
}
