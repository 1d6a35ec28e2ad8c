//! Which windows of the map are worth labelling.
//!
//! A window is *dirty* when it was never labelled or when its number of voxels changed by more than
//! a stated fraction since it was. The lattice is fixed to the fixed frame
//! ([`WindowIndex`](crate::block::WindowIndex)), so a window keeps its name while the robot moves.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::VoxelMap;
use crate::block::{BlockError, WindowIndex, WindowKey, Windowing};

/// A window that asks to be labelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirtyWindow {
    /// Which window.
    pub key: WindowKey,
    /// Voxels in it now.
    pub voxels: usize,
    /// How many voxels it had when it was last labelled; `None` if never.
    pub labelled_with: Option<usize>,
}

impl DirtyWindow {
    /// How much changed, in voxels.
    pub fn change(&self) -> usize {
        self.labelled_with.map_or(self.voxels, |before| self.voxels.abs_diff(before))
    }
}

/// Keeps the map's windows and when each was labelled.
#[derive(Debug)]
pub struct WindowBook {
    index: WindowIndex,
    labelled: HashMap<WindowKey, usize>,
}

impl WindowBook {
    /// Windows of the stated size and stride.
    ///
    /// # Errors
    /// [`BlockError::Windowing`] for sizes that cannot be meant.
    pub fn new(windowing: Windowing) -> Result<Self, BlockError> {
        Ok(Self { index: WindowIndex::new(windowing)?, labelled: HashMap::new() })
    }

    /// Sorts the map's voxels into windows and forgets windows that are empty now.
    pub fn update(&mut self, map: &VoxelMap) {
        self.index.build(&map.cloud().position);
        let keys = self.index.keys();
        self.labelled.retain(|key, _| keys.binary_search(key).is_ok());
    }

    /// Forgets which windows were labelled.
    pub fn clear(&mut self) {
        self.labelled.clear();
    }

    /// The dirty windows with at least `minimum` voxels, in boustrophedon order (neighbours after
    /// neighbours, so that instances grow from what is already labelled). If there are more than
    /// `most`, those never labelled come first, then those that changed most.
    pub fn dirty(&self, minimum: usize, fraction: f32, most: usize, dirty: &mut Vec<DirtyWindow>) {
        dirty.clear();
        for (key, members) in self.index.iter() {
            let window = DirtyWindow { key, voxels: members.len(), labelled_with: self.labelled.get(&key).copied() };
            let changed = window.labelled_with.is_none_or(|before| window.change() as f32 > fraction * before as f32);
            if window.voxels >= minimum && changed {
                dirty.push(window);
            }
        }
        if dirty.len() > most {
            dirty.sort_unstable_by_key(|window| (window.labelled_with.is_some(), Reverse(window.change()), window.key));
            dirty.truncate(most);
        }
        dirty.sort_unstable_by_key(|&DirtyWindow { key: WindowKey { x, y }, .. }| (x, if x & 1 == 0 { y } else { -y }));
    }

    /// The voxels of a window in ascending order.
    pub fn members(&self, key: WindowKey) -> &[u32] {
        self.index.candidates(key)
    }

    /// Notes that a window was labelled as it is now.
    pub fn mark_labelled(&mut self, key: WindowKey) {
        self.labelled.insert(key, self.index.candidates(key).len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Cloud;
    use crate::map::MapOptions;
    use nalgebra::Isometry3;

    fn map_of(position: Vec<[f32; 3]>) -> VoxelMap {
        let options = MapOptions { voxel: 0.025, radius: 100.0, maximum_age: 1e6, maximum_voxels: 100_000 };
        let mut map = VoxelMap::new(options, 2);
        map.insert(&Cloud { position, colour: None }, |_| true, &Isometry3::identity(), 0, &mut Vec::new());
        map
    }

    fn grid(count: usize, origin: [f32; 2]) -> Vec<[f32; 3]> {
        (0..count).map(|i| [origin[0] + (i % 10) as f32 * 0.03, origin[1] + (i / 10) as f32 * 0.03, 0.0]).collect()
    }

    #[test]
    fn a_cell_belongs_to_four_windows_also_at_negative_coordinates() {
        let mut book = WindowBook::new(Windowing::default()).expect("sound sizes");
        book.update(&map_of(grid(50, [-0.45, -0.45])));
        let mut dirty = Vec::new();
        book.dirty(10, 0.2, 100, &mut dirty);
        let mut keys: Vec<(i32, i32)> = dirty.iter().map(|window| (window.key.x, window.key.y)).collect();
        keys.sort_unstable();
        assert_eq!(keys, [(-2, -2), (-2, -1), (-1, -2), (-1, -1)]);
        assert!(dirty.iter().all(|window| window.voxels == 50));
    }

    #[test]
    fn labelled_windows_rest_until_enough_changed() {
        let mut book = WindowBook::new(Windowing::default()).expect("sound sizes");
        let mut dirty = Vec::new();
        book.update(&map_of(grid(50, [0.0, 0.0])));
        book.dirty(10, 0.2, 100, &mut dirty);
        for window in &dirty {
            book.mark_labelled(window.key);
        }
        book.update(&map_of(grid(58, [0.0, 0.0])));
        book.dirty(10, 0.2, 100, &mut dirty);
        assert!(dirty.is_empty(), "8 of 50 is under a fifth");
        book.update(&map_of(grid(62, [0.0, 0.0])));
        book.dirty(10, 0.2, 100, &mut dirty);
        assert_eq!(dirty.len(), 4);
        assert!(dirty.iter().all(|window| window.change() == 12));
    }

    #[test]
    fn a_bound_keeps_the_windows_that_changed_most() {
        let mut points = grid(20, [0.0, 0.0]);
        points.extend(grid(90, [3.0, 0.0]));
        let mut book = WindowBook::new(Windowing::default()).expect("sound sizes");
        book.update(&map_of(points));
        let mut dirty = Vec::new();
        book.dirty(10, 0.2, 4, &mut dirty);
        assert_eq!(dirty.len(), 4);
        assert!(dirty.iter().all(|window| window.voxels == 90));
    }

    #[test]
    fn members_are_exactly_the_voxels_inside() {
        let points = vec![[0.2, 0.2, 0.0], [0.7, 0.2, 1.0], [1.2, 0.2, 0.0], [0.2, 0.9, 2.0]];
        let mut book = WindowBook::new(Windowing::default()).expect("sound sizes");
        book.update(&map_of(points));
        assert_eq!(book.members(WindowKey { x: 0, y: 0 }), [0, 1, 3]);
    }
}
