//! A network in plain data: which layers there are and who reads whom, not yet checked.

use crate::geometry::LevelSpecification;

/// The name under which layers read the block's features beyond the coordinates
/// (columns 3 and up: `points × (feature columns − 3)`).
pub const FEATURES: &str = "features";

/// The name under which layers read every column of the block, the coordinates included.
pub const COLUMNS: &str = "columns";

/// Functions of the relative position that PointConv's encoding sums each channel with.
pub const MIDDLE_CHANNELS: usize = 32;
/// Hidden width of the perceptron that turns PointConv's relative position into weights.
pub(super) const WEIGHT_CHANNELS: usize = 32;
/// Hidden width of the perceptron that turns a neighbour's density into a factor.
pub(super) const DENSITY_CHANNELS: usize = 16;

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
    /// PointConv encoding: group the neighbours in the next finer level, concatenate their relative
    /// position with their features, apply a shared perceptron (every width but the last), weigh each
    /// neighbour by a learned function of its density and, channel by channel, by [`MIDDLE_CHANNELS`]
    /// learned functions of its relative position, sum over the group, and apply one convolution to the
    /// last width. Reads features of level `level − 1`, gives features of `level`, whose specification
    /// must ask for a density.
    PointConvolution {
        /// The level that this layer fills.
        level: usize,
        /// Output widths: of the shared perceptron, then of the convolution after the sum. At least two.
        widths: Vec<usize>,
    },
    /// PointConv decoding: interpolate `level` at the points of `level − 1`; there, sum over each point's
    /// nearest neighbours their relative position and features times a learned function of the relative
    /// position, one per channel; normalise, ReLU; concatenate the finer level's own features, apply a
    /// shared perceptron.
    /// Reads (coarse features of `level`, skip features of `level − 1`), gives features of `level − 1`,
    /// whose specification must ask for its own nearest neighbours.
    DepthwisePointConvolution {
        /// The coarse level, at least 2.
        level: usize,
        /// Output widths of the shared perceptron.
        widths: Vec<usize>,
    },
    /// Carries features of a level straight to the block's points.
    Interpolate {
        /// The level; from 2 on its specification must ask for the way to the block.
        level: usize,
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
    /// Element-wise sum of two inputs of the same width; a block's one row is added to every point.
    Sum,
    /// Inputs side by side; a block's one row is repeated on every point.
    Concatenate,
    /// Each point's row times the sigmoid of its mean over the channels.
    Gate,
    /// The maximum over all points of a level: one row per block.
    GlobalMaximum,
    /// The mean over all points of a level: one row per block.
    GlobalMean,
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
    /// Scopes of the layers that it reads, or [`FEATURES`], or [`COLUMNS`].
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
