//! What is wrong with a recording that can still be read in part.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where in a file the damage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The file as a whole.
    File,
    /// Offset in bytes.
    Byte(u64),
    /// Row of the table of messages.
    Row(i64),
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DamageKind {
    /// The file ends in the middle of something.
    #[error("the file ends before {expected}; it was cut off")]
    Truncated {
        /// What should have come.
        expected: &'static str,
    },
    /// A record states an impossible length or content.
    #[error("a record cannot be read ({reason})")]
    Record {
        /// Why.
        reason: &'static str,
    },
    /// Bytes do not have the checksum that the file states.
    #[error("checksum of {what}: expected {expected:08x}, found {found:08x}")]
    Checksum {
        /// Of what.
        what: &'static str,
        /// What the file states.
        expected: u32,
        /// What the bytes give.
        found: u32,
    },
    /// Compressed bytes cannot be unpacked.
    #[error("{what} cannot be unpacked ({reason})")]
    Compression {
        /// Of what.
        what: &'static str,
        /// What the decoder said.
        reason: String,
    },
    /// A message on a channel or topic that the file does not define.
    #[error("messages on channel {channel}, which the file does not define")]
    UnknownChannel {
        /// Its number.
        channel: i64,
    },
    /// The same channel number with two meanings.
    #[error("channel {channel} is defined twice, differently; the first definition is used")]
    ChannelConflict {
        /// Its number.
        channel: u16,
    },
    /// Messages are not where their time belongs.
    #[error("messages are out of order: {found} ns comes after {expected} ns")]
    Order {
        /// Time of the message before.
        expected: u64,
        /// Time of the message behind it.
        found: u64,
    },
    /// The database engine met a destroyed page.
    #[error("the database is damaged ({reason})")]
    Database {
        /// What SQLite said.
        reason: String,
    },
    /// The folder has no `metadata.yaml`.
    #[error("metadata.yaml is missing; the files of the folder are read in the order of their names")]
    MetadataMissing,
    /// `metadata.yaml` cannot be understood.
    #[error("metadata.yaml cannot be used ({reason}); the files of the folder are read in the order of their names")]
    Metadata {
        /// Why.
        reason: String,
    },
    /// A file that `metadata.yaml` names is not there, or is no bag file.
    #[error("a file of the recording cannot be opened ({reason})")]
    FileMissing {
        /// Why.
        reason: String,
    },
    /// Fewer or more messages than stated.
    #[error("expected {expected} messages, found {found}")]
    Count {
        /// What `metadata.yaml` or the index states.
        expected: u64,
        /// What was read.
        found: u64,
    },
    /// More damage than is worth listing.
    #[error("further damage is not listed")]
    More,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// In which file.
    pub file: PathBuf,
    /// Where in it.
    pub place: Place,
    /// What it is.
    pub what: DamageKind,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        match self.place {
            Place::File => {}
            Place::Byte(offset) => write!(f, ", byte {offset}")?,
            Place::Row(row) => write!(f, ", message row {row}")?,
        }
        write!(f, ": {}", self.what)
    }
}

/// Findings of one file: bounded, each kind of repeated finding told once.
#[derive(Debug)]
pub(super) struct DamageLog {
    file: PathBuf,
    list: Vec<Damage>,
}

/// Findings that are kept per file.
const KEPT: usize = 64;

impl DamageLog {
    pub fn new(file: &Path) -> Self {
        Self { file: file.to_owned(), list: Vec::new() }
    }

    pub fn note(&mut self, place: Place, what: DamageKind) {
        let told_once = |kind: &DamageKind| matches!(kind, DamageKind::Order { .. });
        let same = |kind: &DamageKind| *kind == what || (told_once(kind) && told_once(&what));
        let repeated = match what {
            DamageKind::UnknownChannel { .. } | DamageKind::ChannelConflict { .. } | DamageKind::Order { .. } => {
                self.list.iter().any(|damage| same(&damage.what))
            }
            _ => self.list.iter().any(|damage| damage.place == place && damage.what == what),
        };
        if repeated || self.list.len() > KEPT {
            return;
        }
        let what = if self.list.len() == KEPT { DamageKind::More } else { what };
        self.list.push(Damage { file: self.file.clone(), place, what });
    }

    pub fn list(&self) -> &[Damage] {
        &self.list
    }

    pub fn file(&self) -> &Path {
        &self.file
    }
}
