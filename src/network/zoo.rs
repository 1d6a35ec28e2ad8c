//! Every network by name: the variants that the papers of ASIS and JSNet table.
//!
//! | name | encoder | module |
//! |---|---|---|
//! | `asis-pointnet-vanilla`, `asis-pointnet` | PointNet | none / ASIS |
//! | `asis-pointnet2-vanilla` | PointNet++ | none |
//! | `asis-pointnet2-semantic` | PointNet++ | semantic awareness only |
//! | `asis-pointnet2-instance` | PointNet++ | instance fusion only |
//! | `asis-pointnet2` | PointNet++ | ASIS |
//! | `jsnet-base` | PointNet++ in JSNet's sizes | none |
//! | `jsnet-backbone` | PointNet++ and PointConv | none |
//! | `jsnet-pcff` | the same | point cloud feature fusion |
//! | `jsnet-instance` | the same | … and the half in which semantics help instances |
//! | `jsnet-semantic` | the same | … and the half in which instances help semantics |
//! | `jsnet` | the same | … and both halves |
//!
//! Each also as `NAME-part`, the papers' variant for parts of ShapeNet's objects.
//!
//! ```
//! use instanton::network::zoo::{Sizes, by_name};
//!
//! let jsnet = by_name("jsnet", &Sizes::published("jsnet")?)?;
//! assert_eq!(jsnet.parameter_count(), 8_085_805);
//! # Ok::<(), instanton::network::ArchitectureError>(())
//! ```

use super::manifest::{Fusion, LevelEntry};
use super::{Architecture, ArchitectureError, Description, Layer, Operation, asis, jsnet};

/// Names of the networks, without the `-part` variants.
pub const NAMES: [&str; 12] = [
    "asis-pointnet-vanilla",
    "asis-pointnet",
    "asis-pointnet2-vanilla",
    "asis-pointnet2-semantic",
    "asis-pointnet2-instance",
    "asis-pointnet2",
    "jsnet-base",
    "jsnet-backbone",
    "jsnet-pcff",
    "jsnet-instance",
    "jsnet-semantic",
    "jsnet",
];
/// Ending of the names of the part variants.
const PART: &str = "-part";

/// Every name that [`by_name`] knows.
pub fn names() -> Vec<String> {
    let parts = NAMES.iter().map(|name| format!("{name}{PART}"));
    NAMES.iter().map(|&name| name.to_owned()).chain(parts).collect()
}

/// What may vary between two models of one architecture.
#[derive(Clone, Debug, PartialEq)]
pub struct Sizes {
    /// Points per block.
    pub points: usize,
    /// Columns of a block's features, the three coordinates included.
    pub feature_columns: usize,
    /// Semantic classes.
    pub classes: usize,
    /// Values per instance embedding.
    pub embedding_size: usize,
    /// The levels of the encoder, finest first; what else a level needs follows from the architecture.
    pub levels: Vec<LevelEntry>,
    /// The instance fusion, for architectures that have one.
    pub fusion: Option<Fusion>,
}

impl Sizes {
    /// The sizes that the papers train: blocks of 4096 points with 9 columns and S3DIS' 13 classes; parts
    /// of 2048 points with 6 columns (position, normal) and ShapeNet's 50 part labels.
    ///
    /// # Errors
    /// [`ArchitectureError::Unknown`].
    pub fn published(name: &str) -> Result<Self, ArchitectureError> {
        let family = family(name)?;
        let coarsest = if name.starts_with("jsnet") { 32 } else { 16 };
        let level = |(points, radius)| LevelEntry { points, radius, slots: 32 };
        let levels = [(1024, 0.1), (256, 0.2), (64, 0.4), (coarsest, 0.8)].map(level).to_vec();
        let sizes = Self {
            points: 4096,
            feature_columns: 9,
            classes: 13,
            embedding_size: 5,
            levels: if family.has_levels() { levels } else { Vec::new() },
            fusion: family.has_fusion().then_some(Fusion { neighbours: 30, radius: 0.5 }),
        };
        Ok(match name.ends_with(PART) {
            true => Self { feature_columns: 6, classes: 50, ..sizes.scaled(2048) },
            false => sizes,
        })
    }

    /// The same network for blocks of another number of points: the levels keep their share of them, and
    /// no more neighbour slots than there are points to fill them.
    #[must_use]
    pub fn scaled(mut self, points: usize) -> Self {
        let (before, mut finer) = (self.points.max(1), points);
        for level in &mut self.levels {
            level.points = level.points.saturating_mul(points) / before;
            level.slots = level.slots.min(finer);
            finer = level.points;
        }
        Self { points, ..self }
    }
}

/// The layers that a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Asis(asis::Variant),
    Jsnet(jsnet::Variant),
}

impl Family {
    fn has_levels(self) -> bool {
        !matches!(self, Self::Asis(variant) if variant.encoder == asis::Encoder::PointNet)
    }

    fn has_fusion(self) -> bool {
        matches!(self, Self::Asis(variant) if variant.instance_fusion)
    }
}

fn family(name: &str) -> Result<Family, ArchitectureError> {
    use asis::Encoder::{PointNet, PointNet2};
    let asis = |encoder, semantic_awareness, instance_fusion| {
        Family::Asis(asis::Variant { encoder, semantic_awareness, instance_fusion })
    };
    Ok(match name.strip_suffix(PART).unwrap_or(name) {
        "asis-pointnet-vanilla" => asis(PointNet, false, false),
        "asis-pointnet" => asis(PointNet, true, true),
        "asis-pointnet2-vanilla" => asis(PointNet2, false, false),
        "asis-pointnet2-semantic" => asis(PointNet2, true, false),
        "asis-pointnet2-instance" => asis(PointNet2, false, true),
        "asis-pointnet2" => asis(PointNet2, true, true),
        "jsnet-base" => Family::Jsnet(jsnet::Variant::Base),
        "jsnet-backbone" => Family::Jsnet(jsnet::Variant::Backbone),
        "jsnet-pcff" => Family::Jsnet(jsnet::Variant::FeatureFusion),
        "jsnet-instance" => Family::Jsnet(jsnet::Variant::Joint { instance: true, semantic: false }),
        "jsnet-semantic" => Family::Jsnet(jsnet::Variant::Joint { instance: false, semantic: true }),
        "jsnet" => Family::Jsnet(jsnet::Variant::Joint { instance: true, semantic: true }),
        _ => {
            let (name, known) = (name.to_owned(), names().join(", "));
            return Err(ArchitectureError::Unknown { name, known });
        }
    })
}

/// Whether the architecture of this name has an instance fusion.
///
/// # Errors
/// [`ArchitectureError::Unknown`].
pub fn has_fusion(name: &str) -> Result<bool, ArchitectureError> {
    family(name).map(Family::has_fusion)
}

/// The network of a name in the given sizes.
///
/// # Errors
/// [`ArchitectureError`] for an unknown name, or sizes that make no network, naming the size.
pub fn by_name(name: &str, sizes: &Sizes) -> Result<Architecture, ArchitectureError> {
    let family = family(name)?;
    let expected = if family.has_levels() { 4 } else { 0 };
    if sizes.levels.len() != expected {
        let (field, actual) = ("levels".to_owned(), sizes.levels.len());
        return Err(ArchitectureError::Size { field, actual, minimum: expected, maximum: expected });
    }
    let mut layers = LayerList::default();
    let (levels, logits, embeddings) = match family {
        Family::Asis(variant) => asis::describe(variant, sizes, &mut layers),
        Family::Jsnet(variant) => jsnet::describe(variant, sizes, &mut layers),
    };
    Architecture::new(Description {
        name: name.to_owned(),
        points: sizes.points,
        feature_columns: sizes.feature_columns,
        levels,
        layers: layers.0,
        logits,
        embeddings,
    })
}

/// Layers in the making.
#[derive(Debug, Default)]
pub(super) struct LayerList(Vec<Layer>);

impl LayerList {
    /// Adds a layer and gives its scope back.
    pub fn add(&mut self, scope: impl Into<String>, inputs: &[&str], operation: Operation) -> String {
        let (scope, inputs) = (scope.into(), inputs.iter().map(|&input| input.to_owned()).collect());
        self.0.push(Layer { scope: scope.clone(), inputs, operation });
        scope
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(name: &str) -> Architecture {
        by_name(name, &Sizes::published(name).unwrap()).unwrap()
    }

    #[test]
    fn every_name_has_a_network() {
        assert_eq!(names().len(), 24);
        for name in names() {
            let network = published(&name);
            assert_eq!(network.name(), name);
            assert_eq!(network.fusion().is_some(), has_fusion(&name).unwrap(), "{name}");
            let part = name.ends_with(PART);
            assert_eq!((network.points(), network.classes()), if part { (2048, 50) } else { (4096, 13) }, "{name}");
            let cost = network.cost();
            assert!(cost.rewritten < cost.published, "{name}: {cost:?}");
            let million = |value: u64| value as f64 / 1e6;
            println!(
                "{name:28} {:9} parameters {:7.1} → {:7.1} MMAC",
                network.parameter_count(),
                million(cost.published),
                million(cost.rewritten)
            );
        }
        assert!(matches!(Sizes::published("pointnet9"), Err(ArchitectureError::Unknown { .. })));
        assert!(matches!(Sizes::published("jsnet-part-part"), Err(ArchitectureError::Unknown { .. })));
    }

    #[test]
    fn sizes_are_those_of_the_papers_and_the_design() {
        assert_eq!(published("asis-pointnet2").parameter_count(), 1_599_090);
        assert_eq!(published("jsnet").parameter_count(), 8_085_805);
        let millions = |name: &str| {
            let (network, million) = (published(name), |value: u64| (value as f64 / 1e6).round() as u64);
            (million(network.cost().published), million(network.cost().rewritten), network)
        };
        let (published, _, _) = millions("jsnet");
        assert_eq!(published, 2738);
        // design/inference.md counts ASIS up to the embeddings, without the semantic head's 7 million.
        let (published, rewritten, network) = millions("asis-pointnet");
        let head = network.cost_of(network.logits()).published as f64 / 1e6;
        assert_eq!((published as f64 - head).round() as u64, 6716);
        assert_eq!((rewritten as f64 - head).round() as u64, 2422);
    }

    #[test]
    fn other_columns_classes_and_points_make_a_network() {
        for name in names() {
            for feature_columns in [3, 6, 9] {
                let sizes = Sizes { feature_columns, classes: 2, ..Sizes::published(&name).unwrap() };
                assert_eq!(by_name(&name, &sizes).unwrap().classes(), 2, "{name}");
            }
            let small = by_name(&name, &Sizes::published(&name).unwrap().scaled(1024)).unwrap();
            assert_eq!(small.points(), 1024, "{name}");
        }
        let jsnet = Sizes::published("jsnet").unwrap().scaled(2048);
        let levels: Vec<_> = by_name("jsnet", &jsnet).unwrap().levels().iter().map(|level| level.points).collect();
        assert_eq!(levels, [512, 128, 32, 16]);
    }

    #[test]
    fn wrong_sizes_are_refused_by_name() {
        let refusal = |name: &str, change: fn(&mut Sizes)| {
            let mut sizes = Sizes::published(name).unwrap();
            change(&mut sizes);
            by_name(name, &sizes).unwrap_err().to_string()
        };
        assert!(refusal("jsnet", |sizes| sizes.levels.truncate(3)).starts_with("levels"));
        assert!(refusal("asis-pointnet", |sizes| sizes.feature_columns = 2).starts_with("feature columns"));
        assert!(refusal("jsnet", |sizes| sizes.levels[2].slots = 1000).contains("level 3"));
        assert!(refusal("jsnet", |sizes| sizes.levels[3].radius = f32::NAN).contains("level 4"));
        assert!(refusal("jsnet", |sizes| sizes.classes = 0).contains("sem_fc5"));
        assert!(refusal("asis-pointnet2", |sizes| sizes.fusion = None).contains("neighbours"));
    }
}
