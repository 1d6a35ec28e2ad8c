//! What can go wrong between frames.

/// Why a transform was refused or is not known.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TransformError {
    /// A frame name is empty or too long.
    #[error("frame name of {actual} bytes: expected 1 to {maximum}")]
    FrameName {
        /// Its length without the leading slash.
        actual: usize,
        /// The longest allowed.
        maximum: usize,
    },
    /// The buffer is full of frames.
    #[error("frame {frame}: the buffer already holds its maximum of {maximum} frames")]
    TooManyFrames {
        /// The frame that found no place.
        frame: String,
        /// The limit.
        maximum: usize,
    },
    /// A pose with NaN or infinity.
    #[error("transform {parent} -> {child}: {what} is not finite")]
    NotFinite {
        /// Parent frame.
        parent: String,
        /// Child frame.
        child: String,
        /// `translation` or `rotation`.
        what: &'static str,
    },
    /// A quaternion too short to have a direction.
    #[error("transform {parent} -> {child}: expected a quaternion of length 1, found length {norm}")]
    ZeroQuaternion {
        /// Parent frame.
        parent: String,
        /// Child frame.
        child: String,
        /// Its length.
        norm: f64,
    },
    /// The transform would make a frame its own ancestor.
    #[error("transform {parent} -> {child}: {child} is already above {parent}, this would close a circle")]
    Cycle {
        /// Parent frame.
        parent: String,
        /// Child frame.
        child: String,
    },
    /// A frame that no transform has named.
    #[error("frame {frame} is unknown")]
    UnknownFrame {
        /// The frame.
        frame: String,
    },
    /// Two frames of different trees.
    #[error("frames {target} and {source_frame} are not connected: their trees end at {target_root} and {source_root}")]
    NotConnected {
        /// The frame asked for.
        target: String,
        /// The frame that the data is in.
        source_frame: String,
        /// Root above the target.
        target_root: String,
        /// Root above the source.
        source_root: String,
    },
    /// The stamp is before the oldest pose of an edge.
    #[error("transform {parent} -> {child} at {stamp} ns: {} s before the oldest known", seconds(*by))]
    BeforeOldest {
        /// Parent frame.
        parent: String,
        /// Child frame.
        child: String,
        /// The stamp asked for, nanoseconds.
        stamp: i64,
        /// By how much, nanoseconds.
        by: i64,
    },
    /// The stamp is after the newest pose of an edge.
    #[error("transform {parent} -> {child} at {stamp} ns: {} s after the newest known", seconds(*by))]
    AfterNewest {
        /// Parent frame.
        parent: String,
        /// Child frame.
        child: String,
        /// The stamp asked for, nanoseconds.
        stamp: i64,
        /// By how much, nanoseconds.
        by: i64,
    },
}

impl TransformError {
    /// In a word why data has no transform, to count by: `late` where it has not come up to the stamp, `future` where all
    /// that are known are of later, `missing` where frames are unknown or not connected.
    pub fn gap(&self) -> &'static str {
        match self {
            Self::AfterNewest { .. } => "late",
            Self::BeforeOldest { .. } => "future",
            _ => "missing",
        }
    }
}

fn seconds(nanoseconds: i64) -> f64 {
    nanoseconds as f64 * 1e-9
}
