//! An architecture and its parameters as ONNX parts.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;

use super::super::convolution::Convolution;
use super::super::manifest::PartRole;
use super::super::product::Term;
use super::super::weights::{Parameters, WeightsError};
use super::super::{Architecture, FEATURES, Operation, Source};
use super::graph::GraphBuilder;
use super::inputs::{fusion_features, interface};
use super::layers::{Carried, Grouped, Lowered, Lowering};
use super::messages::ModelProto;
use super::point_convolution::Decoder;

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
    let written = BTreeSet::from_iter(architecture.fusion());
    let mut writer =
        Writer { architecture, lowering, names: output_names(architecture), written, sliced: BTreeSet::new() };
    for index in 0..architecture.layers().len() {
        // Layers without parameters (sums, concatenations…) are written when somebody reads them: most of
        // them disappear into the product that follows.
        let wanted = !architecture.convolutions_of(index).is_empty()
            || [architecture.embeddings(), architecture.logits()].contains(&index)
            || fusion_features(architecture) == Some(Source::Layer(index));
        if wanted && architecture.is_after_fusion(index) == (role == PartRole::Head) {
            writer.write(index);
        }
    }
    Some(writer.lowering.graph.finish(concat!("instanton ", env!("CARGO_PKG_VERSION"))))
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

/// Writes layers as they are asked for, each once.
struct Writer<'a> {
    architecture: &'a Architecture,
    lowering: Lowering<'a>,
    names: BTreeMap<usize, String>,
    written: BTreeSet<usize>,
    /// Slices of the block's features that are already there.
    sliced: BTreeSet<String>,
}

impl Writer<'_> {
    /// Name of a source's values, which are written first where they are not there yet.
    fn value(&mut self, source: Source) -> String {
        match source {
            Source::Columns => FEATURES.to_owned(),
            Source::Features => self.columns("features_beyond_position", 3, self.architecture.feature_columns()),
            Source::Layer(index) => {
                self.write(index);
                self.names[&index].clone()
            }
        }
    }

    /// Some columns of the block's features.
    fn columns(&mut self, name: &str, start: usize, end: usize) -> String {
        if self.sliced.insert(name.to_owned()) {
            self.lowering.graph.slice(name, FEATURES, 1, start, end);
        }
        name.to_owned()
    }

    /// Positions of a level's points.
    fn position(&mut self, level: usize) -> String {
        // A block's first three columns are its coordinates.
        if level == 0 { self.columns("position_of_block", 0, 3) } else { format!("position_{level}") }
    }

    /// Positions and features of a source side by side.
    fn with_position(&mut self, scope: &str, source: Source) -> String {
        if source == Source::Features {
            return FEATURES.to_owned();
        }
        let features = self.value(source);
        let position = self.position(self.architecture.extent_of(source).level);
        self.lowering.graph.concatenate(&format!("{scope}/positioned"), &[&position, &features], 1)
    }

    fn carried(&self, layer: usize) -> Carried<'static> {
        let fine_points = self.architecture.points_of(self.architecture.extent(layer).level);
        match self.architecture.layers()[layer].operation {
            Operation::Interpolate { level } if level > 1 => {
                Carried { prefix: "block_interpolation", level, fine_points }
            }
            Operation::FeaturePropagation { level, .. }
            | Operation::DepthwisePointConvolution { level, .. }
            | Operation::Interpolate { level } => Carried { prefix: "interpolation", level, fine_points },
            _ => unreachable!("only these layers interpolate"),
        }
    }

    /// Writes a layer, and whatever it reads, unless it is there.
    fn write(&mut self, index: usize) {
        if !self.written.insert(index) {
            return;
        }
        let architecture = self.architecture;
        let layer = &architecture.layers()[index];
        let convolutions = architecture.convolutions_of(index);
        let output = self.names[&index].clone();
        let sources = architecture.sources(index);
        let lowered = Lowered { scope: &layer.scope, output: &output, convolutions: &convolutions };
        match layer.operation {
            Operation::SetAbstraction { level, .. } | Operation::PointConvolution { level, .. } => {
                let source = self.with_position(&layer.scope, sources[0]);
                let (position, finer) = (self.position(level), self.architecture.levels()[level - 1]);
                let (points, slots) = (finer.points, finer.slots);
                let group = Grouped { source: &source, position: &position, level, points, slots };
                if let Operation::SetAbstraction { .. } = layer.operation {
                    return self.lowering.set_abstraction(&lowered, &group);
                }
                let finer_position = self.position(level - 1);
                self.lowering.point_convolution(&lowered, &group, &finer_position);
            }
            Operation::FeaturePropagation { .. } => {
                let (coarse, carried) = (self.value(sources[0]), self.carried(index));
                let channels = |input: usize| architecture.extent_of(sources[input]).channels;
                let skip = if channels(1) > 0 { self.value(sources[1]) } else { String::new() };
                self.lowering.feature_propagation(&lowered, (&coarse, channels(0)), &skip, carried);
            }
            Operation::DepthwisePointConvolution { level, .. } => {
                let channels = |input: usize| architecture.extent_of(sources[input]).channels;
                let (coarse, position) = (self.value(sources[0]), self.position(level - 1));
                let skip = (channels(1) > 0).then(|| self.value(sources[1]));
                let decoder = Decoder {
                    coarse: (&coarse, channels(0)),
                    skip: skip.as_deref(),
                    position: &position,
                    level: level - 1,
                    points: architecture.points_of(level - 1),
                    neighbours: architecture.levels()[level - 2].self_nearest,
                    carried: self.carried(index),
                };
                self.lowering.depthwise_point_convolution(&lowered, &decoder);
            }
            Operation::Dense { .. } | Operation::Linear { .. } => self.product(index, &convolutions[0], &output),
            Operation::Interpolate { .. } => {
                let coarse = self.value(sources[0]);
                self.interpolate_as(index, &coarse, &output);
            }
            Operation::Sum => {
                let (one, other) = (self.value(sources[0]), self.value(sources[1]));
                self.lowering.graph.node("Add", output, &[&one, &other]);
            }
            Operation::Concatenate => self.concatenate(index, &output),
            Operation::Gate => {
                let input = self.value(sources[0]);
                let factor = self.factor(index);
                self.lowering.graph.node("Mul", output, &[&input, &factor]);
            }
            Operation::GlobalMean => {
                let input = self.value(sources[0]);
                self.lowering.graph.reduce("ReduceMean", &output, &input, 0);
            }
            Operation::GlobalMaximum => {
                let read = architecture.extent_of(sources[0]);
                let input = self.value(sources[0]);
                let pooled =
                    self.lowering.graph.maximum_of_rows(&layer.scope, input, architecture.rows_of(read), read.channels);
                self.lowering.graph.node("Identity", output, &[&pooled]);
            }
            Operation::InstanceFusion { .. } => {}
        }
    }

    /// A dense or linear layer as the cheapest sum of products.
    fn product(&mut self, index: usize, convolution: &Convolution, output: &str) {
        let terms = self.architecture.product_of(index);
        let (weights, biases) = self.lowering.convolution(convolution);
        let sum = self.sum_of(&terms, &weights, &convolution.scope, &mut 0);
        self.lowering.activate(convolution, &sum, &biases, output);
    }

    /// A sum of products; what all of them share after the product is applied once, to the sum.
    fn sum_of(&mut self, terms: &[Term], weights: &str, scope: &str, count: &mut usize) -> String {
        let last = terms[0].after.last().copied();
        if let Some(layer) = last.filter(|_| terms.iter().all(|term| term.after.last() == last.as_ref())) {
            let inner: Vec<Term> = terms
                .iter()
                .map(|term| Term { after: term.after[..term.after.len() - 1].to_vec(), ..term.clone() })
                .collect();
            let inner = self.sum_of(&inner, weights, scope, count);
            *count += 1;
            let name = format!("{scope}/after{count}");
            return match self.architecture.layers()[layer].operation {
                Operation::Gate => {
                    let factor = self.factor(layer);
                    self.lowering.graph.node("Mul", name, &[&inner, &factor])
                }
                _ => self.lowering.interpolate(&name, &inner, self.carried(layer), None),
            };
        }
        if let [term] = terms {
            return self.term(term, weights, scope, count);
        }
        let mut sum: Option<String> = None;
        for term in terms {
            let value = self.sum_of(std::slice::from_ref(term), weights, scope, count);
            *count += 1;
            sum = Some(match sum {
                Some(sum) => self.lowering.graph.node("Add", format!("{scope}/partial{count}"), &[&sum, &value]),
                None => value,
            });
        }
        sum.unwrap_or_default()
    }

    /// One product: with the whole kernel, with some of its rows, or with several rows added.
    fn term(&mut self, term: &Term, weights: &str, scope: &str, count: &mut usize) -> String {
        let source = self.value(term.source);
        let whole = self.architecture.convolutions().iter().find(|c| c.scope == scope).map_or(0, |c| c.inputs);
        *count += 1;
        let mut kernel: Option<String> = None;
        for (place, rows) in term.rows.iter().enumerate() {
            let piece = if rows.len() == whole {
                weights.to_owned()
            } else {
                let name = format!("{scope}/rows{count}_{place}");
                self.lowering.graph.slice(&name, weights, 0, rows.start, rows.end)
            };
            kernel = Some(match kernel {
                Some(kernel) => {
                    let name = format!("{scope}/added{count}_{place}");
                    self.lowering.graph.node("Add", name, &[&kernel, &piece])
                }
                None => piece,
            });
        }
        let name = if *count == 1 { format!("{scope}/product") } else { format!("{scope}/product{count}") };
        self.lowering.graph.node("MatMul", name, &[&source, &kernel.unwrap_or_default()])
    }

    /// The factor of a gate, one per row.
    fn factor(&mut self, gate: usize) -> String {
        let scope = &self.architecture.layers()[gate].scope;
        let input = self.value(self.architecture.sources(gate)[0]);
        if self.sliced.insert(format!("{scope}/factor")) {
            self.lowering.gate_factor(scope, &input);
        }
        format!("{scope}/factor")
    }

    fn interpolate_as(&mut self, index: usize, coarse: &str, output: &str) {
        let name = format!("{}/interpolated", self.architecture.layers()[index].scope);
        let sum = self.lowering.interpolate(&name, coarse, self.carried(index), None);
        self.lowering.graph.node("Identity", output, &[&sum]);
    }

    /// Inputs side by side; one row per block is repeated on every point.
    fn concatenate(&mut self, index: usize, output: &str) {
        let architecture = self.architecture;
        let rows = architecture.rows_of(architecture.extent(index));
        let mut inputs = Vec::new();
        for (place, &source) in architecture.sources(index).iter().enumerate() {
            let mut value = self.value(source);
            if architecture.rows_of(architecture.extent_of(source)) < rows {
                let name = format!("{}/repeated{place}", architecture.layers()[index].scope);
                value = self.lowering.graph.repeat_rows(&name, &value, rows);
            }
            inputs.push(value);
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        self.lowering.graph.concatenate(output, &inputs, 1);
    }
}
