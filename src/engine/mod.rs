//! Engines: what turns a block's features and geometry plan into logits and embeddings.

mod instance_fusion;

pub use instance_fusion::{InstanceFusion, nearest_plain};

use crate::geometry::GeometryPlan;

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

/// Why an engine could not run a block.
#[derive(Debug, thiserror::Error)]
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
    /// The engine itself failed.
    #[error("engine {engine}: {reason}")]
    Failed {
        /// Name of the engine.
        engine: &'static str,
        /// What it said.
        reason: String,
    },
}

/// A network ready to run on one thread.
pub trait Engine: Send {
    /// Short name for reports, for example `tract`.
    fn name(&self) -> &'static str;

    /// Runs one block. `prediction` is overwritten and its buffers are reused.
    fn run(&mut self, block: BlockInput<'_>, prediction: &mut Prediction) -> Result<(), EngineError>;
}
