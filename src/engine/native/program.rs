//! A network as the native engine runs it: a list of steps over matrices.
//!
//! ```text
//!  layers (Architecture) ─► compile ─► steps: groups, point convolutions, row stages, … ─► run, tile by tile
//! ```
//! What a layer list does row by row is joined into *row stages*: a head, then operations on a tile of rows that
//! stays in the cache. Only what another step reads is stored.

use super::integer::IntegerWeight;
use super::kernels::{Aligned, Weight};

/// Position of a matrix in [`Program::values`].
pub(super) type ValueId = usize;

/// A matrix that a step computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value {
    /// Points of a level, or 1.
    pub rows: usize,
    /// Values in a row, padding included.
    pub stride: usize,
}

/// A matrix that a step reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    /// The block's features from this column on.
    Features(usize),
    /// The coordinates of a level.
    Position(usize),
    /// What a step computed.
    Value(ValueId),
}

/// A matrix product's right side.
#[derive(Debug)]
pub(super) enum Multiplier {
    /// In floats.
    Float(Weight),
    /// In 8 bits.
    Integer(IntegerWeight),
}

impl Multiplier {
    /// Outputs, padding included.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Float(weight) => weight.outputs(),
            Self::Integer(weight) => weight.outputs(),
        }
    }

    /// Inputs, padding included.
    pub fn depth(&self) -> usize {
        match self {
            Self::Float(weight) => weight.depth(),
            Self::Integer(weight) => weight.input_factor().len(),
        }
    }
}

/// A matrix product's right side and what follows it.
#[derive(Debug)]
pub(super) struct Affine {
    /// `inputs × outputs`.
    pub weight: Multiplier,
    /// `outputs`, padded.
    pub bias: Aligned,
    /// Whether a ReLU follows.
    pub relu: bool,
}

/// How rows of a coarse level reach a finer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carry {
    /// To the next finer level.
    Finer(usize),
    /// Straight to the block.
    Block(usize),
}

/// Where the rows of a stage come from: `relu(gate · (whole block + carried + products) + bias)`.
#[derive(Debug)]
pub(super) struct Head {
    /// Values in a row.
    pub stride: usize,
    /// Added to every row, after the gate.
    pub bias: Aligned,
    /// One-row matrices that are added to every row.
    pub whole_block: Vec<ValueId>,
    /// Matrices of coarser levels that are carried here and added.
    pub carried: Vec<(ValueId, Carry)>,
    /// Matrices of this level with their weights.
    pub products: Vec<(Operand, Multiplier)>,
    /// Depthwise sums over neighbours, with the weights that they are multiplied with.
    pub depthwise: Option<Depthwise>,
    /// One factor per row.
    pub gate: Option<ValueId>,
    /// Whether a ReLU follows.
    pub relu: bool,
}

/// PointConv's decoder up to its perceptron: `relu(bias + Σ_neighbours weight(relative position) · row)`.
#[derive(Debug)]
pub(super) struct Depthwise {
    /// The level whose points are each other's neighbours.
    pub level: usize,
    /// `points × hidden`: the first layer of the weight network at each point, and what it gives for the origin's
    /// coordinates alone.
    pub hidden: ValueId,
    /// As `hidden`, without the bias: what is subtracted for the point itself.
    pub hidden_centre: ValueId,
    /// The sums: of the features, and of the relative position.
    pub parts: [DepthwisePart; 2],
}

/// One of the two matrices that a depthwise sum takes rows of.
#[derive(Debug)]
pub(super) struct DepthwisePart {
    /// The matrix.
    pub source: ValueId,
    /// Whether a point's own row is subtracted from its neighbours' (positions).
    pub relative: bool,
    /// Second layer of the weight network: hidden → channels.
    pub weight: Affine,
    /// What the sums start with.
    pub bias: Aligned,
    /// What the sums are multiplied with: the rows of the perceptron's first layer.
    pub product: Multiplier,
}

/// An operation on a tile of rows.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // a few dozen of them, made once
pub(super) enum RowOperation {
    /// Rows times weights.
    Product(Affine),
    /// Adds the same rows of a matrix.
    Add(ValueId),
    /// Keeps the rows.
    Store(ValueId),
    /// Takes the rows into a maximum over all rows.
    Maximum(ValueId),
}

/// Row by row: a head, then operations.
#[derive(Debug)]
pub(super) struct RowStage {
    /// Rows.
    pub rows: usize,
    /// Where they come from.
    pub head: Head,
    /// What is done with them.
    pub operations: Vec<RowOperation>,
}

/// Set abstraction after its first product: gather, subtract, perceptron, maximum.
#[derive(Debug)]
pub(super) struct GroupStage {
    /// The level that is made.
    pub level: usize,
    /// First layer at the finer level's points.
    pub points: ValueId,
    /// First layer of the centres' coordinates.
    pub centres: ValueId,
    /// The layers after the first.
    pub perceptron: Vec<Affine>,
    /// The maxima.
    pub to: ValueId,
}

/// PointConv's encoder after its first products.
#[derive(Debug)]
pub(super) struct PointConvolutionStage {
    /// The perceptron, as in a set abstraction; its rows are summed instead.
    pub group: GroupStage,
    /// Weight network at the finer level's points, and of the centres' coordinates.
    pub weight_points: ValueId,
    /// See `weight_points`.
    pub weight_centres: ValueId,
    /// Density network: hidden layer (factor, shift), output layer (factors, shift).
    pub density: DensityNetwork,
    /// The convolution after the sum.
    pub after: Affine,
}

/// A neighbour's factor: `sigmoid(Σ relu(scale · factor + shift) · output + output shift)`.
#[derive(Clone, Debug)]
pub(super) struct DensityNetwork {
    /// The hidden units.
    pub hidden: Vec<DensityUnit>,
    /// Shift of the output.
    pub shift: f32,
}

/// A hidden unit of a density network.
#[derive(Clone, Copy, Debug)]
pub(super) struct DensityUnit {
    /// What the input is multiplied with.
    pub factor: f32,
    /// What is added to that.
    pub shift: f32,
    /// What the unit counts in the output.
    pub output: f32,
    /// Where the output's product is in 8 bits: what a step of the unit stands for.
    pub step: Option<f32>,
}

/// A step.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // a few dozen of them, made once
pub(super) enum Step {
    /// Row by row.
    Rows(RowStage),
    /// Set abstraction.
    Groups(GroupStage),
    /// PointConv's encoder.
    PointConvolution(PointConvolutionStage),
    /// The mean of every column.
    Mean {
        /// Of which matrix.
        from: ValueId,
        /// One row.
        to: ValueId,
    },
    /// The sigmoid of every row's mean over matrices side by side and on top of each other.
    GateFactors {
        /// The matrices, with the channels of each and how often each is there.
        parts: Vec<(ValueId, usize, usize)>,
        /// Values that the mean is of.
        channels: usize,
        /// One value per row.
        to: ValueId,
    },
    /// Maximum over the nearest points in embedding space.
    Fusion {
        /// Semantic features.
        features: ValueId,
        /// Embeddings.
        embeddings: ValueId,
        /// Values of an embedding.
        embedding_size: usize,
        /// At most this many neighbours.
        neighbours: usize,
        /// Farthest neighbour (L1).
        radius: f32,
        /// The maxima.
        to: ValueId,
    },
}

/// A network, ready to run.
#[derive(Debug)]
pub(super) struct Program {
    /// The matrices.
    pub values: Vec<Value>,
    /// The steps in order.
    pub steps: Vec<Step>,
    /// Semantic logits: the matrix and its channels.
    pub logits: (ValueId, usize),
    /// Embeddings: the matrix and its channels.
    pub embeddings: (ValueId, usize),
}

impl Operand {
    fn value(self) -> Option<ValueId> {
        match self {
            Self::Value(value) => Some(value),
            Self::Features(_) | Self::Position(_) => None,
        }
    }
}

impl Step {
    /// Matrices that the step reads.
    pub fn reads(&self) -> Vec<ValueId> {
        match self {
            Self::Rows(RowStage { head, operations, .. }) => {
                let added = operations.iter().filter_map(|operation| match operation {
                    RowOperation::Add(value) => Some(*value),
                    _ => None,
                });
                let depthwise = head.depthwise.iter().flat_map(|depthwise| {
                    let parts = depthwise.parts.iter().map(|part| part.source);
                    parts.chain([depthwise.hidden, depthwise.hidden_centre])
                });
                head.whole_block
                    .iter()
                    .copied()
                    .chain(head.carried.iter().map(|(value, _)| *value))
                    .chain(head.products.iter().filter_map(|(operand, _)| operand.value()))
                    .chain(head.gate)
                    .chain(depthwise)
                    .chain(added)
                    .collect()
            }
            Self::Groups(group) => vec![group.points, group.centres],
            Self::PointConvolution(stage) => {
                vec![stage.group.points, stage.group.centres, stage.weight_points, stage.weight_centres]
            }
            Self::Mean { from, .. } => vec![*from],
            Self::GateFactors { parts, .. } => parts.iter().map(|part| part.0).collect(),
            Self::Fusion { features, embeddings, .. } => vec![*features, *embeddings],
        }
    }

    /// Matrices that the step writes.
    pub fn writes(&self) -> Vec<ValueId> {
        match self {
            Self::Rows(RowStage { operations, .. }) => operations
                .iter()
                .filter_map(|operation| match operation {
                    RowOperation::Store(value) | RowOperation::Maximum(value) => Some(*value),
                    RowOperation::Product(_) | RowOperation::Add(_) => None,
                })
                .collect(),
            Self::Groups(GroupStage { to, .. })
            | Self::PointConvolution(PointConvolutionStage { group: GroupStage { to, .. }, .. }) => vec![*to],
            Self::Mean { to, .. } | Self::GateFactors { to, .. } | Self::Fusion { to, .. } => vec![*to],
        }
    }
}
