//! The portable engine: ONNX parts run by tract, pure Rust, on any processor.
//!
//! The body and the head are tract plans with every shape fixed; between them the instance fusion is
//! searched by [`InstanceFusion`]. Input tensors are kept and refilled. tract allocates the values
//! between its nodes itself, so this engine is not free of allocation; the native one will be.

use std::sync::Arc;

use tract_onnx::prelude::{
    Datum, Framework, InferenceModelExt, IntoRunnable, TValue, TVec, Tensor, TractResult, TypedSimplePlan,
    TypedSimpleState,
};

use super::part_inputs::{write_indices, write_numbers};
use super::{BlockInput, Engine, EngineError, InstanceFusion, Prediction};
use crate::network::onnx::{InputKind, NetworkInput, Parts, ValueType, interface};
use crate::network::{Architecture, Fusion, Model, PartRole, check_fit, finite};

const NAME: &str = "tract";

/// A model on tract, for one thread. [`TractEngine::fork`] makes another for the next thread.
pub struct TractEngine {
    architecture: Arc<Architecture>,
    body: Part,
    head: Option<Head>,
}

struct Head {
    part: Part,
    settings: Fusion,
    search: InstanceFusion,
    fused: Vec<f32>,
}

/// One ONNX part with its input tensors.
struct Part {
    plan: Arc<TypedSimplePlan>,
    state: TypedSimpleState,
    declared: Vec<NetworkInput>,
    inputs: Vec<Arc<Tensor>>,
}

fn failed(context: &str) -> impl Fn(anyhow::Error) -> EngineError {
    move |error| EngineError::Failed { engine: NAME, reason: format!("{context}: {error:#}") }
}

impl TractEngine {
    /// Loads and optimises the parts of a model (about a second).
    ///
    /// # Errors
    /// [`EngineError::Failed`] with tract's words where it cannot run a part.
    pub fn new(model: &Model) -> Result<Self, EngineError> {
        Self::build(model.architecture(), model.part(PartRole::Body), model.part(PartRole::Head))
    }

    /// As [`TractEngine::new`], from parts that were exported and not yet written.
    ///
    /// # Errors
    /// As [`TractEngine::new`].
    pub fn from_parts(architecture: &Architecture, parts: &Parts) -> Result<Self, EngineError> {
        Self::build(architecture, Some(&parts.body), parts.head.as_deref())
    }

    fn build(architecture: &Architecture, body: Option<&[u8]>, head: Option<&[u8]>) -> Result<Self, EngineError> {
        let load = |role: PartRole, bytes: Option<&[u8]>| match (bytes, interface(architecture, role)) {
            (Some(bytes), Some(interface)) => Part::load(bytes, interface.inputs).map_err(failed(&role.to_string())),
            _ => Err(EngineError::Failed { engine: NAME, reason: format!("the model has no {role}") }),
        };
        let head = match Fusion::of(architecture) {
            Some(settings) => {
                let part = load(PartRole::Head, head)?;
                Some(Head { part, settings, search: InstanceFusion::default(), fused: Vec::new() })
            }
            None => None,
        };
        Ok(Self { architecture: Arc::new(architecture.clone()), body: load(PartRole::Body, body)?, head })
    }

    /// Another engine on the same loaded model, for another thread: shares the weights, has its own
    /// buffers.
    ///
    /// # Errors
    /// As [`TractEngine::new`].
    pub fn fork(&self) -> Result<Self, EngineError> {
        let head = match &self.head {
            Some(head) => {
                let part = head.part.fork().map_err(failed("head"))?;
                let (search, fused) = (InstanceFusion::default(), Vec::new());
                Some(Head { part, settings: head.settings, search, fused })
            }
            None => None,
        };
        let body = self.body.fork().map_err(failed("body"))?;
        Ok(Self { architecture: Arc::clone(&self.architecture), body, head })
    }
}

impl Engine for TractEngine {
    fn name(&self) -> &'static str {
        NAME
    }

    fn run(&mut self, block: BlockInput<'_>, prediction: &mut Prediction) -> Result<(), EngineError> {
        check_fit(&self.architecture, block.features, block.plan)?;
        let body = failed("body");
        self.body.fill(block).map_err(&body)?;
        let outputs = self.body.run().map_err(&body)?;
        let [embeddings, second] = outputs.as_slice() else {
            return Err(body(anyhow::anyhow!("expected 2 outputs, found {}", outputs.len())));
        };
        let embeddings = floats(embeddings).map_err(&body)?;
        finite("embeddings", embeddings)?;
        let second = floats(second).map_err(&body)?;
        match &mut self.head {
            None => store("logits", second, &mut prediction.logits)?,
            Some(head) => {
                finite("fusion features", second)?;
                let embedding_size = self.architecture.embedding_size();
                let channels = second.len() / self.architecture.points();
                let Fusion { neighbours, radius } = head.settings;
                head.fused.resize(second.len(), 0.0);
                head.search.fuse(embeddings, embedding_size, second, channels, neighbours, radius, &mut head.fused)?;
                let context = failed("head");
                head.part
                    .fill_with(|_, _| Ok(()), |_, values| values.copy_from_slice(&head.fused))
                    .map_err(&context)?;
                let outputs = head.part.run().map_err(&context)?;
                store("logits", floats(&outputs[0]).map_err(&context)?, &mut prediction.logits)?;
            }
        }
        store("embeddings", embeddings, &mut prediction.embeddings)
    }
}

fn store(what: &'static str, values: &[f32], buffer: &mut Vec<f32>) -> Result<(), EngineError> {
    finite(what, values)?;
    buffer.clear();
    buffer.extend_from_slice(values);
    Ok(())
}

fn floats(value: &TValue) -> TractResult<&[f32]> {
    value.try_as_plain_ram()?.as_slice::<f32>()
}

impl Part {
    fn load(bytes: &[u8], declared: Vec<NetworkInput>) -> TractResult<Self> {
        let plan = tract_onnx::onnx().model_for_read(&mut &bytes[..])?.into_optimized()?.into_runnable()?;
        Self::new(plan, declared)
    }

    fn new(plan: Arc<TypedSimplePlan>, declared: Vec<NetworkInput>) -> TractResult<Self> {
        let empty = |input: &NetworkInput| -> TractResult<Arc<Tensor>> {
            let data_type = match input.value_type {
                ValueType::Float => f32::datum_type(),
                ValueType::Index => i32::datum_type(),
            };
            Ok(Arc::new(Tensor::zero_dt(data_type, &input.shape)?))
        };
        let inputs = declared.iter().map(empty).collect::<TractResult<_>>()?;
        Ok(Self { state: plan.spawn()?, plan, declared, inputs })
    }

    fn fork(&self) -> TractResult<Self> {
        Self::new(Arc::clone(&self.plan), self.declared.clone())
    }

    /// Fills every input, indices by one function and numbers by the other.
    fn fill_with(
        &mut self,
        mut indices: impl FnMut(InputKind, &mut [i32]) -> TractResult<()>,
        mut numbers: impl FnMut(InputKind, &mut [f32]),
    ) -> TractResult<()> {
        for (declared, tensor) in self.declared.iter().zip(&mut self.inputs) {
            if Arc::get_mut(tensor).is_none() {
                // tract still holds it (a run that failed half-way): leave that one to tract.
                *tensor = Arc::new(Tensor::zero_dt(tensor.datum_type(), &declared.shape)?);
            }
            let Some(tensor) = Arc::get_mut(tensor) else { continue };
            let mut view = tensor.try_as_plain_ram_mut()?;
            match declared.value_type {
                ValueType::Float => numbers(declared.kind, view.as_slice_mut::<f32>()?),
                ValueType::Index => indices(declared.kind, view.as_slice_mut::<i32>()?)?,
            }
        }
        Ok(())
    }

    /// Fills the body's inputs from a block that was checked.
    fn fill(&mut self, block: BlockInput<'_>) -> TractResult<()> {
        self.fill_with(
            |kind, values| {
                write_indices(block.plan, kind, values);
                Ok(())
            },
            |kind, values| write_numbers(block, kind, values),
        )
    }

    fn run(&mut self) -> TractResult<TVec<TValue>> {
        let inputs = self.inputs.iter().map(|tensor| TValue::from_const(Arc::clone(tensor))).collect();
        let result = self.state.run(inputs);
        if result.is_err() {
            self.state.reset_turn()?;
        }
        result
    }
}
