//! Encoders and decoders that several networks share: PointNet, PointNet++, and PointNet++ with PointConv.

use super::zoo::LayerList;
use super::{COLUMNS, FEATURES, Operation};

/// Perceptron widths of the four levels of the encoder, the same in ASIS and JSNet.
const ENCODER: [&[usize]; 4] = [&[32, 32, 64], &[64, 64, 128], &[128, 128, 256], &[256, 256, 512]];
/// Levels of the encoder.
const LEVELS: usize = ENCODER.len();

/// Scope of the features of a level.
fn level_scope(level: usize) -> String {
    if level == 0 { FEATURES.to_owned() } else { format!("layer{level}") }
}

/// PointNet's shared layers on every column, and their maximum over the block beside the local features.
pub(super) fn pointnet_encoder(list: &mut LayerList) {
    let mut input = COLUMNS.to_owned();
    for (step, outputs) in [64, 64, 64, 128, 1024].into_iter().enumerate() {
        input = list.add(format!("conv{}", step + 1), &[&input], Operation::Dense { outputs });
    }
    let global = list.add("global_maximum", &[&input], Operation::GlobalMaximum);
    list.add("local_and_global", &["conv2", &global], Operation::Concatenate);
}

/// A branch of PointNet; gives the scope of its features.
pub(super) fn pointnet_branch(branch: &str, list: &mut LayerList) -> String {
    let mut input = "local_and_global".to_owned();
    for (step, outputs) in [512, 256, 128].into_iter().enumerate() {
        input = list.add(format!("{branch}_conv{}", step + 6), &[&input], Operation::Dense { outputs });
    }
    input
}

/// PointNet++ of four levels.
#[derive(Clone, Copy, Debug)]
pub(super) struct PointNet2 {
    /// Perceptron widths of a branch's four decoders, coarsest first.
    pub propagation: [&'static [usize]; LEVELS],
}

impl PointNet2 {
    /// Four set abstractions.
    pub fn encoder(&self, list: &mut LayerList) {
        for level in 1..=LEVELS {
            let operation = Operation::SetAbstraction { level, widths: ENCODER[level - 1].to_vec() };
            list.add(level_scope(level), &[&level_scope(level - 1)], operation);
        }
    }

    /// Four feature propagations; gives the scope of the last.
    pub fn branch(&self, branch: &str, list: &mut LayerList) -> String {
        self.decode(branch, list, |level, widths| Operation::FeaturePropagation { level, widths })
    }

    /// One set abstraction, then point convolutions.
    pub fn point_convolution_encoder(&self, list: &mut LayerList) {
        for level in 1..=LEVELS {
            let widths = ENCODER[level - 1].to_vec();
            let operation = match level {
                1 => Operation::SetAbstraction { level, widths },
                _ => Operation::PointConvolution { level, widths },
            };
            list.add(level_scope(level), &[&level_scope(level - 1)], operation);
        }
    }

    /// Depthwise point convolutions, then one feature propagation; gives the scope of the last.
    pub fn point_convolution_branch(&self, branch: &str, list: &mut LayerList) -> String {
        self.decode(branch, list, |level, widths| match level {
            1 => Operation::FeaturePropagation { level, widths },
            _ => Operation::DepthwisePointConvolution { level, widths },
        })
    }

    fn decode(&self, branch: &str, list: &mut LayerList, operation: impl Fn(usize, Vec<usize>) -> Operation) -> String {
        let mut coarse = level_scope(LEVELS);
        for (step, widths) in self.propagation.iter().enumerate() {
            let level = LEVELS - step;
            let scope = format!("{branch}_fa_layer{}", step + 1);
            coarse = list.add(scope, &[&coarse, &level_scope(level - 1)], operation(level, widths.to_vec()));
        }
        coarse
    }
}
