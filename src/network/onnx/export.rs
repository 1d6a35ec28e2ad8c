//! An architecture and its parameters as ONNX parts.

use std::collections::BTreeMap;

use prost::Message;
use tract_onnx::pb::ModelProto;

use super::super::manifest::PartRole;
use super::super::weights::{Parameters, WeightsError};
use super::super::{Architecture, FEATURES, Operation, Source};
use super::graph::GraphBuilder;
use super::inputs::{fusion_features, interface};
use super::layers::{FeaturePropagation, Lowering, SetAbstraction};

/// The parts of a network, encoded.
#[derive(Clone, Debug, PartialEq)]
pub struct Parts {
    /// Everything up to the instance fusion (or everything, where there is none).
    pub body: Vec<u8>,
    /// Everything after the instance fusion.
    pub head: Option<Vec<u8>>,
}

/// Writes the parts of a network.
///
/// # Errors
/// [`WeightsError::Missing`] when the parameters are those of another architecture.
pub fn export(architecture: &Architecture, parameters: &Parameters) -> Result<Parts, WeightsError> {
    parameters.check(architecture)?;
    let part = |role| export_part(architecture, parameters, role).map(|model| model.encode_to_vec());
    Ok(Parts { body: part(PartRole::Body).unwrap_or_default(), head: part(PartRole::Head) })
}

fn export_part(architecture: &Architecture, parameters: &Parameters, role: PartRole) -> Option<ModelProto> {
    let interface = interface(architecture, role)?;
    let mut lowering = Lowering { graph: GraphBuilder::new(&format!("{}/{role}", architecture.name())), parameters };
    interface.inputs.iter().for_each(|input| lowering.graph.input(input));
    interface.outputs.iter().for_each(|output| lowering.graph.output(output));
    let mut values = Values { architecture, names: output_names(architecture), features: None };
    for (index, layer) in architecture.layers().iter().enumerate() {
        let is_fusion = architecture.fusion() == Some(index);
        if is_fusion || architecture.is_after_fusion(index) != (role == PartRole::Head) {
            continue;
        }
        let convolutions = architecture.convolutions_of(index);
        let output = values.names[&index].clone();
        let sources = architecture.sources(index);
        match &layer.operation {
            Operation::SetAbstraction { level, .. } => {
                let source = values.with_position(&mut lowering.graph, &layer.scope, sources[0]);
                lowering.set_abstraction(&SetAbstraction {
                    scope: &layer.scope,
                    output: &output,
                    source: &source,
                    level: *level,
                    specification: architecture.levels()[level - 1],
                    convolutions: &convolutions,
                });
            }
            Operation::FeaturePropagation { level, .. } => {
                let (coarse, skip) = (values.name(sources[0]), values.of(&mut lowering.graph, sources[1]));
                lowering.feature_propagation(&FeaturePropagation {
                    scope: &layer.scope,
                    output: &output,
                    coarse: &coarse,
                    coarse_channels: architecture.extent_of(sources[0]).channels,
                    skip: &skip,
                    level: *level,
                    fine_points: architecture.points_of(level - 1),
                    convolutions: &convolutions,
                });
            }
            Operation::Dense { .. } | Operation::Linear { .. } => {
                let input = values.of(&mut lowering.graph, sources[0]);
                lowering.dense(&convolutions[0], &input, &layer.scope, &output);
            }
            Operation::Sum => {
                let (one, other) =
                    (values.of(&mut lowering.graph, sources[0]), values.of(&mut lowering.graph, sources[1]));
                lowering.graph.node("Add", output, &[&one, &other]);
            }
            Operation::InstanceFusion { .. } => {}
        }
    }
    Some(lowering.graph.finish(concat!("instanton ", env!("CARGO_PKG_VERSION"))))
}

/// Value name of each layer: its scope, or the part's output name where it is one.
fn output_names(architecture: &Architecture) -> BTreeMap<usize, String> {
    let scopes = architecture.layers().iter().map(|layer| layer.scope.clone());
    let mut names: BTreeMap<usize, String> = scopes.enumerate().collect();
    if let Some(fusion) = architecture.fusion() {
        names.insert(fusion, "fused".to_owned());
    }
    if let Some(Source::Layer(layer)) = fusion_features(architecture) {
        names.insert(layer, "fusion_features".to_owned());
    }
    names.insert(architecture.embeddings(), "embeddings".to_owned());
    names.insert(architecture.logits(), "logits".to_owned());
    names
}

struct Values<'a> {
    architecture: &'a Architecture,
    names: BTreeMap<usize, String>,
    /// The block's features without the coordinates, once somebody asked for them.
    features: Option<String>,
}

impl Values<'_> {
    fn name(&self, source: Source) -> String {
        match source {
            Source::Features => FEATURES.to_owned(),
            Source::Layer(index) => self.names[&index].clone(),
        }
    }

    /// Features of a source, without coordinates.
    fn of(&mut self, graph: &mut GraphBuilder, source: Source) -> String {
        if source != Source::Features {
            return self.name(source);
        }
        let columns = self.architecture.feature_columns();
        self.features.get_or_insert_with(|| graph.slice("features_beyond_position", FEATURES, 1, 3, columns)).clone()
    }

    /// Positions and features of a source side by side.
    fn with_position(&mut self, graph: &mut GraphBuilder, scope: &str, source: Source) -> String {
        match source {
            // A block's first three columns are its coordinates.
            Source::Features => FEATURES.to_owned(),
            Source::Layer(index) => {
                let position = format!("position_{}", self.architecture.extent(index).level);
                let features = self.names[&index].clone();
                graph.concatenate(&format!("{scope}/positioned"), &[&position, &features], 1)
            }
        }
    }
}
