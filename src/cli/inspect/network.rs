//! The network of a model folder, layer by layer.

use std::collections::BTreeMap;
use std::fmt;

use crate::network::{Architecture, Manifest, Operation, Precision};

use super::bytes_in_words;

/// What a model's network is made of.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct NetworkReport {
    /// In which numbers the parts compute.
    pub precision: Precision,
    /// Points per block.
    pub points: usize,
    /// Columns of a block's features.
    pub feature_columns: usize,
    /// Values per instance embedding.
    pub embedding_size: usize,
    /// Trained parameters, batch normalisation included.
    pub parameters: usize,
    /// Multiply-accumulates of one block as the papers write the layers.
    pub published_macs: u64,
    /// ... and as the exported parts compute them.
    pub rewritten_macs: u64,
    /// The layer whose largest value, groups before their maximum included, is the largest of all.
    pub largest_activation: Activation,
    /// Levels of the encoder, finest first.
    pub levels: Vec<LevelReport>,
    /// Layers in order.
    pub layers: Vec<LayerReport>,
    /// Scores on data that the model has not seen.
    pub scores: BTreeMap<String, f64>,
    /// Where the model comes from.
    pub provenance: toml::Table,
}

/// The memory of a layer's value.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Activation {
    /// The layer.
    pub layer: String,
    /// Its bytes for one block, as 32-bit floats.
    pub bytes: u64,
}

/// A level of the encoder.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct LevelReport {
    /// Points.
    pub points: usize,
    /// Radius of a group, metres.
    pub radius: f32,
    /// Neighbours of a group.
    pub slots: usize,
}

/// A layer.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct LayerReport {
    /// Its scope.
    pub name: String,
    /// What it computes, in words.
    pub operation: String,
    /// The layers that it reads.
    pub inputs: Vec<String>,
    /// Points and channels of its output.
    pub output: [usize; 2],
    /// Trained parameters.
    pub parameters: usize,
    /// Multiply-accumulates as published.
    pub published_macs: u64,
    /// ... and as rewritten.
    pub rewritten_macs: u64,
    /// Bytes of its largest value for one block, as 32-bit floats.
    pub activation_bytes: u64,
}

impl NetworkReport {
    pub(super) fn new(manifest: &Manifest, architecture: &Architecture) -> Self {
        let layers: Vec<LayerReport> =
            (0..architecture.layers().len()).map(|index| layer_report(architecture, index)).collect();
        let largest = layers.iter().max_by_key(|layer| layer.activation_bytes);
        let cost = architecture.cost();
        Self {
            precision: manifest.precision,
            points: architecture.points(),
            feature_columns: architecture.feature_columns(),
            embedding_size: architecture.embedding_size(),
            parameters: architecture.parameter_count(),
            published_macs: cost.published,
            rewritten_macs: cost.rewritten,
            largest_activation: Activation {
                layer: largest.map(|layer| layer.name.clone()).unwrap_or_default(),
                bytes: largest.map_or(0, |layer| layer.activation_bytes),
            },
            levels: manifest
                .levels
                .iter()
                .map(|level| LevelReport { points: level.points, radius: level.radius, slots: level.slots })
                .collect(),
            layers,
            scores: manifest.scores.clone(),
            provenance: manifest.provenance.clone(),
        }
    }
}

fn layer_report(architecture: &Architecture, index: usize) -> LayerReport {
    let layer = &architecture.layers()[index];
    let (extent, cost) = (architecture.extent(index), architecture.cost_of(index));
    let rows = architecture.points_of(extent.level);
    let convolutions = architecture.convolutions_of(index);
    let trained = convolutions.iter().flat_map(|convolution| convolution.variables());
    let trained = trained.filter(|variable| variable.trainable);
    let widest = convolutions.iter().map(|convolution| convolution.outputs).chain([extent.channels]).max().unwrap_or(0);
    let grouped = match &layer.operation {
        Operation::SetAbstraction { level, .. } => architecture.levels()[level - 1].slots,
        _ => 1,
    };
    LayerReport {
        name: layer.scope.clone(),
        operation: words(&layer.operation),
        inputs: layer.inputs.clone(),
        output: [rows, extent.channels],
        parameters: trained.map(|variable| variable.shape.iter().product::<usize>()).sum(),
        published_macs: cost.published,
        rewritten_macs: cost.rewritten,
        activation_bytes: 4 * (rows * grouped * widest) as u64,
    }
}

/// `SetAbstraction { … }` as `set abstraction`.
fn words(operation: &Operation) -> String {
    let name = format!("{operation:?}");
    let mut words = String::new();
    for letter in name.chars().take_while(|letter| letter.is_alphanumeric()) {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

fn mega(count: u64) -> String {
    if count == 0 { String::new() } else { format!("{:.1}", count as f64 / 1e6) }
}

fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

impl fmt::Display for NetworkReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\n  {}, blocks of {} points × {} columns, {}-D embeddings",
            self.precision, self.points, self.feature_columns, self.embedding_size
        )?;
        write!(
            f,
            "\n  {} parameters ({} as fp32), {:.0} M multiply-accumulates a block ({:.0} M as rewritten)",
            grouped(self.parameters),
            bytes_in_words(4 * self.parameters as u64),
            self.published_macs as f64 / 1e6,
            self.rewritten_macs as f64 / 1e6
        )?;
        let Activation { layer, bytes } = &self.largest_activation;
        write!(f, "\n  largest activation: {} in {layer}", bytes_in_words(*bytes))?;
        for (number, level) in self.levels.iter().enumerate() {
            let LevelReport { points, radius, slots } = level;
            write!(f, "\n  level {}: {points:>5} points, {slots} neighbours within {radius} m", number + 1)?;
        }
        let of = |measure: fn(&LayerReport) -> usize, least: usize| {
            self.layers.iter().map(measure).max().unwrap_or(0).max(least)
        };
        let (name, operation) = (of(|layer| layer.name.len(), 5), of(|layer| layer.operation.len(), 9));
        let inputs = of(|layer| layer.inputs.join(", ").len(), 5);
        write!(
            f,
            "\n\n  {:name$}  {:operation$}  {:inputs$}  {:>12}  {:>10}  {:>7}  {:>9}  {:>9}",
            "layer", "operation", "reads", "output", "parameters", "M MAC", "rewritten", "memory"
        )?;
        for layer in &self.layers {
            let parameters = if layer.parameters == 0 { String::new() } else { grouped(layer.parameters) };
            write!(
                f,
                "\n  {:name$}  {:operation$}  {:inputs$}  {:>12}  {parameters:>10}  {:>7}  {:>9}  {:>9}",
                layer.name,
                layer.operation,
                layer.inputs.join(", "),
                format!("{} × {}", layer.output[0], layer.output[1]),
                mega(layer.published_macs),
                mega(layer.rewritten_macs),
                bytes_in_words(layer.activation_bytes)
            )?;
        }
        if !self.scores.is_empty() {
            write!(f, "\n\n  scores:")?;
            for (name, score) in &self.scores {
                write!(f, " {name} {:.1} %", 100.0 * score)?;
            }
        }
        for (number, (key, value)) in self.provenance.iter().enumerate() {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            write!(f, "{}  {key}: {text}", if number == 0 { "\n\n" } else { "\n" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_become_words() {
        assert_eq!(words(&Operation::SetAbstraction { level: 1, widths: vec![] }), "set abstraction");
        assert_eq!(words(&Operation::Sum), "sum");
        assert_eq!([7, 1000, 1_599_090].map(grouped), ["7", "1 000", "1 599 090"]);
    }
}
