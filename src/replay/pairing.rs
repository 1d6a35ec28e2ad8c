//! Depth images with their calibration and colour.

use super::frame::FrameParts;
use super::queue::{Kept, Queue};
use crate::cloud::ImageGeometry;
use crate::ros::{CameraInfo, CdrError, Header, ImageView, Message};
use crate::transport::RawMessage;

/// Stamps nearer than this belong together (ns).
pub const TOGETHER: u64 = 20_000_000;

/// What came beside the depth images.
#[derive(Debug, Default)]
pub struct Companions {
    camera_info: Queue,
    colour: Queue,
}

impl Companions {
    /// Keeps a `sensor_msgs/msg/CameraInfo`.
    pub fn take_camera_info(&mut self, message: RawMessage<'_>) -> Result<(), CdrError> {
        let header = CameraInfo::decode(message.data)?.header;
        keep(&mut self.camera_info, message, header);
        Ok(())
    }

    /// Keeps a `sensor_msgs/msg/Image` with colours.
    pub fn take_colour(&mut self, message: RawMessage<'_>) -> Result<(), CdrError> {
        let header = ImageView::decode(message.data)?.header;
        keep(&mut self.colour, message, header);
        Ok(())
    }

    /// Whether all that a depth image of this stamp may expect has come.
    pub fn complete(&self, stamp: i64, wants_colour: bool) -> bool {
        self.has_camera_info(stamp) && (!wants_colour || self.colour(stamp).is_some())
    }

    /// Whether there is a calibration of this very moment.
    pub fn has_camera_info(&self, stamp: i64) -> bool {
        self.camera_info.nearest(stamp).is_some_and(|(_, distance)| distance <= TOGETHER)
    }

    /// The calibration nearest in time. It may be old: many drivers send it once.
    pub fn camera_info(&self, stamp: i64) -> Option<&Kept> {
        self.camera_info.nearest(stamp).map(|(kept, _)| kept)
    }

    /// The colour image of this very moment.
    pub fn colour(&self, stamp: i64) -> Option<&Kept> {
        self.colour.nearest(stamp).filter(|(_, distance)| *distance <= TOGETHER).map(|(kept, _)| kept)
    }
}

fn keep(queue: &mut Queue, message: RawMessage<'_>, header: Header<'_>) {
    queue.make_room();
    queue.push(header.stamp.nanoseconds(), message);
}

/// A depth image with its calibration, and with its colour if that is in the same frame and of the same size.
///
/// # Errors
/// [`CdrError`] where an image cannot be read.
pub fn pair<'m>(
    image: &'m [u8],
    camera_info: &'m [u8],
    colour: Option<&'m [u8]>,
    geometry: ImageGeometry,
) -> Result<FrameParts<'m>, CdrError> {
    let depth = ImageView::decode(image)?;
    let fits = |colour: &ImageView<'_>| {
        (colour.width, colour.height, colour.header.frame_id) == (depth.width, depth.height, depth.header.frame_id)
    };
    let picture = colour.map(ImageView::decode).transpose()?;
    let colour = colour.filter(|_| picture.as_ref().is_some_and(fits));
    Ok(FrameParts::Depth { image, camera_info, colour, geometry })
}
