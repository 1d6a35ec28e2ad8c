//! The native engine: a network as fused tiles of rows on the processor's vector units.
//!
//! Compiled from the layer list, for every architecture alike: nothing here knows a network by name. Gathered
//! rows, their perceptron and the maximum over them never leave the cache; what does are matrices of one row per
//! point (`design/inference.md`).
//!
//! ```text
//!  Architecture + Parameters ─► compile ─► Program ─┐
//!                        Layout (which buffer) ─────┼─► run: tile by tile, through the Kernels of the
//!                        Memory (one per thread) ───┘         instruction set
//! ```
//! fp32 results have the same bits on every instruction set and however many threads there are (see `kernels`).
//! After [`NativeEngine::new`] nothing is allocated per block, once the embedding search has seen one.

mod compile;
mod kernels;
mod memory;
mod program;
mod run;

use std::sync::Arc;

use self::kernels::Kernels;
use self::memory::{Layout, Memory};
use self::program::Program;
use self::run::Run;
use super::{BlockInput, Engine, EngineError, Prediction};
use crate::instruction_set::InstructionSet;
use crate::network::{Architecture, Model, Parameters, check_fit, finite};

const NAME: &str = "native";

/// A model on the native engine, for one thread. [`NativeEngine::fork`] makes another for the next thread.
pub struct NativeEngine {
    loaded: Arc<Loaded>,
    memory: Memory,
}

/// What threads share.
struct Loaded {
    architecture: Architecture,
    program: Program,
    layout: Layout,
    kernels: &'static Kernels,
}

impl NativeEngine {
    /// Compiles a model for the best instruction set ([`InstructionSet::best`]).
    ///
    /// # Errors
    /// [`EngineError::Failed`] where the model's parameters cannot be read.
    pub fn new(model: &Model) -> Result<Self, EngineError> {
        let parameters = model.parameters().map_err(|error| failed(&error))?;
        Self::with_parameters(model.architecture(), &parameters, InstructionSet::best())
    }

    /// Compiles a network for an instruction set; the plain one where the processor lacks it.
    ///
    /// # Errors
    /// [`EngineError::Failed`] where the parameters are those of another architecture.
    pub fn with_parameters(
        architecture: &Architecture,
        parameters: &Parameters,
        set: InstructionSet,
    ) -> Result<Self, EngineError> {
        let kernels = Kernels::of(set);
        let program = compile::compile(architecture, parameters, kernels.panel()).map_err(|error| failed(&error))?;
        let layout = Layout::of(&program);
        let loaded = Loaded { architecture: architecture.clone(), program, layout, kernels };
        Ok(Self::of(Arc::new(loaded)))
    }

    /// Another engine on the same weights, with memory of its own.
    pub fn fork(&self) -> Self {
        Self::of(Arc::clone(&self.loaded))
    }

    /// The instruction set that it runs on.
    pub fn instruction_set(&self) -> InstructionSet {
        self.loaded.kernels.instruction_set()
    }

    fn of(loaded: Arc<Loaded>) -> Self {
        let memory = Memory::new(&loaded.program, &loaded.layout, loaded.architecture.levels());
        Self { loaded, memory }
    }
}

fn failed(error: &dyn std::error::Error) -> EngineError {
    EngineError::Failed { engine: NAME, reason: error.to_string() }
}

impl Engine for NativeEngine {
    fn name(&self) -> &'static str {
        NAME
    }

    fn run(&mut self, block: BlockInput<'_>, prediction: &mut Prediction) -> Result<(), EngineError> {
        let Loaded { architecture, program, layout, kernels } = &*self.loaded;
        check_fit(architecture, block.features, block.plan)?;
        let run = Run { program, layout, kernels, block, feature_columns: architecture.feature_columns() };
        run.run(&mut self.memory)?;
        for ((what, (value, channels)), values) in [("embeddings", program.embeddings), ("logits", program.logits)]
            .into_iter()
            .zip([&mut prediction.embeddings, &mut prediction.logits])
        {
            run.compact(value, channels, &self.memory.buffers, values);
            finite(what, values)?;
        }
        Ok(())
    }
}
