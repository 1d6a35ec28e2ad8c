//! How large a network is: parameters and multiply-accumulates.

use super::architecture::Architecture;
use super::convolution::Variable;
use super::description::Operation;

/// Multiply-accumulates of one block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// As the papers write the layers: the perceptron after the gather and after the interpolation.
    pub published: u64,
    /// As the exported parts compute them: the first layer of a set abstraction before the gather
    /// (W·f_j − W·c_i), the first layer of a feature propagation before the interpolation. The same
    /// function with fewer multiplications.
    pub rewritten: u64,
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

    /// Multiply-accumulates of layer `index` for one block (convolutions only; interpolation, maxima
    /// and the instance fusion multiply next to nothing).
    pub fn cost_of(&self, index: usize) -> Cost {
        let convolutions = self.convolutions_of(index);
        let products = |rows: usize, inputs: usize, outputs: usize| (rows * inputs * outputs) as u64;
        let rest = |rows: usize| -> u64 {
            convolutions.iter().skip(1).map(|step| products(rows, step.inputs, step.outputs)).sum()
        };
        match &self.layers()[index].operation {
            Operation::SetAbstraction { level, .. } => {
                let (first, centres) = (&convolutions[0], self.points_of(*level));
                let rows = centres * self.levels()[level - 1].slots;
                let source = products(self.points_of(level - 1), first.inputs, first.outputs);
                Cost {
                    published: products(rows, first.inputs, first.outputs) + rest(rows),
                    rewritten: source + products(centres, 3, first.outputs) + rest(rows),
                }
            }
            Operation::FeaturePropagation { level, .. } => {
                let (first, fine, coarse) = (&convolutions[0], self.points_of(level - 1), self.points_of(*level));
                let interpolated = self.extent_of(self.sources(index)[0]).channels;
                let before = products(coarse, interpolated, first.outputs);
                let skip = products(fine, first.inputs - interpolated, first.outputs);
                Cost {
                    published: products(fine, first.inputs, first.outputs) + rest(fine),
                    rewritten: before + skip + rest(fine),
                }
            }
            Operation::Dense { .. } | Operation::Linear { .. } => {
                let rows = self.points_of(self.extent(index).level);
                let all = products(rows, convolutions[0].inputs, convolutions[0].outputs);
                Cost { published: all, rewritten: all }
            }
            Operation::Sum | Operation::InstanceFusion { .. } => Cost::default(),
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
