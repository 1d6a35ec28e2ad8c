//! The voxels of one frame, for outputs that are thinned.

use crate::map::{VoxelTable, voxel_key};

/// Numbers the voxels of a frame in the order in which they are first seen. Keeps its memory between frames.
#[derive(Debug, Default)]
pub(super) struct FrameVoxels {
    table: VoxelTable,
    count: u32,
}

impl FrameVoxels {
    /// Forgets the frame before.
    pub(super) fn clear(&mut self) {
        self.table.clear();
        self.count = 0;
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count as usize
    }

    /// The voxel of this edge (m) in which a position lies, and whether it is new.
    pub(super) fn number(&mut self, position: [f32; 3], edge: f32) -> (usize, bool) {
        let key = voxel_key(position, edge);
        if let Some(voxel) = self.table.get(key) {
            return (voxel as usize, false);
        }
        let voxel = self.count;
        self.table.insert(key, voxel);
        self.count += 1;
        (voxel as usize, true)
    }
}

/// Distances from the sensor that count: nearest, farthest (m).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranges {
    squares: [f32; 2],
}

impl Ranges {
    /// Both in metres.
    pub fn new(nearest: f32, farthest: f32) -> Self {
        Self { squares: [nearest * nearest, farthest * farthest] }
    }

    /// Whether a position is measured and within them.
    pub(super) fn hold(self, position: [f32; 3]) -> bool {
        let square: f32 = position.iter().map(|value| value * value).sum();
        // False for what is no number.
        self.squares[0] <= square && square <= self.squares[1]
    }
}
