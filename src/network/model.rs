//! A model is a folder: `model.toml` and the parts that it names.
//!
//! ```text
//!  my-model/
//!    model.toml     what the model is (see [`Manifest`])
//!    body.onnx      the network up to the instance fusion
//!    head.onnx      the rest
//! ```
//! The parts carry the weights; there is no third file to disagree with them. Opening checks every
//! hash, and that each part has the inputs, outputs and parameters that the manifest implies, so that
//! no engine has to. Other files in the folder (a licence, a picture) are left alone.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::manifest::{Manifest, ManifestError, PartRole};
use super::onnx::{PartError, check_part, read_parameters};
use super::weights::{Parameters, WeightsError};
use super::{Architecture, ArchitectureError};

/// The manifest's file name.
pub(super) const MANIFEST: &str = "model.toml";
/// No manifest is longer than this.
const LONGEST_MANIFEST: u64 = 1 << 20;
/// No part is longer than this (the file format itself ends at 2 GiB).
const LONGEST_PART: u64 = 1 << 30;

/// Why a model folder cannot be opened or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The folder has no `model.toml`.
    #[error("{path}: no model folder (there is no {MANIFEST} in it)")]
    NoManifest {
        /// The folder.
        path: PathBuf,
    },
    /// `model.toml` is wrong.
    #[error("{path}: {source}")]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        source: ManifestError,
    },
    /// A part that the manifest names is not there.
    #[error("{path}: part {part} is missing")]
    MissingPart {
        /// The part.
        part: PartRole,
        /// Where it should be.
        path: PathBuf,
    },
    /// A part is a link that leads out of the folder.
    #[error("{path}: part {part} lies outside the model folder")]
    OutsidePart {
        /// The part.
        part: PartRole,
        /// Where it leads.
        path: PathBuf,
    },
    /// A part is not the one that the manifest was written for.
    #[error("{path}: sha256 of part {part}: the manifest says {expected}, the file has {actual}")]
    Hash {
        /// The part.
        part: PartRole,
        /// The file.
        path: PathBuf,
        /// The manifest's hash.
        expected: String,
        /// The file's hash.
        actual: String,
    },
    /// A part does not fit the manifest.
    #[error("{path}: does not fit {MANIFEST}: {source}")]
    Part {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        source: PartError,
    },
    /// A file is longer than any real one.
    #[error("{path}: longer than {limit} bytes")]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
    /// Sizes that make no network.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
    /// The parameters are those of another architecture.
    #[error(transparent)]
    Parameters(#[from] WeightsError),
    /// The architecture is not the one that its name and sizes say, so a manifest cannot describe it.
    #[error("architecture {name}: its layers are not those that this name stands for")]
    Undescribed {
        /// The architecture's name.
        name: String,
    },
    /// The place to write to holds something that is not a model folder.
    #[error("{path}: exists and is no model folder; not replaced")]
    Occupied {
        /// The place.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("{path}: {source}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// An opened model: checked, in memory.
#[derive(Clone, Debug)]
pub struct Model {
    folder: PathBuf,
    manifest: Manifest,
    architecture: Architecture,
    parts: Vec<(PartRole, Vec<u8>)>,
}

impl Model {
    /// Opens a model folder and checks all of it.
    ///
    /// # Errors
    /// [`ModelError`] naming the file, and the field in it, that is missing or does not fit.
    pub fn open(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join(MANIFEST);
        let text = match read(&path, LONGEST_MANIFEST) {
            Err(ModelError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Err(ModelError::NoManifest { path: folder.to_owned() });
            }
            read => read?,
        };
        let refuse = |source: ManifestError| ModelError::Manifest { path: path.clone(), source };
        let text = String::from_utf8(text)
            .map_err(|error| refuse(ManifestError::Syntax { reason: format!("not UTF-8: {error}") }))?;
        let manifest = Manifest::parse(&text).map_err(refuse)?;
        let architecture = manifest.network()?;
        let mut parts = Vec::with_capacity(manifest.parts.len());
        for part in &manifest.parts {
            let bytes = read_part(folder, part.role, &part.file)?;
            let (path, actual) = (folder.join(&part.file), sha256(&bytes));
            if actual != part.sha256 {
                let expected = part.sha256.clone();
                return Err(ModelError::Hash { part: part.role, path, expected, actual });
            }
            check_part(&architecture, part.role, &bytes).map_err(|source| ModelError::Part { path, source })?;
            parts.push((part.role, bytes));
        }
        Ok(Self { folder: folder.to_owned(), manifest, architecture, parts })
    }

    /// The folder that it was opened from.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the model is.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its network.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Its parts, encoded as ONNX.
    pub fn parts(&self) -> impl Iterator<Item = (PartRole, &[u8])> {
        self.parts.iter().map(|(role, bytes)| (*role, bytes.as_slice()))
    }

    /// One part, encoded as ONNX.
    pub fn part(&self, role: PartRole) -> Option<&[u8]> {
        self.parts().find(|(found, _)| *found == role).map(|(_, bytes)| bytes)
    }

    /// The parameters that the parts carry.
    ///
    /// # Errors
    /// [`PartError`]: none for a model that was opened, whose parts were checked.
    pub fn parameters(&self) -> Result<Parameters, PartError> {
        read_parameters(&self.architecture, &self.parts().collect::<Vec<_>>())
    }
}

/// SHA-256 as 64 lower-case hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, ModelError> {
    let refuse = |source| ModelError::File { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(refuse)?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(refuse)?;
    if bytes.len() as u64 > limit {
        return Err(ModelError::TooLong { path: path.to_owned(), limit });
    }
    Ok(bytes)
}

/// Reads a part, whose name is a plain one, unless it is a link to somewhere else.
fn read_part(folder: &Path, part: PartRole, file: &str) -> Result<Vec<u8>, ModelError> {
    let path = folder.join(file);
    let refuse = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => ModelError::MissingPart { part, path: path.clone() },
        _ => ModelError::File { path: path.clone(), source },
    };
    let (home, real) = (folder.canonicalize().map_err(refuse)?, path.canonicalize().map_err(refuse)?);
    if !real.starts_with(&home) {
        return Err(ModelError::OutsidePart { part, path: real });
    }
    read(&path, LONGEST_PART)
}
