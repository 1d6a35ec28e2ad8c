//! Clouds and annotated rooms as files.
//!
//! | ending | cloud in | cloud out | room in | room out |
//! |---|---|---|---|---|
//! | `.pcd` | ascii, binary, binary_compressed | binary | | |
//! | `.ply` | ascii, binary of either byte order | binary little-endian | | |
//! | `.npy` | (M, 3 / 6 / 7 / 8) f32 or f64 | | (M, 7 / 8) | (M, 8) f32 |
//! | `.npz` | `xyz`, `rgb` | | `xyz`, `rgb`, `sem`, `ins` | |
//!
//! Rooms are also read from folders of the raw S3DIS data set (`room/Annotations/class_i.txt`).
//!
//! Formats are told by content on the way in and by ending on the way out. Coordinates are metres
//! in whatever frame the file uses; colours are 0–255.

mod columns;
mod error;
mod npy;
mod pcd;
mod ply;
mod rooms;
mod s3dis;
mod write;

use std::path::Path;

pub use columns::{Column, ScalarType};
pub use error::FileError;
pub use rooms::{area_of, find_rooms, room_bytes};
pub use write::{LabelledPoints, write_cloud, write_room};

use super::Looks;
use crate::cloud::{Cloud, LabelledCloud};

/// Most points of one file: 2²⁸. What states more is damaged or made to exhaust memory.
pub const MOST_POINTS: u64 = 1 << 28;

/// Format of a cloud file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    /// Point Cloud Library.
    Pcd,
    /// Polygon file.
    Ply,
    /// NumPy array.
    Npy,
    /// Archive of NumPy arrays.
    Npz,
}

/// A cloud as it lay in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct FileCloud {
    /// Position and colour.
    pub cloud: Cloud,
    /// Points in a row; the number of points where the file is not organised.
    pub width: usize,
    /// Rows; 1 where the file is not organised.
    pub height: usize,
    /// Pose of the sensor, `tx ty tz qw qx qy qz`, as `.pcd` states it.
    pub viewpoint: Option<[f32; 7]>,
    /// All further properties, untouched, in file order.
    pub extra: Vec<Column>,
    /// Where it came from.
    pub format: FileFormat,
}

impl FileCloud {
    /// An unorganised cloud without further properties.
    pub fn unorganised(cloud: Cloud, format: FileFormat) -> Self {
        Self { width: cloud.len(), height: 1, cloud, viewpoint: None, extra: Vec::new(), format }
    }

    /// Whether the points form an image.
    pub fn is_organised(&self) -> bool {
        self.height > 1
    }
}

/// Reads a cloud: `.pcd`, `.ply`, `.npy` or `.npz`, told by content.
///
/// # Errors
/// [`FileError`], naming the file, what was expected and what came.
pub fn open_cloud(path: &Path) -> Result<FileCloud, FileError> {
    let looks = Looks::of(path).map_err(|source| FileError::io(path, "open", source))?;
    match looks {
        Looks::Pcd => pcd::read(path),
        Looks::Ply => ply::read(path),
        Looks::Npy => npy::read_cloud(path),
        Looks::Zip => npy::read_zip_cloud(path),
        found => Err(FileError::NotACloud { path: path.to_owned(), found }),
    }
}

/// Reads an annotated room: `.npy` with the columns x y z r g b class \[instance\], `.npz`, or a room
/// folder of the raw S3DIS data set (`Annotations/class_i.txt`; moved so that its minimum is zero).
///
/// In `.npz`: `xyz` (M, 3), `rgb` (M, 3) optional, `sem` (M) with 255 = ignored, `ins` (M) with
/// −1 = none, optional.
///
/// # Errors
/// [`FileError`], naming the file, what was expected and what came.
pub fn open_room(path: &Path) -> Result<LabelledCloud, FileError> {
    let looks = Looks::of(path).map_err(|source| FileError::io(path, "open", source))?;
    match looks {
        Looks::Npy => npy::read_room(path),
        Looks::Zip => npy::read_zip_room(path),
        Looks::Folder if s3dis::is_room_folder(path) => s3dis::read_room_folder(path),
        found => Err(FileError::NotARoom { path: path.to_owned(), found }),
    }
}

/// The whole file in memory.
fn read_all(path: &Path) -> Result<Vec<u8>, FileError> {
    std::fs::read(path).map_err(|source| FileError::io(path, "read", source))
}
