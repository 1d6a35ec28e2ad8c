//! In which numbers a model's parts compute.

use std::fmt;

use serde::{Deserialize, Serialize};

/// In which numbers a model's parts compute. Inputs and outputs are 32-bit in all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floats.
    #[default]
    Fp32,
    /// 16-bit floats, but for coordinates, where centimetres stand beside metres.
    Fp16,
    /// 8-bit integers, scales beside them.
    Int8,
}

impl Precision {
    /// Whether this is what a manifest means that does not say.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fp32 => "fp32",
            Self::Fp16 => "fp16",
            Self::Int8 => "int8",
        })
    }
}
