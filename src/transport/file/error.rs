//! Why a cloud or room could not be read or written.

use std::io;
use std::path::{Path, PathBuf};

use crate::transport::Looks;

/// Failure of a cloud file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The operating system refused.
    #[error("{}: cannot {action}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no cloud.
    #[error("{}: expected a cloud (.pcd, .ply, .npy, .npz), this looks like {found}", path.display())]
    NotACloud {
        /// The file.
        path: PathBuf,
        /// What its first bytes say.
        found: Looks,
    },
    /// The file is no annotated room.
    #[error("{}: expected a room with labels (.npy of 7 or 8 columns, or .npz), this looks like {found}", path.display())]
    NotARoom {
        /// The file.
        path: PathBuf,
        /// What its first bytes say.
        found: Looks,
    },
    /// The points have no position.
    #[error("{}: expected the fields x, y and z, found {fields}", path.display())]
    NoPosition {
        /// The file.
        path: PathBuf,
        /// Fields that are there.
        fields: String,
    },
    /// Part of the file does not make sense.
    #[error("{}, {part}: expected {expected}, found {found}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Which part.
        part: String,
        /// What should be there.
        expected: String,
        /// What is.
        found: String,
    },
    /// The file ends too early.
    #[error("{}: expected {expected} bytes for {part}, found {found}; the file was cut off or its header is wrong", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// What the bytes are for.
        part: String,
        /// Bytes that the header calls for.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// Columns of a cloud to be written are not of the same length.
    #[error("{column}: expected {expected} values, one per point, found {found}")]
    Length {
        /// Which column.
        column: String,
        /// Number of points.
        expected: usize,
        /// Values that came.
        found: usize,
    },
    /// A file name from which no format can be told.
    #[error("{}: expected a name that ends in {expected}", path.display())]
    Ending {
        /// The file.
        path: PathBuf,
        /// Endings that are known here.
        expected: &'static str,
    },
}

impl FileError {
    pub(super) fn io(path: &Path, action: &'static str, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), action, source }
    }

    pub(super) fn malformed(
        path: &Path,
        part: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        // What came may be a megabyte of noise.
        let found: String = found.into();
        let found =
            if found.chars().count() > 80 { found.chars().take(80).chain("…".chars()).collect() } else { found };
        Self::Malformed { path: path.to_owned(), part: part.into(), expected: expected.into(), found }
    }
}
