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
mod integer;
mod kernels;
mod memory;
mod program;
mod run;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::compile::{Sources, compile};
use self::integer::IntegerKernels;
use self::kernels::Kernels;
use self::memory::{Layout, Memory};
use self::program::Program;
use self::run::Run;
use super::{BlockInput, Engine, EngineError, Prediction};
use crate::instruction_set::InstructionSet;
use crate::network::onnx::{IntegerKernel, Parts, integer_kernels, read_parameters};
use crate::network::{Architecture, Model, Parameters, PartRole, check_fit, finite};

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
    integer_kernels: &'static IntegerKernels,
}

impl NativeEngine {
    /// Compiles a model for the best instruction set ([`InstructionSet::best`]).
    ///
    /// # Errors
    /// [`EngineError::Failed`] where the model's parameters cannot be read.
    pub fn new(model: &Model) -> Result<Self, EngineError> {
        Self::on(model, InstructionSet::best())
    }

    /// As [`NativeEngine::new`], for an instruction set; the plain one where the processor lacks it.
    ///
    /// # Errors
    /// As [`NativeEngine::new`].
    pub fn on(model: &Model, set: InstructionSet) -> Result<Self, EngineError> {
        Self::read(model.architecture(), &model.parts().collect::<Vec<_>>(), set)
    }

    /// As [`NativeEngine::on`], from parts that were exported and not yet written.
    ///
    /// # Errors
    /// As [`NativeEngine::new`].
    pub fn from_parts(architecture: &Architecture, parts: &Parts, set: InstructionSet) -> Result<Self, EngineError> {
        let head = parts.head.as_deref().map(|head| (PartRole::Head, head));
        let parts: Vec<_> = std::iter::once((PartRole::Body, parts.body.as_slice())).chain(head).collect();
        Self::read(architecture, &parts, set)
    }

    fn read(
        architecture: &Architecture,
        parts: &[(PartRole, &[u8])],
        set: InstructionSet,
    ) -> Result<Self, EngineError> {
        let parameters = read_parameters(architecture, parts).map_err(|error| failed(&error))?;
        let integers = integer_kernels(parts).map_err(|error| failed(&error))?;
        Self::compile(architecture, &parameters, &integers, set)
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
        Self::compile(architecture, parameters, &BTreeMap::new(), set)
    }

    fn compile(
        architecture: &Architecture,
        parameters: &Parameters,
        integers: &BTreeMap<String, IntegerKernel>,
        set: InstructionSet,
    ) -> Result<Self, EngineError> {
        let (kernels, integer_kernels) = (Kernels::of(set), IntegerKernels::of(set));
        let sources = Sources { architecture, parameters, integers, kernels, integer_kernels };
        let program = compile(sources).map_err(|error| failed(&error))?;
        let layout = Layout::of(&program);
        let loaded = Loaded { architecture: architecture.clone(), program, layout, kernels, integer_kernels };
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
        let Loaded { program, layout, architecture, kernels, .. } = &*loaded;
        let memory = Memory::new(program, layout, architecture.levels(), kernels.instruction_set());
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
        let Loaded { architecture, program, layout, kernels, integer_kernels } = &*self.loaded;
        check_fit(architecture, block.features, block.plan)?;
        let feature_columns = architecture.feature_columns();
        let run = Run { program, layout, kernels, integer_kernels, block, feature_columns };
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
