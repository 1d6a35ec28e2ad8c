//! What a file looks like, judged by its first bytes: names lie, contents do not.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Kind of file that the first bytes speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Looks {
    /// MCAP container.
    Mcap,
    /// SQLite database, as `.db3` bags are.
    Sqlite,
    /// zstd stream, as file-compressed bags are.
    Zstd,
    /// ROS 1 bag, format 2.0.
    Ros1Bag,
    /// Point cloud of the Point Cloud Library.
    Pcd,
    /// Polygon file.
    Ply,
    /// NumPy array.
    Npy,
    /// ZIP archive, as `.npz` files are.
    Zip,
    /// HDF5 file.
    Hdf5,
    /// LAS or LAZ point cloud.
    Las,
    /// xz stream.
    Xz,
    /// gzip stream.
    Gzip,
    /// PNG or JPEG picture.
    Picture,
    /// A file without a single byte.
    Empty,
    /// Text of some kind.
    Text,
    /// A folder.
    Folder,
    /// Nothing known.
    Unknown,
}

impl Looks {
    /// Judges the file at `path`.
    ///
    /// # Errors
    /// When the file cannot be opened or read.
    pub fn of(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Ok(Self::Folder);
        }
        let mut start = Vec::with_capacity(512);
        file.take(512).read_to_end(&mut start)?;
        Ok(Self::of_bytes(&start))
    }

    /// Judges the first bytes of a file.
    pub fn of_bytes(start: &[u8]) -> Self {
        const SIGNATURES: [(&[u8], Looks); 16] = [
            (b"\x89MCAP", Looks::Mcap),
            (b"SQLite format 3\0", Looks::Sqlite),
            (b"\x28\xb5\x2f\xfd", Looks::Zstd),
            (b"#ROSBAG V", Looks::Ros1Bag),
            (b"# .PCD", Looks::Pcd),
            (b"VERSION", Looks::Pcd),
            (b"ply\n", Looks::Ply),
            (b"ply\r", Looks::Ply),
            (b"\x93NUMPY", Looks::Npy),
            (b"PK\x03\x04", Looks::Zip),
            (b"\x89HDF", Looks::Hdf5),
            (b"LASF", Looks::Las),
            (b"\xfd7zXZ", Looks::Xz),
            (b"\x1f\x8b", Looks::Gzip),
            (b"\x89PNG", Looks::Picture),
            (b"\xff\xd8\xff", Looks::Picture),
        ];
        if start.is_empty() {
            return Self::Empty;
        }
        if let Some((_, looks)) = SIGNATURES.iter().find(|(signature, _)| start.starts_with(signature)) {
            return *looks;
        }
        // A comment may stand before the first keyword of a .pcd header.
        if start.starts_with(b"#") && start.windows(7).any(|window| window == b"\nFIELDS") {
            return Self::Pcd;
        }
        let is_text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace() || *byte >= 0x80;
        if start.iter().all(is_text) { Self::Text } else { Self::Unknown }
    }
}

impl fmt::Display for Looks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mcap => "an MCAP file",
            Self::Sqlite => "an SQLite database",
            Self::Zstd => "a zstd-compressed file",
            Self::Ros1Bag => "a ROS 1 bag (convert it with `rosbags-convert`)",
            Self::Pcd => "a PCD point cloud",
            Self::Ply => "a PLY file",
            Self::Npy => "a NumPy array",
            Self::Zip => "a ZIP archive",
            Self::Hdf5 => "an HDF5 file",
            Self::Las => "a LAS point cloud",
            Self::Xz => "an xz-compressed file (unpack it first)",
            Self::Gzip => "a gzip-compressed file (unpack it first)",
            Self::Picture => "a picture",
            Self::Empty => "an empty file",
            Self::Text => "a text file",
            Self::Folder => "a folder",
            Self::Unknown => "nothing known",
        })
    }
}
