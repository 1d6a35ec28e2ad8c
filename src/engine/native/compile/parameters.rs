//! From a model's parameters to the right sides of products: in 8 bits where the model has them so, else in floats.

use std::ops::Range;

use super::super::integer::{IntegerWeight, Rows};
use super::super::kernels::{Weight, stride_of};
use super::super::program::{Affine, Multiplier};
use super::{Compiler, padded};
use crate::network::onnx::IntegerKernel;
use crate::network::{FoldedConvolution, MIDDLE_CHANNELS};

/// A convolution, its batch normalisation folded in, with the name that its kernel has in a part.
#[derive(Clone, Debug)]
pub(super) struct Folded {
    /// `<scope>/weights`, with the columns that it was cut to.
    pub kernel: String,
    /// In floats.
    pub convolution: FoldedConvolution,
    /// Whether a ReLU follows.
    pub relu: bool,
}

impl Folded {
    /// Output width.
    pub fn outputs(&self) -> usize {
        self.convolution.outputs
    }

    /// Input width.
    pub fn inputs(&self) -> usize {
        self.convolution.inputs
    }

    /// The bias.
    pub fn bias(&self) -> &[f32] {
        &self.convolution.bias
    }

    /// Some outputs.
    pub fn columns(&self, columns: Range<usize>) -> Self {
        let all = &self.convolution;
        let rows = all.weight.chunks_exact(all.outputs);
        let convolution = FoldedConvolution {
            inputs: all.inputs,
            outputs: columns.len(),
            weight: rows.flat_map(|row| &row[columns.clone()]).copied().collect(),
            bias: all.bias[columns.clone()].to_vec(),
        };
        let kernel = format!("{}[:,{}:{}]", self.kernel, columns.start, columns.end);
        Self { kernel, convolution, relu: self.relu }
    }
}

impl Compiler<'_> {
    /// The folded convolutions of a layer.
    pub(super) fn convolutions(&self, layer: usize) -> Vec<Folded> {
        let convolutions = self.architecture.convolutions_of(layer).into_iter();
        let folded = convolutions.map(|step| Folded {
            kernel: step.weights(),
            convolution: self.from.parameters.convolution(&step.scope).expect("the parameters were checked").clone(),
            relu: step.normalised,
        });
        folded.collect()
    }

    /// Rows of a kernel: `rows[0].len() × outputs`; several ranges are added.
    pub(super) fn weight(&self, step: &Folded, rows: &[Range<usize>]) -> Multiplier {
        self.integer_weight(step, rows).map_or_else(|| self.float_weight(step, rows), Multiplier::Integer)
    }

    /// Some rows of a kernel.
    pub(super) fn piece(&self, step: &Folded, rows: Range<usize>) -> Multiplier {
        self.weight(step, std::slice::from_ref(&rows))
    }

    /// A whole kernel.
    pub(super) fn whole(&self, step: &Folded) -> Multiplier {
        self.piece(step, 0..step.inputs())
    }

    /// As [`weight`](Self::weight), in floats even where the model has 8 bits.
    fn float_weight(&self, step: &Folded, rows: &[Range<usize>]) -> Multiplier {
        let outputs = step.outputs();
        let slice = |range: &Range<usize>| &step.convolution.weight[range.start * outputs..range.end * outputs];
        let mut sum = slice(&rows[0]).to_vec();
        for range in &rows[1..] {
            sum.iter_mut().zip(slice(range)).for_each(|(sum, weight)| *sum += weight);
        }
        Multiplier::Float(Weight::new(&sum, rows[0].len(), outputs, self.from.kernels.panel()))
    }

    /// A whole convolution.
    pub(super) fn affine(&self, step: &Folded) -> Affine {
        Affine { weight: self.whole(step), bias: padded(step.bias()), relu: step.relu }
    }

    /// The rows in 8 bits, where the part has them so: as a piece of their own, or as part of the whole kernel.
    fn integer_weight(&self, step: &Folded, rows: &[Range<usize>]) -> Option<IntegerWeight> {
        let text: Vec<String> = rows.iter().map(|range| format!("[{}:{}]", range.start, range.end)).collect();
        let (integers, outputs) = (self.from.integers, step.outputs());
        let fits = |kernel: &&IntegerKernel, inputs: usize| (kernel.inputs, kernel.outputs) == (inputs, outputs);
        let piece = integers.get(&format!("{}{}", step.kernel, text.join("+")));
        if let Some(kernel) = piece.filter(|kernel| fits(kernel, rows[0].len())) {
            return self.lay_out(kernel, 0..kernel.inputs);
        }
        let [range] = rows else { return None };
        self.rows_of_whole(step, range.clone())
    }

    /// Rows of a kernel that is multiplied whole in the part, while some of its rows are there as a piece of their own for
    /// another product.
    pub(super) fn part_of_whole(&self, step: &Folded, rows: Range<usize>) -> Multiplier {
        match self.rows_of_whole(step, rows.clone()) {
            Some(weight) => Multiplier::Integer(weight),
            None => self.piece(step, rows),
        }
    }

    fn rows_of_whole(&self, step: &Folded, rows: Range<usize>) -> Option<IntegerWeight> {
        let whole = self.from.integers.get(&step.kernel)?;
        let fits = (whole.inputs, whole.outputs) == (step.inputs(), step.outputs());
        if fits { self.lay_out(whole, rows) } else { None }
    }

    fn lay_out(&self, kernel: &IntegerKernel, rows: Range<usize>) -> Option<IntegerWeight> {
        let outputs = kernel.outputs;
        let rows = Rows {
            values: &kernel.values[rows.start * outputs..rows.end * outputs],
            scale: &kernel.scale,
            input_scale: kernel.input_scale,
            input_factor: kernel.input_factor.as_ref().map(|factors| &factors[rows]),
        };
        IntegerWeight::new(rows, self.from.integer_kernels)
    }

    /// PointConv's last convolution over sums that lie by channel, then by function; the sums of padded channels lie
    /// behind all others.
    pub(super) fn after_convolution(&self, step: &Folded) -> Affine {
        let (inputs, outputs) = (step.inputs(), step.outputs());
        let channels = inputs / MIDDLE_CHANNELS;
        let padded_inputs = stride_of(channels) * MIDDLE_CHANNELS;
        let integer = self.from.integers.get(&format!("{}/by_function", step.kernel));
        let integer =
            integer.filter(|kernel| (kernel.inputs, kernel.outputs) == (inputs, outputs)).and_then(|kernel| {
                // From rows by (function, channel).
                let from = |input: usize| input % MIDDLE_CHANNELS * channels + input / MIDDLE_CHANNELS;
                let mut values: Vec<i8> =
                    (0..inputs).flat_map(|row| &kernel.values[from(row) * outputs..][..outputs]).copied().collect();
                values.resize(padded_inputs * outputs, 0);
                let factors = kernel.input_factor.as_ref().map(|factors| {
                    let mut factors: Vec<f32> = (0..inputs).map(|row| factors[from(row)]).collect();
                    factors.resize(padded_inputs, 0.0);
                    factors
                });
                let rows = Rows {
                    values: &values,
                    scale: &kernel.scale,
                    input_scale: kernel.input_scale,
                    input_factor: factors.as_deref(),
                };
                IntegerWeight::new(rows, self.from.integer_kernels)
            });
        let weight = integer.map_or_else(
            || {
                let mut rows = step.convolution.weight.clone();
                rows.resize(padded_inputs * outputs, 0.0);
                Multiplier::Float(Weight::new(&rows, padded_inputs, outputs, self.from.kernels.panel()))
            },
            Multiplier::Integer,
        );
        Affine { weight, bias: padded(step.bias()), relu: step.relu }
    }
}
