//! Engines: what turns a block's features and geometry plan into logits and embeddings.

mod chain;
#[cfg(test)]
mod conformance;
mod instance_fusion;
mod kind;
mod native;
mod part_inputs;
mod plain;
#[cfg(test)]
mod properties;
mod standby;
#[cfg(feature = "tract")]
mod tract;

pub(crate) use chain::words;
pub use chain::{EngineChain, EngineFallback};
pub use instance_fusion::{InstanceFusion, nearest_plain};
pub use kind::{EngineKind, thread_count};
pub use native::NativeEngine;
pub(crate) use part_inputs::{write_indices, write_numbers};
pub use plain::PlainEngine;
#[cfg(feature = "tract")]
pub use tract::TractEngine;

use crate::geometry::GeometryPlan;
use crate::network::Misfit;

/// One block, ready for a network.
#[derive(Clone, Copy, Debug)]
pub struct BlockInput<'a> {
    /// `points × 9` features, point-major (`network.md` §0: block-centred x, y; z; r, g, b in
    /// 0..=1; room-normalised x, y, z).
    pub features: &'a [f32],
    /// The block's neighbourhoods.
    pub plan: &'a GeometryPlan,
}

/// What a network says of one block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prediction {
    /// `points × classes` semantic logits, point-major.
    pub logits: Vec<f32>,
    /// `points × embedding size` instance embeddings, point-major.
    pub embeddings: Vec<f32>,
}

impl Prediction {
    /// Whether every value is a number.
    pub fn is_finite(&self) -> bool {
        self.logits.iter().chain(&self.embeddings).all(|value| value.is_finite())
    }
}

/// Why an engine could not run a block.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The block does not fit the model.
    #[error("{what}: the model expects {expected}, the block has {actual}")]
    Shape {
        /// Which quantity does not fit.
        what: &'static str,
        /// What the model was made for.
        expected: usize,
        /// What came.
        actual: usize,
    },
    /// An index of the geometry plan points outside its level.
    #[error("{what} of level {level}: entry {position} is {actual}, the level has {limit} points")]
    Index {
        /// Which list.
        what: &'static str,
        /// Of which level.
        level: usize,
        /// Where in the list.
        position: usize,
        /// The index.
        actual: u32,
        /// Points of the level that it points into.
        limit: usize,
    },
    /// A value that goes in or comes out is NaN or infinite.
    #[error("{what}: value {position} is {actual}, not a finite number")]
    NotFinite {
        /// Which values.
        what: &'static str,
        /// Position of the first such value.
        position: usize,
        /// The value.
        actual: f32,
    },
    /// The engine itself failed.
    #[error("engine {engine}: {reason}")]
    Failed {
        /// Name of the engine.
        engine: &'static str,
        /// What it said.
        reason: String,
    },
    /// The engine panicked.
    #[error("engine {engine} panicked: {reason}")]
    Panicked {
        /// Name of the engine.
        engine: &'static str,
        /// What it said.
        reason: String,
    },
}

impl EngineError {
    /// Whether the engine is to blame, and not the block that it was given.
    pub fn is_of_engine(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Panicked { .. })
    }
}

impl From<Misfit> for EngineError {
    fn from(misfit: Misfit) -> Self {
        match misfit {
            Misfit::Shape { what, expected, actual } => Self::Shape { what, expected, actual },
            Misfit::Index { what, level, position, actual, limit } => {
                Self::Index { what, level, position, actual, limit }
            }
            Misfit::NotFinite { what, position, actual } => Self::NotFinite { what, position, actual },
        }
    }
}

/// A network ready to run on one thread.
///
/// # Contract
/// - The block is checked before it is run: lengths, indices, NaN. What fits is answered; what does not
///   is an [`EngineError`], never a panic.
/// - Logits and embeddings that come out are finite. (They mean nothing where features are so large that
///   the arithmetic overflows: a ReLU may turn the overflow into a zero.)
/// - The same block gives the same bits, whatever was run before.
pub trait Engine: Send {
    /// Short name for reports, for example `tract`.
    fn name(&self) -> &'static str;

    /// Runs one block. `prediction` is overwritten and its buffers are reused.
    fn run(&mut self, block: BlockInput<'_>, prediction: &mut Prediction) -> Result<(), EngineError>;
}
