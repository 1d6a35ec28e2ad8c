//! What ends a replay, and what drops a frame.

use std::path::PathBuf;

use crate::cloud::{CloudError, DepthError};
use crate::config::ConfigError;
use crate::picture::PictureError;
use crate::pipeline::PipelineError;
use crate::ros::{CdrError, CompressedDepthError, TransformError};
use crate::transport::{BagError, FileError, SelectionError};

/// Why nothing could be replayed, or the result not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The input cannot be opened.
    #[error("{}: cannot open", path.display())]
    Input {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The bag cannot be read or written.
    #[error(transparent)]
    Bag(#[from] BagError),
    /// The cloud file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// No topic carries clouds.
    #[error("{}: no topic to make clouds of{}", path.display(), in_brackets(damage))]
    Selection {
        /// The bag.
        path: PathBuf,
        /// What was expected and what is there.
        source: SelectionError,
        /// What is wrong with the bag: perhaps the topic was there once.
        damage: Vec<String>,
    },
    /// There are images with calibration, but none is depth.
    #[error("{}: expected a depth image (16UC1, mono16 or 32FC1), found {found}{}", path.display(), in_brackets(damage))]
    NotDepth {
        /// The bag.
        path: PathBuf,
        /// Image topics with their encodings.
        found: String,
        /// What is wrong with the bag.
        damage: Vec<String>,
    },
    /// An output of a kind that does not go with the input.
    #[error("{}: expected a name that ends in {expected}", path.display())]
    OutputEnding {
        /// The output.
        path: PathBuf,
        /// What would be right.
        expected: &'static str,
    },
    /// The output would replace the input.
    #[error("{}: is the input; expected another place for the output", path.display())]
    OutputIsInput {
        /// The place.
        path: PathBuf,
    },
    /// The folder of the output is not there.
    #[error("{}: there is no such folder to write into", path.display())]
    NoFolder {
        /// The output.
        path: PathBuf,
    },
    /// The configuration makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The model does not run.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// A labelled cloud cannot be written as a message.
    #[error(transparent)]
    Encode(#[from] CloudError),
    /// The message type of a labelled cloud cannot be written.
    #[error(transparent)]
    Cdr(#[from] CdrError),
    /// No picture.
    #[error(transparent)]
    Picture(#[from] PictureError),
}

fn in_brackets(damage: &[String]) -> String {
    if damage.is_empty() { String::new() } else { format!(" (the bag is damaged: {})", damage.join("; ")) }
}

/// Why a frame has no labels.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DropReason {
    /// The bytes are no such message.
    #[error("the message cannot be decoded: {0}")]
    Message(#[from] CdrError),
    /// The message is no cloud.
    #[error(transparent)]
    Cloud(#[from] CloudError),
    /// The depth image is no cloud.
    #[error(transparent)]
    Depth(#[from] DepthError),
    /// The depth image cannot be unpacked.
    #[error(transparent)]
    CompressedDepth(#[from] CompressedDepthError),
    /// No calibration came with the depth image.
    #[error("no CameraInfo came before or with the depth image")]
    NoCameraInfo,
    /// The transform into the fixed frame is not known.
    #[error("no transform into {fixed_frame}: {reason}")]
    NoTransform {
        /// The fixed frame.
        fixed_frame: String,
        /// What is missing.
        reason: TransformError,
    },
    /// No fixed frame is connected with the sensor.
    #[error("no transform from frame {sensor:?} into any of {tried}; the transforms know {known}")]
    NoFixedFrame {
        /// Frame of the cloud.
        sensor: String,
        /// Frames that were tried.
        tried: String,
        /// Frames that the transforms know.
        known: String,
    },
    /// A cloud file has no transforms.
    #[error("a cloud file does not say which way is up")]
    FileWithoutUp,
    /// The floor was not found.
    #[error("no floor was found that would say which way is up")]
    NoFloor,
}

impl DropReason {
    /// Why there is no transform, if that is the reason ([`TransformError::gap`]).
    pub fn transform_gap(&self) -> Option<&'static str> {
        match self {
            Self::NoTransform { reason, .. } => Some(reason.gap()),
            Self::NoFixedFrame { .. } => Some("missing"),
            _ => None,
        }
    }

    /// The kind of reason, to count by.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Message(_) => "unreadable message",
            Self::Cloud(_) => "malformed cloud",
            Self::Depth(_) | Self::CompressedDepth(_) => "malformed depth image",
            Self::NoCameraInfo => "no camera info",
            Self::NoTransform { .. } | Self::NoFixedFrame { .. } => "no transform",
            Self::FileWithoutUp => "no orientation",
            Self::NoFloor => "no floor",
        }
    }
}
