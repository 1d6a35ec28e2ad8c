//! PointConv's encoder: perceptron and weight network on grouped rows, their product summed over each group, and
//! the convolution after it.

use super::super::kernels::{Gathered, Input, Panels, Product, Start};
use super::super::memory::{CENTRES, Memory, group_centres, widest};
use super::super::program::{DensityNetwork, DensityUnit, PointConvolutionStage};
use super::tiles::{Loose, Tile};
use super::{Run, sigmoid};
use crate::network::MIDDLE_CHANNELS;

impl Run<'_> {
    /// A few groups at a time; the sums of [`CENTRES`] groups are multiplied together.
    pub(super) fn point_convolution(&self, stage: &PointConvolutionStage, memory: &mut Memory) {
        let PointConvolutionStage { group, weight_points, weight_centres, density, after } = stage;
        let level = &self.block.plan.levels[group.level];
        let slots = level.neighbours.slots;
        let stride = self.program.values[group.points].stride;
        let together = group_centres(widest(stride, &group.perceptron), slots).min(CENTRES);
        let sum_stride = after.weight.depth();
        self.hold(group.to, memory);
        let Memory { buffers, tiles: [one, other], steps, hidden, sums, pairs, held, .. } = memory;
        let to = self.program.values[group.to];
        let output = &mut held.last_mut().expect("just held").1.as_mut()[..to.rows * to.stride];
        for first in (0..to.rows).step_by(CENTRES) {
            let rows = CENTRES.min(to.rows - first);
            for begin in (first..first + rows).step_by(together) {
                let centres = begin..(begin + together).min(first + rows);
                pairs.clear();
                for centre in centres.clone() {
                    let index = &level.neighbours.index[centre * slots..][..slots];
                    pairs.extend(index.iter().map(|&point| [centre as u32, point]));
                }
                let mut tile = Tile { floats: [&mut *one, &mut *other], steps: &mut *steps, stride, in_steps: false };
                let gathered = |points, centres| {
                    let [source, centre] = [points, centres].map(|value| self.matrix(value, buffers));
                    Gathered { source, centre, stride: self.program.values[points].stride, pairs }
                };
                self.gather(&gathered(group.points, group.centres), group.perceptron.first(), &mut tile);
                self.kernels.gather(&gathered(*weight_points, *weight_centres), hidden.as_mut());
                let scales = &level.density_scale[centres.start * slots..centres.end * slots];
                for (row, &scale) in hidden.as_mut().chunks_exact_mut(MIDDLE_CHANNELS).zip(scales) {
                    let factor = density.factor(scale);
                    row.iter_mut().for_each(|weight| *weight *= factor);
                }
                tile.perceptron(self, &group.perceptron, pairs.len());
                let (features, width) = (tile.rows(pairs.len()), tile.stride);
                for (place, centre) in centres.enumerate() {
                    let start = place * slots;
                    let input = Input::columns(&features[start * width..], width);
                    let weights = &hidden.as_ref()[start * MIDDLE_CHANNELS..];
                    let weight = Panels::row_major(weights, slots, MIDDLE_CHANNELS, self.kernels.panel());
                    let product = Product { input, rows: width, weight, start: Start::Bias(&NOTHING), relu: false };
                    let sums = &mut sums.as_mut()[(centre - first) * sum_stride..];
                    self.kernels.product(&product, sums, MIDDLE_CHANNELS);
                }
            }
            let (input, start) = (Input::rows(sums.as_ref(), sum_stride), Start::Bias(after.bias.as_ref()));
            let product = Loose { input, rows, weight: &after.weight, start, relu: after.relu };
            self.multiply(&product, steps, &mut output[first * to.stride..], to.stride);
        }
        Self::release(memory);
    }
}

/// What a sum over a group starts with.
static NOTHING: [f32; MIDDLE_CHANNELS] = [0.0; MIDDLE_CHANNELS];

impl DensityNetwork {
    /// The factor of a neighbour with this inverse density.
    fn factor(&self, scale: f32) -> f32 {
        sigmoid(self.hidden.iter().fold(self.shift, |sum, unit| sum + unit.value(scale) * unit.output))
    }
}

impl DensityUnit {
    fn value(&self, scale: f32) -> f32 {
        let value = (scale * self.factor + self.shift).max(0.0);
        match self.step {
            Some(step) => (value / step).round_ties_even().clamp(-128.0, 127.0) * step,
            None => value,
        }
    }
}
