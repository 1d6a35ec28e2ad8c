//! Why a bag could not be read or written at all. What is merely damaged is no error: see
//! [`Damage`](super::Damage).

use std::io;
use std::path::{Path, PathBuf};

use crate::transport::Looks;

/// Failure of a source or sink.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BagError {
    /// The operating system refused.
    #[error("{}: cannot {action}", path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The file is something else.
    #[error("{}: expected a bag (.mcap, .db3 or a rosbag2 folder), this looks like {found}", path.display())]
    NotABag {
        /// The file.
        path: PathBuf,
        /// What its first bytes say.
        found: Looks,
    },
    /// The folder holds nothing to read.
    #[error("{}: expected a rosbag2 folder, found neither a readable metadata.yaml nor a .mcap or .db3 file", path.display())]
    NotABagFolder {
        /// The folder.
        path: PathBuf,
    },
    /// Databases cannot be read.
    #[error("{}: this program was built without .db3 (cargo feature `db3`)", path.display())]
    NoDatabases {
        /// The database.
        path: PathBuf,
    },
    /// The database is none that rosbag2 wrote, or its first pages are destroyed.
    #[error("{}: expected a rosbag2 database with the tables `topics` and `messages`: {reason}", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// What SQLite said, or what is missing.
        reason: String,
    },
    /// The container writer failed: mostly a full disk.
    #[error("{}: cannot write the bag", path.display())]
    Write {
        /// The file being written.
        path: PathBuf,
        /// What went wrong.
        source: ::mcap::McapError,
    },
    /// The output is there already and would have to be mixed with the new one.
    #[error("{}: expected a name that is free, or an empty folder", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
    /// A message names a topic that the sink does not have.
    #[error("the message is on topic {topic}, the sink has {count} topics")]
    NoSuchTopic {
        /// Index that the message carries.
        topic: usize,
        /// Topics that were added.
        count: usize,
    },
}

impl BagError {
    pub(super) fn io(path: &Path, action: &'static str, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), action, source }
    }
}
