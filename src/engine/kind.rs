//! Which engine runs a model, and which ones take over when it cannot.

use std::fmt;

use serde::{Deserialize, Serialize};

#[cfg(feature = "tract")]
use super::TractEngine;
use super::standby::Standby;
use super::{Engine, EngineChain, EngineError, NativeEngine, PlainEngine};
use crate::network::Model;

/// An engine by its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum EngineKind {
    /// Fused tiles on the processor's vector units.
    #[default]
    Native,
    /// ONNX parts on tract (cargo feature `tract`, on by default).
    Tract,
    /// The plain forward pass: slow, and what the others are held against.
    Plain,
}

/// One engine that is the same for every thread but for its buffers.
pub(super) type Fork = Box<dyn Fn() -> Result<Box<dyn Engine>, EngineError> + Send>;

impl EngineKind {
    /// This engine, and those that take over from it, in order.
    pub fn preference(self) -> &'static [EngineKind] {
        match self {
            Self::Native if cfg!(feature = "tract") => &[Self::Native, Self::Tract],
            Self::Native => &[Self::Native],
            Self::Tract => &[Self::Tract],
            Self::Plain => &[Self::Plain],
        }
    }

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Tract => "tract",
            Self::Plain => "plain",
        }
    }

    /// A chain of engines for each of `threads` threads (0: one per core). The first one that takes the model is
    /// loaded, once for all threads; those behind it are loaded when they have to take over.
    ///
    /// # Errors
    /// When no engine takes the model: what the last one said. Of one that refuses while another does not a warning
    /// says why.
    pub fn chains(self, model: &Model, threads: usize) -> Result<Vec<EngineChain>, EngineError> {
        let mut refusal = EngineError::Failed { engine: "none", reason: "there is no engine".to_owned() };
        let mut kinds = self.preference().iter();
        while let Some(&kind) = kinds.next() {
            match kind.load(model) {
                Ok(first) => {
                    let standby: Vec<Standby> = kinds.map(|&next| Standby::new(next, model)).collect();
                    let behind = || standby.iter().map(|next| Box::new(next.fork()) as Box<dyn Engine>).collect();
                    return (0..thread_count(threads)).map(|_| Ok(EngineChain::new(first()?, behind()))).collect();
                }
                Err(reason) => {
                    log::warn!("engine {kind} is left out: {reason}");
                    refusal = reason;
                }
            }
        }
        Err(refusal)
    }

    /// This engine alone, for each of `threads` threads (0: one per core).
    ///
    /// # Errors
    /// When the engine does not take the model.
    pub fn engines(self, model: &Model, threads: usize) -> Result<Vec<Box<dyn Engine>>, EngineError> {
        let fork = self.load(model)?;
        (0..thread_count(threads)).map(|_| fork()).collect()
    }

    pub(super) fn load(self, model: &Model) -> Result<Fork, EngineError> {
        match self {
            Self::Native => {
                let engine = NativeEngine::new(model)?;
                Ok(Box::new(move || Ok(Box::new(engine.fork()) as Box<dyn Engine>)))
            }
            #[cfg(not(feature = "tract"))]
            Self::Tract => {
                let reason = "this program was built without it (cargo feature `tract`)".to_owned();
                Err(EngineError::Failed { engine: "tract", reason })
            }
            #[cfg(feature = "tract")]
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

impl fmt::Display for EngineKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// As many threads as asked for; for 0 one per core.
pub fn thread_count(threads: usize) -> usize {
    match threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    }
}
