//! Sliding windows over a map or room, sampling, and the nine input features.
//!
//! The network sees the world through square columns of one metre that overlap by half: a *block*
//! is a fixed number of points out of such a window, with nine numbers per point. This room says
//! which windows there are, which points each of them takes, and what the network is told about
//! those points. It does so under two protocols:
//!
//! * [`mod@reference`]: exactly the seeds' `room2blocks_plus_normalized` (`indoor3d_util.py` in
//!   WXinlong/ASIS), for parity with their tables;
//! * [`live`]: windows on a lattice that stays in place while the robot moves, and a sample without
//!   replacement that stays the same while the points do ([`BlockSampler`]). Training uses these
//!   very functions.
//!
//! Both write their features through [`write_features`]. The coordinates are those of the owner of
//! the cloud: metres, z up.
//!
//! ```
//! use instanton::block::{Block, BlockSampler, Extent, WindowIndex, Windowing};
//! use instanton::cloud::Cloud;
//!
//! let cloud = Cloud { position: (0..900).map(|i| [(i % 30) as f32 * 0.05, (i / 30) as f32 * 0.05, 0.0]).collect(), colour: None };
//! let windowing = Windowing { points: 256, ..Windowing::default() };
//! let extent = Extent::of(&cloud.position).expect("finite points");
//! let mut windows = WindowIndex::new(windowing)?;
//! windows.build(&cloud.position);
//! let mut sampler = BlockSampler::new(windowing, 0)?;
//! let mut block = Block::default();
//! for (key, candidates) in windows.iter() {
//!     sampler.sample(candidates, &cloud, &extent, key, &mut block)?;
//!     assert_eq!(block.features.len(), 256 * 9);
//! }
//! # Ok::<(), instanton::block::BlockError>(())
//! ```

mod cells;
mod error;
mod extent;
mod features;
pub mod live;
pub mod reference;
mod sampler;

pub use cells::CellIndex;
pub use error::BlockError;
pub use extent::{Extent, ROBUST_FRACTION, RobustExtent};
pub use features::{ABSENT_COLOUR, FEATURES, write_features};
pub use live::{WindowIndex, WindowKey};
pub use sampler::BlockSampler;

/// Coordinates beyond this, in metres, count as broken measurements: such points are never
/// candidates under the live protocol. At 100 km a binary32 still resolves a centimetre, and its
/// square is far from overflow.
pub const COORDINATE_LIMIT: f32 = 1.0e5;

/// Size and spacing of the windows and the number of points in a block.
///
/// The default is what the seeds use at test time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Windowing {
    /// Side of a window in metres.
    pub size: f32,
    /// Distance between neighbouring windows in metres, at most `size`.
    pub stride: f32,
    /// Points per block.
    pub points: usize,
    /// Windows with fewer points are dropped by the reference protocol; under the live protocol
    /// the caller decides.
    pub minimum_points: usize,
}

impl Default for Windowing {
    fn default() -> Self {
        Self { size: 1.0, stride: 0.5, points: 4096, minimum_points: 100 }
    }
}

impl Windowing {
    /// Most points a block may have.
    pub const MAXIMUM_POINTS: usize = 1 << 20;

    /// Refuses sizes that cannot be meant.
    ///
    /// # Errors
    /// [`BlockError::Windowing`] unless 1 mm ≤ stride ≤ size ≤ 1 km, at most 16 windows overlap
    /// along an axis, and 1 ≤ points ≤ [`Self::MAXIMUM_POINTS`].
    pub fn check(&self) -> Result<(), BlockError> {
        let refuse = |field, expected, actual: f64| Err(BlockError::Windowing { field, expected, actual });
        if !(1.0e-3..=1.0e3).contains(&self.size) {
            return refuse("size", "0.001 to 1000 m", self.size.into());
        }
        if !(1.0e-3..=self.size).contains(&self.stride) || self.size / self.stride > 16.0 {
            return refuse("stride", "0.001 m or more, between size/16 and size", self.stride.into());
        }
        if !(1..=Self::MAXIMUM_POINTS).contains(&self.points) {
            return refuse("points", "1 to 1048576", self.points as f64);
        }
        Ok(())
    }
}

/// The points of one window as the network takes them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// Which window this is (live protocol; the origin divided by the stride under the reference).
    pub key: WindowKey,
    /// Index of each sampled point in the source cloud, [`Windowing::points`] entries.
    pub index: Vec<u32>,
    /// How many entries of `index`, from the front, are different points; the rest repeat them.
    /// (Under the reference protocol, which samples with replacement: all of them are counted.)
    pub distinct: usize,
    /// Points × [`FEATURES`] numbers, point-major; see [`write_features`].
    pub features: Vec<f32>,
    /// Columns 0..3 of the features: the block-centred position that the geometry plan is made of.
    pub position: Vec<[f32; 3]>,
}

/// Largest integer not above `value`, for |value| < 2⁶³. `f64::floor` is a library call on x86-64
/// without SSE 4.1, and these are taken several times per point and frame.
fn floor_to_integer(value: f64) -> i64 {
    let truncated = value as i64;
    truncated - i64::from(truncated as f64 > value)
}
