//! TensorFlow's check-points, version 2: `PREFIX.index`, a table of which variable lies where, and
//! `PREFIX.data-00000-of-00001` (or more shards), the bare values one after another.
//!
//! Source: `tensorflow/core/protobuf/tensor_bundle.proto` and `core/util/tensor_bundle`. Every value's
//! checksum is verified; a variable's length is held against its shape and its file before it is read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use prost::Message;

use super::table::{self, TableError};

/// No index is longer than this.
const LONGEST_INDEX: u64 = 64 << 20;

/// Why a check-point cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// Neither index nor archive is there.
    #[error("{}: no check-point: expected PREFIX.index with PREFIX.data-00000-of-00001 beside it, or an .npz archive", path.display())]
    NotFound {
        /// What was asked for.
        path: PathBuf,
    },
    /// The format that TensorFlow wrote before 2017.
    #[error(
        "{}: a check-point of TensorFlow's version 1; expected version 2 (load and save it once with \
         tf.compat.v1.train.Saver(write_version=2))",
        path.display()
    )]
    VersionOne {
        /// The file.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The index is longer than any real one.
    #[error("{}: expected at most {LONGEST_INDEX} bytes, found {length}", path.display())]
    TooLong {
        /// The index.
        path: PathBuf,
        /// Its length.
        length: u64,
    },
    /// The index is damaged.
    #[error("{}: {source}", path.display())]
    Index {
        /// The index.
        path: PathBuf,
        /// How.
        source: TableError,
    },
    /// What the index says makes no sense.
    #[error("{}: {item}: expected {expected}, found {actual}", path.display())]
    Item {
        /// The index.
        path: PathBuf,
        /// The header, or a variable.
        item: String,
        /// What should be there.
        expected: String,
        /// What is there.
        actual: String,
    },
    /// A variable's values reach beyond their file.
    #[error("{}: variable {variable}: expected bytes {} to {}, the file ends at {length}", path.display(), offset, offset.saturating_add(*needed))]
    Truncated {
        /// The data file.
        path: PathBuf,
        /// The variable.
        variable: String,
        /// Where its values begin.
        offset: u64,
        /// How many bytes they take.
        needed: u64,
        /// The file's length.
        length: u64,
    },
    /// A variable's values are not those that were written.
    #[error("{}: variable {variable}: expected the checksum {expected:#010x}, found {actual:#010x}: it is damaged", path.display())]
    Checksum {
        /// The data file.
        path: PathBuf,
        /// The variable.
        variable: String,
        /// The stored checksum.
        expected: u32,
        /// That of the bytes.
        actual: u32,
    },
}

#[derive(Clone, PartialEq, prost::Message)]
struct BundleHeader {
    #[prost(int32, tag = "1")]
    num_shards: i32,
    #[prost(int32, tag = "2")]
    endianness: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Dimension {
    #[prost(int64, tag = "1")]
    size: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Shape {
    #[prost(message, repeated, tag = "2")]
    dim: Vec<Dimension>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Slice {}

#[derive(Clone, PartialEq, prost::Message)]
struct BundleEntry {
    #[prost(int32, tag = "1")]
    dtype: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<Shape>,
    #[prost(int32, tag = "3")]
    shard_id: i32,
    #[prost(int64, tag = "4")]
    offset: i64,
    #[prost(int64, tag = "5")]
    size: i64,
    #[prost(fixed32, tag = "6")]
    crc32c: u32,
    #[prost(message, repeated, tag = "7")]
    slices: Vec<Slice>,
}

/// TensorFlow's element types, as far as networks are saved in them: number, name, bytes.
const TYPES: [(i32, &str, usize); 10] = [
    (1, "float", 4),
    (2, "double", 8),
    (3, "int32", 4),
    (4, "uint8", 1),
    (6, "int8", 1),
    (7, "string", 0),
    (9, "int64", 8),
    (10, "bool", 1),
    (14, "bfloat16", 2),
    (19, "half", 2),
];

/// A variable as the index lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    /// Its shape; empty for a scalar.
    pub shape: Vec<usize>,
    element: i32,
    shard: usize,
    offset: u64,
    bytes: u64,
    checksum: u32,
}

impl Stored {
    /// TensorFlow's name of the element type.
    pub fn element(&self) -> String {
        let known = TYPES.iter().find(|(number, ..)| *number == self.element);
        known.map_or_else(|| format!("type {}", self.element), |(_, name, _)| (*name).to_owned())
    }
}

/// An opened check-point: its index in memory, its values still in their files.
#[derive(Debug)]
pub(super) struct Bundle {
    /// The index file.
    pub index: PathBuf,
    prefix: String,
    shards: usize,
    variables: BTreeMap<String, Stored>,
}

impl Bundle {
    /// Reads the index of the check-point `prefix` (with or without `.index`).
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn open(prefix: &Path) -> Result<Self, CheckpointError> {
        let text = prefix.to_string_lossy();
        let text = text.strip_suffix(".index").or_else(|| text.strip_suffix(".meta")).unwrap_or(&text);
        let text = text.split_once(".data-").map_or(text, |(prefix, _)| prefix).to_owned();
        let index = PathBuf::from(format!("{text}.index"));
        let refuse = |source| CheckpointError::Read { path: index.clone(), source };
        let length = match std::fs::metadata(&index) {
            Ok(found) => found.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let path = prefix.to_owned();
                return Err(if ends_as_table(prefix) {
                    CheckpointError::VersionOne { path }
                } else {
                    CheckpointError::NotFound { path }
                });
            }
            Err(error) => return Err(refuse(error)),
        };
        if length > LONGEST_INDEX {
            return Err(CheckpointError::TooLong { path: index, length });
        }
        let bytes = std::fs::read(&index).map_err(refuse)?;
        Self::parse(index, text, &bytes)
    }

    fn parse(index: PathBuf, prefix: String, bytes: &[u8]) -> Result<Self, CheckpointError> {
        let entries = table::entries(bytes).map_err(|source| CheckpointError::Index { path: index.clone(), source })?;
        let item = |item: &str, expected: &str, actual: String| CheckpointError::Item {
            path: index.clone(),
            item: item.to_owned(),
            expected: expected.to_owned(),
            actual,
        };
        let mut entries = entries.into_iter();
        let header = match entries.next() {
            Some((key, value)) if key.is_empty() => BundleHeader::decode(value.as_slice())
                .map_err(|error| item("header", "a BundleHeaderProto", error.to_string()))?,
            _ => return Err(item("header", "an entry without a name", "none".to_owned())),
        };
        let shards = match usize::try_from(header.num_shards) {
            Ok(shards @ 1..=99_999) => shards,
            _ => return Err(item("header", "1 to 99999 data files", header.num_shards.to_string())),
        };
        if header.endianness != 0 {
            return Err(item("header", "little-endian values", "big-endian ones".to_owned()));
        }
        let mut variables = BTreeMap::new();
        for (key, value) in entries {
            let name = String::from_utf8_lossy(&key).into_owned();
            let entry = BundleEntry::decode(value.as_slice())
                .map_err(|error| item(&name, "a BundleEntryProto", error.to_string()))?;
            let stored = stored(&entry, shards).map_err(|(expected, actual)| item(&name, expected, actual))?;
            variables.insert(name, stored);
        }
        Ok(Self { index, prefix, shards, variables })
    }

    /// Every variable by name.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &Stored)> {
        self.variables.iter().map(|(name, stored)| (name.as_str(), stored))
    }

    /// The values of a floating-point variable in C order, or `None` where it is of another type.
    ///
    /// # Errors
    /// [`CheckpointError`] naming variable and file.
    pub fn read(&self, variable: &str, stored: &Stored) -> Result<Option<Vec<f32>>, CheckpointError> {
        let path = PathBuf::from(format!("{}.data-{:05}-of-{:05}", self.prefix, stored.shard, self.shards));
        let refuse = |source| CheckpointError::Read { path: path.clone(), source };
        let mut file = File::open(&path).map_err(refuse)?;
        let length = file.metadata().map_err(refuse)?.len();
        let &Stored { offset, bytes: needed, checksum, .. } = stored;
        if offset.checked_add(needed).is_none_or(|end| end > length) {
            let variable = variable.to_owned();
            return Err(CheckpointError::Truncated { path, variable, offset, needed, length });
        }
        file.seek(SeekFrom::Start(offset)).map_err(refuse)?;
        let mut bytes = Vec::with_capacity(needed as usize);
        file.take(needed).read_to_end(&mut bytes).map_err(refuse)?;
        let (expected, actual) = (table::unmask(checksum), crc32c::crc32c(&bytes));
        if expected != actual || bytes.len() as u64 != needed {
            return Err(CheckpointError::Checksum { path, variable: variable.to_owned(), expected, actual });
        }
        Ok(floats(stored.element, &bytes))
    }
}

fn ends_as_table(path: &Path) -> bool {
    let mut end = [0; 8];
    File::open(path)
        .and_then(|mut file| file.seek(SeekFrom::End(-8)).and_then(|_| file.read_exact(&mut end)))
        .is_ok_and(|()| table::is_table(&end))
}

/// Checks what the index says of a variable; of an error, what was expected and what is there.
fn stored(entry: &BundleEntry, shards: usize) -> Result<Stored, (&'static str, String)> {
    if !entry.slices.is_empty() {
        return Err(("a variable in one piece", format!("{} slices", entry.slices.len())));
    }
    let mut shape = Vec::new();
    for dimension in entry.shape.iter().flat_map(|shape| &shape.dim) {
        let size = u32::try_from(dimension.size).map_err(|_| ("a size below 2³²", dimension.size.to_string()))?;
        shape.push(size as usize);
    }
    let shard = usize::try_from(entry.shard_id).ok().filter(|&shard| shard < shards);
    let shard = shard.ok_or_else(|| ("one of the data files", format!("number {}", entry.shard_id)))?;
    let offset = u64::try_from(entry.offset).map_err(|_| ("a place in the data file", entry.offset.to_string()))?;
    let bytes = u64::try_from(entry.size).map_err(|_| ("a length", entry.size.to_string()))?;
    let element = entry.dtype;
    let width = TYPES.iter().find(|(number, ..)| *number == element).map_or(0, |(.., bytes)| *bytes);
    // Strings and types that are not known here have no fixed width, and nobody reads them.
    let wanted = shape.iter().try_fold(width as u64, |product, &size| product.checked_mul(size as u64));
    if width > 0 && wanted != Some(bytes) {
        return Err(("as many bytes as its shape takes", format!("{bytes} for {shape:?}")));
    }
    Ok(Stored { shape, element, shard, offset, bytes, checksum: entry.crc32c })
}

fn floats(element: i32, bytes: &[u8]) -> Option<Vec<f32>> {
    fn each<const N: usize>(bytes: &[u8], value: impl Fn([u8; N]) -> f32) -> Vec<f32> {
        bytes.as_chunks().0.iter().map(|&chunk| value(chunk)).collect()
    }
    match element {
        1 => Some(each(bytes, f32::from_le_bytes)),
        2 => Some(each(bytes, |bytes| f64::from_le_bytes(bytes) as f32)),
        14 => Some(each(bytes, |bytes| half::bf16::from_le_bytes(bytes).to_f32())),
        19 => Some(each(bytes, |bytes| half::f16::from_le_bytes(bytes).to_f32())),
        _ => None,
    }
}
