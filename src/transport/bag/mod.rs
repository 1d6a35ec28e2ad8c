//! rosbag2 recordings as streams of CDR messages.
//!
//! ```text
//!  folder ─► metadata.yaml ─► file, file, …  ┐
//!  x.mcap ─► walk: extents, channels         ├─► Source ─► (topic, times, bytes) … ─► Sink ─► x.mcap
//!  x.db3  ─► scan: ids by time               ┘      └─► damage
//! ```
//!
//! Every source hands out messages in log-time order and keeps only what overlaps in time in
//! memory. Containers: MCAP (chunks plain, zstd or lz4, or no chunks at all; with or without an
//! index), SQLite; both also with zstd per message or zstd per file, as rosbag2 compresses them.

mod damage;
mod error;
mod folder;
mod mcap_reader;
mod metadata;
mod select;
mod sink;
#[cfg(feature = "db3")]
mod sqlite;
mod topic;
mod unpack;

use std::path::Path;

pub use damage::{Damage, DamageKind, Place};
pub use error::BagError;
pub use select::{COMPRESSED_DEPTH, CloudTopics, DepthTopics, SelectionError, select_topics};
pub use sink::{Definitions, McapSink, Sink, SinkOptions, TopicMap, Written};
pub use topic::{RawMessage, TRANSIENT_LOCAL_QOS, Topic};

use super::Looks;

/// Longest message, chunk or definition that is taken for real: 1 GiB uncompressed.
///
/// A file that states more is damaged, or made to exhaust memory.
pub const LONGEST: u64 = 1 << 30;

/// A recording that is read from begin to end.
pub trait Source: Send {
    /// Topics of the recording; [`RawMessage::topic`] indexes them.
    ///
    /// Complete at the beginning, except that a later file of a split recording may append topics
    /// that neither `metadata.yaml` nor the files before it name.
    fn topics(&self) -> &[Topic];

    /// Log time of the next message without taking it; `None` at the end.
    ///
    /// # Errors
    /// When the file cannot be read (a failing disk; damage is no error).
    fn next_time(&mut self) -> Result<Option<u64>, BagError>;

    /// Goes on to the next message in log-time order; `false` at the end.
    ///
    /// # Errors
    /// When the file cannot be read (a failing disk; damage is no error).
    fn advance(&mut self) -> Result<bool, BagError>;

    /// The message that [`advance`](Self::advance) went to.
    ///
    /// # Panics
    /// Before the first `advance`, and after it answered `false`.
    fn current(&self) -> RawMessage<'_>;

    /// Takes the next message in log-time order; `None` at the end.
    ///
    /// # Errors
    /// As [`advance`](Self::advance).
    fn next_message(&mut self) -> Result<Option<RawMessage<'_>>, BagError> {
        Ok(if self.advance()? { Some(self.current()) } else { None })
    }

    /// What has been found wrong so far; complete once the end is reached.
    fn damage(&self) -> &[Damage];

    /// Number of messages, where the recording knows it without being read through.
    fn message_count(&self) -> Option<u64> {
        self.topics().iter().map(|topic| topic.message_count).sum()
    }
}

/// Opens a rosbag2 folder, or one `.mcap` or `.db3` file (also zstd-compressed), by its content.
///
/// # Errors
/// When there is nothing readable, or it is no bag: then the error says what it looks like.
pub fn open_bag(path: &Path) -> Result<Box<dyn Source>, BagError> {
    let looks = Looks::of(path).map_err(|source| BagError::io(path, "open", source))?;
    match looks {
        Looks::Folder => Ok(Box::new(folder::FolderSource::open(path)?)),
        _ => open_file(path),
    }
}

/// Opens a database of messages; errors name the file of `log`.
#[cfg(feature = "db3")]
fn open_database(path: &Path, log: damage::DamageLog) -> Result<Box<dyn Source>, BagError> {
    Ok(Box::new(sqlite::SqliteSource::open(path, log)?))
}

/// Says that the file of `log` cannot be read.
#[cfg(not(feature = "db3"))]
fn open_database(_: &Path, log: damage::DamageLog) -> Result<Box<dyn Source>, BagError> {
    Err(BagError::NoDatabases { path: log.file().to_owned() })
}

/// Opens one file of a bag.
fn open_file(path: &Path) -> Result<Box<dyn Source>, BagError> {
    let looks = Looks::of(path).map_err(|source| BagError::io(path, "open", source))?;
    let log = damage::DamageLog::new(path);
    match looks {
        Looks::Mcap => Ok(Box::new(mcap_reader::McapSource::open(path, log)?)),
        Looks::Sqlite => open_database(path, log),
        Looks::Zstd => unpack::open_compressed(path),
        found => Err(BagError::NotABag { path: path.to_owned(), found }),
    }
}
