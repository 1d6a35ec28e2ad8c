//! The integer kernels as simple loops: safe, and what the others are held against.

use super::super::kernels::Gathered;
use super::{DEPTHS, IntegerKernels, IntegerProduct, Output, Start};

/// The plain kernels.
pub(super) static KERNELS: IntegerKernels = IntegerKernels { panel: PANEL, offset: 0, product, quantise, gather };

/// Output channels of a panel.
const PANEL: usize = 16;

/// A step as it is stored here.
fn step(value: f32) -> u8 {
    let value = if value < 127.0 { value } else { 127.0 };
    // The cast saturates below by itself.
    (value.round_ties_even() as i8) as u8
}

fn product(product: &IntegerProduct<'_>, mut output: Output<'_>) {
    let IntegerProduct { input, stride, rows, weight, start, relu } = *product;
    for row in 0..rows {
        let steps = &input[row * stride..][..weight.depth()];
        for channel in 0..weight.outputs() {
            let first = channel / PANEL * PANEL;
            let panel = weight.panel(first);
            let of_channel =
                |depth: usize| panel[depth / DEPTHS * DEPTHS * PANEL + (channel - first) * DEPTHS + depth % DEPTHS];
            let terms = steps.iter().enumerate().map(|(at, &step)| i32::from(step as i8) * i32::from(of_channel(at)));
            let sum = weight.start()[channel] + terms.sum::<i32>();
            let begin = match (start, &output) {
                (Start::Bias(bias), _) => bias[channel],
                (Start::Output, Output::Floats(values, stride)) => values[row * stride + channel],
                (Start::Output, Output::Steps(..)) => 0.0,
            };
            let value = (sum as f32).mul_add(weight.scale()[channel], begin);
            let floor = if relu { 0.0 } else { f32::NEG_INFINITY };
            let value = if value > floor { value } else { floor };
            match &mut output {
                Output::Floats(values, stride) => values[row * *stride + channel] = value,
                Output::Steps(values, stride, factors) => {
                    values[row * *stride + channel] = step(value * factors[channel]);
                }
            }
        }
    }
}

fn quantise(values: &[f32], factors: &[f32], steps: &mut [u8]) {
    let rows = values.chunks_exact(factors.len()).zip(steps.chunks_exact_mut(factors.len()));
    for (values, steps) in rows {
        steps.iter_mut().zip(values.iter().zip(factors)).for_each(|(to, (value, factor))| *to = step(value * factor));
    }
}

fn gather(gathered: &Gathered<'_>, factors: &[f32], steps: &mut [u8]) {
    let Gathered { source, centre, stride, pairs } = *gathered;
    for (steps, &[around, row]) in steps.chunks_exact_mut(stride).zip(pairs) {
        for channel in 0..stride {
            let difference = source[row as usize * stride + channel] - centre[around as usize * stride + channel];
            let value = if difference > 0.0 { difference } else { 0.0 };
            steps[channel] = step(value * factors[channel]);
        }
    }
}
