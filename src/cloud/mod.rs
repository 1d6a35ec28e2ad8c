//! Point clouds as columns: what every stage reads and writes.
//!
//! | in | out |
//! |---|---|
//! | [`decode`]: PointCloud2 of any layout → [`Cloud`] | [`label_cloud`]: the same message plus labels |
//! | [`DepthProjector`]: depth image → [`Cloud`] | [`label_organised`]: organised PointCloud2 plus labels |
//! | [`check`]: which points are measurements | |
//! | [`estimate_up`]: where is the floor of a frame without pose | [`Cloud::transform`] |

mod check;
mod decode;
mod depth;
mod error;
mod labelled;
mod labels;
mod layout;
mod lens;
mod output;
mod palette;
mod transform;
mod upright;

pub use check::{CheckLimits, CheckSummary, check};
pub use decode::{decode, decode_plain};
pub use depth::{DepthError, DepthProjector, ImageGeometry};
pub use error::CloudError;
pub use labelled::LabelledCloud;
pub use labels::{INVALID_CLASS, Labels, NO_INSTANCE};
pub use layout::{CloudLayout, ColourLayout, Column, Scalar, TimeColumn};
pub use lens::{Lens, LensError};
pub use output::{Colouring, label_cloud, label_organised};
pub use palette::instance_colour;
pub use upright::{DirectionPrior, Upright, estimate_up};

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
