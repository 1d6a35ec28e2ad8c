//! Products in 8 bits: the kernels of quantised models.
//!
//! A value is a *step*, a signed byte; a product of a row of steps with 8-bit weights is summed in 32 bits, exactly,
//! scaled once, and either kept as a float or turned into the next product's steps in the same breath, so that between
//! two quantised layers only bytes are written. One table per instruction set, as for floats
//! ([`super::kernels`]); integers are exact and everything after the sum is done per output, so every table gives the
//! same bits.
//!
//! Steps are stored plus an offset that the instruction set asks for ([`IntegerKernels::offset`]): VNNI multiplies
//! unsigned by signed bytes.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "aarch64")]
mod dotprod;
mod plain;
#[cfg(test)]
mod tests;
mod vector;
#[cfg(target_arch = "x86_64")]
mod vnni;
mod weight;

pub(super) use weight::{IntegerWeight, Rows};

use super::kernels::{Aligned, Gathered, LANES};
use crate::instruction_set::InstructionSet;

/// Weights that meet in one 32-bit lane of a product: four depths.
pub(super) const DEPTHS: usize = 4;

/// Where the results of a product go.
pub(super) enum Output<'a> {
    /// As floats, rows of `stride` values.
    Floats(&'a mut [f32], usize),
    /// As the next product's steps, rows of `stride` bytes; each result is multiplied by its entry of the factors
    /// and rounded, half to even.
    Steps(&'a mut [u8], usize, &'a [f32]),
}

/// What the scaled sums are added to.
#[derive(Clone, Copy)]
pub(super) enum Start<'a> {
    /// One row for all.
    Bias(&'a [f32]),
    /// What the output holds (floats only).
    Output,
}

/// A product of a tile of steps.
#[derive(Clone, Copy)]
pub(super) struct IntegerProduct<'a> {
    /// `rows × stride` steps.
    pub input: &'a [u8],
    /// Bytes of a row of the input.
    pub stride: usize,
    /// Rows.
    pub rows: usize,
    /// Right side.
    pub weight: &'a IntegerWeight,
    /// What the scaled sums are added to.
    pub start: Start<'a>,
    /// Whether negative results become 0.
    pub relu: bool,
}

/// The kernels of one instruction set.
#[derive(Clone, Copy, Debug)]
pub(super) struct IntegerKernels {
    /// Output channels of a panel of weights.
    panel: usize,
    /// What is added to a step to store it.
    offset: u8,
    product: unsafe fn(&IntegerProduct<'_>, Output<'_>),
    quantise: unsafe fn(&[f32], &[f32], &mut [u8]),
    gather: unsafe fn(&Gathered<'_>, &[f32], &mut [u8]),
}

impl IntegerKernels {
    /// The kernels that fit an instruction set; the plain ones where this processor lacks the instructions.
    pub fn of(set: InstructionSet) -> &'static Self {
        match set {
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 if set.is_available() && is_x86_feature_detected!("avx512vnni") => &vnni::KERNELS,
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 | InstructionSet::Avx2 if InstructionSet::Avx2.is_available() => &avx2::KERNELS,
            #[cfg(target_arch = "aarch64")]
            InstructionSet::Neon if std::arch::is_aarch64_feature_detected!("dotprod") => &dotprod::KERNELS,
            _ => &plain::KERNELS,
        }
    }

    /// Output channels of a panel of weights.
    pub fn panel(&self) -> usize {
        self.panel
    }

    /// What is added to a step to store it.
    pub fn offset(&self) -> u8 {
        self.offset
    }

    /// Multiplies a tile.
    pub fn product(&self, product: &IntegerProduct<'_>, output: Output<'_>) {
        let IntegerProduct { input, stride, rows, weight, start, .. } = *product;
        if rows == 0 {
            return;
        }
        weight.check(self.panel, self.offset);
        assert!(weight.depth() <= stride && (rows - 1) * stride + weight.depth() <= input.len());
        let (length, output_stride) = match &output {
            Output::Floats(values, stride) => (values.len(), *stride),
            Output::Steps(values, stride, factors) => {
                assert!(factors.len() >= weight.outputs() && matches!(start, Start::Bias(_)));
                (values.len(), *stride)
            }
        };
        assert!(weight.outputs() <= output_stride && (rows - 1) * output_stride + weight.outputs() <= length);
        if let Start::Bias(bias) = start {
            assert!(bias.len() >= weight.outputs(), "a bias for every output");
        }
        // SAFETY: the table is only reachable where the processor has its instructions (`of`), and the lengths that
        // the kernel relies on were just checked.
        unsafe { (self.product)(product, output) }
    }

    /// `steps = round(values · factors)` for rows of as many values as there are factors.
    pub fn quantise(&self, values: &[f32], factors: &[f32], steps: &mut [u8]) {
        let stride = factors.len();
        assert!(stride > 0 && stride.is_multiple_of(LANES) && values.len().is_multiple_of(stride));
        assert!(steps.len() >= values.len());
        // SAFETY: as above.
        unsafe { (self.quantise)(values, factors, steps) }
    }

    /// `steps[pair] = round(relu(source[neighbour] − centre[centre]) · factors)`.
    pub fn gather(&self, gathered: &Gathered<'_>, factors: &[f32], steps: &mut [u8]) {
        gathered.check();
        assert!(factors.len() == gathered.stride && steps.len() >= gathered.pairs.len() * gathered.stride);
        // SAFETY: as above; `check` held every index against its matrix.
        unsafe { (self.gather)(gathered, factors, steps) }
    }
}

/// Tiles of steps.
#[derive(Debug, Default)]
pub(super) struct StepTiles {
    /// The tile that is read.
    pub current: Aligned<u8>,
    /// The tile that is written.
    pub next: Aligned<u8>,
}

impl StepTiles {
    /// Tiles of so many bytes.
    pub fn new(bytes: usize) -> Self {
        Self { current: Aligned::zeros(bytes), next: Aligned::zeros(bytes) }
    }
}
