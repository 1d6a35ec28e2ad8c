//! Which engine runs a model, and which ones take over when it cannot.

use serde::{Deserialize, Serialize};

use super::{Engine, EngineChain, EngineError, PlainEngine, TractEngine};
use crate::network::Model;

/// An engine by its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum EngineKind {
    /// ONNX parts on tract.
    #[default]
    Tract,
    /// The plain forward pass: slow, and what the others are held against.
    Plain,
}

/// One engine that is the same for every thread but for its buffers.
type Fork = Box<dyn Fn() -> Result<Box<dyn Engine>, EngineError>>;

impl EngineKind {
    /// This engine, and those that take over from it, in order.
    pub fn preference(self) -> &'static [EngineKind] {
        match self {
            Self::Tract => &[Self::Tract],
            Self::Plain => &[Self::Plain],
        }
    }

    /// A chain of engines for each of `threads` threads (0: one per core). Each engine is loaded once;
    /// every thread gets its own state of it.
    ///
    /// # Errors
    /// When no engine takes the model: what the last one said. One that refuses while another does not
    /// is left out, and a warning says why.
    pub fn chains(self, model: &Model, threads: usize) -> Result<Vec<EngineChain>, EngineError> {
        let mut forks = Vec::new();
        let mut refusal = None;
        for &kind in self.preference() {
            match kind.load(model) {
                Ok(fork) => forks.push(fork),
                Err(reason) => {
                    log::warn!("engine {kind:?} is left out: {reason}");
                    refusal = Some(reason);
                }
            }
        }
        let Some((first, next)) = forks.split_first() else {
            let none = || EngineError::Failed { engine: "none", reason: "there is no engine".to_owned() };
            return Err(refusal.unwrap_or_else(none));
        };
        let chain = |_| Ok(EngineChain::new(first()?, next.iter().map(|fork| fork()).collect::<Result<_, _>>()?));
        (0..thread_count(threads)).map(chain).collect()
    }

    /// This engine alone, for each of `threads` threads (0: one per core).
    ///
    /// # Errors
    /// When the engine does not take the model.
    pub fn engines(self, model: &Model, threads: usize) -> Result<Vec<Box<dyn Engine>>, EngineError> {
        let fork = self.load(model)?;
        (0..thread_count(threads)).map(|_| fork()).collect()
    }

    fn load(self, model: &Model) -> Result<Fork, EngineError> {
        match self {
            Self::Tract => {
                let engine = TractEngine::new(model)?;
                Ok(Box::new(move || Ok(Box::new(engine.fork()?) as Box<dyn Engine>)))
            }
            Self::Plain => {
                let refuse = |reason: String| EngineError::Failed { engine: "plain", reason };
                let parameters = model.parameters().map_err(|error| refuse(error.to_string()))?;
                let engine = PlainEngine::new(model.architecture().clone(), parameters);
                Ok(Box::new(move || Ok(Box::new(engine.clone()) as Box<dyn Engine>)))
            }
        }
    }
}

/// As many threads as asked for; for 0 one per core.
pub fn thread_count(threads: usize) -> usize {
    match threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    }
}
