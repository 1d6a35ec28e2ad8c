//! What the native engine spends its time in: small pieces of work on a tile of rows that stays in the
//! cache, once per instruction set.
//!
//! A [`Kernels`] is a table of functions for one instruction set; whoever walks the network calls through
//! it and is compiled once. [`plain`] is the table of simple loops, the oracle of the others.
//!
//! # Same bits everywhere
//! Vector lanes run over output channels, never over what is summed. Each output starts at its bias (or at
//! what is there) and takes its products one after another in ascending order, each with one rounding (fused
//! multiply-add). So lane count and tile size change nothing, and every table gives the same bits; tests hold
//! them to it.
//!
//! # Layout
//! Matrices are row-major; a row takes a multiple of [`LANES`] values (its *stride*), the last of which are
//! padding: zero in weights, arbitrary but finite in values.

mod aligned;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod plain;
#[cfg(test)]
mod tests;
mod vector;
mod weight;

pub(super) use aligned::Aligned;
pub(super) use vector::{Vector, in_tiles};
pub(super) use weight::{Panels, Weight};

use crate::instruction_set::InstructionSet;

/// Rows are padded to a multiple of this many values: the widest vector of any instruction set.
pub(super) const LANES: usize = 16;

/// Values that a row of `channels` takes.
pub(super) fn stride_of(channels: usize) -> usize {
    channels.next_multiple_of(LANES)
}

/// The left side of a product: `rows × depth` values that lie `row` and `depth` apart.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    /// The values.
    pub values: &'a [f32],
    /// From one row to the next.
    pub row: usize,
    /// From one value of a row to the next.
    pub depth: usize,
}

impl<'a> Input<'a> {
    /// Rows of `stride` values.
    pub fn rows(values: &'a [f32], stride: usize) -> Self {
        Self { values, row: stride, depth: 1 }
    }

    /// The columns of rows of `stride` values as rows.
    pub fn columns(values: &'a [f32], stride: usize) -> Self {
        Self { values, row: 1, depth: stride }
    }
}

/// What a sum of products starts with.
#[derive(Clone, Copy)]
pub(super) enum Start<'a> {
    /// One row for all.
    Bias(&'a [f32]),
    /// What the output holds.
    Output,
}

/// A product of a tile: `output[row] = start + Σ_k input[row][k] · weight[k]`, then a ReLU where wanted.
#[derive(Clone, Copy)]
pub(super) struct Product<'a> {
    /// Left side.
    pub input: Input<'a>,
    /// Rows of input and output.
    pub rows: usize,
    /// Right side.
    pub weight: Panels<'a>,
    /// What the sums start with.
    pub start: Start<'a>,
    /// Whether negative sums become 0.
    pub relu: bool,
}

/// Rows gathered from somewhere, less the row of what they were gathered around.
#[derive(Clone, Copy)]
pub(super) struct Gathered<'a> {
    /// Rows that are gathered.
    pub source: &'a [f32],
    /// Rows that are subtracted.
    pub centre: &'a [f32],
    /// Values in a row of either.
    pub stride: usize,
    /// For each gathered row: which row of `centre`, which row of `source`.
    pub pairs: &'a [[u32; 2]],
}

/// Rows carried from a coarse level to a finer one: each is a weighted sum of three.
#[derive(Clone, Copy)]
pub(super) struct Carried<'a> {
    /// Rows of the coarse level.
    pub source: &'a [f32],
    /// Values in a row.
    pub stride: usize,
    /// For each row its three rows of the coarse level.
    pub index: &'a [[u32; 3]],
    /// And their weights.
    pub weight: &'a [[f32; 3]],
}

/// Sums over a point's neighbours, each neighbour's row times a row of weights, channel by channel.
#[derive(Clone, Copy)]
pub(super) struct Weighted<'a> {
    /// `points × slots` rows of weights.
    pub weight: &'a [f32],
    /// Rows of the neighbours.
    pub gathered: Gathered<'a>,
    /// Neighbours of each point.
    pub slots: usize,
    /// What each sum starts with.
    pub bias: &'a [f32],
    /// Whether the point's own row (`centre`) is subtracted from its neighbours'.
    pub relative: bool,
}

/// Maxima of `rows × stride` values by the centre of each row's pair.
type Maximum = unsafe fn(&[f32], usize, &[[u32; 2]], &mut [f32]);

/// The kernels of one instruction set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kernels {
    set: InstructionSet,
    /// Output channels that a panel of weights has: one to four vectors.
    panel: usize,
    product: unsafe fn(&Product<'_>, &mut [f32], usize),
    gather: unsafe fn(&Gathered<'_>, &mut [f32]),
    carry: unsafe fn(&Carried<'_>, &mut [f32]),
    maximum: Maximum,
    add: unsafe fn(&[f32], &mut [f32]),
    weighted: unsafe fn(&Weighted<'_>, &mut [f32]),
}

impl Kernels {
    /// The kernels of an instruction set; those of the plain one where this processor lacks it.
    pub fn of(set: InstructionSet) -> &'static Self {
        match set {
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 if set.is_available() => &avx512::KERNELS,
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 if set.is_available() => &avx2::KERNELS,
            #[cfg(target_arch = "aarch64")]
            InstructionSet::Neon if set.is_available() => &neon::KERNELS,
            _ => &plain::KERNELS,
        }
    }

    /// Whose kernels these are.
    pub fn instruction_set(&self) -> InstructionSet {
        self.set
    }

    /// Output channels of a panel of weights.
    pub fn panel(&self) -> usize {
        self.panel
    }

    /// `output` is `rows × stride`, of which the weights' outputs are written.
    pub fn product(&self, product: &Product<'_>, output: &mut [f32], stride: usize) {
        let Product { input, rows, weight, start, .. } = product;
        if *rows == 0 || weight.outputs == 0 {
            return;
        }
        weight.check(self.panel);
        let last = (rows - 1) * input.row + weight.depth.saturating_sub(1) * input.depth;
        assert!(weight.depth == 0 || last < input.values.len(), "the input of a product is too short");
        assert!(weight.outputs <= stride && (rows - 1) * stride + weight.outputs <= output.len());
        if let Start::Bias(bias) = start {
            assert!(bias.len() >= weight.outputs, "a bias for every output");
        }
        // SAFETY: the table is only reachable where the processor has its instructions (`of`), and the
        // lengths that the kernel relies on were just checked.
        unsafe { (self.product)(product, output, stride) }
    }

    /// `output[pair] = relu(source[neighbour] − centre[centre])`.
    pub fn gather(&self, gathered: &Gathered<'_>, output: &mut [f32]) {
        gathered.check();
        assert!(output.len() >= gathered.pairs.len() * gathered.stride);
        // SAFETY: as above; `check` held every index against its matrix.
        unsafe { (self.gather)(gathered, output) }
    }

    /// `output[row] += Σ weight · source[index]`.
    pub fn carry(&self, carried: &Carried<'_>, output: &mut [f32]) {
        let Carried { source, stride, index, weight } = carried;
        assert!(stride.is_multiple_of(LANES) && index.len() == weight.len());
        let rows = source.len() / stride;
        assert!(index.as_flattened().iter().all(|&row| (row as usize) < rows), "an index beyond the coarse level");
        assert!(output.len() >= index.len() * stride);
        // SAFETY: as above.
        unsafe { (self.carry)(carried, output) }
    }

    /// `output[centre of pair] = max(…, rows[pair])`.
    pub fn maximum(&self, rows: &[f32], stride: usize, pairs: &[[u32; 2]], output: &mut [f32]) {
        let centres = output.len() / stride;
        assert!(stride.is_multiple_of(LANES) && rows.len() >= pairs.len() * stride);
        assert!(pairs.iter().all(|&[centre, _]| (centre as usize) < centres), "a centre beyond its level");
        // SAFETY: as above.
        unsafe { (self.maximum)(rows, stride, pairs, output) }
    }

    /// `output += values`, for as many values as there are.
    pub fn add(&self, values: &[f32], output: &mut [f32]) {
        assert!(values.len().is_multiple_of(LANES) && output.len() >= values.len());
        // SAFETY: as above.
        unsafe { (self.add)(values, output) }
    }

    /// `output[point] = relu(bias + Σ_slot weight · gathered)`.
    pub fn weighted(&self, weighted: &Weighted<'_>, output: &mut [f32]) {
        let Weighted { weight, gathered, slots, bias, .. } = weighted;
        gathered.check();
        let points = gathered.pairs.len() / slots.max(&1);
        assert!(points * slots == gathered.pairs.len() && bias.len() >= gathered.stride);
        assert!(weight.len() >= gathered.pairs.len() * gathered.stride && output.len() >= points * gathered.stride);
        // SAFETY: as above.
        unsafe { (self.weighted)(weighted, output) }
    }
}

impl Gathered<'_> {
    pub(super) fn check(&self) {
        assert!(self.stride > 0 && self.stride.is_multiple_of(LANES));
        let [centres, rows] = [self.centre, self.source].map(|matrix| matrix.len() / self.stride);
        let inside = |&[centre, row]: &[u32; 2]| (centre as usize) < centres && (row as usize) < rows;
        assert!(self.pairs.iter().all(inside), "a pair beyond its level");
    }
}
