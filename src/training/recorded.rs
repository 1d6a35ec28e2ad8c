//! Annotated rooms from disk as training data.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

use super::{FeedError, Split};
use crate::cloud::LabelledCloud;
use crate::metrics::IGNORED_CLASS;
use crate::sim::CLASSES;
use crate::transport::{area_of, find_rooms, open_room, room_bytes, write_room};

/// Areas of S3DIS: six parts of three buildings.
const AREAS: [u8; 6] = [1, 2, 3, 4, 5, 6];

/// Rooms of one side of a split, read when they are needed.
#[derive(Debug)]
pub struct RecordedRooms {
    paths: Vec<PathBuf>,
    cache: Option<PathBuf>,
    /// Rooms that someone still holds: with few rooms, many blocks are drawn from the same one.
    held: Mutex<HashMap<usize, Weak<LabelledCloud>>>,
}

impl RecordedRooms {
    /// Finds the rooms of all `places` (rooms, or folders of rooms; see [`find_rooms`]), and keeps
    /// those of `areas`, or all where none is named.
    ///
    /// # Errors
    /// A place without rooms; a room whose area is unknown; no room of these areas.
    pub fn find(places: &[PathBuf], areas: &[u8]) -> Result<Self, FeedError> {
        let mut paths = Vec::new();
        for place in places {
            paths.append(&mut find_rooms(place)?);
        }
        let rooms = paths.len();
        if !areas.is_empty() {
            let mut kept = Vec::new();
            for path in paths {
                match area_of(&path) {
                    Some(area) if areas.contains(&area) => kept.push(path),
                    Some(_) => {}
                    None => return Err(FeedError::NoArea { path }),
                }
            }
            paths = kept;
        }
        if paths.is_empty() {
            return Err(FeedError::NoRoom { rooms, areas: areas.to_vec() });
        }
        Ok(Self { paths, cache: None, held: Mutex::default() })
    }

    /// Keeps what takes long to read, the raw data set's text, as `.npy` in this folder, which must exist.
    #[must_use]
    pub fn with_cache(mut self, folder: Option<PathBuf>) -> Self {
        self.cache = folder;
        self
    }

    /// Number of rooms.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Never: there is at least one room.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// The room at a place of the sequence that goes through all rooms again and again: shuffled
    /// anew every time for training, in order for validation.
    pub(super) fn in_sequence(&self, index: u64, seed: u64, split: Split) -> Result<Arc<LabelledCloud>, FeedError> {
        let rooms = self.paths.len() as u64;
        let (epoch, place) = (index / rooms, (index % rooms) as usize);
        let mut order: Vec<usize> = (0..self.paths.len()).collect();
        if split == Split::Training {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            random.set_stream(epoch.wrapping_add(1));
            order.shuffle(&mut random);
        }
        self.load(order[place])
    }

    fn load(&self, room: usize) -> Result<Arc<LabelledCloud>, FeedError> {
        let held = || self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(there) = held().get(&room).and_then(Weak::upgrade) {
            return Ok(there);
        }
        let path = &self.paths[room];
        let read = Arc::new(self.read(path)?);
        check(path, &read)?;
        held().insert(room, Arc::downgrade(&read));
        Ok(read)
    }

    fn read(&self, path: &Path) -> Result<LabelledCloud, FeedError> {
        let Some(folder) = self.cache.as_deref().filter(|_| path.is_dir()) else {
            return Ok(open_room(path)?);
        };
        let names: Vec<_> = path.components().rev().take(2).map(|name| name.as_os_str().to_string_lossy()).collect();
        // The path too, so that two copies of the data set do not meet; sizes, so that an edit is seen.
        let state = format!("{} {}", path.display(), room_bytes(path)?);
        let name: Vec<_> = names.into_iter().rev().collect();
        let cached = folder.join(format!("{}-{}.npy", name.join("_"), short_hash(&state)));
        if cached.is_file() {
            return Ok(open_room(&cached)?);
        }
        let room = open_room(path)?;
        write_room(&cached, &room)?;
        Ok(room)
    }

    /// One line that tells this data from any other: number of rooms, and a hash over names and sizes.
    ///
    /// # Errors
    /// When a room's size cannot be asked for.
    pub fn describe(&self) -> Result<String, FeedError> {
        let (mut list, mut total) = (String::new(), 0);
        for path in &self.paths {
            let bytes = room_bytes(path)?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let area = area_of(path).map_or_else(String::new, |area| format!("Area_{area}/"));
            // Writing to a string does not fail.
            let _ = writeln!(list, "{area}{name} {bytes}");
            total += bytes;
        }
        Ok(format!("{} recorded rooms, {total} bytes, {}", self.paths.len(), short_hash(&list)))
    }
}

/// Areas of one side of fold `fold` of the six-fold cross validation: its area is judged by, the
/// other five are learned from. Fold 5 is the "Area 5" split of the papers.
pub fn fold_areas(fold: u8, split: Split) -> Vec<u8> {
    AREAS.into_iter().filter(|&area| (area == fold) == (split == Split::Validation)).collect()
}

fn short_hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(8).fold(String::from("sha256-"), |mut word, byte| {
        let _ = write!(word, "{byte:02x}");
        word
    })
}

/// Refuses what no network could learn from.
fn check(path: &Path, room: &LabelledCloud) -> Result<(), FeedError> {
    let path = || path.to_owned();
    if room.cloud.is_empty() {
        return Err(FeedError::Empty { path: path() });
    }
    let broken = room.cloud.position.iter().position(|point| !point.iter().all(|value| value.is_finite()));
    if let Some(row) = broken {
        return Err(FeedError::NotFinite { path: path(), row, position: room.cloud.position[row] });
    }
    let known = |class: u8| usize::from(class) < CLASSES.len() || class == IGNORED_CLASS;
    match room.class.iter().position(|&class| !known(class)) {
        Some(row) => Err(FeedError::Class { path: path(), row, class: room.class[row] }),
        None => Ok(()),
    }
}
