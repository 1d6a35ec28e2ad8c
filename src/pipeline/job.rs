//! One block on its way: what a worker is given, and what it gives back.
//!
//! A job holds its own copy of the window's points. A worker that is slow therefore holds up nobody: the
//! map moves on, and whoever merges the result finds the voxels again by their positions.

use std::time::Duration;

use crate::block::{Block, Extent};
use crate::cloud::Cloud;
use crate::engine::{EngineFallback, Prediction};
use crate::grouping::Clusters;
use crate::latency::StageTimes;
use crate::map::{DirtyWindow, NO_VOXEL, VoxelMap, WindowBook};

use super::BlockFailure;

/// A block and its buffers, which are reused from block to block.
#[derive(Default)]
pub(super) struct Job {
    /// The window; `None` only before the first use.
    pub(super) window: Option<DirtyWindow>,
    /// Number of the frame that it was started for.
    pub(super) frame: u64,
    /// Its place among the blocks of all frames.
    pub(super) sequence: u64,
    /// How often the map had been forgotten when it was started.
    pub(super) epoch: u64,
    /// Stamp of the frame (ns).
    pub(super) stamp: i64,
    /// Bounds that the features refer to.
    pub(super) extent: Option<Extent>,
    /// Voxels of the window, as the map numbered them at [`revision`](Self::revision).
    pub(super) members: Vec<u32>,
    /// The map's revision.
    pub(super) revision: u64,
    /// Their points.
    pub(super) points: Cloud,
    /// Voxels of the largest window so far, and some more: what buffers have room for, so that they do not
    /// grow one by one as large windows happen to come to each of them.
    pub(super) room: usize,

    /// The sample; indices are into `members`.
    pub(super) block: Block,
    /// What the network said.
    pub(super) prediction: Prediction,
    /// Class probabilities of the distinct points, row by row.
    pub(super) opinion: Vec<f32>,
    /// For each member the sampled point that speaks for it: itself, or the nearest one.
    pub(super) speaker: Vec<u32>,
    /// Clusters of the block's distinct points.
    pub(super) clusters: Clusters,
    /// Class of each cluster.
    pub(super) cluster_class: Vec<u16>,
    /// Whether the mean-shift was cut short.
    pub(super) grouping_cut: bool,
    /// Time of its stages.
    pub(super) times: StageTimes,
    /// Time between taking it up and giving it back.
    pub(super) took: Duration,
    /// Why it has no labels, if it has none.
    pub(super) failure: Option<BlockFailure>,
    /// The engine that lost its place by it.
    pub(super) fallback: Option<EngineFallback>,
}

impl Job {
    /// Takes over the points of a window.
    pub(super) fn fill(&mut self, window: DirtyWindow, book: &WindowBook, map: &VoxelMap, extent: Extent) {
        (self.window, self.extent, self.revision) = (Some(window), Some(extent), map.revision());
        self.members.clear();
        self.members.reserve(self.room);
        book.members(window.key, &mut self.members);
        let members = &self.members;
        let cloud = map.cloud();
        self.points.position.clear();
        self.points.position.reserve(self.room);
        self.speaker.clear();
        self.speaker.reserve(self.room);
        self.points.position.extend(members.iter().map(|&voxel| cloud.position[voxel as usize]));
        match &cloud.colour {
            None => self.points.colour = None,
            Some(colour) => {
                let mine = self.points.colour.get_or_insert_default();
                mine.clear();
                mine.reserve(self.room);
                mine.extend(members.iter().map(|&voxel| colour[voxel as usize]));
            }
        }
    }

    /// Finds the voxels again if the map has moved on; those that are gone become [`NO_VOXEL`].
    pub(super) fn find_members(&mut self, map: &VoxelMap) {
        if self.revision == map.revision() {
            return;
        }
        for (voxel, &position) in self.members.iter_mut().zip(&self.points.position) {
            *voxel = map.find(position).unwrap_or(NO_VOXEL);
        }
        self.revision = map.revision();
    }

    /// Class probabilities of one sampled point.
    pub(super) fn opinion_of(&self, sample: u32, classes: usize) -> &[f32] {
        &self.opinion[sample as usize * classes..][..classes]
    }
}
