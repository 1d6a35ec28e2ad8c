//! Dense row-major arrays, and the two matrix products that everything rests on: in single
//! precision, and in 8-bit integers.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, s};

/// A dense array in row-major order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tensor {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values.
    pub values: Vec<f32>,
}

impl Tensor {
    /// Width of the last axis: the channels.
    pub fn channels(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }

    /// Everything but the last axis, as one.
    pub fn rows(&self) -> usize {
        self.shape.split_last().map_or(1, |(_, outer)| outer.iter().product())
    }
}

/// A kernel in 8 bits: `value · scale[output]`, symmetric.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantisedKernel {
    /// Rows.
    pub inputs: usize,
    /// Columns.
    pub outputs: usize,
    /// `inputs × outputs`, row by input.
    pub values: Vec<i8>,
    /// One per output.
    pub scale: Vec<f32>,
}

/// Which arithmetic computes integer products. Both give the same bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arithmetic {
    /// 8-bit integers multiplied one by one and summed in 32-bit integers: the oracle.
    Plain,
    /// The same integers in single-precision registers, at most [`EXACT_TERMS`] to a sum, which
    /// therefore never rounds.
    #[default]
    Fast,
}

/// So many products of two 8-bit integers sum to less than 2²⁴, below which every integer is a
/// binary32: 1024 · 128 · 127 = 16 646 144.
pub const EXACT_TERMS: usize = 1024;

/// `x · w`, `rows × inputs` by `inputs × outputs`, in single precision.
pub fn product(x: &[f32], weight: &[f32], inputs: usize, outputs: usize) -> Vec<f32> {
    let rows = x.len() / inputs.max(1);
    let (x, weight) = (view(x, rows, inputs), view(weight, inputs, outputs));
    let mut y = Array2::zeros((rows, outputs));
    general_mat_mul(1.0, &x, &weight, 0.0, &mut y);
    y.into_raw_vec_and_offset().0
}

fn view(values: &[f32], rows: usize, columns: usize) -> ArrayView2<'_, f32> {
    ArrayView2::from_shape((rows, columns), values).expect("every caller checked the shapes")
}

/// ONNX' `QuantizeLinear` with zero point 0: divide, round half to even, saturate to −128..=127.
/// NaN becomes 0, which no checked network produces.
pub fn quantise(value: f32, scale: f32) -> i8 {
    // The cast saturates by itself.
    (value / scale).round_ties_even() as i8
}

/// As [`quantise`], for many.
pub fn quantise_all(values: &[f32], scale: f32) -> Vec<i8> {
    values.iter().map(|&value| quantise(value, scale)).collect()
}

/// Steps of size `scale` times `kernel`: 8-bit factors, 32-bit sums, and one rounding of
/// `sum · (scale · kernel scale)` to single precision at the end.
///
/// `steps` are `rows × inputs`; the result is `rows × outputs`.
pub fn integer_product(steps: &[i8], scale: f32, kernel: &QuantisedKernel, arithmetic: Arithmetic) -> Vec<f32> {
    let sums = match arithmetic {
        Arithmetic::Plain => plain_sums(steps, kernel),
        Arithmetic::Fast => fast_sums(steps, kernel),
    };
    let factors: Vec<f32> = kernel.scale.iter().map(|weight| scale * weight).collect();
    let rows = sums.chunks_exact(kernel.outputs.max(1));
    rows.flat_map(|row| row.iter().zip(&factors).map(|(&sum, factor)| sum as f32 * factor)).collect()
}

fn plain_sums(steps: &[i8], kernel: &QuantisedKernel) -> Vec<i32> {
    let mut sums = Vec::with_capacity(steps.len() / kernel.inputs.max(1) * kernel.outputs);
    for row in steps.chunks_exact(kernel.inputs.max(1)) {
        let start = sums.len();
        sums.resize(start + kernel.outputs, 0_i32);
        for (&value, weights) in row.iter().zip(kernel.values.chunks_exact(kernel.outputs)) {
            let value = i32::from(value);
            for (sum, &weight) in sums[start..].iter_mut().zip(weights) {
                *sum += value * i32::from(weight);
            }
        }
    }
    sums
}

fn fast_sums(steps: &[i8], kernel: &QuantisedKernel) -> Vec<i32> {
    let rows = steps.len() / kernel.inputs.max(1);
    let steps: Vec<f32> = steps.iter().map(|&step| f32::from(step)).collect();
    let weights: Vec<f32> = kernel.values.iter().map(|&weight| f32::from(weight)).collect();
    let (steps, weights) = (view(&steps, rows, kernel.inputs), view(&weights, kernel.inputs, kernel.outputs));
    let mut sums = vec![0_i32; rows * kernel.outputs];
    let mut part = Array2::zeros((rows, kernel.outputs));
    for start in (0..kernel.inputs).step_by(EXACT_TERMS) {
        let end = (start + EXACT_TERMS).min(kernel.inputs);
        let (steps, weights) = (steps.slice(s![.., start..end]), weights.slice(s![start..end, ..]));
        general_mat_mul(1.0, &steps, &weights, 0.0, &mut part);
        sums.iter_mut().zip(&part).for_each(|(sum, &part)| *sum += part as i32);
    }
    sums
}

impl QuantisedKernel {
    /// Quantises `inputs × outputs` weights: the largest of each column becomes ±127. A column of
    /// zeros gets scale 1.
    pub fn of(weights: &[f32], inputs: usize, outputs: usize) -> Self {
        let mut largest = vec![0.0_f32; outputs];
        for row in weights.chunks_exact(outputs.max(1)) {
            largest.iter_mut().zip(row).for_each(|(largest, weight)| *largest = largest.max(weight.abs()));
        }
        let scale: Vec<f32> = largest.into_iter().map(step_of).collect();
        let rows = weights.chunks_exact(outputs.max(1));
        let values = rows.flat_map(|row| row.iter().zip(&scale).map(|(&weight, &scale)| quantise(weight, scale)));
        Self { inputs, outputs, values: values.collect(), scale }
    }

    /// What the 8-bit values stand for.
    pub fn dequantised(&self) -> Vec<f32> {
        let rows = self.values.chunks_exact(self.outputs.max(1));
        rows.flat_map(|row| row.iter().zip(&self.scale).map(|(&value, scale)| f32::from(value) * scale)).collect()
    }
}

/// The scale under which `largest` is step 127; 1 where it is zero or too small to divide by.
pub fn step_of(largest: f32) -> f32 {
    let scale = largest / 127.0;
    if scale.is_normal() { scale } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantising_rounds_half_to_even_and_saturates() {
        let steps = [0.5, 1.5, 2.5, -0.5, -1.5, 126.5, 127.5, 300.0, -128.5, -300.0].map(|x| quantise(x * 0.25, 0.25));
        assert_eq!(steps, [0, 2, 2, 0, -2, 126, 127, 127, -128, -128]);
    }

    #[test]
    fn the_largest_sums_are_exact() {
        // 2500 inputs: three slabs, the worst values that there are.
        let kernel =
            QuantisedKernel { inputs: 2500, outputs: 2, values: [127, -128].repeat(2500), scale: vec![1.0; 2] };
        for value in [127.0_f32, -128.0] {
            let x = vec![value as i8; 2500];
            let expected = [2500.0 * value * 127.0, 2500.0 * value * -128.0];
            assert_eq!(integer_product(&x, 1.0, &kernel, Arithmetic::Plain), expected);
            assert_eq!(integer_product(&x, 1.0, &kernel, Arithmetic::Fast), expected);
        }
    }

    #[test]
    fn a_column_of_zeros_has_a_scale() {
        let kernel = QuantisedKernel::of(&[0.0, 1.0, 0.0, -2.54], 2, 2);
        assert_eq!(kernel.scale, [1.0, 2.54 / 127.0]);
        assert_eq!(kernel.values, [0, 50, 0, -127]);
    }

    proptest! {
        #[test]
        fn both_arithmetics_give_the_same_bits(
            rows in 1usize..6, inputs in 1usize..40, outputs in 1usize..9,
            scale in 1e-3f32..1.0, seed in prop::collection::vec(-1.0f32..1.0, 40 * 9 + 6 * 40),
        ) {
            let (weights, rest) = seed.split_at(inputs * outputs);
            let kernel = QuantisedKernel::of(weights, inputs, outputs);
            let x = &rest[..rows * inputs];
            let steps = quantise_all(x, scale);
            let plain = integer_product(&steps, scale, &kernel, Arithmetic::Plain);
            prop_assert_eq!(&plain, &integer_product(&steps, scale, &kernel, Arithmetic::Fast));
            // Within the steps it is the product in floats: half a step of x, half a step of w.
            let float = product(x, weights, inputs, outputs);
            for (row, (one, other)) in plain.iter().zip(&float).enumerate() {
                let step = kernel.scale[row % outputs];
                let bound = inputs as f32 * (0.5 * step * 128.0 * scale.max(1.0 / 127.0) + 0.5 * scale * 128.0 * step);
                let clipped = x.iter().any(|x| x.abs() > 127.0 * scale);
                prop_assert!(clipped || (one - other).abs() <= bound, "{} {}", one, other);
            }
        }
    }
}
