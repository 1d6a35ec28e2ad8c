//! How large a network is: parameters and multiply-accumulates.

use super::architecture::Architecture;
use super::convolution::{Convolution, Variable};
use super::description::Operation;

/// Multiply-accumulates of one block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// As the papers write the layers: the perceptron after the gather and after the interpolation.
    pub published: u64,
    /// As the exported parts compute them: whatever reads relative positions before the gather
    /// (W·f_j − W·c_i), products before the interpolation, one row per block multiplied once, and equal
    /// rows of a concatenation multiplied once. The same function with fewer multiplications.
    pub rewritten: u64,
}

/// Published and rewritten cost of a convolution of gathered rows whose first three columns are
/// relative positions.
fn relative(step: &Convolution, rows: usize, fine: usize, centres: usize) -> (u64, u64) {
    let published = rows * step.inputs * step.outputs;
    let rewritten = (fine * step.inputs + centres * 3) * step.outputs;
    (published as u64, rewritten as u64)
}

impl Architecture {
    /// Every stored array, in order of the layers.
    pub fn variables(&self) -> Vec<Variable> {
        self.convolutions().iter().flat_map(|convolution| convolution.variables()).collect()
    }

    /// Number of trained values.
    pub fn parameter_count(&self) -> usize {
        let trained = self.variables().into_iter().filter(|variable| variable.trainable);
        trained.map(|variable| variable.shape.iter().product::<usize>()).sum()
    }

    /// Multiply-accumulates of layer `index` for one block (convolutions and PointConv's weighted sums;
    /// interpolation, maxima, gates and the instance fusion multiply next to nothing).
    pub fn cost_of(&self, index: usize) -> Cost {
        let convolutions = self.convolutions_of(index);
        let products = |rows: usize, inputs: usize, outputs: usize| (rows * inputs * outputs) as u64;
        let every = |rows: usize, steps: &[Convolution]| -> u64 {
            steps.iter().map(|step| products(rows, step.inputs, step.outputs)).sum()
        };
        match &self.layers()[index].operation {
            Operation::SetAbstraction { level, .. } => {
                let (fine, centres) = (self.points_of(level - 1), self.points_of(*level));
                let rows = centres * self.levels()[level - 1].slots;
                let rest = every(rows, &convolutions[1..]);
                let (published, rewritten) = relative(&convolutions[0], rows, fine, centres);
                Cost { published: published + rest, rewritten: rewritten + rest }
            }
            Operation::PointConvolution { level, .. } => {
                let (fine, centres) = (self.points_of(level - 1), self.points_of(*level));
                let rows = centres * self.levels()[level - 1].slots;
                let (perceptron, [weight, density0, density1, after]) =
                    convolutions.split_last_chunk().expect("a point convolution ends in four convolutions");
                let aggregation = products(rows, after.inputs, 1);
                let rest = every(rows, &perceptron[1..])
                    + every(rows, &[density0.clone(), density1.clone()])
                    + aggregation
                    + every(centres, std::slice::from_ref(after));
                let (published, rewritten) = relative(&perceptron[0], rows, fine, centres);
                let (published_weight, rewritten_weight) = relative(weight, rows, fine, centres);
                Cost { published: published + published_weight + rest, rewritten: rewritten + rewritten_weight + rest }
            }
            Operation::FeaturePropagation { level, .. } => {
                let (first, fine, coarse) = (&convolutions[0], self.points_of(level - 1), self.points_of(*level));
                let interpolated = self.extent_of(self.sources(index)[0]).channels;
                let before = products(coarse, interpolated, first.outputs);
                let skip = products(fine, first.inputs - interpolated, first.outputs);
                let rest = every(fine, &convolutions[1..]);
                Cost { published: products(fine, first.inputs, first.outputs) + rest, rewritten: before + skip + rest }
            }
            Operation::DepthwisePointConvolution { level, .. } => {
                let fine = self.points_of(level - 1);
                let rows = fine * self.levels()[level - 2].self_nearest;
                let (weight, rest) = convolutions.split_first().expect("a decoding has convolutions");
                let (hidden, sum) = (&rest[0], products(rows, 1, rest[0].outputs));
                let rest = every(rows, std::slice::from_ref(hidden)) + sum + every(fine, &rest[2..]);
                let (published, rewritten) = relative(weight, rows, fine, fine);
                // The points are their own centres: one product serves both sides of the difference.
                Cost { published: published + rest, rewritten: rewritten / 2 + rest }
            }
            Operation::Dense { .. } | Operation::Linear { .. } => {
                let step = &convolutions[0];
                let rows: usize = self.product_of(index).iter().map(|term| self.multiplications(term)).sum();
                Cost {
                    published: products(self.rows_of(self.extent(index)), step.inputs, step.outputs),
                    rewritten: products(rows, 1, step.outputs),
                }
            }
            Operation::Interpolate { .. }
            | Operation::Sum
            | Operation::Concatenate
            | Operation::Gate
            | Operation::GlobalMaximum
            | Operation::GlobalMean
            | Operation::InstanceFusion { .. } => Cost::default(),
        }
    }

    /// Multiply-accumulates of one block.
    pub fn cost(&self) -> Cost {
        (0..self.layers().len()).map(|index| self.cost_of(index)).fold(Cost::default(), |sum, layer| Cost {
            published: sum.published + layer.published,
            rewritten: sum.rewritten + layer.rewritten,
        })
    }
}
