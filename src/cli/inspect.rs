//! `instanton inspect FILE|DIR`: what is in a bag, cloud, room or model folder, and what is wrong
//! with it, in words.
//!
//! Everything is read to its end, so that damage anywhere is found.

mod bag;
mod cloud;
mod model;
mod network;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::transport::{BagError, FileError, Looks};

pub use bag::{BagReport, TopicReport};
pub use cloud::{CloudReport, RoomReport};
pub use model::{ModelReport, PartReport};
pub use network::{Activation, LayerReport, LevelReport, NetworkReport};

/// What was found.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Report {
    /// What was inspected.
    pub path: PathBuf,
    /// What is in it.
    #[serde(flatten)]
    pub content: Content,
    /// What is wrong with it, or worth knowing before it is used; empty when all is well.
    pub findings: Vec<String>,
}

/// What is in a file or folder.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Content {
    /// A recording.
    Bag(BagReport),
    /// A cloud without labels.
    Cloud(CloudReport),
    /// A cloud with true labels.
    Room(RoomReport),
    /// A model folder.
    Model(ModelReport),
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// The file cannot be opened.
    #[error("{}: cannot open", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The recording cannot be read at all.
    #[error(transparent)]
    Bag(#[from] BagError),
    /// The cloud or room cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The manifest of the model cannot be read.
    #[error("{}: expected a TOML file: {reason}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The file is none of ours.
    #[error("{}: expected a bag, cloud, room or model folder, this looks like {found}", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// What its first bytes say.
        found: Looks,
    },
}

/// Looks into `path`, whatever it is.
///
/// # Errors
/// [`InspectError`] when it is nothing that this program reads, or cannot be opened at all. What is
/// merely damaged is no error: it is among the findings.
pub fn inspect(path: &Path) -> Result<Report, InspectError> {
    let looks = Looks::of(path).map_err(|source| InspectError::Io { path: path.to_owned(), source })?;
    let (content, findings) = match looks {
        Looks::Folder if path.join("model.toml").is_file() => model::inspect(path)?,
        Looks::Folder | Looks::Mcap | Looks::Sqlite | Looks::Zstd | Looks::Ros1Bag => bag::inspect(path)?,
        Looks::Pcd | Looks::Ply => cloud::inspect(path)?,
        Looks::Npy | Looks::Zip => cloud::inspect_arrays(path)?,
        found => return Err(InspectError::Unknown { path: path.to_owned(), found }),
    };
    Ok(Report { path: path.to_owned(), content, findings })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path.display())?;
        match &self.content {
            Content::Bag(report) => report.fmt(f)?,
            Content::Cloud(report) => report.fmt(f)?,
            Content::Room(report) => report.fmt(f)?,
            Content::Model(report) => report.fmt(f)?,
        }
        for finding in &self.findings {
            write!(f, "\n! {finding}")?;
        }
        if self.findings.is_empty() {
            write!(f, "\nNothing is wrong with it.")?;
        }
        Ok(())
    }
}

/// A number of bytes for people.
fn bytes_in_words(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}
