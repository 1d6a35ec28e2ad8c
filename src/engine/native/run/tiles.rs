//! A tile of rows on its way through products, in floats or in 8 bits.

use super::super::integer::{IntegerProduct, IntegerWeight, Output, Start as IntegerStart, StepTiles};
use super::super::kernels::{Aligned, Input, LANES, Product, Start};
use super::super::program::{Affine, Multiplier};
use super::Run;

/// The tile that is worked on: rows of `stride` values, in the first of the float tiles or in steps.
pub(super) struct Tile<'m> {
    /// The tile that is read, and the one that is written.
    pub floats: [&'m mut Aligned; 2],
    /// The same in 8 bits.
    pub steps: &'m mut StepTiles,
    /// Values in a row.
    pub stride: usize,
    /// Whether the rows are in steps, for a product in 8 bits to read.
    pub in_steps: bool,
}

impl Tile<'_> {
    /// The rows, in floats.
    pub fn rows(&self, rows: usize) -> &[f32] {
        debug_assert!(!self.in_steps, "steps are only there for a product that reads them");
        &self.floats[0].as_ref()[..rows * self.stride]
    }

    /// Multiplies the rows. The result goes to `output` if there is one, else it stays in the tile: in steps, where
    /// `next` reads steps.
    pub fn multiply(
        &mut self,
        run: &Run<'_>,
        layer: &Affine,
        next: Option<&Affine>,
        rows: usize,
        output: Option<&mut [f32]>,
    ) {
        let (bias, relu, outputs) = (layer.bias.as_ref(), layer.relu, layer.weight.outputs());
        let [current, other] = &mut self.floats;
        match &layer.weight {
            Multiplier::Float(weight) => {
                let (input, start) = (Input::rows(current.as_ref(), self.stride), Start::Bias(bias));
                let product = Product { input, rows, weight: weight.panels(), start, relu };
                match output {
                    Some(output) => run.kernels.product(&product, output, outputs),
                    None => {
                        run.kernels.product(&product, other.as_mut(), outputs);
                        self.floats.swap(0, 1);
                    }
                }
            }
            Multiplier::Integer(weight) => {
                let StepTiles { current: steps, next: next_steps } = &mut *self.steps;
                if !self.in_steps {
                    let values = &current.as_ref()[..rows * self.stride];
                    run.integer_kernels.quantise(values, weight.input_factor(), steps.as_mut());
                }
                let (input, stride, start) = (steps.as_ref(), weight.input_factor().len(), IntegerStart::Bias(bias));
                let product = IntegerProduct { input, stride, rows, weight, start, relu };
                self.in_steps = false;
                match (output, next.map(|next| &next.weight)) {
                    (Some(output), _) => run.integer_kernels.product(&product, Output::Floats(output, outputs)),
                    (None, Some(Multiplier::Integer(next))) => {
                        let output = Output::Steps(next_steps.as_mut(), outputs, next.input_factor());
                        run.integer_kernels.product(&product, output);
                        std::mem::swap(steps, next_steps);
                        self.in_steps = true;
                    }
                    (None, _) => {
                        run.integer_kernels.product(&product, Output::Floats(other.as_mut(), outputs));
                        self.floats.swap(0, 1);
                    }
                }
            }
        }
        self.stride = outputs;
    }

    /// Multiplies the rows by one layer after the other.
    pub fn perceptron(&mut self, run: &Run<'_>, layers: &[Affine], rows: usize) {
        for (at, layer) in layers.iter().enumerate() {
            self.multiply(run, layer, layers.get(at + 1), rows, None);
        }
    }
}

/// A product whose input lies in a matrix or a buffer of its own.
pub(super) struct Loose<'a> {
    /// Left side.
    pub input: Input<'a>,
    /// Rows.
    pub rows: usize,
    /// Right side.
    pub weight: &'a Multiplier,
    /// What the sums start with.
    pub start: Start<'a>,
    /// Whether negative sums become 0.
    pub relu: bool,
}

impl Run<'_> {
    /// Multiplies rows that lie anywhere.
    pub(super) fn multiply(&self, loose: &Loose<'_>, steps: &mut StepTiles, output: &mut [f32], stride: usize) {
        let &Loose { input, rows, weight, start, relu } = loose;
        match weight {
            Multiplier::Float(weight) => {
                self.kernels.product(&Product { input, rows, weight: weight.panels(), start, relu }, output, stride);
            }
            Multiplier::Integer(weight) => {
                let steps = steps.current.as_mut();
                self.quantise(input, rows, weight, steps);
                let start = match start {
                    Start::Bias(bias) => IntegerStart::Bias(bias),
                    Start::Output => IntegerStart::Output,
                };
                let width = weight.input_factor().len();
                let product = IntegerProduct { input: steps, stride: width, rows, weight, start, relu };
                self.integer_kernels.product(&product, Output::Floats(output, stride));
            }
        }
    }

    fn quantise(&self, input: Input<'_>, rows: usize, weight: &IntegerWeight, steps: &mut [u8]) {
        let factors = weight.input_factor();
        if input.row == factors.len() {
            return self.integer_kernels.quantise(&input.values[..rows * input.row], factors, steps);
        }
        // Rows that are not padded: the block's own features.
        for row in 0..rows {
            let values = &input.values[row * input.row..];
            for start in (0..factors.len()).step_by(LANES) {
                let mut lanes = [0.0; LANES];
                let there = factors.len().min(start + LANES).min(values.len()).saturating_sub(start);
                lanes[..there].copy_from_slice(&values[start..start + there]);
                let to = &mut steps[row * factors.len() + start..][..LANES];
                // Beyond the row's end its factors are zero.
                self.integer_kernels.quantise(&lanes, &factors[start..start + LANES], to);
            }
        }
    }
}
