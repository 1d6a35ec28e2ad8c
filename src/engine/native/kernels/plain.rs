//! The kernels as simple loops: slow (a fused multiply-add is a call where the compiler may not assume the
//! instruction), safe, and what the others are held against.

use super::{Carried, Gathered, Kernels, Panels, Product, Start, Weighted};
use crate::instruction_set::InstructionSet;

/// Output channels of a panel, as in the narrowest of the others.
const PANEL: usize = 16;

/// The plain kernels.
pub(super) static KERNELS: Kernels =
    Kernels { set: InstructionSet::Plain, panel: PANEL, product, gather, carry, maximum, add, weighted };

/// `value` where it is greater, else `other`.
fn larger(value: f32, other: f32) -> f32 {
    if value > other { value } else { other }
}

fn product(product: &Product<'_>, output: &mut [f32], stride: usize) {
    let Product { input, rows, weight, start, relu } = *product;
    let Panels { values, depth, outputs, .. } = weight;
    for row in 0..rows {
        for channel in 0..outputs {
            let (first, weight_row) = weight.panel(channel / PANEL * PANEL);
            let output = &mut output[row * stride + channel];
            let mut sum = match start {
                Start::Bias(bias) => bias[channel],
                Start::Output => *output,
            };
            for at in 0..depth {
                let value = input.values[row * input.row + at * input.depth];
                sum = value.mul_add(values[first + at * weight_row + channel % PANEL], sum);
            }
            *output = if relu { larger(sum, 0.0) } else { sum };
        }
    }
}

fn gather(gathered: &Gathered<'_>, output: &mut [f32]) {
    let Gathered { source, centre, stride, pairs } = *gathered;
    for (output, &[around, row]) in output.chunks_exact_mut(stride).zip(pairs) {
        let (source, centre) = (&source[row as usize * stride..], &centre[around as usize * stride..]);
        for (output, (source, centre)) in output.iter_mut().zip(source.iter().zip(centre)) {
            *output = larger(source - centre, 0.0);
        }
    }
}

fn carry(carried: &Carried<'_>, output: &mut [f32]) {
    let Carried { source, stride, index, weight } = *carried;
    for (output, (index, weight)) in output.chunks_exact_mut(stride).zip(index.iter().zip(weight)) {
        for (index, &weight) in index.iter().zip(weight) {
            let source = &source[*index as usize * stride..][..stride];
            output.iter_mut().zip(source).for_each(|(output, &value)| *output = value.mul_add(weight, *output));
        }
    }
}

fn maximum(rows: &[f32], stride: usize, pairs: &[[u32; 2]], output: &mut [f32]) {
    for (row, &[centre, _]) in rows.chunks_exact(stride).zip(pairs) {
        let output = &mut output[centre as usize * stride..][..stride];
        output.iter_mut().zip(row).for_each(|(output, &value)| *output = larger(value, *output));
    }
}

fn add(values: &[f32], output: &mut [f32]) {
    output.iter_mut().zip(values).for_each(|(output, value)| *output += value);
}

fn weighted(weighted: &Weighted<'_>, output: &mut [f32]) {
    let Weighted { weight, gathered: Gathered { source, centre, stride, pairs }, slots, bias, relative } = *weighted;
    for (point, group) in pairs.chunks_exact(slots).enumerate() {
        for channel in 0..stride {
            let mut sum = bias[channel];
            for (slot, &[around, row]) in group.iter().enumerate() {
                let mut value = source[row as usize * stride + channel];
                if relative {
                    value -= centre[around as usize * stride + channel];
                }
                sum = value.mul_add(weight[(point * slots + slot) * stride + channel], sum);
            }
            output[point * stride + channel] = larger(sum, 0.0);
        }
    }
}
