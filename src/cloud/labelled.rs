//! A cloud whose truth is known: simulated scans and annotated rooms.

use super::Cloud;

/// Points with the class and instance that they really belong to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabelledCloud {
    /// The points.
    pub cloud: Cloud,
    /// True class of each point; 255 = ignored by every score.
    pub class: Vec<u8>,
    /// True instance of each point, unique over all classes; −1 = none.
    pub instance: Vec<i32>,
}
