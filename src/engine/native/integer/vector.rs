//! The integer kernels, written once for vectors of any width; see [`super::super::kernels`] for how.

use super::super::kernels::{Gathered, Vector, in_tiles};
use super::{DEPTHS, IntegerProduct, Output, Start};

/// A vector of floats with the integers that belong to it.
///
/// # Safety
/// As for [`Vector`].
pub(super) trait IntegerVector: Vector {
    /// 32-bit sums, one per lane.
    type Sum: Copy;
    /// Four weights per lane.
    type Weights: Copy;
    /// What is added to a step to store it.
    const OFFSET: u8;
    /// Rows that a product works on at once: 4, 6 or 8, as many as leave their sums in registers.
    const INTEGER_ROWS: usize = Self::ROWS;
    /// Reads sums.
    unsafe fn sums(from: *const i32) -> Self::Sum;
    /// Reads weights: four times as many bytes as there are lanes.
    unsafe fn weights(from: *const i8) -> Self::Weights;
    /// Adds the products of four steps with the four weights of each lane.
    unsafe fn dot(sum: Self::Sum, steps: *const u8, weights: Self::Weights) -> Self::Sum;
    /// The sums as floats.
    unsafe fn to_floats(sum: Self::Sum) -> Self;
    /// `self · other`.
    unsafe fn multiply(self, other: Self) -> Self;
    /// Rounds half to even, saturates to a signed byte, adds the offset, and writes one byte per lane.
    unsafe fn store_steps(self, to: *mut u8);
}

/// Sums of `ROWS × VECTORS` vectors and what is done with them.
///
/// # Safety
/// As [`product`]; `row` and `first` lie inside.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // constant numbers, so that sums stay in registers
unsafe fn tile<V: IntegerVector, const ROWS: usize, const VECTORS: usize>(
    product: &IntegerProduct<'_>,
    (row, first): (usize, usize),
    output: &mut Output<'_>,
) {
    let IntegerProduct { input, stride, weight, start, relu, .. } = *product;
    let width = weight.width(first);
    // SAFETY: the caller's.
    unsafe {
        let mut sum = [[V::sums(weight.start().as_ptr().add(first)); VECTORS]; ROWS];
        for row in &mut sum {
            for (vector, sum) in row.iter_mut().enumerate() {
                *sum = V::sums(weight.start().as_ptr().add(first + vector * V::LANES));
            }
        }
        let mut steps = input.as_ptr().add(row * stride);
        let mut panel = weight.panel(first).as_ptr();
        for _ in 0..weight.depth() / DEPTHS {
            let mut weights = [V::weights(panel); VECTORS];
            for (vector, weights) in weights.iter_mut().enumerate() {
                *weights = V::weights(panel.add(vector * V::LANES * DEPTHS));
            }
            for (at, row) in sum.iter_mut().enumerate() {
                for (sum, weights) in row.iter_mut().zip(weights) {
                    *sum = V::dot(*sum, steps.add(at * stride), weights);
                }
            }
            steps = steps.add(DEPTHS);
            panel = panel.add(width * DEPTHS);
        }
        // Below this nothing is left: one comparison with or without a ReLU.
        let floor = V::splat(if relu { 0.0 } else { f32::NEG_INFINITY });
        let (mut scale, mut bias, mut factor) = ([floor; VECTORS], [V::splat(0.0); VECTORS], [floor; VECTORS]);
        for vector in 0..VECTORS {
            let channel = first + vector * V::LANES;
            scale[vector] = V::load(weight.scale().as_ptr().add(channel));
            if let Start::Bias(from) = start {
                bias[vector] = V::load(from.as_ptr().add(channel));
            }
            if let Output::Steps(_, _, factors) = output {
                factor[vector] = V::load(factors.as_ptr().add(channel));
            }
        }
        // Row by row with constant numbers: sums that are indexed by a variable would not stay in registers.
        macro_rules! each_row {
            ($at:ident, $work:block) => {
                each_row!($at, $work, 0 1 2 3 4 5 6 7)
            };
            ($at:ident, $work:block, $($number:literal)*) => {
                $(if $number < ROWS {
                    let $at = $number % ROWS;
                    $work
                })*
            };
        }
        match output {
            Output::Floats(values, stride) => {
                let to = values.as_mut_ptr().add(row * *stride + first);
                let from_output = matches!(start, Start::Output);
                each_row!(at, {
                    for vector in 0..VECTORS {
                        let to = to.add(at * *stride + vector * V::LANES);
                        let begin = if from_output { V::load(to) } else { bias[vector] };
                        V::to_floats(sum[at][vector]).multiply_add(scale[vector], begin).larger(floor).store(to);
                    }
                });
            }
            Output::Steps(values, stride, _) => {
                let to = values.as_mut_ptr().add(row * *stride + first);
                each_row!(at, {
                    for vector in 0..VECTORS {
                        let value = V::to_floats(sum[at][vector]).multiply_add(scale[vector], bias[vector]);
                        let to = to.add(at * *stride + vector * V::LANES);
                        value.larger(floor).multiply(factor[vector]).store_steps(to);
                    }
                });
            }
        }
    }
}

/// A panel of `VECTORS` vectors, all rows.
///
/// # Safety
/// As [`product`].
#[inline(always)]
unsafe fn panel<V: IntegerVector, const VECTORS: usize>(
    product: &IntegerProduct<'_>,
    first: usize,
    output: &mut Output<'_>,
) {
    let mut row = 0;
    // SAFETY: the caller's.
    unsafe {
        macro_rules! rows {
            ($count:literal) => {{
                tile::<V, $count, VECTORS>(product, (row, first), output);
                row += $count;
            }};
        }
        in_tiles!(V::INTEGER_ROWS, product.rows - row, rows);
    }
    debug_assert_eq!(row, product.rows);
}

/// See [`IntegerKernels::product`](super::IntegerKernels::product).
///
/// # Safety
/// The processor has the vector's instructions; lengths are as `IntegerKernels::product` checks them.
#[inline(always)]
pub(super) unsafe fn product<V: IntegerVector, const VECTORS: usize>(
    product: &IntegerProduct<'_>,
    mut output: Output<'_>,
) {
    let (outputs, wide) = (product.weight.outputs(), VECTORS * V::LANES);
    let mut first = 0;
    // SAFETY: the caller's.
    unsafe {
        while first + wide <= outputs {
            panel::<V, VECTORS>(product, first, &mut output);
            first += wide;
        }
        if first < outputs {
            // Only where a panel is wider than the padding: AVX-512.
            panel::<V, 1>(product, first, &mut output);
        }
    }
}

/// See [`IntegerKernels::quantise`](super::IntegerKernels::quantise).
///
/// # Safety
/// As [`product`].
#[inline(always)]
pub(super) unsafe fn quantise<V: IntegerVector>(values: &[f32], factors: &[f32], steps: &mut [u8]) {
    let stride = factors.len();
    // SAFETY: the caller's.
    unsafe {
        for row in (0..values.len()).step_by(stride) {
            for at in (0..stride).step_by(V::LANES) {
                let factor = V::load(factors.as_ptr().add(at));
                V::load(values.as_ptr().add(row + at)).multiply(factor).store_steps(steps.as_mut_ptr().add(row + at));
            }
        }
    }
}

/// See [`IntegerKernels::gather`](super::IntegerKernels::gather).
///
/// # Safety
/// As [`product`].
#[inline(always)]
pub(super) unsafe fn gather<V: IntegerVector>(gathered: &Gathered<'_>, factors: &[f32], steps: &mut [u8]) {
    let stride = gathered.stride;
    // SAFETY: the caller's.
    unsafe {
        let zero = V::splat(0.0);
        for (pair, &[centre, row]) in gathered.pairs.iter().enumerate() {
            let source = gathered.source.as_ptr().add(row as usize * stride);
            let centre = gathered.centre.as_ptr().add(centre as usize * stride);
            let steps = steps.as_mut_ptr().add(pair * stride);
            for at in (0..stride).step_by(V::LANES) {
                let difference = V::load(source.add(at)).subtract(V::load(centre.add(at))).larger(zero);
                difference.multiply(V::load(factors.as_ptr().add(at))).store_steps(steps.add(at));
            }
        }
    }
}

/// The table of an instruction set: its vector, the vectors in a panel, and the features that it needs.
macro_rules! table {
    ($vector:ty, $vectors:literal, $features:literal) => {
        /// The integer kernels of this instruction set.
        pub(super) static KERNELS: super::IntegerKernels = super::IntegerKernels {
            panel: $vectors * <$vector as crate::engine::native::kernels::Vector>::LANES,
            offset: <$vector as super::vector::IntegerVector>::OFFSET,
            product,
            quantise,
            gather,
        };

        #[target_feature(enable = $features)]
        unsafe fn product(product: &super::IntegerProduct<'_>, output: super::Output<'_>) {
            // SAFETY: the caller's; the instructions are switched on here.
            unsafe { super::vector::product::<$vector, $vectors>(product, output) }
        }

        #[target_feature(enable = $features)]
        unsafe fn quantise(values: &[f32], factors: &[f32], steps: &mut [u8]) {
            // SAFETY: as above.
            unsafe { super::vector::quantise::<$vector>(values, factors, steps) }
        }

        #[target_feature(enable = $features)]
        unsafe fn gather(gathered: &super::Gathered<'_>, factors: &[f32], steps: &mut [u8]) {
            // SAFETY: as above.
            unsafe { super::vector::gather::<$vector>(gathered, factors, steps) }
        }
    };
}
pub(super) use table;
