//! Networks in 8-bit integers: how they are made, checked and computed.
//!
//! ```text
//!  fp32 parts ─► graphs ─► prepare ─► equalise ─► ranges ─► plan ─► sensitivity ─► QDQ parts, report
//!                          one kernel  channels   per       scales   which stay
//!                          a product   alike      value     kernels  in floats
//!      blocks of drives ────┴────────────┴──────────┴─────────────────┘
//! ```
//!
//! # Contract
//! * Symmetric signed 8 bits on both sides, zero points 0: what TensorRT's parser takes
//!   (`design/inference.md`). Kernels have a scale per output, values one scale.
//! * A quantised part is standard ONNX (opset 17): `QuantizeLinear` / `DequantizeLinear` around `MatMul`.
//!   Kernels are stored in 8 bits, so the file is about a quarter as long.
//! * What is never quantised: products of coordinates, colours and other raw inputs (8 bits of 3 m are
//!   2.4 cm), biases, interpolation, maxima, the instance fusion.
//! * [`plain`] says what a quantised part computes, bit by bit; see there for what a runtime may differ by.
//!
//! Everything works on the graphs of the parts, not on the layers of an architecture: a new kind of layer
//! is quantised without a change here, as long as its trained products are `MatMul`s with constant kernels.

mod blocks;
mod calibration;
mod equalise;
mod error;
mod graph;
mod input_factors;
mod network;
mod operators;
pub mod plain;
mod prepare;
mod quantise;
mod range;
mod report;
mod resume;
mod sensitivity;
mod tensor;
// What is quantised is held against tract.
#[cfg(all(test, feature = "tract"))]
mod tests;

pub use blocks::{BlockSource, CalibrationBlock, collect_blocks, rooms_of};
pub use calibration::{Calibrated, CalibrationOptions, MINIMUM_BLOCKS, Progress, calibrate};
pub use error::QuantisationError;
pub use graph::{Constant, Graph, Node};
pub use network::GraphNetwork;
pub use plain::{Blind, Input, Observer};
pub use prepare::{Product, all_products, prepare, products_of};
pub use quantise::{QuantisationPlan, Quantised};
pub use range::{Histogram, RangeMethod};
pub use report::{ProductReport, Report, Scores, markdown};
pub use resume::Workshop;
pub use sensitivity::{Deviation, deviation};
pub use tensor::{Arithmetic, EXACT_TERMS, QuantisedKernel, Tensor, integer_product, quantise, quantise_all};
