//! ASIS on PointNet++ as a description.
//!
//! Source: Wang et al., "Associatively Segmenting Instances and Semantics in Point Clouds" (CVPR
//! 2019) and the published code (`design/networks.md` §1), which differs from the paper in places;
//! the code is what is described here.

use super::{Architecture, ArchitectureError, Description, FEATURES, Layer, Operation};
use crate::geometry::LevelSpecification;

/// Name of this architecture in `model.toml`.
pub const NAME: &str = "asis-pointnet2";

/// Perceptron widths of the four set abstractions.
const ABSTRACTION: [&[usize]; 4] = [&[32, 32, 64], &[64, 64, 128], &[128, 128, 256], &[256, 256, 512]];
/// Perceptron widths of a branch's four feature propagations, coarsest first.
const PROPAGATION: [&[usize]; 4] = [&[256, 256], &[256, 256], &[256, 128], &[128, 128, 128]];
/// Width of F_SEM and F_INS.
const BRANCH: usize = 128;

/// What may vary between two models of this architecture.
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
    /// The four levels of the encoder.
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
        let expected = ABSTRACTION.len();
        if self.levels.len() != expected {
            let (field, actual) = ("levels".to_owned(), self.levels.len());
            return Err(ArchitectureError::Size { field, actual, minimum: expected, maximum: expected });
        }
        let mut layers = Vec::new();
        let mut add = |scope: &str, inputs: &[&str], operation: Operation| {
            let inputs = inputs.iter().map(|&input| input.to_owned()).collect();
            layers.push(Layer { scope: scope.to_owned(), inputs, operation });
        };
        let abstraction = |level: usize| if level == 0 { FEATURES.to_owned() } else { format!("layer{level}") };
        for level in 1..=expected {
            let widths = ABSTRACTION[level - 1].to_vec();
            add(&abstraction(level), &[&abstraction(level - 1)], Operation::SetAbstraction { level, widths });
        }
        let mut branch = |name: &str| {
            let mut coarse = abstraction(expected);
            for (step, widths) in PROPAGATION.iter().enumerate() {
                let level = expected - step;
                let scope = format!("{name}_fa_layer{}", step + 1);
                let operation = Operation::FeaturePropagation { level, widths: widths.to_vec() };
                add(&scope, &[&coarse, &abstraction(level - 1)], operation);
                coarse = scope;
            }
            add(&format!("{name}_fc1"), &[&coarse], Operation::Dense { outputs: BRANCH });
            if name == "sem" {
                add("sem_cache", &["sem_fc1"], Operation::Dense { outputs: BRANCH });
            }
        };
        branch("sem");
        branch("ins");
        add("ins_sum", &["ins_fc1", "sem_cache"], Operation::Sum);
        add("ins_fc4", &["ins_sum"], Operation::Linear { outputs: self.embedding_size });
        let fusion = Operation::InstanceFusion { neighbours: self.fusion_neighbours, radius: self.fusion_radius };
        add("sem_fusion", &["sem_fc1", "ins_fc4"], fusion);
        add("sem_fc4", &["sem_fusion"], Operation::Linear { outputs: self.classes });
        Architecture::new(Description {
            name: NAME.to_owned(),
            points: self.points,
            feature_columns: self.feature_columns,
            levels: self.levels.clone(),
            layers,
            logits: "sem_fc4".to_owned(),
            embeddings: "ins_fc4".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(field(Asis { feature_columns: 3, ..Asis::default() }).starts_with("feature columns"));
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
