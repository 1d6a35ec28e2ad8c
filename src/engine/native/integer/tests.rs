//! Every integer kernel of every instruction set that is here against the plain one, and that one against sums that are
//! written out.

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::kernels::stride_of;
use super::*;

fn all() -> impl Iterator<Item = (InstructionSet, &'static IntegerKernels)> {
    InstructionSet::available().map(|set| (set, IntegerKernels::of(set)))
}

/// Steps as the kernels store them, as signed bytes.
fn signed(kernels: &IntegerKernels, steps: &[u8]) -> Vec<i8> {
    steps.iter().map(|step| step.wrapping_sub(kernels.offset()) as i8).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn products_are_sums_of_bytes(
        rows in 1usize..20, depth in 1usize..70, outputs in 1usize..80, relu in any::<bool>(), seed in any::<u64>(),
    ) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let weights: Vec<i8> = (0..depth * outputs).map(|_| random.random_range(-127i8..=127)).collect();
        let scale: Vec<f32> = (0..outputs).map(|_| random.random_range(0.001f32..0.1)).collect();
        let factors: Vec<f32> = (0..depth).map(|_| random.random_range(0.5f32..2.0)).collect();
        let (width, stride) = (stride_of(depth), stride_of(outputs));
        // Up to far beyond what a byte holds.
        let input: Vec<f32> = (0..rows * width).map(|_| random.random_range(-3.0f32..3.0)).collect();
        let bias: Vec<f32> = (0..stride).map(|_| random.random_range(-3.0f32..3.0)).collect();
        let next: Vec<f32> = (0..stride).map(|_| random.random_range(0.1f32..30.0)).collect();
        let source = Rows { values: &weights, scale: &scale, input_scale: 0.01, input_factor: Some(&factors) };

        // In the plain words of the definition.
        let step = |row: usize, at: usize| {
            (input[row * width + at] * (factors[at] / 0.01)).round_ties_even().clamp(-128.0, 127.0) as i32
        };
        let sum = |row: usize, output: usize| -> i32 {
            (0..depth).map(|at| step(row, at) * i32::from(weights[at * outputs + output])).sum()
        };
        let expected: Vec<f32> = (0..rows * stride).map(|place| {
            let (row, output) = (place / stride, place % stride);
            let scaled = if output < outputs { (sum(row, output), scale[output] * 0.01) } else { (0, 0.0) };
            let value = (scaled.0 as f32).mul_add(scaled.1, bias[output]);
            if relu { value.max(0.0) } else { value }
        }).collect();
        let expected_steps: Vec<i8> = expected.iter().zip(next.iter().cycle())
            .map(|(value, factor)| (value * factor).round_ties_even().clamp(-128.0, 127.0) as i8).collect();

        for (set, kernels) in all() {
            let weight = IntegerWeight::new(source, kernels).expect("weights from −127 on");
            let mut steps = vec![0; rows * width];
            kernels.quantise(&input, weight.input_factor(), &mut steps);
            let start = Start::Bias(&bias);
            let product = IntegerProduct { input: &steps, stride: width, rows, weight: &weight, start, relu };
            let mut floats = vec![7.0; rows * stride];
            kernels.product(&product, Output::Floats(&mut floats, stride));
            prop_assert_eq!(&floats, &expected, "{}", set);
            let mut result = vec![0; rows * stride];
            kernels.product(&product, Output::Steps(&mut result, stride, &next));
            prop_assert_eq!(&signed(kernels, &result), &expected_steps, "{}", set);
            let product = IntegerProduct { start: Start::Output, ..product };
            let mut added: Vec<f32> = bias.iter().copied().cycle().take(rows * stride).collect();
            kernels.product(&product, Output::Floats(&mut added, stride));
            prop_assert_eq!(&added, &expected, "{}: added", set);
        }
    }

    #[test]
    fn gathered_steps_are_gathered_floats_in_steps(lanes in 1usize..4, count in 0usize..20, seed in any::<u64>()) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (stride, rows) = (lanes * LANES, 6);
        let mut numbers = |count: usize| -> Vec<f32> { (0..count).map(|_| random.random_range(-3.0f32..3.0)).collect() };
        let (source, centre, factors) = (numbers(rows * stride), numbers(rows * stride), numbers(stride));
        let pairs: Vec<[u32; 2]> = (0..count).map(|at| [(at * 5 % rows) as u32, (at * 7 % rows) as u32]).collect();
        let gathered = Gathered { source: &source, centre: &centre, stride, pairs: &pairs };
        for (set, kernels) in all() {
            let mut floats = vec![0.0; count * stride];
            super::super::kernels::Kernels::of(set).gather(&gathered, &mut floats);
            let (mut expected, mut steps) = (vec![0; count * stride], vec![0; count * stride]);
            kernels.quantise(&floats, &factors, &mut expected);
            kernels.gather(&gathered, &factors, &mut steps);
            prop_assert_eq!(steps, expected, "{}", set);
        }
    }
}

#[test]
fn the_loudest_values_are_the_last_steps() {
    let values = [0.5, 1.5, -0.5, 126.5, 127.5, 1e20, f32::INFINITY, -128.5, -1e20, f32::NEG_INFINITY, 3.0, -3.0];
    let mut row = [0.0; LANES];
    row[..values.len()].copy_from_slice(&values);
    let expected = [0, 2, 0, 126, 127, 127, 127, -128, -128, -128, 3, -3, 0, 0, 0, 0];
    for (set, kernels) in all() {
        let mut steps = [0; LANES];
        kernels.quantise(&row, &[1.0; LANES], &mut steps);
        assert_eq!(signed(kernels, &steps), expected, "{set}");
    }
}

#[test]
fn the_largest_sums_are_exact() {
    let (depth, outputs) = (4096, 2);
    for weight in [127_i8, -127] {
        let source =
            Rows { values: &vec![weight; depth * outputs], scale: &[1.0; 2], input_scale: 1.0, input_factor: None };
        for value in [127.0_f32, -128.0] {
            for (set, kernels) in all() {
                let laid_out = IntegerWeight::new(source, kernels).expect("weights from −127 on");
                let mut steps = vec![0; depth];
                kernels.quantise(&vec![value; depth], laid_out.input_factor(), &mut steps);
                let start = Start::Bias(&[0.0; LANES]);
                let product =
                    IntegerProduct { input: &steps, stride: depth, rows: 1, weight: &laid_out, start, relu: false };
                let mut sums = [0.0; LANES];
                kernels.product(&product, Output::Floats(&mut sums, LANES));
                assert_eq!(sums[0], f32::from(weight) * value * depth as f32, "{set}");
            }
        }
    }
}

#[test]
fn weights_that_cannot_be_multiplied_are_refused() {
    let source = Rows { values: &[-128], scale: &[1.0], input_scale: 1.0, input_factor: None };
    assert!(IntegerWeight::new(source, IntegerKernels::of(InstructionSet::Plain)).is_none());
}
