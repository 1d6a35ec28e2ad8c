//! Why a geometry plan could not be made.

/// Why a geometry plan, or one of its searches, could not be computed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GeometryError {
    /// There is no point at all.
    #[error("expected at least one point, got none")]
    Empty,
    /// More points than 32-bit indices can name.
    #[error("expected at most {maximum} points, got {actual}")]
    TooManyPoints {
        /// The most points that one block may hold.
        maximum: usize,
        /// How many came.
        actual: usize,
    },
    /// A coordinate is NaN or infinite.
    #[error("expected finite coordinates, point {index} is {position:?}")]
    NotFinite {
        /// Which point, counted from 0.
        index: usize,
        /// What it holds.
        position: [f32; 3],
    },
    /// A level keeps no point.
    #[error("level {level} of the specification keeps 0 points, expected at least 1")]
    EmptyLevel {
        /// Which level, counted from 1 (level 0 is the block itself).
        level: usize,
    },
    /// A level, or a sampling, keeps more points than there are.
    #[error("level {level} asks for {expected} points, the level below it has {actual}")]
    TooFewPoints {
        /// Which level, counted from 1 (level 0 is the block itself).
        level: usize,
        /// How many it keeps.
        expected: usize,
        /// How many there are to choose from.
        actual: usize,
    },
    /// More neighbours are asked for than there are points.
    #[error("{expected} neighbours are asked for, there are {actual} points")]
    TooFewNeighbours {
        /// How many neighbours are asked for.
        expected: usize,
        /// How many points there are.
        actual: usize,
    },
    /// A level asks for more neighbours than the level that it looks at has points.
    #[error("level {level}: {expected} nearest neighbours are asked for, there are {actual} points")]
    LevelNeighbours {
        /// Which level, counted from 1.
        level: usize,
        /// How many neighbours it asks for.
        expected: usize,
        /// How many points there are to choose from.
        actual: usize,
    },
    /// A density's variance is not a positive number, or so large, or so small against its radius, that
    /// a density would be 0.
    #[error(
        "level {level}: expected a density variance between a hundredth of the squared radius and 1e6 m², got {actual}"
    )]
    Variance {
        /// Which level, counted from 1.
        level: usize,
        /// What came.
        actual: f64,
    },
    /// A ball radius that is no radius.
    #[error("level {level}: expected a ball radius above 1e-20 m, got {actual}")]
    Radius {
        /// Which level, counted from 1.
        level: usize,
        /// What came.
        actual: f32,
    },
    /// A number of neighbour slots outside what a plan may hold.
    #[error("level {level}: expected 1 to {maximum} neighbour slots, got {actual}")]
    Slots {
        /// Which level, counted from 1.
        level: usize,
        /// The most slots that a level may have.
        maximum: usize,
        /// What came.
        actual: usize,
    },
}
