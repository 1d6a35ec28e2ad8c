//! What goes into a part and what comes out, by name, type and shape.

use super::super::manifest::PartRole;
use super::super::{Architecture, Operation, Source};

/// Element type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// 32-bit float.
    Float,
    /// 32-bit signed integer that indexes rows.
    Index,
}

/// What a value means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// The block's features.
    Features,
    /// Coordinates of a level's points.
    Position(usize),
    /// A level's neighbour groups, slot-major.
    Group(usize),
    /// From a level back to the finer one: indices of the three nearest, nearest first.
    InterpolationIndex(usize),
    /// Their weights.
    InterpolationWeight(usize),
    /// Beside a level's neighbour groups: inverse densities over the largest of the group, slot-major.
    DensityScale(usize),
    /// Each point's nearest neighbours in its own level, slot-major.
    SelfGroup(usize),
    /// From a level straight to the block: indices of the three nearest, nearest first.
    BlockInterpolationIndex(usize),
    /// Their weights.
    BlockInterpolationWeight(usize),
    /// The fused features, input of the head.
    Fused,
    /// Output: semantic logits.
    Logits,
    /// Output: instance embeddings.
    Embeddings,
    /// Output of the body: the features that the fusion takes the maximum of.
    FusionFeatures,
}

/// One input or output of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkInput {
    /// What it means.
    pub kind: InputKind,
    /// Its name in the graph.
    pub name: String,
    /// Its element type.
    pub value_type: ValueType,
    /// Its shape; every size is fixed.
    pub shape: Vec<usize>,
}

/// Inputs and outputs of a part, in the order of its graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartInterface {
    /// Inputs.
    pub inputs: Vec<NetworkInput>,
    /// Outputs.
    pub outputs: Vec<NetworkInput>,
}

/// The interface of a part, or `None` where the architecture has no such part.
pub fn interface(architecture: &Architecture, role: PartRole) -> Option<PartInterface> {
    let points = architecture.points();
    let value = |kind: InputKind, name: &str, value_type: ValueType, shape: &[usize]| NetworkInput {
        kind,
        name: name.to_owned(),
        value_type,
        shape: shape.to_vec(),
    };
    let per_point = |kind, name: &str, columns: usize| value(kind, name, ValueType::Float, &[points, columns]);
    let logits = per_point(InputKind::Logits, "logits", architecture.classes());
    let embeddings = per_point(InputKind::Embeddings, "embeddings", architecture.embedding_size());
    let fusion_width = architecture.fusion().map(|fusion| architecture.extent(fusion).channels);
    if role == PartRole::Head {
        let fused = per_point(InputKind::Fused, "fused", fusion_width?);
        return Some(PartInterface { inputs: vec![fused], outputs: vec![logits] });
    }
    let mut inputs = vec![per_point(InputKind::Features, "features", architecture.feature_columns())];
    for level in 1..=architecture.levels().len() {
        let (rows, finer) = (architecture.points_of(level), architecture.points_of(level - 1));
        let slots = architecture.levels()[level - 1].slots;
        let fills = |o: &Operation, wanted: usize| matches!(o, Operation::SetAbstraction { level, .. } | Operation::PointConvolution { level, .. } if *level == wanted);
        let weighed = uses(architecture, |o| matches!(o, Operation::PointConvolution { level: l, .. } if *l == level));
        let summed = |o: &Operation, wanted: usize| matches!(o, Operation::DepthwisePointConvolution { level, .. } if *level == wanted);
        let carried = |o: &Operation| matches!(o, Operation::Interpolate { level: l } if *l == level);
        let propagated = uses(architecture, |o| {
            let finer = matches!(o, Operation::FeaturePropagation { level: l, .. } if *l == level);
            finer || summed(o, level) || (level == 1 && carried(o))
        });
        let named =
            |kind, name: &str, value_type, shape: &[usize]| value(kind, &format!("{name}_{level}"), value_type, shape);
        // A level's positions are its own centres, and the next level's neighbours.
        if uses(architecture, |o| fills(o, level) || fills(o, level + 1) || summed(o, level + 1)) {
            inputs.push(named(InputKind::Position(level), "position", ValueType::Float, &[rows, 3]));
        }
        if uses(architecture, |o| fills(o, level)) {
            inputs.push(named(InputKind::Group(level), "group", ValueType::Index, &[slots, rows]));
        }
        if weighed {
            inputs.push(named(InputKind::DensityScale(level), "density_scale", ValueType::Float, &[slots, rows, 1]));
        }
        if uses(architecture, |o| summed(o, level + 1)) {
            let own = architecture.levels()[level - 1].self_nearest;
            inputs.push(named(InputKind::SelfGroup(level), "self_group", ValueType::Index, &[own, rows]));
        }
        if propagated {
            let (index, weight) = (InputKind::InterpolationIndex(level), InputKind::InterpolationWeight(level));
            inputs.push(named(index, "interpolation_index", ValueType::Index, &[3, finer]));
            inputs.push(named(weight, "interpolation_weight", ValueType::Float, &[3, finer, 1]));
        }
        if level > 1 && uses(architecture, carried) {
            let (index, weight) =
                (InputKind::BlockInterpolationIndex(level), InputKind::BlockInterpolationWeight(level));
            inputs.push(named(index, "block_interpolation_index", ValueType::Index, &[3, points]));
            inputs.push(named(weight, "block_interpolation_weight", ValueType::Float, &[3, points, 1]));
        }
    }
    let second = match fusion_width {
        Some(width) => per_point(InputKind::FusionFeatures, "fusion_features", width),
        None => logits,
    };
    Some(PartInterface { inputs, outputs: vec![embeddings, second] })
}

fn uses(architecture: &Architecture, wanted: impl Fn(&Operation) -> bool) -> bool {
    architecture.layers().iter().any(|layer| wanted(&layer.operation))
}

/// The layer whose output the fusion takes the maximum of.
pub(super) fn fusion_features(architecture: &Architecture) -> Option<Source> {
    architecture.fusion().map(|fusion| architecture.sources(fusion)[0])
}
