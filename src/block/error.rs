//! What can go wrong between a cloud and its blocks.

use super::WindowKey;

/// Why no block could be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BlockError {
    /// A window size, stride or point count that cannot be meant.
    #[error("windowing: `{field}` must be {expected}, but is {actual}")]
    Windowing {
        /// Name of the field of [`super::Windowing`].
        field: &'static str,
        /// What is accepted.
        expected: &'static str,
        /// What was given.
        actual: f64,
    },
    /// No points at all, where the reference needs some.
    #[error("the room has no points")]
    EmptyRoom,
    /// More points than a 32-bit index can name.
    #[error("expected at most {maximum} points, but the cloud has {points}")]
    TooManyPoints {
        /// Points in the cloud.
        points: usize,
        /// Most that an index can name.
        maximum: usize,
    },
    /// A coordinate that is not a number or infinite, where the reference needs finite ones.
    #[error("expected finite coordinates, but point {index} of the room is at {position:?}")]
    NonFinite {
        /// Index of the first such point.
        index: usize,
        /// Its coordinates.
        position: [f32; 3],
    },
    /// A room so wide that listing its windows would exhaust memory.
    #[error("the room reaches to x = {limit_x} m, y = {limit_y} m: more than {maximum} windows")]
    TooManyWindows {
        /// Largest x of the room.
        limit_x: f64,
        /// Largest y of the room.
        limit_y: f64,
        /// Most windows that are listed.
        maximum: usize,
    },
    /// A room too small or too sparse for the reference's rules (its script stops with "need at
    /// least one array to concatenate").
    #[error(
        "no window of the room holds {minimum_points} points or more ({windows} windows, the fullest holds {fullest}); \
         the reference protocol cannot score it"
    )]
    NoWindow {
        /// Windows that were looked at.
        windows: usize,
        /// Points in the fullest of them.
        fullest: usize,
        /// Points that a window needs.
        minimum_points: usize,
    },
    /// No point to sample from.
    #[error("window ({}, {}) has no points to sample from", key.x, key.y)]
    NoCandidate {
        /// The window.
        key: WindowKey,
    },
    /// An index that is not in the cloud.
    #[error("index {index} is beyond the {points} points of the cloud")]
    Index {
        /// The index.
        index: u32,
        /// Points in the cloud.
        points: usize,
    },
    /// The colour column is not as long as the positions.
    #[error("expected {points} colours, one per point, but there are {colours}")]
    ColourLength {
        /// Points in the cloud.
        points: usize,
        /// Colours in the cloud.
        colours: usize,
    },
}
