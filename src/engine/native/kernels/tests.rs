//! Every kernel of every instruction set that is here against the plain one: the same bits.

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

/// Numbers with many digits, some of them zero.
fn numbers(random: &mut ChaCha8Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| if random.random_range(0..8) == 0 { 0.0 } else { random.random_range(-2.0f32..2.0) }).collect()
}

fn pairs(random: &mut ChaCha8Rng, count: usize, centres: usize, rows: usize) -> Vec<[u32; 2]> {
    let mut pairs: Vec<[u32; 2]> =
        (0..count).map(|_| [random.random_range(0..centres) as u32, random.random_range(0..rows) as u32]).collect();
    pairs.sort_unstable();
    pairs
}

fn others() -> impl Iterator<Item = &'static Kernels> {
    InstructionSet::available().filter(|&set| set != InstructionSet::Plain).map(Kernels::of)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn products_have_the_same_bits(
        rows in 1usize..40,
        depth in 1usize..70,
        outputs in 1usize..100,
        (transposed, relu, from_output, row_major) in any::<(bool, bool, bool, bool)>(),
        seed in any::<u64>(),
    ) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let stride = if transposed { rows + 3 } else { depth + 5 };
        let values = numbers(&mut random, if transposed { depth * stride } else { rows * stride });
        let input = if transposed { Input::columns(&values, stride) } else { Input::rows(&values, stride) };
        let (weights, bias) = (numbers(&mut random, depth * outputs), numbers(&mut random, stride_of(outputs)));
        let mut padded = vec![0.0; depth * stride_of(outputs)];
        for (padded, row) in padded.chunks_exact_mut(stride_of(outputs)).zip(weights.chunks_exact(outputs)) {
            padded[..outputs].copy_from_slice(row);
        }
        let before = numbers(&mut random, rows * stride_of(outputs));
        let run = |kernels: &Kernels| {
            let weight = Weight::new(&weights, depth, outputs, kernels.panel());
            let weight = match row_major {
                true => Panels::row_major(&padded, depth, stride_of(outputs), kernels.panel()),
                false => weight.panels(),
            };
            let start = if from_output { Start::Output } else { Start::Bias(&bias) };
            let mut output = before.clone();
            kernels.product(&Product { input, rows, weight, start, relu }, &mut output, stride_of(outputs));
            output
        };
        let expected = run(Kernels::of(InstructionSet::Plain));
        for kernels in others() {
            prop_assert_eq!(&run(kernels), &expected, "{}", kernels.instruction_set());
        }
    }

    #[test]
    fn rows_move_with_the_same_bits(lanes in 1usize..5, count in 0usize..30, seed in any::<u64>()) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (stride, rows, centres) = (lanes * LANES, 9, 5);
        let (source, centre) = (numbers(&mut random, rows * stride), numbers(&mut random, centres * stride));
        let pairs = pairs(&mut random, count, centres, rows);
        let index: Vec<[u32; 3]> =
            (0..count).map(|_| [0; 3].map(|_: u32| random.random_range(0..rows) as u32)).collect();
        let weight: Vec<[f32; 3]> = index.iter().map(|_| [0.0; 3].map(|_: f32| random.random_range(0.0..1.0))).collect();
        let before = numbers(&mut random, count.max(centres) * stride);
        let gathered = Gathered { source: &source, centre: &centre, stride, pairs: &pairs };
        let run = |kernels: &Kernels| {
            let mut outputs = [before.clone(), before.clone(), before.clone(), before.clone()];
            kernels.gather(&gathered, &mut outputs[0]);
            kernels.carry(&Carried { source: &source, stride, index: &index, weight: &weight }, &mut outputs[1]);
            kernels.maximum(&before[..count * stride], stride, &pairs, &mut outputs[2][..centres * stride]);
            let added = centres.min(rows) * stride;
            kernels.add(&source[..added], &mut outputs[3]);
            outputs
        };
        let expected = run(Kernels::of(InstructionSet::Plain));
        for kernels in others() {
            prop_assert_eq!(&run(kernels), &expected, "{}", kernels.instruction_set());
        }
    }

    #[test]
    fn weighted_sums_have_the_same_bits(
        lanes in 1usize..4, points in 0usize..6, slots in 1usize..9, relative in any::<bool>(), seed in any::<u64>(),
    ) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (stride, rows) = (lanes * LANES, 7);
        let source = numbers(&mut random, rows * stride);
        let pairs = pairs(&mut random, points * slots, rows, rows);
        let weight = numbers(&mut random, pairs.len() * stride);
        let bias = numbers(&mut random, stride);
        let gathered = Gathered { source: &source, centre: &source, stride, pairs: &pairs };
        let weighted = Weighted { weight: &weight, gathered, slots, bias: &bias, relative };
        let run = |kernels: &Kernels| {
            let mut output = vec![0.0; points * stride];
            kernels.weighted(&weighted, &mut output);
            output
        };
        let expected = run(Kernels::of(InstructionSet::Plain));
        for kernels in others() {
            prop_assert_eq!(&run(kernels), &expected, "{}", kernels.instruction_set());
        }
    }
}

#[test]
fn a_product_is_a_matrix_product() {
    // [1 2; 3 4] · [1 0 2; 0 1 3] + [10 20 30]
    let weight = Weight::new(&[1.0, 0.0, 2.0, 0.0, 1.0, 3.0], 2, 3, Kernels::of(InstructionSet::Plain).panel());
    let bias = [10.0, 20.0, 30.0].into_iter().chain([0.0; LANES - 3]).collect::<Vec<f32>>();
    let (input, start) = (Input::rows(&[1.0, 2.0, 3.0, 4.0], 2), Start::Bias(&bias));
    let mut output = vec![9.0; 2 * LANES];
    let product = Product { input, rows: 2, weight: weight.panels(), start, relu: false };
    Kernels::of(InstructionSet::Plain).product(&product, &mut output, LANES);
    assert_eq!((&output[..3], &output[LANES..LANES + 3]), (&[11.0, 22.0, 38.0][..], &[13.0, 24.0, 48.0][..]));
}

#[test]
#[should_panic(expected = "beyond its level")]
fn an_index_beyond_its_matrix_is_refused() {
    let rows = vec![0.0; 2 * LANES];
    let gathered = Gathered { source: &rows, centre: &rows, stride: LANES, pairs: &[[0, 2]] };
    Kernels::of(InstructionSet::best()).gather(&gathered, &mut [0.0; LANES]);
}

#[test]
#[should_panic(expected = "too short")]
fn an_input_that_is_too_short_is_refused() {
    let kernels = Kernels::of(InstructionSet::best());
    let weight = Weight::new(&[0.0; 6], 3, 2, kernels.panel());
    let input = Input::rows(&[0.0; 5], 3);
    let product = Product { input, rows: 2, weight: weight.panels(), start: Start::Output, relu: false };
    kernels.product(&product, &mut [0.0; 2 * LANES], LANES);
}
