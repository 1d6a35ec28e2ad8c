//! The kernels, written once for vectors of any width.
//!
//! Each instruction set says what its vector is ([`Vector`]) and compiles these functions with its
//! instructions switched on ([`table`]).

use super::{Carried, Gathered, Panels, Product, Start, Weighted};

/// Works off `$left` rows, `$most` at a time and then the rest: `$rows!(count)` works on so many, which is a constant, and
/// moves on.
macro_rules! in_tiles {
    ($most:expr, $left:expr, $rows:ident) => {
        while $left >= $most {
            match $most {
                8 => $rows!(8),
                6 => $rows!(6),
                _ => $rows!(4),
            }
        }
        match $left {
            7 => $rows!(7),
            6 => $rows!(6),
            5 => $rows!(5),
            4 => $rows!(4),
            3 => $rows!(3),
            2 => $rows!(2),
            1 => $rows!(1),
            _ => {}
        }
    };
}
pub(in super::super) use in_tiles;

/// A vector register of `f32`.
///
/// # Safety
/// Every function may only run where the processor has the instructions; `load` and `store` access
/// [`LANES`](Vector::LANES) values.
pub trait Vector: Copy {
    /// Values in it.
    const LANES: usize;
    /// Rows that a product works on at once: as many as leave their sums in registers.
    const ROWS: usize;
    /// Every lane the same.
    unsafe fn splat(value: f32) -> Self;
    /// Reads a vector.
    unsafe fn load(from: *const f32) -> Self;
    /// Writes a vector.
    unsafe fn store(self, to: *mut f32);
    /// `self · factor + sum`, rounded once.
    unsafe fn multiply_add(self, factor: Self, sum: Self) -> Self;
    /// `self + other`.
    unsafe fn add(self, other: Self) -> Self;
    /// `self − other`.
    unsafe fn subtract(self, other: Self) -> Self;
    /// `self` where it is greater, else `other` (where either is no number, too).
    unsafe fn larger(self, other: Self) -> Self;
}

/// Sums of `ROWS × VECTORS` vectors from the first depth to the last.
///
/// # Safety
/// As [`product`]; `input`, `weight`, `bias` and `output` point at the first value of the tile.
#[inline(always)]
#[allow(clippy::too_many_arguments, clippy::needless_range_loop)] // plain numbers, which stay in registers
unsafe fn tile<V: Vector, const ROWS: usize, const VECTORS: usize>(
    input: *const f32,
    (input_row, input_depth): (usize, usize),
    weight: *const f32,
    (depth, weight_row): (usize, usize),
    bias: Option<*const f32>,
    relu: bool,
    output: *mut f32,
    stride: usize,
) {
    // SAFETY: the caller's.
    unsafe {
        let mut sum = [[V::splat(0.0); VECTORS]; ROWS];
        for row in 0..ROWS {
            for vector in 0..VECTORS {
                let start = match bias {
                    Some(bias) => bias,
                    None => output.add(row * stride).cast_const(),
                };
                sum[row][vector] = V::load(start.add(vector * V::LANES));
            }
        }
        let (mut input_at, mut weight_at) = (input, weight);
        for _ in 0..depth {
            let mut factor = [V::splat(0.0); VECTORS];
            for vector in 0..VECTORS {
                factor[vector] = V::load(weight_at.add(vector * V::LANES));
            }
            for row in 0..ROWS {
                let value = V::splat(*input_at.add(row * input_row));
                for vector in 0..VECTORS {
                    sum[row][vector] = value.multiply_add(factor[vector], sum[row][vector]);
                }
            }
            input_at = input_at.add(input_depth);
            weight_at = weight_at.add(weight_row);
        }
        let zero = V::splat(0.0);
        for row in 0..ROWS {
            for vector in 0..VECTORS {
                let value = if relu { sum[row][vector].larger(zero) } else { sum[row][vector] };
                value.store(output.add(row * stride + vector * V::LANES));
            }
        }
    }
}

/// A panel of `VECTORS` vectors, all rows.
///
/// # Safety
/// As [`product`].
#[inline(always)]
unsafe fn panel<V: Vector, const VECTORS: usize>(
    product: &Product<'_>,
    start: usize,
    output: &mut [f32],
    stride: usize,
) {
    let Product { input, rows, weight, relu, .. } = *product;
    let (first, weight_row) = weight.panel(start);
    let depth = (weight.depth, weight_row);
    let mut row = 0;
    // SAFETY: the caller's: rows, depth and outputs lie within their slices.
    unsafe {
        let bias = match product.start {
            Start::Bias(bias) => Some(bias.as_ptr().add(start)),
            Start::Output => None,
        };
        let weight = weight.values.as_ptr().add(first);
        let steps = (input.row, input.depth);
        macro_rules! rows {
            ($count:literal) => {{
                let from = input.values.as_ptr().add(row * input.row);
                let to = output.as_mut_ptr().add(row * stride + start);
                tile::<V, $count, VECTORS>(from, steps, weight, depth, bias, relu, to, stride);
                row += $count;
            }};
        }
        in_tiles!(V::ROWS, rows - row, rows);
    }
    debug_assert_eq!(row, rows);
}

/// See [`Kernels::product`](super::Kernels::product).
///
/// # Safety
/// The processor has the vector's instructions; lengths are as `Kernels::product` checks them.
#[inline(always)]
pub(super) unsafe fn product<V: Vector, const VECTORS: usize>(
    product: &Product<'_>,
    output: &mut [f32],
    stride: usize,
) {
    let Panels { outputs, .. } = product.weight;
    let (wide, narrow) = (VECTORS * V::LANES, super::LANES);
    let mut start = 0;
    // SAFETY: the caller's.
    unsafe {
        while start + wide <= outputs {
            panel::<V, VECTORS>(product, start, output, stride);
            start += wide;
        }
        if start < outputs {
            debug_assert_eq!(outputs - start, narrow);
            // Only where a panel is wider than the padding: AVX-512.
            panel::<V, 1>(product, start, output, stride);
        }
    }
}

/// See [`Kernels::gather`](super::Kernels::gather).
///
/// # Safety
/// As [`product`].
#[inline(always)]
pub(super) unsafe fn gather<V: Vector>(gathered: &Gathered<'_>, output: &mut [f32]) {
    let stride = gathered.stride;
    // SAFETY: the caller's.
    unsafe {
        let zero = V::splat(0.0);
        for (pair, &[centre, row]) in gathered.pairs.iter().enumerate() {
            let source = gathered.source.as_ptr().add(row as usize * stride);
            let centre = gathered.centre.as_ptr().add(centre as usize * stride);
            let output = output.as_mut_ptr().add(pair * stride);
            for at in (0..stride).step_by(V::LANES) {
                let difference = V::load(source.add(at)).subtract(V::load(centre.add(at)));
                difference.larger(zero).store(output.add(at));
            }
        }
    }
}

/// See [`Kernels::carry`](super::Kernels::carry).
///
/// # Safety
/// As [`product`].
#[inline(always)]
pub(super) unsafe fn carry<V: Vector>(carried: &Carried<'_>, output: &mut [f32]) {
    let stride = carried.stride;
    // SAFETY: the caller's.
    unsafe {
        for (row, (index, weight)) in carried.index.iter().zip(carried.weight).enumerate() {
            let near = index.map(|index| carried.source.as_ptr().add(index as usize * stride));
            let weight = weight.map(|weight| V::splat(weight));
            let output = output.as_mut_ptr().add(row * stride);
            for at in (0..stride).step_by(V::LANES) {
                let mut sum = V::load(output.add(at));
                for (near, weight) in near.iter().zip(weight) {
                    sum = V::load(near.add(at)).multiply_add(weight, sum);
                }
                sum.store(output.add(at));
            }
        }
    }
}

/// See [`Kernels::maximum`](super::Kernels::maximum).
///
/// # Safety
/// As [`product`].
#[inline(always)]
pub(super) unsafe fn maximum<V: Vector>(rows: &[f32], stride: usize, pairs: &[[u32; 2]], output: &mut [f32]) {
    // SAFETY: the caller's.
    unsafe {
        // Four vectors of one group at a time, so that the maxima stay in registers.
        let mut begin = 0;
        while begin < pairs.len() {
            let centre = pairs[begin][0];
            let end = begin + pairs[begin..].iter().take_while(|pair| pair[0] == centre).count();
            let output = output.as_mut_ptr().add(centre as usize * stride);
            for at in (0..stride).step_by(V::LANES) {
                let mut best = V::load(output.add(at));
                for row in begin..end {
                    best = V::load(rows.as_ptr().add(row * stride + at)).larger(best);
                }
                best.store(output.add(at));
            }
            begin = end;
        }
    }
}

/// See [`Kernels::add`](super::Kernels::add).
///
/// # Safety
/// As [`product`].
#[inline(always)]
pub(super) unsafe fn add<V: Vector>(values: &[f32], output: &mut [f32]) {
    // SAFETY: the caller's.
    unsafe {
        for at in (0..values.len()).step_by(V::LANES) {
            let output = output.as_mut_ptr().add(at);
            V::load(output).add(V::load(values.as_ptr().add(at))).store(output);
        }
    }
}

/// See [`Kernels::weighted`](super::Kernels::weighted).
///
/// # Safety
/// As [`product`].
#[inline(always)]
pub(super) unsafe fn weighted<V: Vector>(weighted: &Weighted<'_>, output: &mut [f32]) {
    let Weighted { weight, gathered, slots, bias, relative } = *weighted;
    let stride = gathered.stride;
    // SAFETY: the caller's.
    unsafe {
        let zero = V::splat(0.0);
        for (point, group) in gathered.pairs.chunks_exact(slots).enumerate() {
            let output = output.as_mut_ptr().add(point * stride);
            let weight = weight.as_ptr().add(point * slots * stride);
            for at in (0..stride).step_by(V::LANES) {
                let mut sum = V::load(bias.as_ptr().add(at));
                for (slot, &[centre, row]) in group.iter().enumerate() {
                    let mut value = V::load(gathered.source.as_ptr().add(row as usize * stride + at));
                    if relative {
                        value = value.subtract(V::load(gathered.centre.as_ptr().add(centre as usize * stride + at)));
                    }
                    sum = value.multiply_add(V::load(weight.add(slot * stride + at)), sum);
                }
                sum.larger(zero).store(output.add(at));
            }
        }
    }
}

/// The table of an instruction set: its vector, the vectors in a panel, and the features that it needs.
macro_rules! table {
    ($set:expr, $vector:ty, $vectors:literal, $features:literal) => {
        /// The kernels of this instruction set.
        pub(super) static KERNELS: super::Kernels = super::Kernels {
            set: $set,
            panel: $vectors * <$vector as super::vector::Vector>::LANES,
            product,
            gather,
            carry,
            maximum,
            add,
            weighted,
        };

        #[target_feature(enable = $features)]
        unsafe fn product(product: &super::Product<'_>, output: &mut [f32], stride: usize) {
            // SAFETY: the caller's; the instructions are switched on here.
            unsafe { super::vector::product::<$vector, $vectors>(product, output, stride) }
        }

        #[target_feature(enable = $features)]
        unsafe fn gather(gathered: &super::Gathered<'_>, output: &mut [f32]) {
            // SAFETY: as above.
            unsafe { super::vector::gather::<$vector>(gathered, output) }
        }

        #[target_feature(enable = $features)]
        unsafe fn carry(carried: &super::Carried<'_>, output: &mut [f32]) {
            // SAFETY: as above.
            unsafe { super::vector::carry::<$vector>(carried, output) }
        }

        #[target_feature(enable = $features)]
        unsafe fn maximum(rows: &[f32], stride: usize, pairs: &[[u32; 2]], output: &mut [f32]) {
            // SAFETY: as above.
            unsafe { super::vector::maximum::<$vector>(rows, stride, pairs, output) }
        }

        #[target_feature(enable = $features)]
        unsafe fn add(values: &[f32], output: &mut [f32]) {
            // SAFETY: as above.
            unsafe { super::vector::add::<$vector>(values, output) }
        }

        #[target_feature(enable = $features)]
        unsafe fn weighted(weighted: &super::Weighted<'_>, output: &mut [f32]) {
            // SAFETY: as above.
            unsafe { super::vector::weighted::<$vector>(weighted, output) }
        }
    };
}
pub(super) use table;
