//! Why a description is not a network.

use crate::geometry::GeometryError;

/// Why a description is not a network.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ArchitectureError {
    /// A size is zero or beyond reason.
    #[error("{field}: {actual} is outside {minimum}..={maximum}")]
    Size {
        /// Which size.
        field: String,
        /// What it is.
        actual: usize,
        /// Least allowed value.
        minimum: usize,
        /// Largest allowed value.
        maximum: usize,
    },
    /// A radius is not a positive finite number.
    #[error("{field}: {actual} is not a positive finite number")]
    Radius {
        /// Which radius.
        field: String,
        /// What it is.
        actual: f32,
    },
    /// A level asks for more neighbours than there are points, or for a density that is none.
    #[error(transparent)]
    Levels(#[from] GeometryError),
    /// Two layers have the same scope.
    #[error("layer {scope}: there are two of this name")]
    Duplicate {
        /// The scope.
        scope: String,
    },
    /// A layer reads something that no earlier layer gives.
    #[error("layer {layer}: no earlier layer is called {input}")]
    UnknownInput {
        /// The reading layer.
        layer: String,
        /// What it wants to read.
        input: String,
    },
    /// A layer has too few or too many inputs.
    #[error("layer {layer}: needs {expected} inputs, has {actual}")]
    InputCount {
        /// The layer.
        layer: String,
        /// How many it needs.
        expected: usize,
        /// How many it has.
        actual: usize,
    },
    /// A layer reads an input of the wrong level or width.
    #[error("layer {layer}, input {input}: expected {what} {expected}, it has {actual}")]
    Mismatch {
        /// The layer.
        layer: String,
        /// The input.
        input: String,
        /// `level` or `channels`.
        what: &'static str,
        /// What the layer needs.
        expected: usize,
        /// What the input has.
        actual: usize,
    },
    /// A layer that works point by point reads one row per block, or the other way round.
    #[error("layer {layer}: input {input} has one row per block, expected one per point")]
    PerBlock {
        /// The layer.
        layer: String,
        /// The input.
        input: String,
    },
    /// A layer needs neighbourhoods that its level does not ask for.
    #[error("layer {layer}: level {level} asks for no {what}")]
    NoNeighbourhood {
        /// The layer.
        layer: String,
        /// The level.
        level: usize,
        /// What is missing.
        what: &'static str,
    },
    /// A network is cut in two at its instance fusion; the second part may read nothing else of the first.
    #[error("layer {layer}: reads {input} across the instance fusion")]
    ReadsAcrossFusion {
        /// The layer.
        layer: String,
        /// The input.
        input: String,
    },
    /// The architecture is not known to this version.
    #[error("unknown architecture {name:?}; known: {known}")]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The known names.
        known: String,
    },
}
