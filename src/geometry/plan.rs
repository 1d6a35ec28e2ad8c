//! The geometry plan of a block.
//!
//! Farthest-point samples, ball-query groups and interpolation weights depend on the coordinates
//! only, so they are computed once per block, outside the network, and handed to whichever engine
//! runs it (`design/inference.md`, "the one idea everything rests on").

/// Whom a sampled point looks at in the next finer level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Grouping {
    /// The first points, in index order, nearer than a radius (PointNet++).
    Ball {
        /// Radius in metres.
        radius: f32,
    },
    /// The nearest points, nearest first, as many as there are slots (PointConv).
    Nearest,
}

/// How crowded the finer level is around each neighbour: a Gaussian kernel over the points in a ball.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KernelDensity {
    /// Radius of the ball in metres.
    pub radius: f32,
    /// Variance of the kernel in m² (JSNet names it sigma).
    pub variance: f64,
}

/// One level of an encoder: how many points it keeps, whom they look at, and what else its layers need.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LevelSpecification {
    /// Number of points that farthest-point sampling keeps.
    pub points: usize,
    /// Whom each of them looks at.
    pub grouping: Grouping,
    /// Neighbour slots per point (the reference's `nsample`).
    pub slots: usize,
    /// Density of the finer level, for layers that weigh neighbours by it.
    pub density: Option<KernelDensity>,
    /// How many nearest neighbours each point gets in its own level, itself included. 0 = none.
    pub self_nearest: usize,
    /// Whether features of this level are also carried straight to the block.
    pub to_block: bool,
}

impl LevelSpecification {
    /// A PointNet++ level: balls of `radius` metres, nothing else.
    pub fn ball(points: usize, radius: f32, slots: usize) -> Self {
        let grouping = Grouping::Ball { radius };
        Self { points, grouping, slots, density: None, self_nearest: 0, to_block: false }
    }

    /// A PointConv level: the `slots` nearest points, weighed by density.
    pub fn nearest(points: usize, slots: usize, density: KernelDensity) -> Self {
        Self { grouping: Grouping::Nearest, density: Some(density), ..Self::ball(points, 0.0, slots) }
    }

    /// The radius in metres that shapes this level: the ball's, or else the density's. 0 where it has
    /// neither.
    pub fn radius(&self) -> f32 {
        match (self.grouping, self.density) {
            (Grouping::Ball { radius }, _) => radius,
            (Grouping::Nearest, Some(density)) => density.radius,
            (Grouping::Nearest, None) => 0.0,
        }
    }
}

/// The levels of an encoder, finest first. Level 0, the block itself, is not listed.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanSpecification {
    /// Sampled levels in order. None for a network that looks at no neighbourhood (PointNet).
    pub levels: Vec<LevelSpecification>,
}

/// Fixed number of neighbour slots for each of a list of points.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Neighbours {
    /// Slots per point.
    pub slots: usize,
    /// `points × slots` indices into the source level, point-major. Slots beyond `count` repeat
    /// the point's first neighbour (reference: `query_ball_point`). Nearest neighbours come nearest
    /// first, and fill every slot.
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
    /// `points × slots`, beside `neighbours`: each neighbour's inverse density over the largest of its
    /// group. Empty where the level asks for no density.
    pub density_scale: Vec<f32>,
    /// Each point's nearest neighbours in this same level, nearest first. Empty where not asked for.
    pub self_neighbours: Neighbours,
    /// From this level straight to the block. Empty where not asked for.
    pub block_interpolation: Interpolation,
}

/// Every neighbourhood that a block's network needs. `levels[0]` is the block itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GeometryPlan {
    /// The pyramid, finest level first.
    pub levels: Vec<Level>,
}
