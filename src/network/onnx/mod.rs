//! Networks as ONNX parts: standard operators only (opset 17), so that tract, ONNX Runtime and
//! TensorRT run the same file without a plug-in.
//!
//! Everything that depends on coordinates alone comes in as inputs (the geometry plan), and the
//! network is cut at its instance fusion, which is a search and is done in Rust between the parts:
//!
//! ```text
//!  features, plan ─► body.onnx ─► embeddings ─────────────► fusion ─► fused ─► head.onnx ─► logits
//!                         └─────► fusion_features ────────────┘
//! ```
//! An architecture without an instance fusion is one part, whose outputs are `embeddings` and `logits`.
//!
//! # Inputs
//! One set per level *l* = 1, 2, …; S_l is the number of points of level *l*:
//!
//! | name | type | shape |
//! |---|---|---|
//! | `features` | f32 | points × feature columns |
//! | `position_l` | f32 | S_l × 3 |
//! | `group_l` | i32 | slots × S_l, slot-major: index into level *l* − 1 |
//! | `density_scale_l` | f32 | slots × S_l × 1: inverse density over the largest of the group |
//! | `self_group_l` | i32 | neighbours × S_l: index into level *l* itself |
//! | `interpolation_index_l` | i32 | 3 × S_{l−1}: index into level *l* |
//! | `interpolation_weight_l` | f32 | 3 × S_{l−1} × 1 |
//! | `block_interpolation_index_l` | i32 | 3 × points: index into level *l* |
//! | `block_interpolation_weight_l` | f32 | 3 × points × 1 |
//!
//! A part has those of them that its layers read.
//!
//! # Initialisers
//! A convolution's kernel and bias, batch normalisation folded in, are `<scope>/weights`
//! (inputs × outputs) and `<scope>/biases`, whole: where a rewrite needs only some rows of a kernel the
//! graph slices them out, and every engine folds the slice when it loads. So a part's initialisers are
//! the network's parameters, readable by name ([`read_parameters`]).
//!
//! # Eight bits
//! In a quantised part a kernel may be in 8 bits, with `<kernel>/scale` (one per output) beside it, and may
//! be cut by rows into `<scope>/weights[0:3]`, `<scope>/weights[3:67]`, …, or by columns into
//! `<scope>/weights[:,0:3]`, …, each in a precision of its own, and so may biases. Rows that are only multiplied
//! together with others are there as `<scope>/weights[0:128]+[128:256]`, their sum, beside the others. The kernel after PointConv's sum lies
//! in the order in which it is multiplied, as `<scope>/weights/by_function`: rows by (function, channel).
//! Where `<kernel>/input_factor` is there, the value is multiplied by it, channel by channel, before the product, and
//! the kernel as it is stored must be, row by row, to be the parameter.
//! The parameters are then what the 8 bits stand for.
//!
//! The normalisation of PointConv's decoder is a shift only (`<scope>/biases`): its factor is inside of the kernel
//! before it, in every precision.

mod export;
mod graph;
mod half_precision;
mod inputs;
mod integer;
mod layers;
pub(crate) mod messages;
mod point_convolution;
mod read;
mod stored;

/// What the name of PointConv's last kernel ends with where its rows are in the order (function, channel).
const BY_FUNCTION: &str = "by_function";
/// What the name of a product's factors ends with, after that of the kernel.
pub(crate) const INPUT_FACTOR: &str = "input_factor";

pub use export::{Parts, export};
pub(crate) use graph::{FILE_FORMAT, OPERATOR_SET};
pub use half_precision::to_half_precision;
pub use inputs::{InputKind, NetworkInput, PartInterface, ValueType, interface};
pub(crate) use integer::{IntegerKernel, integer_kernels};
pub(crate) use read::decode;
pub use read::{PartError, check_part, read_parameters};
