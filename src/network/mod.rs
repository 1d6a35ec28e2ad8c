//! The architectures as data, their weights, the plain forward pass, ONNX out, and the model folder.
//!
//! ```text
//!  Architecture (layer list) ──┬─► plan_specification ─► geometry
//!        │                     └─► variables ─► Weights (.npz, by scope name) ─► Parameters (folded)
//!        ▼                                                                          │
//!  plain::forward (the oracle) ◄────────────────────────────────────────────────────┤
//!        ▼                                                                          ▼
//!  model folder: model.toml + body.onnx (+ head.onnx) ◄── write_model ◄── onnx::export
//! ```
//!
//! Nothing here runs a network fast; that is [`crate::engine`].

mod architecture;
mod architecture_error;
pub mod asis;
mod backbone;
pub mod checkpoint;
mod convolution;
mod cost;
mod description;
mod fit;
mod folder;
mod jsnet;
mod layer_convolutions;
mod manifest;
mod model;
#[cfg(test)]
mod model_tests;
mod model_write;
pub mod onnx;
pub mod plain;
mod plain_layers;
mod precision;
mod product;
mod sizes;
mod weights;
mod weights_file;
pub mod zoo;

pub use architecture::{Architecture, Extent, Source};
pub use architecture_error::ArchitectureError;
pub use convolution::{Convolution, Kernel, Variable};
pub use cost::Cost;
pub use description::{COLUMNS, Description, FEATURES, Layer, MIDDLE_CHANNELS, Operation};
pub(crate) use fit::finite;
pub use fit::{Misfit, check_fit};
pub use folder::{NoModel, model_folder};
pub use manifest::{
    BlockGeometry, Class, FORMAT_VERSION, FeatureColumn, Fusion, LevelEntry, Manifest, ManifestError, Part, PartRole,
};
pub use model::{Model, ModelError};
pub use model_write::{ModelMetadata, check_place, write_model, write_parts};
pub use precision::Precision;
pub(crate) use product::Term;
pub use weights::{BATCH_NORMALISATION_EPSILON, FoldedConvolution, Parameters, Weights, WeightsError};
