//! Which windows of the map are worth labelling.
//!
//! The map is cut into square cells of one stride; a window is the square of cells that one block
//! covers, named by its lowest cell. The lattice is fixed to the fixed frame, so a window keeps its
//! name while the robot moves. A window is *dirty* when it was never labelled or when its number of
//! voxels changed by more than a stated fraction since it was.

use std::collections::HashMap;

use super::VoxelMap;

/// Lowest cell of a window, in strides from the fixed frame's origin.
pub type WindowKey = (i32, i32);

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

/// Keeps the map's cells and the history of its windows.
#[derive(Debug)]
pub struct WindowBook {
    stride: f32,
    cells_per_side: i32,
    /// Voxels sorted by cell, then by voxel number.
    order: Vec<(WindowKey, u32)>,
    /// Each occupied cell with the end of its run in `order`, sorted by cell.
    cells: Vec<(WindowKey, u32)>,
    labelled: HashMap<WindowKey, usize>,
}

impl WindowBook {
    /// Windows of `block` metres every `stride` metres.
    pub fn new(block: f32, stride: f32) -> Self {
        let cells_per_side = (block / stride).round().max(1.0) as i32;
        Self { stride, cells_per_side, order: Vec::new(), cells: Vec::new(), labelled: HashMap::new() }
    }

    /// Sorts the map's voxels into cells. Work: a sort of all voxels.
    pub fn index(&mut self, map: &VoxelMap) {
        self.order.clear();
        self.order.extend(map.cloud().position.iter().enumerate().map(|(voxel, &[x, y, _])| {
            let cell = ((x / self.stride).floor() as i32, (y / self.stride).floor() as i32);
            (cell, voxel as u32)
        }));
        self.order.sort_unstable();
        self.cells.clear();
        for (position, &(cell, _)) in self.order.iter().enumerate() {
            let end = position as u32 + 1;
            match self.cells.last_mut() {
                Some((last, last_end)) if *last == cell => *last_end = end,
                _ => self.cells.push((cell, end)),
            }
        }
        let (cells, side) = (&self.cells, self.cells_per_side);
        self.labelled.retain(|&key, _| {
            window_cells(key, side).any(|cell| cells.binary_search_by_key(&cell, |&(cell, _)| cell).is_ok())
        });
    }

    /// Forgets which windows were labelled.
    pub fn clear(&mut self) {
        self.labelled.clear();
    }

    /// The dirty windows with at least `minimum` voxels, in boustrophedon order (neighbours after
    /// neighbours, so that instances grow from what is already labelled). If there are more than
    /// `most`, those that changed most are kept.
    pub fn dirty(&self, minimum: usize, fraction: f32, most: usize, dirty: &mut Vec<DirtyWindow>) {
        dirty.clear();
        let mut keys: Vec<WindowKey> = Vec::with_capacity(self.cells.len() * 4);
        for &((x, y), _) in &self.cells {
            for dx in 0..self.cells_per_side {
                for dy in 0..self.cells_per_side {
                    keys.push((x - dx, y - dy));
                }
            }
        }
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            let voxels: usize = window_cells(key, self.cells_per_side).map(|cell| self.run(cell).len()).sum();
            let window = DirtyWindow { key, voxels, labelled_with: self.labelled.get(&key).copied() };
            let changed = match window.labelled_with {
                None => true,
                Some(before) => window.change() as f32 > fraction * before as f32,
            };
            if voxels >= minimum && changed {
                dirty.push(window);
            }
        }
        if dirty.len() > most {
            dirty
                .sort_by_key(|window| (window.labelled_with.is_some(), std::cmp::Reverse(window.change()), window.key));
            dirty.truncate(most);
        }
        dirty.sort_by_key(|&DirtyWindow { key: (x, y), .. }| (x, if x & 1 == 0 { y } else { -y }));
    }

    /// Collects the voxels of a window in ascending order.
    pub fn members(&self, key: WindowKey, voxels: &mut Vec<u32>) {
        voxels.clear();
        for cell in window_cells(key, self.cells_per_side) {
            voxels.extend(self.run(cell).iter().map(|&(_, voxel)| voxel));
        }
        voxels.sort_unstable();
    }

    /// Notes that a window was labelled while it held `voxels` voxels.
    pub fn mark_labelled(&mut self, key: WindowKey, voxels: usize) {
        self.labelled.insert(key, voxels);
    }

    fn run(&self, cell: WindowKey) -> &[(WindowKey, u32)] {
        match self.cells.binary_search_by_key(&cell, |&(cell, _)| cell) {
            Ok(found) => {
                let start = if found == 0 { 0 } else { self.cells[found - 1].1 as usize };
                &self.order[start..self.cells[found].1 as usize]
            }
            Err(_) => &[],
        }
    }
}

fn window_cells((x, y): WindowKey, side: i32) -> impl Iterator<Item = WindowKey> {
    (0..side).flat_map(move |dx| (0..side).map(move |dy| (x + dx, y + dy)))
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
        let mut book = WindowBook::new(1.0, 0.5);
        book.index(&map_of(grid(50, [-0.45, -0.45])));
        let mut dirty = Vec::new();
        book.dirty(10, 0.2, 100, &mut dirty);
        let mut keys: Vec<WindowKey> = dirty.iter().map(|window| window.key).collect();
        keys.sort_unstable();
        assert_eq!(keys, [(-2, -2), (-2, -1), (-1, -2), (-1, -1)]);
        assert!(dirty.iter().all(|window| window.voxels == 50));
    }

    #[test]
    fn labelled_windows_rest_until_enough_changed() {
        let mut book = WindowBook::new(1.0, 0.5);
        let mut dirty = Vec::new();
        book.index(&map_of(grid(50, [0.0, 0.0])));
        book.dirty(10, 0.2, 100, &mut dirty);
        for window in &dirty {
            book.mark_labelled(window.key, window.voxels);
        }
        book.index(&map_of(grid(58, [0.0, 0.0])));
        book.dirty(10, 0.2, 100, &mut dirty);
        assert!(dirty.is_empty(), "8 of 50 is under a fifth");
        book.index(&map_of(grid(62, [0.0, 0.0])));
        book.dirty(10, 0.2, 100, &mut dirty);
        assert_eq!(dirty.len(), 4);
        assert!(dirty.iter().all(|window| window.change() == 12));
    }

    #[test]
    fn a_bound_keeps_the_windows_that_changed_most() {
        let mut points = grid(20, [0.0, 0.0]);
        points.extend(grid(90, [3.0, 0.0]));
        let mut book = WindowBook::new(1.0, 0.5);
        book.index(&map_of(points));
        let mut dirty = Vec::new();
        book.dirty(10, 0.2, 4, &mut dirty);
        assert_eq!(dirty.len(), 4);
        assert!(dirty.iter().all(|window| window.voxels == 90));
    }

    #[test]
    fn members_are_exactly_the_voxels_inside() {
        let points = vec![[0.2, 0.2, 0.0], [0.7, 0.2, 1.0], [1.2, 0.2, 0.0], [0.2, 0.9, 2.0]];
        let mut book = WindowBook::new(1.0, 0.5);
        book.index(&map_of(points));
        let mut members = Vec::new();
        book.members((0, 0), &mut members);
        assert_eq!(members, [0, 1, 3]);
    }
}
