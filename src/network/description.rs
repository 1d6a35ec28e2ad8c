//! A network in plain data: which layers there are and who reads whom, not yet checked.

use crate::geometry::LevelSpecification;

/// The name under which layers read the block's features beyond the coordinates
/// (columns 3 and up: `points × (feature columns − 3)`).
pub const FEATURES: &str = "features";

/// What a layer computes.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// PointNet++ set abstraction: group `slots` neighbours in the next finer level, concatenate
    /// their relative position with their features, apply a shared perceptron (convolution, batch
    /// normalisation, ReLU per width), and take the maximum over the group.
    /// Reads features of level `level − 1`, gives features of `level`.
    SetAbstraction {
        /// The level that this layer fills (1 = first sampled level).
        level: usize,
        /// Output widths of the shared perceptron.
        widths: Vec<usize>,
    },
    /// PointNet++ feature propagation: interpolate `level` at the points of `level − 1`, concatenate
    /// the finer level's own features, apply a shared perceptron.
    /// Reads (coarse features of `level`, skip features of `level − 1`), gives features of `level − 1`.
    FeaturePropagation {
        /// The coarse level.
        level: usize,
        /// Output widths of the shared perceptron.
        widths: Vec<usize>,
    },
    /// Per point: convolution, batch normalisation, ReLU.
    Dense {
        /// Output width.
        outputs: usize,
    },
    /// Per point: convolution with bias and nothing after it.
    Linear {
        /// Output width.
        outputs: usize,
    },
    /// Element-wise sum of two inputs of the same extent.
    Sum,
    /// ASIS: per point the maximum of a feature over its nearest points in embedding space.
    /// Reads (features, embeddings), both of level 0; gives features of level 0.
    InstanceFusion {
        /// At most this many neighbours, the point itself included.
        neighbours: usize,
        /// Largest L1 distance of a neighbour, inclusive.
        radius: f32,
    },
}

/// One layer of a description.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Name of the layer and prefix of its variables: the reference's TensorFlow scope.
    pub scope: String,
    /// Scopes of the layers that it reads, or [`FEATURES`].
    pub inputs: Vec<String>,
    /// What it computes.
    pub operation: Operation,
}

/// A network in plain data, not yet checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// Name of the architecture, as in `model.toml`.
    pub name: String,
    /// Points per block.
    pub points: usize,
    /// Columns of a block's features; the first three are the coordinates.
    pub feature_columns: usize,
    /// The levels of the encoder, finest first, without the block itself.
    pub levels: Vec<LevelSpecification>,
    /// Layers in order: a layer reads only layers before it.
    pub layers: Vec<Layer>,
    /// Scope of the layer that gives the semantic logits.
    pub logits: String,
    /// Scope of the layer that gives the instance embeddings.
    pub embeddings: String,
}
