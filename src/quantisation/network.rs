//! A whole network in graphs: body, instance fusion, head.

use std::collections::BTreeMap;

use super::graph::Graph;
use super::plain::{Input, Observer, run};
use super::prepare::prepare;
use super::tensor::Arithmetic;
use super::{Blind, QuantisationError, Tensor};
use crate::engine::{BlockInput, Engine, EngineError, InstanceFusion, Prediction, write_indices, write_numbers};
use crate::network::onnx::{InputKind, Parts, ValueType, interface};
use crate::network::{Architecture, Fusion, Model, PartRole, check_fit, finite};

/// A network as the graphs of its parts, run node by node.
#[derive(Clone, Debug)]
pub struct GraphNetwork {
    architecture: Architecture,
    /// The body, and the head where there is one.
    pub graphs: Vec<Graph>,
    arithmetic: Arithmetic,
    search: InstanceFusion,
}

impl GraphNetwork {
    /// The graphs of a model's parts.
    ///
    /// # Errors
    /// [`QuantisationError`] naming what this version does not know.
    pub fn of_model(model: &Model) -> Result<Self, QuantisationError> {
        let graphs = model.parts().map(|(role, bytes)| Graph::read(role, bytes));
        Self::new(model.architecture(), graphs.collect::<Result<_, _>>()?)
    }

    /// The graphs of parts that were not yet written.
    ///
    /// # Errors
    /// As [`GraphNetwork::of_model`].
    pub fn of_parts(architecture: &Architecture, parts: &Parts) -> Result<Self, QuantisationError> {
        let mut graphs = vec![Graph::read(PartRole::Body, &parts.body)?];
        if let Some(head) = &parts.head {
            graphs.push(Graph::read(PartRole::Head, head)?);
        }
        Self::new(architecture, graphs)
    }

    fn new(architecture: &Architecture, mut graphs: Vec<Graph>) -> Result<Self, QuantisationError> {
        graphs.sort_by_key(|graph| graph.role == PartRole::Head);
        let (arithmetic, search) = (Arithmetic::default(), InstanceFusion::default());
        Ok(Self { architecture: architecture.clone(), graphs, arithmetic, search })
    }

    /// The same network in another arithmetic.
    pub fn with_arithmetic(self, arithmetic: Arithmetic) -> Self {
        Self { arithmetic, ..self }
    }

    /// The network's architecture.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The parts, encoded.
    pub fn parts(&self) -> Parts {
        let part = |role| self.graphs.iter().find(|graph| graph.role == role).map(Graph::write);
        Parts { body: part(PartRole::Body).unwrap_or_default(), head: part(PartRole::Head) }
    }

    /// Runs a block; `observer` sees and may change its products.
    ///
    /// # Errors
    /// [`QuantisationError`]: a block that does not fit, or a node that does not.
    pub fn run(
        &mut self,
        block: BlockInput<'_>,
        observer: &mut dyn Observer,
        prediction: &mut Prediction,
    ) -> Result<(), QuantisationError> {
        check_fit(&self.architecture, block.features, block.plan)?;
        let mut fused: Option<Vec<f32>> = None;
        for graph in &self.graphs {
            let inputs = inputs(&self.architecture, graph.role, block, fused.as_deref());
            let outputs = run(graph, &inputs, self.arithmetic, observer)?;
            for (name, Tensor { values, .. }) in graph.outputs().zip(outputs) {
                match name {
                    "embeddings" => prediction.embeddings = values,
                    "logits" => prediction.logits = values,
                    _ => fused = Some(values),
                }
            }
            if let (Some(features), Some(Fusion { neighbours, radius })) = (&fused, Fusion::of(&self.architecture)) {
                finite("embeddings", &prediction.embeddings)?;
                finite("fusion features", features)?;
                let channels = features.len() / self.architecture.points();
                let mut result = vec![0.0; features.len()];
                let (embeddings, size) = (&prediction.embeddings, self.architecture.embedding_size());
                self.search.fuse(embeddings, size, features, channels, neighbours, radius, &mut result)?;
                fused = Some(result);
            }
        }
        finite("embeddings", &prediction.embeddings)?;
        Ok(finite("logits", &prediction.logits)?)
    }

    /// Shape of every value, found by running a block.
    ///
    /// # Errors
    /// As [`GraphNetwork::run`].
    pub fn shapes(&mut self, block: BlockInput<'_>) -> Result<BTreeMap<String, Vec<usize>>, QuantisationError> {
        struct Shapes(BTreeMap<String, Vec<usize>>);
        impl Observer for Shapes {
            fn product(&mut self, _: &super::Node, _: &Tensor) -> Result<Option<Vec<f32>>, QuantisationError> {
                Ok(None)
            }
            fn value(&mut self, node: &super::Node, value: &Tensor) {
                self.0.insert(node.output.clone(), value.shape.clone());
            }
        }
        let mut shapes = Shapes(BTreeMap::new());
        for role in [PartRole::Body, PartRole::Head] {
            let declared = interface(&self.architecture, role).map(|interface| interface.inputs).unwrap_or_default();
            shapes.0.extend(declared.into_iter().map(|input| (input.name, input.shape)));
        }
        self.run(block, &mut shapes, &mut Prediction::default())?;
        Ok(shapes.0)
    }

    /// Cuts its kernels apart ([`prepare`]).
    pub fn prepare(&mut self, shapes: &BTreeMap<String, Vec<usize>>) {
        self.graphs.iter_mut().for_each(|graph| prepare(graph, shapes));
    }
}

/// A part's inputs in the order of its graph.
pub(super) fn inputs(
    architecture: &Architecture,
    role: PartRole,
    block: BlockInput<'_>,
    fused: Option<&[f32]>,
) -> Vec<Input> {
    let declared = interface(architecture, role).map(|interface| interface.inputs).unwrap_or_default();
    let fill = |declared: crate::network::onnx::NetworkInput| {
        let count = declared.shape.iter().product();
        match declared.value_type {
            ValueType::Index => {
                let mut values = vec![0; count];
                write_indices(block.plan, declared.kind, &mut values);
                Input::Index(declared.shape, values)
            }
            ValueType::Float => {
                let mut values = vec![0.0; count];
                match (declared.kind, fused) {
                    (InputKind::Fused, Some(fused)) => values.copy_from_slice(fused),
                    (kind, _) => write_numbers(block, kind, &mut values),
                }
                Input::Float(Tensor { shape: declared.shape, values })
            }
        }
    };
    declared.into_iter().map(fill).collect()
}

impl From<QuantisationError> for EngineError {
    fn from(error: QuantisationError) -> Self {
        match error {
            QuantisationError::Block(misfit) => misfit.into(),
            QuantisationError::Engine(error) => error,
            other => Self::Failed { engine: NAME, reason: other.to_string() },
        }
    }
}

const NAME: &str = "graph";

/// Runs a part's operators one by one, 8-bit products in integers: what engines are held against.
impl Engine for GraphNetwork {
    fn name(&self) -> &'static str {
        NAME
    }

    fn run(&mut self, block: BlockInput<'_>, prediction: &mut Prediction) -> Result<(), EngineError> {
        Ok(Self::run(self, block, &mut Blind, prediction)?)
    }
}
