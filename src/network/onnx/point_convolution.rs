//! PointConv's encoder and decoder as ONNX nodes, with their exact rewrites:
//!
//! - every convolution of a relative position before the gather, as in a set abstraction;
//! - the encoder's density factor times the 32 weights of a neighbour instead of its many features;
//! - the encoder's sum over the neighbours as one matrix product per point, `weightᵀ · features`, and the
//!   kernel after it with its rows in that order (a constant that every engine reorders when it loads);
//! - the decoder's normalisation inside of the kernel that makes the weights (the sum is linear in
//!   them): the file holds that kernel, and no factor.

use super::super::convolution::Convolution;
use super::super::description::{MIDDLE_CHANNELS, WEIGHT_CHANNELS};
use super::BY_FUNCTION;
use super::layers::{Carried, Grouped, Lowered, Lowering};

/// A decoder to lower.
pub(super) struct Decoder<'a> {
    /// Features of the coarse level and their width.
    pub coarse: (&'a str, usize),
    /// Features of the level itself; none where it has no channels.
    pub skip: Option<&'a str>,
    /// Value `[points, 3]`: positions of the level itself.
    pub position: &'a str,
    /// The level itself.
    pub level: usize,
    pub points: usize,
    pub neighbours: usize,
    pub carried: Carried<'a>,
}

impl Lowering<'_> {
    /// PointConv's encoder, point-major: `[points, slots, channels]`.
    pub fn point_convolution(&mut self, layer: &Lowered<'_>, group: &Grouped<'_>, finer_position: &str) {
        let scope = layer.scope;
        let name = |part: &str| format!("{scope}/{part}");
        let &Grouped { level, points, slots, .. } = group;
        let rows = points * slots;
        let (perceptron, [weight, density0, density1, after]) =
            layer.convolutions.split_last_chunk().expect("a point convolution ends in four convolutions");
        let (first, rest) = perceptron.split_first().expect("a point convolution has a perceptron");
        let channels = rest.last().unwrap_or(first).outputs;
        let indices = self.graph.transpose(&name("group"), &format!("group_{level}"), &[1, 0]);

        let relative = self.relative(first, group, &indices, &[points, 1, first.outputs]);
        let features = self.graph.node("Relu", name("features"), &[&relative]);
        let features = self.graph.reshape(&name("feature_rows"), &features, &[rows, first.outputs]);
        let features = self.perceptron(rest, features, &name("perceptron"));
        let features = self.graph.reshape(&name("grouped_features"), &features, &[points, slots, channels]);

        let positions = Grouped { source: finer_position, ..*group };
        let relative = self.relative(weight, &positions, &indices, &[points, 1, MIDDLE_CHANNELS]);
        let weights = self.graph.node("Relu", name("weights"), &[&relative]);
        let scale = self.graph.transpose(&name("density_scale"), &format!("density_scale_{level}"), &[1, 0, 2]);
        let scale = self.graph.reshape(&name("density_scale_rows"), &scale, &[rows, 1]);
        let hidden = self.dense(density0, &scale, &density0.scope);
        let factor = self.dense(density1, &hidden, &density1.scope);
        let factor = self.graph.node("Sigmoid", name("factor"), &[&factor]);
        let factor = self.graph.reshape(&name("grouped_factor"), &factor, &[points, slots, 1]);
        let weights = self.graph.node("Mul", name("weighed"), &[&weights, &factor]);
        let weights = self.graph.transpose(&name("weights_by_function"), &weights, &[0, 2, 1]);

        let sums = self.graph.node("MatMul", name("sums"), &[&weights, &features]);
        let sums = self.graph.reshape(&name("sum_rows"), &sums, &[points, after.inputs]);
        // The kernel's rows are [channel, function]; the sums' columns are [function, channel].
        let (kernel, biases) = self.convolution(after);
        let kernel = self.graph.reshape(&name("kernel"), &kernel, &[channels, MIDDLE_CHANNELS, after.outputs]);
        let kernel = self.graph.transpose(&name("kernel_by_function"), &kernel, &[1, 0, 2]);
        let kernel =
            self.graph.reshape(&format!("{}/{BY_FUNCTION}", after.weights()), &kernel, &[after.inputs, after.outputs]);
        let product = self.graph.node("MatMul", format!("{}/product", after.scope), &[&sums, &kernel]);
        self.activate(after, &product, &biases, layer.output);
    }

    /// PointConv's decoder, slot-major: `[neighbours, points, channels]`. The three channels of the
    /// relative position and those of the features are summed apart, so that only the first are relative.
    pub fn depthwise_point_convolution(&mut self, layer: &Lowered<'_>, decoder: &Decoder<'_>) {
        let scope = layer.scope;
        let name = |part: &str| format!("{scope}/{part}");
        let ([hidden, weight, normalisation], perceptron) =
            layer.convolutions.split_first_chunk().expect("a decoder starts with three convolutions");
        let Decoder { position, neighbours, points, coarse: (coarse, coarse_channels), .. } = *decoder;
        let indices = format!("self_group_{}", decoder.level);
        let interpolated = self.interpolate(&name("interpolated"), coarse, decoder.carried, None);

        // The points are their own centres: one product serves both sides of the difference.
        let (kernel, biases) = self.convolution(hidden);
        let graph = &mut self.graph;
        let centre = graph.node("MatMul", format!("{}/centre", hidden.scope), &[position, &kernel]);
        let source = graph.node("Add", format!("{}/source", hidden.scope), &[&centre, &biases]);
        let gathered = graph.gather(&format!("{}/gathered", hidden.scope), &source, &indices);
        let relative = graph.node("Sub", format!("{}/relative", hidden.scope), &[&gathered, &centre]);
        let functions = graph.node("Relu", name("functions"), &[&relative]);
        let functions = graph.reshape(&name("function_rows"), &functions, &[neighbours * points, WEIGHT_CHANNELS]);

        let gathered = graph.gather(&name("neighbour_positions"), position, &indices);
        let relative = graph.node("Sub", name("relative_positions"), &[&gathered, position]);
        let features = graph.gather(&name("neighbour_features"), &interpolated, &indices);
        let pieces = [("positions", relative, 0, 3), ("features", features, 3, 3 + coarse_channels)];
        let mut inputs = Vec::new();
        for (piece, values, start, end) in pieces {
            let sum =
                self.weighted_sum(layer, &functions, [weight, normalisation], (piece, &values, start, end), decoder);
            inputs.push(sum);
        }
        inputs.extend(decoder.skip.map(str::to_owned));
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let joined = self.graph.concatenate(&name("joined"), &inputs, 1);
        self.perceptron(perceptron, joined, layer.output);
    }

    /// `ReLU(Σ_k (functions_k · W + b) ⊙ values_k + shift)` for channels `start..end` of the sum, the normalisation's
    /// factor inside of W and b.
    fn weighted_sum(
        &mut self,
        layer: &Lowered<'_>,
        functions: &str,
        [weight, normalisation]: [&Convolution; 2],
        (piece, values, start, end): (&str, &str, usize, usize),
        decoder: &Decoder<'_>,
    ) -> String {
        let scope = format!("{}/{piece}", layer.scope);
        let name = |part: &str| format!("{scope}/{part}");
        let shape = [decoder.neighbours, decoder.points, end - start];
        let [kernel, biases, shift] = self.scaled_convolution(weight, normalisation);
        let graph = &mut self.graph;
        let kernel = graph.slice(&name("kernel"), &kernel, 1, start, end);
        let biases = graph.slice(&name("biases"), &biases, 0, start, end);
        let product = graph.node("MatMul", name("product"), &[functions, &kernel]);
        let weights = graph.node("Add", name("weight_rows"), &[&product, &biases]);
        let weights = graph.reshape(&name("weights"), &weights, &shape);
        let weighed = graph.node("Mul", name("weighed"), &[&weights, values]);
        let sum = graph.tree("Add", &scope, weighed, shape);
        let shift = graph.slice(&name("shift"), &shift, 0, start, end);
        let sum = graph.node("Add", name("sum"), &[&sum, &shift]);
        graph.node("Relu", name("activated"), &[&sum])
    }
}
