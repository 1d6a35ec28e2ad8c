//! One layer of an architecture as ONNX nodes, with the exact rewrites of `design/inference.md` and
//! [`product`](super::super::product).

use super::super::convolution::Convolution;
use super::super::weights::Parameters;
use super::graph::GraphBuilder;

/// A layer to lower: its names and where its convolutions are.
pub(super) struct Lowered<'a> {
    pub scope: &'a str,
    /// Name of the output value.
    pub output: &'a str,
    pub convolutions: &'a [Convolution],
}

/// A level with neighbour groups in the next finer one.
pub(super) struct Grouped<'a> {
    /// Value `[finer points, 3 + channels]`: positions and features of the source level.
    pub source: &'a str,
    /// Value `[points, 3]`: the centres.
    pub position: &'a str,
    pub level: usize,
    pub points: usize,
    pub slots: usize,
}

/// Three nearest points and their weights for each fine point.
#[derive(Clone, Copy)]
pub(super) struct Carried<'a> {
    /// `interpolation` or `block_interpolation`.
    pub prefix: &'a str,
    pub level: usize,
    pub fine_points: usize,
}

/// Lowers layers into a graph.
pub(super) struct Lowering<'a> {
    pub graph: GraphBuilder,
    pub parameters: &'a Parameters,
}

impl Lowering<'_> {
    /// Adds a convolution's kernel and bias as initialisers and gives their names.
    pub fn convolution(&mut self, convolution: &Convolution) -> (String, String) {
        let (weights, biases) = (convolution.weights(), convolution.biases());
        let folded = self.parameters.convolution(&convolution.scope).expect("parameters were checked by the export");
        self.graph.floats(&weights, &[convolution.inputs, convolution.outputs], &folded.weight);
        self.graph.floats(&biases, &[convolution.outputs], &folded.bias);
        (weights, biases)
    }

    /// A convolution whose outputs are multiplied by the factors of `normalisation`: names of its kernel, its biases, and
    /// of the shift that is left of the normalisation.
    pub fn scaled_convolution(&mut self, convolution: &Convolution, normalisation: &Convolution) -> [String; 3] {
        let of = |scope| self.parameters.convolution(scope).expect("parameters were checked by the export");
        let (mut scaled, left) = (of(&convolution.scope).clone(), of(&normalisation.scope));
        scaled.scale_outputs(&left.weight);
        let (weights, biases, shift) = (convolution.weights(), convolution.biases(), normalisation.biases());
        self.graph.floats(&weights, &[convolution.inputs, convolution.outputs], &scaled.weight);
        self.graph.floats(&biases, &[convolution.outputs], &scaled.bias);
        self.graph.floats(&shift, &[normalisation.outputs], &left.bias);
        [weights, biases, shift]
    }

    /// Convolution, bias, and ReLU where the convolution is normalised.
    pub fn dense(&mut self, convolution: &Convolution, input: &str, output: &str) -> String {
        let (weights, biases) = self.convolution(convolution);
        let product = self.graph.node("MatMul", format!("{}/product", convolution.scope), &[input, &weights]);
        self.activate(convolution, &product, &biases, output)
    }

    /// Bias, and ReLU where the convolution is normalised.
    pub fn activate(&mut self, convolution: &Convolution, product: &str, biases: &str, output: &str) -> String {
        if !convolution.normalised {
            return self.graph.node("Add", output, &[product, biases]);
        }
        let sum = self.graph.node("Add", format!("{}/sum", convolution.scope), &[product, biases]);
        self.graph.node("Relu", output, &[&sum])
    }

    /// Convolutions one after the other; the last one's output is `output`.
    pub fn perceptron(&mut self, convolutions: &[Convolution], input: String, output: &str) -> String {
        let mut current = input;
        for (step, convolution) in convolutions.iter().enumerate() {
            let last = step + 1 == convolutions.len();
            // What a convolution is called after, unless the layer itself is.
            let name = if last { output } else { &convolution.scope };
            current = self.dense(convolution, &current, name);
        }
        current
    }

    /// The first convolution before the gather: `W·[p_j, f_j] + b` once per source point, then
    /// `− W_p·c_i` per group. The last bias and ReLU after the maximum, with which they commute exactly
    /// (both are monotone, rounding included).
    pub fn set_abstraction(&mut self, layer: &Lowered<'_>, group: &Grouped<'_>) {
        let scope = layer.scope;
        let (first, rest) = layer.convolutions.split_first().expect("a set abstraction has convolutions");
        let mut current = self.relative(first, group, &format!("group_{}", group.level), &[]);
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
        let mut pooled = self.graph.tree("Max", scope, current, [group.slots, group.points, last.outputs]);
        if !rest.is_empty() {
            pooled = self.graph.node("Add", format!("{scope}/sum"), &[&pooled, &last.biases()]);
        }
        self.graph.node("Relu", layer.output, &[&pooled]);
    }

    /// A convolution of `[p_j − c_i, f_j]` before the gather: `(W·[p_j, f_j] + b)` gathered by `indices`,
    /// minus `W_p·c_i`, which is first brought to `centre_shape` where one is given.
    pub fn relative(
        &mut self,
        convolution: &Convolution,
        group: &Grouped<'_>,
        indices: &str,
        centre_shape: &[usize],
    ) -> String {
        let name = |part: &str| format!("{}/{part}", convolution.scope);
        let (weights, biases) = self.convolution(convolution);
        let graph = &mut self.graph;
        let product = graph.node("MatMul", name("source_product"), &[group.source, &weights]);
        let source = graph.node("Add", name("source"), &[&product, &biases]);
        let kernel = graph.slice(&name("position_weights"), &weights, 0, 0, 3);
        let mut centre = graph.node("MatMul", name("centre"), &[group.position, &kernel]);
        if !centre_shape.is_empty() {
            centre = graph.reshape(&name("centres"), &centre, centre_shape);
        }
        let gathered = graph.gather(&name("gathered"), &source, indices);
        graph.node("Sub", name("relative"), &[&gathered, &centre])
    }

    /// Sum of the three nearest coarse rows times their weights, and of `start` where there is one.
    pub fn interpolate(&mut self, name: &str, coarse: &str, carried: Carried<'_>, start: Option<&str>) -> String {
        let Carried { prefix, level, fine_points } = carried;
        let (indices, weight) = (format!("{prefix}_index_{level}"), format!("{prefix}_weight_{level}"));
        let graph = &mut self.graph;
        let mut sum = start.map(str::to_owned);
        for near in 0..3 {
            let part = |part: &str| format!("{name}/{part}{near}");
            let row = graph.slice(&part("index_row"), &indices, 0, near, near + 1);
            let index = graph.reshape(&part("index"), &row, &[fine_points]);
            let row = graph.slice(&part("weight_row"), &weight, 0, near, near + 1);
            let weight = graph.reshape(&part("weight"), &row, &[fine_points, 1]);
            let gathered = graph.gather(&part("gathered"), coarse, &index);
            let weighted = graph.node("Mul", part("weighted"), &[&gathered, &weight]);
            sum = Some(match sum {
                Some(sum) => graph.node("Add", part("sum"), &[&weighted, &sum]),
                None => weighted,
            });
        }
        sum.unwrap_or_default()
    }

    /// The first convolution before the interpolation: its rows for the coarse features on the coarse
    /// points, those for the skip features, where there are any, on the fine ones.
    pub fn feature_propagation(
        &mut self,
        layer: &Lowered<'_>,
        (coarse, coarse_channels): (&str, usize),
        skip: &str,
        carried: Carried<'_>,
    ) {
        let (first, rest) = layer.convolutions.split_first().expect("a feature propagation has convolutions");
        let (weights, biases) = self.convolution(first);
        let graph = &mut self.graph;
        let name = |part: &str| format!("{}/{part}", first.scope);
        let kernel = graph.slice(&name("coarse_weights"), &weights, 0, 0, coarse_channels);
        let coarse = graph.node("MatMul", name("coarse"), &[coarse, &kernel]);
        let start = if first.inputs > coarse_channels {
            let kernel = graph.slice(&name("skip_weights"), &weights, 0, coarse_channels, first.inputs);
            let skip = graph.node("MatMul", name("skip_product"), &[skip, &kernel]);
            Some(graph.node("Add", name("skip"), &[&skip, &biases]))
        } else {
            None
        };
        let mut sum = self.interpolate(layer.scope, &coarse, carried, start.as_deref());
        if start.is_none() {
            sum = self.graph.node("Add", name("sum"), &[&sum, &biases]);
        }
        let first_output = if rest.is_empty() { layer.output } else { &first.scope };
        let current = self.graph.node("Relu", first_output, &[&sum]);
        self.perceptron(rest, current, layer.output);
    }

    /// Each row times the sigmoid of its mean.
    pub fn gate_factor(&mut self, scope: &str, input: &str) -> String {
        let mean = self.graph.reduce("ReduceMean", &format!("{scope}/mean"), input, 1);
        self.graph.node("Sigmoid", format!("{scope}/factor"), &[&mean])
    }
}
