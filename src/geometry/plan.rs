//! The geometry plan of a block.
//!
//! Farthest-point samples, ball-query groups and interpolation weights depend on the coordinates
//! only, so they are computed once per block, outside the network, and handed to whichever engine
//! runs it (`design/inference.md`, "the one idea everything rests on").

/// One set-abstraction level: how many points it keeps and whom it looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LevelSpecification {
    /// Number of points that farthest-point sampling keeps.
    pub points: usize,
    /// Ball radius in metres.
    pub radius: f32,
    /// Neighbour slots per point (the reference's `nsample`).
    pub slots: usize,
}

/// The levels of an encoder, finest first. Level 0, the block itself, is not listed.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanSpecification {
    /// Set-abstraction levels in order.
    pub levels: Vec<LevelSpecification>,
}

/// Fixed number of neighbour slots for each of a list of points.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Neighbours {
    /// Slots per point.
    pub slots: usize,
    /// `points × slots` indices into the source level, point-major. Slots beyond `count` repeat
    /// the point's first neighbour (reference: `query_ball_point`).
    pub index: Vec<u32>,
    /// How many of a point's slots hold distinct neighbours.
    pub count: Vec<u32>,
}

/// Inverse-square-distance interpolation from a coarse level to a fine one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interpolation {
    /// For each fine point the three nearest coarse points, nearest first.
    pub index: Vec<[u32; 3]>,
    /// Their weights, `(1/d²) / Σ (1/d²)` with d² clamped to ≥ 1e-10.
    pub weight: Vec<[f32; 3]>,
}

/// One level of the pyramid.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Level {
    /// Coordinates of this level's points (block-centred metres).
    pub position: Vec<[f32; 3]>,
    /// Each point's index in the next finer level. Empty at level 0.
    pub sampled_from: Vec<u32>,
    /// Each point's neighbours in the next finer level. Empty at level 0.
    pub neighbours: Neighbours,
    /// From this level back to the next finer one. Empty at level 0.
    pub interpolation: Interpolation,
}

/// Every neighbourhood that a block's network needs. `levels[0]` is the block itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GeometryPlan {
    /// The pyramid, finest level first.
    pub levels: Vec<Level>,
}
