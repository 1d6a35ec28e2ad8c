//! Which convolutions a layer has, in the reference's order and under its scopes.

use super::architecture::Architecture;
use super::convolution::{Convolution, Kernel};
use super::description::{DENSITY_CHANNELS, MIDDLE_CHANNELS, Operation, WEIGHT_CHANNELS};

impl Architecture {
    /// The convolutions of layer `index`, in order.
    pub fn convolutions_of(&self, index: usize) -> Vec<Convolution> {
        let layer = &self.layers()[index];
        let width = |input: usize| self.extent_of(self.sources(index)[input]).channels;
        let one = |suffix: &str, kernel: Kernel, inputs: usize, outputs: usize, normalised: bool| {
            let scope = if suffix.is_empty() { layer.scope.clone() } else { format!("{}/{suffix}", layer.scope) };
            Convolution { scope, inputs, outputs, kernel, normalised }
        };
        let chain = |first: usize, widths: &[usize], prefix: &str| -> Vec<Convolution> {
            let inputs = std::iter::once(first).chain(widths.iter().copied());
            let pairs = inputs.zip(widths.iter().copied()).enumerate();
            pairs
                .map(|(step, (inputs, outputs))| one(&format!("{prefix}{step}"), Kernel::Conv2d, inputs, outputs, true))
                .collect()
        };
        match &layer.operation {
            Operation::SetAbstraction { widths, .. } => chain(3 + width(0), widths, "conv"),
            Operation::FeaturePropagation { widths, .. } => chain(width(0) + width(1), widths, "conv_"),
            Operation::PointConvolution { widths, .. } => {
                let (&outputs, perceptron) = widths.split_last().expect("widths were checked");
                let channels = perceptron.last().expect("widths were checked");
                let after = Kernel::Aggregation { middle: MIDDLE_CHANNELS };
                let mut convolutions = chain(3 + width(0), perceptron, "conv");
                convolutions.extend([
                    one("weight_net/wconv0", Kernel::Conv2d, 3, MIDDLE_CHANNELS, true),
                    one("density_net/nonlinear0", Kernel::Conv2d, 1, DENSITY_CHANNELS, true),
                    one("density_net/nonlinear1", Kernel::Conv2d, DENSITY_CHANNELS, 1, false),
                    one("after_conv", after, channels * MIDDLE_CHANNELS, outputs, true),
                ]);
                convolutions
            }
            Operation::DepthwisePointConvolution { widths, .. } => {
                let channels = 3 + width(0);
                let mut convolutions = vec![
                    one("decode_weight_net/wconv0", Kernel::Conv2d, 3, WEIGHT_CHANNELS, true),
                    one("decode_weight_net/wconv1", Kernel::Conv2d, WEIGHT_CHANNELS, channels, false),
                    one("fp_sumpool", Kernel::Scale, 1, channels, true),
                ];
                convolutions.extend(chain(channels + width(1), widths, "conv_"));
                convolutions
            }
            Operation::Dense { outputs } => vec![one("", Kernel::Conv1d, width(0), *outputs, true)],
            Operation::Linear { outputs } => vec![one("", Kernel::Conv1d, width(0), *outputs, false)],
            Operation::Interpolate { .. }
            | Operation::Sum
            | Operation::Concatenate
            | Operation::Gate
            | Operation::GlobalMaximum
            | Operation::GlobalMean
            | Operation::InstanceFusion { .. } => Vec::new(),
        }
    }

    /// Every convolution of the network, in order of the layers.
    pub fn convolutions(&self) -> Vec<Convolution> {
        (0..self.layers().len()).flat_map(|index| self.convolutions_of(index)).collect()
    }
}
