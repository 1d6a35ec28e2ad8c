//! Why a pipeline could not be built, and why a block has no labels.

use crate::block::BlockError;
use crate::engine::EngineError;
use crate::geometry::GeometryError;
use crate::grouping::{LiveMergeError, MeanShiftError};
use crate::network::FeatureColumn;

/// Why a pipeline could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// Window sizes of the model that cannot be meant.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// The model reads columns that a window of a map does not have.
    #[error("the model reads {actual:?}; blocks of a room or a map have {:?}", FeatureColumn::REFERENCE)]
    Columns {
        /// The model's columns.
        actual: Vec<FeatureColumn>,
    },
    /// The engine does not take the model.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The model's bandwidth cannot be meant.
    #[error(transparent)]
    Grouping(#[from] MeanShiftError),
    /// The threads could not be started.
    #[error("starting {threads} threads: {reason}")]
    Threads {
        /// How many.
        threads: usize,
        /// What the system said.
        reason: String,
    },
}

/// Why one block has no labels.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlockFailure {
    /// It could not be sampled.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// Its geometry plan could not be made.
    #[error(transparent)]
    Geometry(#[from] GeometryError),
    /// The network did not run.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The network's answer is no number.
    #[error("the network's answer has NaN or infinite values")]
    NotFinite,
    /// The embeddings could not be grouped.
    #[error(transparent)]
    Grouping(#[from] MeanShiftError),
    /// The clusters do not fit the map.
    #[error(transparent)]
    Merging(#[from] LiveMergeError),
    /// A stage other than the network panicked.
    #[error("a stage of the block panicked: {reason}")]
    Panicked {
        /// What it said.
        reason: String,
    },
}

impl BlockFailure {
    /// Whether the network answered, but with something that is no number.
    pub fn is_not_finite(&self) -> bool {
        matches!(self, Self::NotFinite | Self::Engine(EngineError::NotFinite { .. }))
    }
}
