//! An engine that is loaded when it is first needed.
//!
//! What takes over when another engine fails hardly ever runs: loading it beforehand would cost every start a second
//! and every robot its memory. The block that needs it waits for it; a live frame does not wait for its blocks.

use std::sync::{Arc, Mutex, PoisonError};

use super::kind::Fork;
use super::{BlockInput, Engine, EngineError, EngineKind, Prediction};
use crate::network::Model;

/// An engine for one thread, not loaded yet.
pub(super) struct Standby {
    shared: Arc<Shared>,
    engine: Option<Box<dyn Engine>>,
}

/// What threads share.
struct Shared {
    kind: EngineKind,
    model: Model,
    /// Loaded by the thread that needs it first.
    loaded: Mutex<Option<Fork>>,
}

impl Standby {
    /// An engine of this kind for a model.
    pub fn new(kind: EngineKind, model: &Model) -> Self {
        let shared = Shared { kind, model: model.clone(), loaded: Mutex::new(None) };
        Self { shared: Arc::new(shared), engine: None }
    }

    /// The same for another thread.
    pub fn fork(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), engine: None }
    }
}

impl Shared {
    fn engine(&self) -> Result<Box<dyn Engine>, EngineError> {
        // A loading that panicked left nothing behind.
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        match &*loaded {
            Some(fork) => fork(),
            None => loaded.insert(self.kind.load(&self.model)?)(),
        }
    }
}

impl Engine for Standby {
    fn name(&self) -> &'static str {
        self.shared.kind.name()
    }

    fn run(&mut self, block: BlockInput<'_>, prediction: &mut Prediction) -> Result<(), EngineError> {
        match &mut self.engine {
            Some(engine) => engine.run(block, prediction),
            none => none.insert(self.shared.engine()?).run(block, prediction),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::{block, small};
    use super::*;
    use crate::network::{ModelMetadata, write_model};

    #[test]
    fn a_standby_answers_as_the_engine_itself() {
        let architecture = small("asis-pointnet2", 9);
        let case = block(&architecture, "spread");
        let place = tempfile::tempdir().unwrap();
        let metadata =
            ModelMetadata { classes: ModelMetadata::s3dis().classes[..7].to_vec(), ..ModelMetadata::s3dis() };
        let model = write_model(&place.path().join("m"), &architecture, &case.parameters, &metadata).unwrap();
        let input = BlockInput { features: &case.features, plan: &case.plan };
        let (mut expected, mut actual) = (Prediction::default(), Prediction::default());
        EngineKind::Plain.engines(&model, 1).unwrap()[0].run(input, &mut expected).unwrap();
        let standby = Standby::new(EngineKind::Plain, &model);
        for mut engine in [standby.fork(), standby.fork()] {
            assert_eq!(engine.name(), "plain");
            engine.run(input, &mut actual).unwrap();
            assert_eq!(actual, expected);
        }
    }
}
