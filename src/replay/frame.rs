//! A frame's messages, and the cloud that they make.

use super::DropReason;
use super::choose::Chosen;
use super::pairing::pair;
use super::queue::Kept;
use super::reader::Beside;
use crate::cloud::{Cloud, DepthProjector, ImageGeometry, decode};
use crate::ros::{CameraInfo, ImageView, Message, PointCloud2View};

/// The messages of one frame.
#[derive(Clone, Copy, Debug)]
pub enum FrameParts<'m> {
    /// A PointCloud2.
    Points(&'m [u8]),
    /// A depth image.
    Depth {
        /// The image.
        image: &'m [u8],
        /// Its calibration.
        camera_info: &'m [u8],
        /// A colour image registered to it.
        colour: Option<&'m [u8]>,
        /// Which image the calibration describes.
        geometry: ImageGeometry,
    },
}

impl FrameParts<'_> {
    /// Whether a depth image has its colour.
    pub fn has_colour(&self) -> bool {
        matches!(self, Self::Depth { colour: Some(_), .. })
    }
}

/// Makes clouds of frames; keeps the rays of the last camera.
#[derive(Debug, Default)]
pub struct FrameDecoder {
    projector: DepthProjector,
}

impl FrameDecoder {
    /// Messages → cloud; its buffers are reused.
    ///
    /// # Errors
    /// Why the frame has no cloud.
    pub fn decode(&mut self, parts: &FrameParts<'_>, cloud: &mut Cloud) -> Result<(), DropReason> {
        match *parts {
            FrameParts::Points(data) => {
                decode(&PointCloud2View::decode(data)?, cloud)?;
                Ok(())
            }
            FrameParts::Depth { image, camera_info, colour, geometry } => {
                let (depth, info) = (ImageView::decode(image)?, CameraInfo::decode(camera_info)?);
                let colour = colour.map(ImageView::decode).transpose()?;
                Ok(self.projector.project(&depth, &info, geometry, colour.as_ref(), cloud)?)
            }
        }
    }
}

impl Beside {
    /// The messages of a frame.
    ///
    /// # Errors
    /// When a depth image has no calibration, or a message cannot be read.
    pub fn parts<'m>(&'m self, frame: &'m Kept) -> Result<FrameParts<'m>, DropReason> {
        let Chosen::Depth { geometry, .. } = self.chosen else { return Ok(FrameParts::Points(&frame.data)) };
        let info = self.companions.camera_info(frame.stamp).ok_or(DropReason::NoCameraInfo)?;
        let colour = self.companions.colour(frame.stamp).map(|kept| kept.data.as_slice());
        Ok(pair(&frame.data, &info.data, colour, geometry)?)
    }

    /// Whether the sensor's frame is an optical one (z forward).
    pub fn is_optical(&mut self, frame: &str, cloud: &Cloud) -> bool {
        match self.chosen {
            Chosen::Depth { .. } => true,
            Chosen::Points { .. } => self.placer.is_optical(frame, cloud),
        }
    }
}
