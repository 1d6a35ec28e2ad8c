//! JSNet, whole and in the steps of its ablation, as descriptions.
//!
//! Source: Zhao and Tao, "JSNet: Joint Instance and Semantic Segmentation of 3D Point Clouds" (AAAI
//! 2020) and the published code (`design/networks.md` §2), which differs from the paper in places; the
//! code is what is described here. The single halves of the joint module are not in the code: in each,
//! the branch that gets no help goes from its first layer straight to its last.

use super::Operation;
use super::backbone::PointNet2;
use super::zoo::{LayerList, Sizes};
use crate::geometry::{KernelDensity, LevelSpecification};

/// Perceptron widths of a branch's four decoders, coarsest first.
const PROPAGATION: [&[usize]; 4] = [&[512, 512], &[256, 256], &[256, 128], &[128, 128, 128]];
/// Width of the features that a branch works with.
const BRANCH: usize = 128;
/// Neighbours that a decoder sums over, the point itself included.
const DECODER_NEIGHBOURS: usize = 16;

/// How far the ablation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variant {
    /// PointNet++ in JSNet's sizes.
    Base,
    /// With PointConv from the second level on.
    Backbone,
    /// With the point cloud feature fusion.
    FeatureFusion,
    /// With the joint module, or one half of it.
    Joint {
        /// Semantics help instances.
        instance: bool,
        /// Instances help semantics.
        semantic: bool,
    },
}

/// Levels of the plan, scope of the logits, scope of the embeddings; the layers go to `list`.
pub(super) fn describe(
    variant: Variant,
    sizes: &Sizes,
    list: &mut LayerList,
) -> (Vec<LevelSpecification>, String, String) {
    let backbone = PointNet2 { propagation: PROPAGATION };
    if variant == Variant::Base {
        backbone.encoder(list);
    } else {
        backbone.point_convolution_encoder(list);
    }
    for branch in ["sem", "ins"] {
        if variant == Variant::Base {
            backbone.branch(branch, list);
        } else {
            backbone.point_convolution_branch(branch, list);
        }
    }
    let fuses = !matches!(variant, Variant::Base | Variant::Backbone);
    let [mut semantic, mut instance] = ["sem", "ins"].map(|branch| {
        let mut features = format!("{branch}_fa_layer4");
        if fuses {
            features = feature_fusion(branch, list);
        }
        list.add(format!("{branch}_fc1"), &[&features], Operation::Dense { outputs: BRANCH })
    });
    if let Variant::Joint { instance: helps_instance, semantic: helps_semantic } = variant {
        (semantic, instance) = joint(semantic, instance, helps_instance, helps_semantic, list);
    }
    let embeddings = list.add("ins_fc5", &[&instance], Operation::Linear { outputs: sizes.embedding_size });
    if matches!(variant, Variant::Joint { semantic: true, .. }) {
        semantic = list.add("sem_fc2", &[&semantic], Operation::Dense { outputs: BRANCH });
    }
    let logits = list.add("sem_fc5", &[&semantic], Operation::Linear { outputs: sizes.classes });
    (levels(variant, sizes, fuses), logits, embeddings)
}

/// Point cloud feature fusion: the features of the last three decoders at the block's points.
fn feature_fusion(branch: &str, list: &mut LayerList) -> String {
    let scope = |name: &str| format!("{branch}_{name}");
    let coarse = list.add(scope("up1"), &[&scope("fa_layer2")], Operation::Interpolate { level: 2 });
    let middle = list.add(scope("up2"), &[&scope("fa_layer3")], Operation::Interpolate { level: 1 });
    let beside = list.add(scope("concat"), &[&scope("fa_layer4"), &middle], Operation::Concatenate);
    list.add(scope("fused"), &[&beside, &coarse], Operation::Sum)
}

/// The joint module: gives the features that the last layers (the semantic one: the last two) read.
fn joint(
    mut semantic: String,
    mut instance: String,
    helps_instance: bool,
    helps_semantic: bool,
    list: &mut LayerList,
) -> (String, String) {
    if helps_instance {
        let cache = list.add("sem_cache_1", &[&semantic], Operation::Dense { outputs: BRANCH });
        let aware = list.add("ins_sum", &[&instance, &cache], Operation::Sum);
        let beside = list.add("ins_concat_2", &[&instance, &aware], Operation::Concatenate);
        instance = list.add("ins_gate", &[&beside], Operation::Gate);
    }
    if helps_semantic {
        let cache = list.add("ins_cache_1", &[&instance], Operation::Dense { outputs: BRANCH });
        let mean = list.add("ins_mean", &[&cache], Operation::GlobalMean);
        let aware = list.add("sem_sum", &[&semantic, &mean], Operation::Sum);
        let beside = list.add("sem_concat_2", &[&semantic, &aware], Operation::Concatenate);
        semantic = list.add("sem_gate", &[&beside], Operation::Gate);
    }
    if helps_instance {
        instance = list.add("ins_fc2", &[&instance], Operation::Dense { outputs: BRANCH });
    }
    (semantic, instance)
}

/// What the levels need beyond their sizes. The reference's sigma, the variance of a density, is half its
/// radius.
fn levels(variant: Variant, sizes: &Sizes, to_block: bool) -> Vec<LevelSpecification> {
    let level = |(below, entry): (usize, &super::LevelEntry)| {
        let ball = LevelSpecification::ball(entry.points, entry.radius, entry.slots);
        if variant == Variant::Base {
            return ball;
        }
        let level = below + 1;
        let density = KernelDensity { radius: entry.radius, variance: f64::from(entry.radius) / 2.0 };
        LevelSpecification {
            // A level of fewer points than the decoder sums over gives all that it has.
            self_nearest: if level < sizes.levels.len() { DECODER_NEIGHBOURS.min(entry.points) } else { 0 },
            to_block: to_block && level == 2,
            ..if level == 1 { ball } else { LevelSpecification::nearest(entry.points, entry.slots, density) }
        }
    };
    sizes.levels.iter().enumerate().map(level).collect()
}
