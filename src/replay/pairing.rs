//! Depth images with their calibration and colour.

use super::queue::{Kept, Queue};

/// Stamps nearer than this belong together (ns).
pub const TOGETHER: u64 = 20_000_000;

/// What came beside the depth images.
#[derive(Debug, Default)]
pub struct Companions {
    /// Calibrations.
    pub camera_info: Queue,
    /// Registered colour images.
    pub colour: Queue,
}

impl Companions {
    /// Whether all that a depth image of this stamp may expect has come.
    pub fn complete(&self, stamp: i64, wants_colour: bool) -> bool {
        let near = |queue: &Queue| queue.nearest(stamp).is_some_and(|(_, distance)| distance <= TOGETHER);
        near(&self.camera_info) && (!wants_colour || near(&self.colour))
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
