//! Point clouds as columns: what every stage reads and writes.

mod labelled;
mod labels;

pub use labelled::LabelledCloud;
pub use labels::{INVALID_CLASS, Labels, NO_INSTANCE};

/// Points of one frame or one room, one column per property.
///
/// Point order is sacred: index `i` means the same point in every column, from input to output.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cloud {
    /// Position of each point in metres, in whatever frame the owner of the cloud states.
    /// Invalid returns keep their place as non-finite coordinates.
    pub position: Vec<[f32; 3]>,
    /// Red, green, blue of each point (0–255); `None` for sensors without colour.
    pub colour: Option<Vec<[u8; 3]>>,
}

impl Cloud {
    /// Number of points, invalid ones included.
    pub fn len(&self) -> usize {
        self.position.len()
    }

    /// Whether there is no point at all.
    pub fn is_empty(&self) -> bool {
        self.position.is_empty()
    }
}
