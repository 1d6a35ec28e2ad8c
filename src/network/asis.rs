//! ASIS on PointNet and PointNet++, whole and in parts, as descriptions.
//!
//! Source: Wang et al., "Associatively Segmenting Instances and Semantics in Point Clouds" (CVPR
//! 2019) and the published code (`design/networks.md` §1), which differs from the paper in places;
//! the code is what is described here.
//!
//! The PointNet variant was never published. What is described is the paper's §3.1 on the segmentation
//! network that PointNet's authors use on S3DIS: five shared layers (64, 64, 64, 128, 1024), the maximum
//! over the block, and in each branch that one vector beside the second layer's 64 channels through
//! 512, 256 and 128; no transformation networks. The multiply-accumulates are then the 6716 million of
//! `design/inference.md`.

use super::backbone::{PointNet2, pointnet_branch, pointnet_encoder};
use super::manifest::{Fusion, LevelEntry};
use super::zoo::{LayerList, Sizes, by_name};
use super::{Architecture, ArchitectureError, Operation};
use crate::geometry::LevelSpecification;

/// Name of ASIS on PointNet++ in `model.toml`.
pub const NAME: &str = "asis-pointnet2";

/// Perceptron widths of a branch's four feature propagations, coarsest first.
const PROPAGATION: [&[usize]; 4] = [&[256, 256], &[256, 256], &[256, 128], &[128, 128, 128]];
/// Width of F_SEM and F_INS.
const BRANCH: usize = 128;

/// What finds the features of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoder {
    PointNet,
    PointNet2,
}

/// Which parts of ASIS a network has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Variant {
    pub encoder: Encoder,
    /// Semantics help instances: features of the semantic branch are added to the instance branch.
    pub semantic_awareness: bool,
    /// Instances help semantics: maximum over the nearest points in embedding space.
    pub instance_fusion: bool,
}

/// Levels of the plan, scope of the logits, scope of the embeddings; the layers go to `list`.
pub(super) fn describe(
    variant: Variant,
    sizes: &Sizes,
    list: &mut LayerList,
) -> (Vec<LevelSpecification>, String, String) {
    let levels: Vec<_> =
        sizes.levels.iter().map(|level| LevelSpecification::ball(level.points, level.radius, level.slots)).collect();
    let pointnet2 = PointNet2 { propagation: PROPAGATION };
    match variant.encoder {
        Encoder::PointNet => pointnet_encoder(list),
        Encoder::PointNet2 => pointnet2.encoder(list),
    }
    let branch = |name: &str, list: &mut LayerList| {
        let decoded = match variant.encoder {
            Encoder::PointNet => pointnet_branch(name, list),
            Encoder::PointNet2 => pointnet2.branch(name, list),
        };
        list.add(format!("{name}_fc1"), &[&decoded], Operation::Dense { outputs: BRANCH })
    };
    let mut semantic = branch("sem", list);
    let cache =
        variant.semantic_awareness.then(|| list.add("sem_cache", &[&semantic], Operation::Dense { outputs: BRANCH }));
    let mut instance = branch("ins", list);
    if let Some(cache) = cache {
        instance = list.add("ins_sum", &[&instance, &cache], Operation::Sum);
    }
    let embeddings = list.add("ins_fc4", &[&instance], Operation::Linear { outputs: sizes.embedding_size });
    if variant.instance_fusion {
        // Sizes without a fusion are refused by the check of its neighbours.
        let Fusion { neighbours, radius } = sizes.fusion.unwrap_or(Fusion { neighbours: 0, radius: 0.0 });
        semantic = list.add("sem_fusion", &[&semantic, &embeddings], Operation::InstanceFusion { neighbours, radius });
    }
    let logits = list.add("sem_fc4", &[&semantic], Operation::Linear { outputs: sizes.classes });
    (levels, logits, embeddings)
}

/// ASIS on PointNet++ and what may vary between two models of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Asis {
    /// Points per block.
    pub points: usize,
    /// Columns of a block's features, the three coordinates included.
    pub feature_columns: usize,
    /// Semantic classes.
    pub classes: usize,
    /// Values per instance embedding.
    pub embedding_size: usize,
    /// The four levels of the encoder: balls.
    pub levels: Vec<LevelSpecification>,
    /// Neighbours of the instance fusion, the point itself included.
    pub fusion_neighbours: usize,
    /// Largest L1 distance of a fusion neighbour, inclusive.
    pub fusion_radius: f32,
}

impl Default for Asis {
    /// The published network on S3DIS: 4096 points, 9 columns, 13 classes, 5-D embeddings.
    fn default() -> Self {
        let level = |points, radius| LevelSpecification::ball(points, radius, 32);
        Self {
            points: 4096,
            feature_columns: 9,
            classes: 13,
            embedding_size: 5,
            levels: vec![level(1024, 0.1), level(256, 0.2), level(64, 0.4), level(16, 0.8)],
            fusion_neighbours: 30,
            fusion_radius: 0.5,
        }
    }
}

impl Asis {
    /// The layer list.
    ///
    /// # Errors
    /// [`ArchitectureError`] when a size is zero or out of range, or there are not four levels.
    pub fn architecture(&self) -> Result<Architecture, ArchitectureError> {
        let sizes = Sizes {
            points: self.points,
            feature_columns: self.feature_columns,
            classes: self.classes,
            embedding_size: self.embedding_size,
            levels: self.levels.iter().map(LevelEntry::of).collect(),
            fusion: Some(Fusion { neighbours: self.fusion_neighbours, radius: self.fusion_radius }),
        };
        by_name(NAME, &sizes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Description, FEATURES, Layer};

    #[test]
    fn the_published_network_has_the_published_size() {
        let architecture = Asis::default().architecture().unwrap();
        assert_eq!(architecture.parameter_count(), 1_599_090);
        assert_eq!(architecture.variables().len(), 202);
        assert_eq!((architecture.classes(), architecture.embedding_size()), (13, 5));
        let levels: Vec<_> =
            architecture.plan_specification().levels.iter().map(|l| (l.points, l.radius(), l.slots)).collect();
        assert_eq!(levels, [(1024, 0.1, 32), (256, 0.2, 32), (64, 0.4, 32), (16, 0.8, 32)]);
    }

    #[test]
    fn multiply_accumulates_are_those_of_the_design() {
        // design/inference.md counts up to the embeddings: everything but the semantic head.
        let architecture = Asis::default().architecture().unwrap();
        let head = architecture.cost_of(architecture.logits());
        let cost = architecture.cost();
        let millions = |value: u64| (value as f64 / 1e6).round() as u64;
        assert_eq!(millions(cost.published - head.published), 1481);
        assert_eq!(millions(cost.rewritten - head.rewritten), 1143);
    }

    #[test]
    fn wrong_sizes_are_refused_by_name() {
        let field = |asis: Asis| asis.architecture().unwrap_err().to_string();
        assert!(field(Asis { points: 0, ..Asis::default() }).starts_with("points:"));
        assert!(field(Asis { points: usize::MAX, ..Asis::default() }).starts_with("points:"));
        assert!(field(Asis { points: 1000, ..Asis::default() }).starts_with("level 1: points"));
        assert!(field(Asis { classes: 0, ..Asis::default() }).starts_with("layer sem_fc4"));
        assert!(field(Asis { embedding_size: 0, ..Asis::default() }).starts_with("layer ins_fc4"));
        assert!(field(Asis { feature_columns: 2, ..Asis::default() }).starts_with("feature columns"));
        assert!(field(Asis { fusion_neighbours: 0, ..Asis::default() }).contains("neighbours"));
        assert!(field(Asis { fusion_radius: f32::NAN, ..Asis::default() }).contains("radius"));
        assert!(field(Asis { levels: vec![], ..Asis::default() }).starts_with("levels:"));
    }

    #[test]
    fn a_description_that_does_not_join_up_is_refused() {
        let dense = |scope: &str, input: &str, outputs: usize| Layer {
            scope: scope.to_owned(),
            inputs: vec![input.to_owned()],
            operation: Operation::Dense { outputs },
        };
        let describe = |layers: Vec<Layer>| {
            Architecture::new(Description {
                name: "test".to_owned(),
                points: 8,
                feature_columns: 9,
                levels: vec![],
                logits: "a".to_owned(),
                embeddings: "a".to_owned(),
                layers,
            })
        };
        assert!(describe(vec![dense("a", FEATURES, 4)]).is_ok());
        assert!(matches!(
            describe(vec![dense("a", "b", 4), dense("b", FEATURES, 4)]),
            Err(ArchitectureError::UnknownInput { .. })
        ));
        assert!(matches!(
            describe(vec![dense("a", FEATURES, 4), dense("a", FEATURES, 4)]),
            Err(ArchitectureError::Duplicate { .. })
        ));
        assert!(matches!(describe(vec![dense("b", FEATURES, 4)]), Err(ArchitectureError::UnknownInput { .. })));
        let sum = Layer {
            scope: "sum".to_owned(),
            inputs: vec!["a".to_owned(), FEATURES.to_owned()],
            operation: Operation::Sum,
        };
        assert!(matches!(
            describe(vec![dense("a", FEATURES, 4), sum]),
            Err(ArchitectureError::Mismatch { what: "channels", .. })
        ));
    }
}
