//! The plain forward pass behind the trait: slow, obvious, and what other engines are held against.

use super::{BlockInput, Engine, EngineError, Prediction};
use crate::network::plain::{ForwardError, forward};
use crate::network::{Architecture, Parameters, finite};

/// Runs [`crate::network::plain`] as an engine.
#[derive(Clone, Debug)]
pub struct PlainEngine {
    architecture: Architecture,
    parameters: Parameters,
}

impl PlainEngine {
    /// An engine for a network.
    pub fn new(architecture: Architecture, parameters: Parameters) -> Self {
        Self { architecture, parameters }
    }
}

impl From<ForwardError> for EngineError {
    fn from(error: ForwardError) -> Self {
        match error {
            ForwardError::Block(misfit) => misfit.into(),
            other => Self::Failed { engine: "plain", reason: other.to_string() },
        }
    }
}

impl Engine for PlainEngine {
    fn name(&self) -> &'static str {
        "plain"
    }

    fn run(&mut self, block: BlockInput<'_>, prediction: &mut Prediction) -> Result<(), EngineError> {
        let mut layers = forward(&self.architecture, &self.parameters, block.features, block.plan)?;
        let mut take = |index: usize| {
            let scope = &self.architecture.layers()[index].scope;
            layers.remove(scope).map(|matrix| matrix.values).unwrap_or_default()
        };
        let (logits, embeddings) = (take(self.architecture.logits()), take(self.architecture.embeddings()));
        finite("embeddings", &embeddings)?;
        finite("logits", &logits)?;
        *prediction = Prediction { logits, embeddings };
        Ok(())
    }
}
