//! Which windows of the map are worth labelling, and which of them first.
//!
//! A window is *dirty* when it was never labelled or when its number of voxels changed by more than
//! a stated fraction since it was. The lattice is fixed to the fixed frame
//! ([`CellIndex`]), so a window keeps its name while the robot moves.
//!
//! **Worth.** Where not all of them can be labelled: never labelled before the others, then by how much
//! changed (in quarters of what was there, so that a few voxels more or less do not outweigh a metre),
//! then by the distance to the robot and to the path ahead of it, then by key. Every comparison is one of
//! integers or of distances that are rounded alike everywhere, so the order is too.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::VoxelMap;
use crate::block::{BlockError, CellIndex, WindowKey, Windowing};

/// Parts of a window's voxels in which changes are told apart.
const CHANGE_STEPS: f32 = 4.0;

/// Where the robot is and where it is going, in the fixed frame (m). A robot that stands is going to where
/// it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outlook {
    /// Where it is.
    pub robot: [f32; 2],
    /// Where it will be soon if it goes on like this.
    pub ahead: [f32; 2],
}

impl Outlook {
    /// Squared distance from a point to the path (m²).
    #[inline]
    fn squared_distance(&self, point: [f32; 2]) -> f32 {
        let along = [self.ahead[0] - self.robot[0], self.ahead[1] - self.robot[1]];
        let to = [point[0] - self.robot[0], point[1] - self.robot[1]];
        let length = along[0] * along[0] + along[1] * along[1];
        let part = if length > 0.0 { ((to[0] * along[0] + to[1] * along[1]) / length).clamp(0.0, 1.0) } else { 0.0 };
        let off = [to[0] - part * along[0], to[1] - part * along[1]];
        off[0] * off[0] + off[1] * off[1]
    }
}

/// How a window was when it was labelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelledWindow {
    /// Voxels that it had.
    pub voxels: usize,
    /// Stamp of the frame (ns).
    pub stamp: i64,
}

/// A window that asks to be labelled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DirtyWindow {
    /// Which window.
    pub key: WindowKey,
    /// Voxels in it now.
    pub voxels: usize,
    /// How it was when it was last labelled; `None` if never.
    pub labelled: Option<LabelledWindow>,
    /// Squared distance from its centre to the robot's path (m²).
    squared_distance: f32,
}

/// Sorts by worth, the worthiest first.
type Worth = (bool, Reverse<u32>, u32, WindowKey);

impl DirtyWindow {
    /// A window that was never labelled, where the robot is.
    pub(crate) fn new(key: WindowKey, voxels: usize) -> Self {
        Self { key, voxels, labelled: None, squared_distance: 0.0 }
    }

    /// How much changed, in voxels.
    #[inline]
    pub fn change(&self) -> usize {
        self.labelled.map_or(self.voxels, |before| self.voxels.abs_diff(before.voxels))
    }

    fn worth(&self) -> Worth {
        let before = self.labelled.map_or(self.voxels, |before| before.voxels).max(1);
        let steps = (CHANGE_STEPS * self.change() as f32 / before as f32) as u32;
        // The bits of floats ≥ +0 order as the floats do.
        (self.labelled.is_some(), Reverse(steps), self.squared_distance.to_bits(), self.key)
    }
}

/// Puts windows in boustrophedon order: neighbours after neighbours, so that instances grow from what is
/// already labelled.
pub fn sort_by_neighbourhood(dirty: &mut [DirtyWindow]) {
    dirty.sort_unstable_by_key(|&DirtyWindow { key: WindowKey { x, y }, .. }| (x, if x & 1 == 0 { y } else { -y }));
}

/// Keeps the map's windows and when each was labelled.
#[derive(Debug)]
pub struct WindowBook {
    windowing: Windowing,
    index: CellIndex,
    labelled: HashMap<WindowKey, LabelledWindow>,
}

impl WindowBook {
    /// Windows of the stated size and stride.
    ///
    /// # Errors
    /// [`BlockError::Windowing`] for sizes that cannot be meant.
    pub fn new(windowing: Windowing) -> Result<Self, BlockError> {
        Ok(Self { windowing, index: CellIndex::new(windowing)?, labelled: HashMap::new() })
    }

    /// Sorts the map's voxels into windows and forgets windows that are empty now.
    pub fn update(&mut self, map: &VoxelMap) {
        self.index.build(&map.cloud().position);
        let index = &self.index;
        self.labelled.retain(|&key, _| index.count(key) > 0);
    }

    /// Forgets which windows were labelled.
    pub fn clear(&mut self) {
        self.labelled.clear();
    }

    /// The dirty windows with at least `minimum` voxels, the worthiest first.
    pub fn dirty(&self, minimum: usize, fraction: f32, outlook: Outlook, dirty: &mut Vec<DirtyWindow>) {
        dirty.clear();
        let mut windows = 0_usize;
        self.index.for_each(|_, _| windows += 1);
        // Rounded up, so that a few windows more than ever before need no more room.
        dirty.reserve(windows.next_power_of_two());
        let half = self.windowing.size / 2.0;
        self.index.for_each(|key, voxels| {
            let centre = key.origin(&self.windowing).map(|corner| corner as f32 + half);
            let window = DirtyWindow {
                key,
                voxels,
                labelled: self.labelled.get(&key).copied(),
                squared_distance: outlook.squared_distance(centre),
            };
            let changed = window.labelled.is_none_or(|before| window.change() as f32 > fraction * before.voxels as f32);
            if window.voxels >= minimum && changed {
                dirty.push(window);
            }
        });
        dirty.sort_unstable_by_key(DirtyWindow::worth);
    }

    /// The voxels of a window in ascending order; `members` is overwritten.
    pub fn members(&self, key: WindowKey, members: &mut Vec<u32>) {
        self.index.points_of(key, members);
    }

    /// Notes that a window was labelled when it was like this.
    pub fn mark_labelled(&mut self, key: WindowKey, labelled: LabelledWindow) {
        self.labelled.insert(key, labelled);
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
        book.dirty(10, 0.2, Outlook::default(), &mut dirty);
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
        book.dirty(10, 0.2, Outlook::default(), &mut dirty);
        for window in &dirty {
            book.mark_labelled(window.key, LabelledWindow { voxels: window.voxels, stamp: 7 });
        }
        book.update(&map_of(grid(58, [0.0, 0.0])));
        book.dirty(10, 0.2, Outlook::default(), &mut dirty);
        assert!(dirty.is_empty(), "8 of 50 is under a fifth");
        book.update(&map_of(grid(62, [0.0, 0.0])));
        book.dirty(10, 0.2, Outlook::default(), &mut dirty);
        assert_eq!(dirty.len(), 4);
        assert!(dirty.iter().all(|window| window.change() == 12));
    }

    /// Windows of one voxel column each, 1 m apart along x, without overlap.
    fn row_of(counts: &[usize]) -> WindowBook {
        let windowing = Windowing { stride: 1.0, ..Windowing::default() };
        let mut book = WindowBook::new(windowing).expect("sound sizes");
        let column = |(at, &count): (usize, &usize)| {
            (0..count).map(move |i| [at as f32 + 0.5, 0.5, i as f32 * 0.03]).collect::<Vec<_>>()
        };
        book.update(&map_of(counts.iter().enumerate().flat_map(column).collect()));
        book
    }

    fn order(book: &WindowBook, outlook: Outlook) -> Vec<i32> {
        let mut dirty = Vec::new();
        book.dirty(1, 0.2, outlook, &mut dirty);
        dirty.iter().map(|window| window.key.x).collect()
    }

    #[test]
    fn never_labelled_comes_first_then_changed_most_then_nearest() {
        let mut book = row_of(&[100; 8]);
        // 0: as it was. 1, 6: a third more. 2, 5: doubled. 3: never labelled. 4: 3 % more. 7: half gone.
        for (x, voxels) in [(0, 100), (1, 75), (2, 50), (4, 97), (5, 50), (6, 75), (7, 200)] {
            book.mark_labelled(WindowKey { x, y: 0 }, LabelledWindow { voxels, stamp: 7 });
        }
        let outlook = Outlook { robot: [6.5, 0.5], ahead: [6.5, 0.5] };
        assert_eq!(order(&book, outlook), [3, 5, 2, 7, 6, 1]);
    }

    #[test]
    fn the_path_ahead_is_as_near_as_the_robot() {
        let book = row_of(&[50; 7]);
        let standing = Outlook { robot: [3.5, 0.5], ahead: [3.5, 0.5] };
        assert_eq!(order(&book, standing), [3, 2, 4, 1, 5, 0, 6]);
        let driving = Outlook { robot: [3.5, 0.5], ahead: [5.5, 0.5] };
        assert_eq!(order(&book, driving), [3, 4, 5, 2, 6, 1, 0]);
    }

    #[test]
    fn neighbours_follow_neighbours() {
        let mut book = WindowBook::new(Windowing::default()).expect("sound sizes");
        book.update(&map_of(grid(50, [0.6, 0.6])));
        let mut dirty = Vec::new();
        book.dirty(10, 0.2, Outlook::default(), &mut dirty);
        sort_by_neighbourhood(&mut dirty);
        let keys: Vec<(i32, i32)> = dirty.iter().map(|window| (window.key.x, window.key.y)).collect();
        assert_eq!(keys, [(0, 0), (0, 1), (1, 1), (1, 0)]);
    }

    #[test]
    fn members_are_exactly_the_voxels_inside() {
        let points = vec![[0.2, 0.2, 0.0], [0.7, 0.2, 1.0], [1.2, 0.2, 0.0], [0.2, 0.9, 2.0]];
        let mut book = WindowBook::new(Windowing::default()).expect("sound sizes");
        book.update(&map_of(points));
        let mut members = Vec::new();
        book.members(WindowKey { x: 0, y: 0 }, &mut members);
        assert_eq!(members, [0, 1, 3]);
    }
}
