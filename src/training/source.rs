//! Where rooms come from.

use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{FeedError, RecordedRooms, Split};
use crate::cloud::LabelledCloud;
use crate::sim::{MeshLibrary, ScanOptions, Scene, SceneOptions, scan_room};

/// Where rooms come from.
#[derive(Clone, Debug)]
pub enum RoomSource {
    /// Every room is simulated, none twice; with real furniture among the parametric where there are meshes.
    Simulated(Option<Arc<MeshLibrary>>),
    /// Rooms on disk, again and again.
    Recorded(Arc<RecordedRooms>),
}

impl RoomSource {
    /// The room at a place of the source's sequence; `None` past the end of the last of `epochs`.
    /// The simulator's sequence has no end.
    pub(super) fn room(
        &self,
        index: u64,
        seed: u64,
        split: Split,
        epochs: Option<u64>,
    ) -> Result<Option<Arc<LabelledCloud>>, FeedError> {
        match self {
            Self::Simulated(meshes) => {
                Ok(Some(Arc::new(simulate(room_seeds(seed, split) + index, split, meshes.as_ref()))))
            }
            Self::Recorded(rooms) => {
                let rooms_in_all = epochs.map(|epochs| epochs.saturating_mul(rooms.len() as u64));
                let is_over = rooms_in_all.is_some_and(|end| index >= end);
                if is_over { Ok(None) } else { rooms.in_sequence(index, seed, split).map(Some) }
            }
        }
    }

    /// How many rooms in a row may hold no block before that is an error.
    pub(super) fn patience(&self) -> u64 {
        match self {
            Self::Simulated(_) => 100,
            Self::Recorded(rooms) => rooms.len() as u64,
        }
    }

    /// One line about the data that tells it from any other.
    ///
    /// # Errors
    /// When the size of a room on disk cannot be asked for.
    pub fn describe(&self) -> Result<String, FeedError> {
        match self {
            Self::Simulated(meshes) => {
                let furniture = match meshes {
                    Some(library) => format!("{} furniture meshes among parametric furniture", library.len()),
                    None => "parametric furniture".to_owned(),
                };
                Ok(format!("rooms simulated by instanton {}, {furniture}", env!("CARGO_PKG_VERSION")))
            }
            Self::Recorded(rooms) => rooms.describe(),
        }
    }
}

/// Rooms to judge by may hold kinds and furniture that are kept for that ([`SceneOptions::held_out`]).
fn simulate(seed: u64, split: Split, meshes: Option<&Arc<MeshLibrary>>) -> LabelledCloud {
    let held_out = split == Split::Validation;
    let options = SceneOptions { density: density(seed), held_out, ..SceneOptions::default() };
    let scene = Scene::generate_with(seed, &options, meshes);
    scan_room(&scene, &ScanOptions { seed, ..ScanOptions::default() })
}

/// Where a split's rooms start to count: far enough apart that no two streams meet.
fn room_seeds(seed: u64, split: Split) -> u64 {
    let half = match split {
        Split::Training => 0,
        Split::Validation => 1 << 62,
    };
    half + seed.wrapping_mul(1 << 32) % (1 << 62)
}

/// From a tidy room to twice the furniture: real rooms are fuller than the simulator's default.
fn density(seed: u64) -> f32 {
    ChaCha8Rng::seed_from_u64(seed).random_range(1.0..2.0)
}
