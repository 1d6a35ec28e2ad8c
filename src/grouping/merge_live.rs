//! Block merging on a robot: clusters of one block meet what the map remembers.
//!
//! The idea is the reference's (a cluster continues the instance it overlaps most, if both are of one
//! class), without its quirks: voxels are the map's metric ones, ids are unlimited, a small cluster
//! without overlap gets no instance, and instances live over blocks *and* frames.
//!
//! **The rules**, for a cluster of `n` points and an instance of which the block holds `m` points,
//! `o` of them in the cluster, both of one class:
//! 1. *Continue.* The overlap counts if `o ≥ minimum_overlap` and `o ≥ overlap_fraction · min(n, m)`:
//!    seven points of a large instance that leak into a large neighbour do not glue the two together.
//!    The cluster takes the instance with the greatest counting overlap, of equals the oldest.
//! 2. *Found.* Without one, a cluster of at least `minimum_points` founds an instance; a smaller one
//!    gets [`NO_INSTANCE`].
//! 3. *Unite.* A cluster that holds `o ≥ unite_minimum` and `o ≥ unite_fraction · m` points of
//!    several instances shows that they are one.
//!
//! Two clusters of a block may continue the same instance: mean-shift splits objects more often than
//! it joins them. The price is that instances once joined do not part until the map forgets them.
//!
//! All rules look at the state before the block, and nothing depends on the order of points; new ids
//! follow the order of clusters, which mean-shift makes deterministic.
//!
//! **Cost.** `O(n log n)` in the points of the block, plus one registry look-up a (cluster, id) pair,
//! of which there are at most `n`.

use super::InstanceRegistry;
use crate::cloud::{INVALID_CLASS, NO_INSTANCE};
use crate::grouping::NO_CLUSTER;

/// When overlap counts. The defaults are the reference's thresholds where it has them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LiveMergeRules {
    /// Points that a cluster and an instance must share (reference: 7).
    pub minimum_overlap: u32,
    /// Part of the smaller of the two, within the block, that they must share.
    pub overlap_fraction: f64,
    /// Points of a cluster that founds an instance (reference: 30).
    pub minimum_points: u32,
    /// Points of each of two instances in one cluster that unite them.
    pub unite_minimum: u32,
    /// Part of each of two instances, within the block, in one cluster that unites them; above 1
    /// nothing is ever united.
    pub unite_fraction: f64,
}

impl Default for LiveMergeRules {
    fn default() -> Self {
        Self { minimum_overlap: 7, overlap_fraction: 0.3, minimum_points: 30, unite_minimum: 20, unite_fraction: 0.5 }
    }
}

/// Why a block could not be merged.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LiveMergeError {
    /// Columns of different length.
    #[error("live merging: {clusters} points have a cluster, {current} a current instance; one of each was expected")]
    Length {
        /// Points with a cluster.
        clusters: usize,
        /// Points with a current instance.
        current: usize,
    },
    /// A cluster whose class is not given.
    #[error("live merging: point {point} is in cluster {cluster}, but there are classes for {classes} clusters")]
    Cluster {
        /// Index of the point in the block.
        point: usize,
        /// Its cluster.
        cluster: u32,
        /// Clusters whose class is known.
        classes: usize,
    },
}

/// What a cluster shares with an instance.
#[derive(Clone, Copy, Debug)]
struct Overlap {
    cluster: u32,
    instance: u32,
    shared: u32,
}

/// Gives clusters the instances of the map, and keeps the registry of these.
#[derive(Clone, Debug, Default)]
pub struct LiveMerger {
    /// The instances. The map reports to it which voxels carry which id.
    pub registry: InstanceRegistry,
    rules: LiveMergeRules,
    /// Points of each cluster.
    points: Vec<u32>,
    /// Instance, then cluster, of each labelled point; sorted.
    pairs: Vec<(u32, u32)>,
    /// Points of each instance in the block, by ascending instance.
    extents: Vec<(u32, u32)>,
    /// By cluster, then by ascending instance.
    overlaps: Vec<Overlap>,
    united: Vec<(u32, u32)>,
}

impl LiveMerger {
    /// No instance yet.
    pub fn new(rules: LiveMergeRules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// Forgets every instance; ids begin anew. Keeps its memory.
    pub fn clear(&mut self) {
        self.registry.clear();
        self.united.clear();
    }

    /// The rules.
    pub fn rules(&self) -> LiveMergeRules {
        self.rules
    }

    /// Instances that the last block united: the id kept and the id lost, in the order it happened.
    pub fn united(&self) -> &[(u32, u32)] {
        &self.united
    }

    /// Decides the instance of each cluster of a block.
    ///
    /// `cluster`: cluster of each point (each voxel once), or [`NO_CLUSTER`]. `cluster_class`: class
    /// of each cluster; one of [`INVALID_CLASS`] gets no instance. `current`: id that the point's
    /// voxel carries, or [`NO_INSTANCE`]; ids that the registry does not know count as none.
    /// `assigned` is overwritten with the instance of each cluster, a root of the registry or
    /// [`NO_INSTANCE`].
    ///
    /// # Errors
    /// [`LiveMergeError`]; nothing has changed then.
    pub fn merge_block(
        &mut self,
        cluster: &[u32],
        cluster_class: &[u16],
        current: &[u32],
        assigned: &mut Vec<u32>,
    ) -> Result<(), LiveMergeError> {
        assigned.clear();
        self.united.clear();
        self.count_points(cluster, cluster_class, current)?;
        self.count_overlaps(cluster, cluster_class, current);
        assigned.resize(cluster_class.len(), NO_INSTANCE);
        self.take_best(assigned);
        self.unite_bridged();
        for (index, instance) in assigned.iter_mut().enumerate() {
            let class = cluster_class[index];
            if *instance != NO_INSTANCE {
                *instance = self.registry.resolve(*instance);
            } else if class != INVALID_CLASS
                && self.points[index] > 0
                && self.points[index] >= self.rules.minimum_points
            {
                *instance = self.registry.found(class);
            }
        }
        Ok(())
    }

    fn count_points(&mut self, cluster: &[u32], classes: &[u16], current: &[u32]) -> Result<(), LiveMergeError> {
        if cluster.len() != current.len() {
            return Err(LiveMergeError::Length { clusters: cluster.len(), current: current.len() });
        }
        self.points.clear();
        self.points.resize(classes.len(), 0);
        for (point, &cluster) in cluster.iter().enumerate() {
            match self.points.get_mut(cluster as usize) {
                Some(points) => *points += 1,
                None if cluster == NO_CLUSTER => {}
                None => return Err(LiveMergeError::Cluster { point, cluster, classes: classes.len() }),
            }
        }
        Ok(())
    }

    /// Fills `extents` with every instance in the block, and `overlaps` with those of one class with
    /// their cluster.
    fn count_overlaps(&mut self, cluster: &[u32], cluster_class: &[u16], current: &[u32]) {
        self.pairs.clear();
        let labelled = cluster.iter().zip(current).filter(|(_, current)| **current != NO_INSTANCE);
        self.pairs.extend(labelled.map(|(&cluster, &current)| (current, cluster)));
        self.pairs.sort_unstable();
        // Runs of one carried id are resolved together.
        for run in self.pairs.chunk_by_mut(|a, b| a.0 == b.0) {
            let root = self.registry.resolve(run[0].0);
            run.iter_mut().for_each(|pair| pair.0 = root);
        }
        self.pairs.sort_unstable();
        self.extents.clear();
        self.overlaps.clear();
        for run in self.pairs.chunk_by(|a, b| a.0 == b.0).filter(|run| run[0].0 != NO_INSTANCE) {
            let instance = run[0].0;
            self.extents.push((instance, run.len() as u32));
            let class = self.registry.class(instance);
            for run in run.chunk_by(|a, b| a.1 == b.1).filter(|run| run[0].1 != NO_CLUSTER) {
                let cluster = run[0].1;
                if class == Some(cluster_class[cluster as usize]) {
                    self.overlaps.push(Overlap { cluster, instance, shared: run.len() as u32 });
                }
            }
        }
        self.overlaps.sort_unstable_by_key(|overlap| (overlap.cluster, overlap.instance));
    }

    fn take_best(&self, assigned: &mut [u32]) {
        for of_cluster in self.overlaps.chunk_by(|a, b| a.cluster == b.cluster) {
            let cluster = of_cluster[0].cluster as usize;
            let mut best = 0;
            for overlap in of_cluster {
                let smaller = self.points[cluster].min(extent(&self.extents, overlap.instance));
                let counts = overlap.shared >= self.rules.minimum_overlap
                    && f64::from(overlap.shared) >= self.rules.overlap_fraction * f64::from(smaller);
                if counts && overlap.shared > best {
                    best = overlap.shared;
                    assigned[cluster] = overlap.instance;
                }
            }
        }
    }

    fn unite_bridged(&mut self) {
        for of_cluster in self.overlaps.chunk_by(|a, b| a.cluster == b.cluster) {
            let strong = of_cluster.iter().filter(|overlap| {
                let extent = extent(&self.extents, overlap.instance);
                overlap.shared >= self.rules.unite_minimum
                    && f64::from(overlap.shared) >= self.rules.unite_fraction * f64::from(extent)
            });
            let mut first = NO_INSTANCE;
            for overlap in strong {
                if first == NO_INSTANCE {
                    first = overlap.instance;
                } else {
                    self.united.extend(self.registry.unite(first, overlap.instance));
                }
            }
        }
    }
}

/// Points of an instance in the block.
fn extent(extents: &[(u32, u32)], instance: u32) -> u32 {
    extents.binary_search_by_key(&instance, |extent| extent.0).map_or(0, |at| extents[at].1)
}

#[cfg(test)]
#[path = "merge_live_tests.rs"]
mod tests;
