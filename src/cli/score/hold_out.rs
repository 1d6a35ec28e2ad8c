//! The rooms that every model is scored on.

use std::fmt;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::cloud::LabelledCloud;
use crate::recording::scan_held_out;
use crate::transport::{FileError, open_room};

/// How much furniture stands in the simulated hold-out: as much as in the rooms of `instanton simulate`.
const DENSITY: f32 = 1.5;

/// A fixed list of rooms with truth.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct HoldOut {
    /// The rooms in order.
    pub rooms: Vec<Room>,
}

/// One room, loaded when it is needed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Room {
    /// Simulated, of a seed that no training draws.
    Simulated {
        /// The seed.
        seed: u64,
    },
    /// From disk.
    File(PathBuf),
}

impl HoldOut {
    /// `count` simulated rooms from `seed` on.
    pub fn simulated(seed: u64, count: u32) -> Self {
        Self { rooms: (seed..).take(count as usize).map(|seed| Room::Simulated { seed }).collect() }
    }

    /// Rooms on disk.
    pub fn files(paths: Vec<PathBuf>) -> Self {
        Self { rooms: paths.into_iter().map(Room::File).collect() }
    }
}

impl Room {
    /// The room itself.
    ///
    /// # Errors
    /// [`FileError`] of a file that is no room.
    pub fn load(&self) -> Result<LabelledCloud, FileError> {
        match self {
            Self::Simulated { seed } => Ok(scan_held_out(*seed, DENSITY, None)),
            Self::File(path) => open_room(path),
        }
    }

    /// A hash of all points and their truth.
    ///
    /// # Errors
    /// As [`Room::load`].
    pub fn hash(&self) -> Result<String, FileError> {
        let room = self.load()?;
        let mut hasher = Sha256::new();
        for value in room.cloud.position.as_flattened() {
            hasher.update(value.to_le_bytes());
        }
        hasher.update(room.cloud.colour.as_deref().unwrap_or_default().as_flattened());
        hasher.update(&room.class);
        room.instance.iter().for_each(|id| hasher.update(id.to_le_bytes()));
        Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simulated { seed } => write!(f, "simulated room {seed}"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

impl fmt::Display for HoldOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.rooms.len();
        match self.rooms.first() {
            Some(Room::Simulated { seed }) => write!(
                f,
                "{count} simulated rooms that no training draws from (`instanton simulate --rooms {count} --seed {seed} --out rooms`)"
            ),
            _ => write!(f, "{count} rooms from disk"),
        }
    }
}
