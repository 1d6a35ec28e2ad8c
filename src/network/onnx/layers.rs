//! One layer of an architecture as ONNX nodes, with the exact rewrites of `design/inference.md`.

use super::super::convolution::Convolution;
use super::super::weights::Parameters;
use super::graph::GraphBuilder;
use crate::geometry::LevelSpecification;

/// A set abstraction to lower.
pub(super) struct SetAbstraction<'a> {
    pub scope: &'a str,
    /// Name of the output value.
    pub output: &'a str,
    /// Value `[finer points, 3 + channels]`: positions and features of the source level.
    pub source: &'a str,
    pub level: usize,
    pub specification: LevelSpecification,
    pub convolutions: &'a [Convolution],
}

/// A feature propagation to lower.
pub(super) struct FeaturePropagation<'a> {
    pub scope: &'a str,
    pub output: &'a str,
    pub coarse: &'a str,
    pub coarse_channels: usize,
    pub skip: &'a str,
    pub level: usize,
    pub fine_points: usize,
    pub convolutions: &'a [Convolution],
}

/// Lowers layers into a graph.
pub(super) struct Lowering<'a> {
    pub graph: GraphBuilder,
    pub parameters: &'a Parameters,
}

impl Lowering<'_> {
    /// Adds a convolution's kernel and bias as initialisers and gives their names.
    fn convolution(&mut self, convolution: &Convolution) -> (String, String) {
        let (weights, biases) = (convolution.weights(), convolution.biases());
        let folded = self.parameters.convolution(&convolution.scope).expect("parameters were checked by the export");
        self.graph.floats(&weights, &[convolution.inputs, convolution.outputs], &folded.weight);
        self.graph.floats(&biases, &[convolution.outputs], &folded.bias);
        (weights, biases)
    }

    /// Convolution, bias, and ReLU where the convolution is normalised.
    pub fn dense(&mut self, convolution: &Convolution, input: &str, prefix: &str, output: &str) -> String {
        let (weights, biases) = self.convolution(convolution);
        let product = self.graph.node("MatMul", format!("{prefix}/product"), &[input, &weights]);
        if !convolution.normalised {
            return self.graph.node("Add", output, &[&product, &biases]);
        }
        let sum = self.graph.node("Add", format!("{prefix}/sum"), &[&product, &biases]);
        self.graph.node("Relu", output, &[&sum])
    }

    /// The first convolution before the gather: `W·[p_j, f_j] + b` once per source point, then
    /// `− W_p·c_i` per group. The last bias and ReLU after the maximum, with which they commute exactly
    /// (both are monotone, rounding included).
    pub fn set_abstraction(&mut self, layer: &SetAbstraction<'_>) {
        let SetAbstraction { scope, level, .. } = *layer;
        let LevelSpecification { points, slots, .. } = layer.specification;
        let (first, rest) = layer.convolutions.split_first().expect("a set abstraction has convolutions");
        let (weights, biases) = self.convolution(first);
        let graph = &mut self.graph;
        let product = graph.node("MatMul", format!("{}/product", first.scope), &[layer.source, &weights]);
        let source = graph.node("Add", format!("{}/source", first.scope), &[&product, &biases]);
        let kernel = graph.slice(&format!("{}/position_weights", first.scope), &weights, 0, 0, 3);
        let position = format!("position_{level}");
        let centre = graph.node("MatMul", format!("{}/centre", first.scope), &[&position, &kernel]);
        let group = format!("group_{level}");
        let gathered = graph.gather(&format!("{scope}/gathered"), &source, &group);
        let mut current = graph.node("Sub", format!("{scope}/relative"), &[&gathered, &centre]);
        for (step, convolution) in rest.iter().enumerate() {
            let name = |part: &str| format!("{}/{part}", convolution.scope);
            current = self.graph.node("Relu", name("input"), &[&current]);
            let (weights, biases) = self.convolution(convolution);
            current = self.graph.node("MatMul", name("product"), &[&current, &weights]);
            if step + 1 < rest.len() {
                current = self.graph.node("Add", name("sum"), &[&current, &biases]);
            }
        }
        let last = rest.last().unwrap_or(first);
        let mut pooled = self.maximum_of_slots(scope, current, slots, points, last.outputs);
        if !rest.is_empty() {
            pooled = self.graph.node("Add", format!("{scope}/sum"), &[&pooled, &last.biases()]);
        }
        self.graph.node("Relu", layer.output, &[&pooled]);
    }

    /// Maximum over the first axis of `[slots, points, channels]` as a tree of binary maxima of
    /// contiguous halves (an engine's reduction over a leading axis walks memory in strides).
    fn maximum_of_slots(&mut self, scope: &str, value: String, slots: usize, points: usize, channels: usize) -> String {
        let (mut current, mut left, mut step) = (value, slots, 0);
        while left > 1 {
            let half = left / 2;
            let name = |part: &str| format!("{scope}/{part}{step}");
            let low = self.graph.slice(&name("low"), &current, 0, 0, half);
            let high = self.graph.slice(&name("high"), &current, 0, half, 2 * half);
            let pair = self.graph.node("Max", name("maximum"), &[&low, &high]);
            current = if left % 2 == 1 {
                let odd = self.graph.slice(&name("odd"), &current, 0, 2 * half, left);
                self.graph.concatenate(&name("joined"), &[&pair, &odd], 0)
            } else {
                pair
            };
            left = left.div_ceil(2);
            step += 1;
        }
        self.graph.reshape(&format!("{scope}/pooled"), &current, &[points, channels])
    }

    /// The first convolution before the interpolation: its rows for the coarse features on the coarse
    /// points, those for the skip features on the fine ones.
    pub fn feature_propagation(&mut self, layer: &FeaturePropagation<'_>) {
        let FeaturePropagation { scope, level, fine_points, .. } = *layer;
        let (first, rest) = layer.convolutions.split_first().expect("a feature propagation has convolutions");
        let (weights, biases) = self.convolution(first);
        let graph = &mut self.graph;
        let cut = layer.coarse_channels;
        let kernel = graph.slice(&format!("{}/coarse_weights", first.scope), &weights, 0, 0, cut);
        let coarse = graph.node("MatMul", format!("{}/coarse", first.scope), &[layer.coarse, &kernel]);
        let kernel = graph.slice(&format!("{}/skip_weights", first.scope), &weights, 0, cut, first.inputs);
        let skip = graph.node("MatMul", format!("{}/skip_product", first.scope), &[layer.skip, &kernel]);
        let mut sum = graph.node("Add", format!("{}/skip", first.scope), &[&skip, &biases]);
        let (indices, weight) = (format!("interpolation_index_{level}"), format!("interpolation_weight_{level}"));
        for near in 0..3 {
            let name = |part: &str| format!("{scope}/{part}{near}");
            let row = graph.slice(&name("index_row"), &indices, 0, near, near + 1);
            let index = graph.reshape(&name("index"), &row, &[fine_points]);
            let row = graph.slice(&name("weight_row"), &weight, 0, near, near + 1);
            let weight = graph.reshape(&name("weight"), &row, &[fine_points, 1]);
            let gathered = graph.gather(&name("gathered"), &coarse, &index);
            let weighted = graph.node("Mul", name("weighted"), &[&gathered, &weight]);
            sum = graph.node("Add", name("sum"), &[&weighted, &sum]);
        }
        let first_output = if rest.is_empty() { layer.output.to_owned() } else { first.scope.clone() };
        let mut current = self.graph.node("Relu", first_output, &[&sum]);
        for (step, convolution) in rest.iter().enumerate() {
            let output = if step + 1 == rest.len() { layer.output } else { &convolution.scope };
            current = self.dense(convolution, &current, &convolution.scope, output);
        }
    }
}
