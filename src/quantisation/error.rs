//! Why a network cannot be quantised, or a quantised one cannot be run.

use std::io;
use std::path::PathBuf;

use crate::engine::EngineError;
use crate::evaluation::EvaluationError;
use crate::geometry::GeometryError;
use crate::network::onnx::PartError;
use crate::network::{Misfit, ModelError};
use crate::picture::PictureError;
use crate::pipeline::PipelineError;
use crate::replay::ReplayError;
use crate::transport::FileError;

/// Why a network cannot be quantised, or a quantised one cannot be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QuantisationError {
    /// A part that is no ONNX model of the expected kind.
    #[error(transparent)]
    Part(#[from] PartError),
    /// An operator that the plain interpreter does not know.
    #[error("node {node}: operator {operator} is not one that this version can quantise")]
    Operator {
        /// The node.
        node: String,
        /// Its operator.
        operator: String,
    },
    /// A node reads a value that is not there, of another kind, or of another shape.
    #[error("node {node}: {value}: expected {expected}, found {actual}")]
    Value {
        /// The reading node.
        node: String,
        /// The value that it reads.
        value: String,
        /// What it should be.
        expected: String,
        /// What it is.
        actual: String,
    },
    /// A quantisation scale that is no positive finite number.
    #[error("scale {name}: entry {index} is {value}: a scale is a positive finite number")]
    Scale {
        /// The scale's name.
        name: String,
        /// Which entry.
        index: usize,
        /// Its value.
        value: f32,
    },
    /// A zero point other than 0: the quantisation is not symmetric.
    #[error(
        "zero point {name}: entry {index} is {value}: only symmetric quantisation is known, whose zero points are 0"
    )]
    ZeroPoint {
        /// The zero point's name.
        name: String,
        /// Which entry.
        index: usize,
        /// Its value.
        value: i8,
    },
    /// A matrix product whose input was never seen.
    #[error("product {product}: no range is known of its input {value}")]
    NoRange {
        /// The product.
        product: String,
        /// Its input.
        value: String,
    },
    /// Not enough blocks to learn ranges from.
    #[error("too little data: {source_name} gave {found} blocks, at least {needed} are needed")]
    TooFewBlocks {
        /// Where the blocks came from.
        source_name: String,
        /// How many came.
        found: usize,
        /// How many are needed.
        needed: usize,
    },
    /// The model is quantised already, or in half precision.
    #[error("{path}: the model's precision is {precision}; calibration starts from fp32")]
    Precision {
        /// The model's folder.
        path: PathBuf,
        /// Its precision.
        precision: crate::network::Precision,
    },
    /// A model of other classes than the rooms that it is scored on.
    #[error(
        "classes: the simulated rooms have {expected}, the model {actual}: they cannot be scored against each other (use --score-rooms 0)"
    )]
    Classes {
        /// Classes of the rooms.
        expected: String,
        /// Classes of the model.
        actual: String,
    },
    /// A block does not fit the network.
    #[error(transparent)]
    Block(#[from] Misfit),
    /// A geometry plan could not be made.
    #[error(transparent)]
    Geometry(#[from] GeometryError),
    /// The pipeline that cuts blocks could not be built.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// An engine refused.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A room could not be scored.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// A drive could not be replayed.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// A room could not be read.
    #[error(transparent)]
    Room(#[from] FileError),
    /// The model folder could not be read or written.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The report's picture could not be made.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
