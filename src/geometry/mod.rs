//! Who neighbours whom: everything of a block's network that depends on coordinates alone.
//!
//! A PointNet++-like network keeps asking three questions of a block: which points stand for the
//! rest (farthest-point sampling), who is near them (ball query, k nearest neighbours), and how a
//! coarse answer is carried back to the fine points (three nearest neighbours). PointConv adds a
//! fourth: how crowded is it there (kernel density). None of them looks at a feature, so [`GeometryPlan::compute`] answers all of them once per block and the network
//! that follows is gathers and matrix products only.
//!
//! # Contract
//! - The answers are those of the reference's kernels (`design/networks.md` §0 and §2), index for
//!   index, ties included. Distances between points are `(dx² + dy²) + dz²` in single precision,
//!   every operation rounded, no fused multiply-add.
//! - [`plain`] holds the direct version of each search. The fast ones agree with it exactly, on
//!   any finite input, because every pruning bound is computed with the same rounded operations as
//!   the distance that it bounds: rounding is monotone, so such a bound never exceeds the distance.
//! - Memory depends on the number of points only, never on their extent.
//! - Coordinates must be finite; squared distances may overflow to +∞ and stay ordered.
//!
//! ```
//! use instanton::geometry::{GeometryPlan, LevelSpecification, PlanSpecification, PlanWorkspace};
//!
//! let position: Vec<[f32; 3]> = (0..64).map(|i| [(i % 8) as f32 * 0.1, (i / 8) as f32 * 0.1, 0.0]).collect();
//! let specification =
//!     PlanSpecification { levels: vec![LevelSpecification::ball(16, 0.15, 8)] };
//! let (mut plan, mut workspace) = (GeometryPlan::default(), PlanWorkspace::default());
//! plan.compute(&position, &specification, &mut workspace)?;
//! assert_eq!(plan.levels[1].position.len(), 16);
//! assert_eq!(plan.levels[1].sampled_from[0], 0);
//! # Ok::<(), instanton::geometry::GeometryError>(())
//! ```

mod ball;
mod compute;
mod density;
mod error;
mod index_set;
mod interpolation;
mod leaves;
mod nearest;
pub mod plain;
mod plan;
#[cfg(test)]
mod properties;
mod sampling;

pub use ball::{BallWorkspace, ball_query, squared_radius_bound};
pub use compute::{DENSITY_SLOTS, MAXIMUM_SLOTS, PlanWorkspace};
pub use density::{gaussian_density, inverse_density_scale};
pub use error::GeometryError;
pub use interpolation::{InterpolationWorkspace, inverse_square_weights, three_nearest};
pub use leaves::Leaves;
pub use nearest::{NearestNeighbours, NearestWorkspace, k_nearest_neighbours};
pub use plan::{
    GeometryPlan, Grouping, Interpolation, KernelDensity, Level, LevelSpecification, Neighbours, PlanSpecification,
};
pub use sampling::{SamplingWorkspace, farthest_point_sampling};
