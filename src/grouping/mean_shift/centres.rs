//! From the ends of trajectories to centres, and the nearest centre of each point.
//!
//! The ends lie in a tree of their own. A kept centre takes out the ends around it with one search,
//! and the points of a leaf are labelled together: only centres that their box cannot rule out are
//! compared.

use super::climb::Trajectories;
use super::simd::{Dispatcher, Kernels, Task};
use super::tree::{GROUP, LEAF, PointTree, Search, add_interval, leaf_distances};
use super::{Clusters, Meter, SEARCH};

/// A bin that was not reached is a mode of its own only where no denser end is within this many
/// radii: its trajectory would have moved. On the inputs of `adversarial`, smaller numbers leave too
/// many clusters and larger ones too few.
const STAND_IN_REACH: f64 = 1.5;

/// Cluster of an end that no centre has taken yet.
const FREE: u32 = u32::MAX;

/// Ends and the centres among them.
#[derive(Clone, Debug, Default)]
pub(super) struct Centres {
    /// `[end][value]`, densest first.
    ends: Vec<f32>,
    wide: Vec<f64>,
    /// Cluster of each end.
    cluster: Vec<u32>,
    /// Whether each end is a bin that was not reached.
    stands_in: Vec<bool>,
    tree: PointTree,
    search: Search,
    candidates: Vec<Candidate>,
    centre: Vec<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
}

/// A centre that might be the nearest of some point of a leaf.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    /// Least squared distance to the leaf's box.
    near: f64,
    /// Where its values lie in the columns.
    column: usize,
    cluster: u32,
}

impl Centres {
    /// Densest first; an end within the radius of a kept centre is a duplicate, and belongs to the
    /// first such. There is at least one end. Where the budget runs out, the ends that are left stand
    /// for themselves; returns whether it did not.
    pub(super) fn suppress(
        &mut self,
        trajectories: &mut Trajectories,
        size: usize,
        squared_radius: f64,
        dispatcher: Dispatcher,
        meter: &mut Meter,
        clusters: &mut Clusters,
    ) -> bool {
        trajectories.sort_ends();
        self.ends.clear();
        self.ends.extend(trajectories.ends().iter().flat_map(|&end| trajectories.position(end)));
        self.wide.clear();
        self.wide.extend(self.ends.iter().map(|&value| f64::from(value)));
        self.tree.build(&self.wide, &self.ends, size);
        self.cluster.clear();
        self.cluster.resize(trajectories.ends().len(), FREE);
        self.stands_in.clear();
        self.stands_in.extend(trajectories.ends().iter().map(|&end| trajectories.stands_in(end)));
        let any = self.stands_in.contains(&true);
        let reach = if any { squared_radius * STAND_IN_REACH * STAND_IN_REACH } else { squared_radius };
        let (mut count, mut complete) = (0, true);
        for end in 0..self.cluster.len() {
            if self.cluster[end] != FREE {
                continue;
            }
            self.cluster[end] = count;
            let position = trajectories.position(trajectories.ends()[end]);
            clusters.centre.extend_from_slice(position);
            // The last end has no duplicate behind it.
            if end + 1 < self.cluster.len() {
                if meter.is_spent() {
                    complete = false;
                } else {
                    let Self { cluster, stands_in, ends, tree, search, .. } = self;
                    meter.add(tree.visit_within(dispatcher, search, position, reach, |other| {
                        let other = other as usize;
                        let duplicate = !any || stands_in[other] || {
                            squared(position, &ends[other * size..][..size]) <= squared_radius
                        };
                        if duplicate && cluster[other] == FREE {
                            cluster[other] = count;
                        }
                    }));
                }
            }
            count += 1;
        }
        trajectories.set_clusters(&self.cluster);
        // Only centres stay in the tree: the first end of each cluster.
        let mut next = 0;
        for cluster in &mut self.cluster {
            if *cluster == next {
                next += 1;
            } else {
                *cluster = FREE;
            }
        }
        let cluster = &self.cluster;
        self.tree.retain(|end| cluster[end as usize] != FREE);
        complete
    }

    /// Writes the nearest centre of each point of a leaf (the first of equals) into `nearest`.
    /// `guess` is a cluster that is probably near. Returns how many distances were computed.
    pub(super) fn label_leaf(
        &mut self,
        points: &PointTree,
        leaf: usize,
        dispatcher: Dispatcher,
        guess: &[f32],
        nearest: &mut [u32; LEAF],
    ) -> u64 {
        self.low.clear();
        self.high.clear();
        for d in 0..guess.len() {
            let (low, high) = points.leaf_bounds(leaf, d);
            self.low.push(low);
            self.high.push(high);
        }
        let (mut near, mut bound) = (0.0, 0.0);
        for ((&low, &high), &value) in self.low.iter().zip(&self.high).zip(guess) {
            let value = f64::from(value);
            add_interval((low, high), (value, value), &mut near, &mut bound);
        }
        dispatcher.run(LabelLeaf { centres: self, columns: points.leaf(leaf).1, bound, nearest }) + 1
    }
}

struct LabelLeaf<'a> {
    centres: &'a mut Centres,
    /// Of the points, `[value][LEAF]`.
    columns: &'a [f64],
    /// Squared distance within which every point of the leaf has a centre.
    bound: f64,
    nearest: &'a mut [u32; LEAF],
}

impl Task for LabelLeaf<'_> {
    type Output = u64;

    #[inline(always)]
    fn run<K: Kernels>(self) -> u64 {
        match self.centres.low.len() {
            5 => self.run_for(5),
            size => self.run_for(size),
        }
    }
}

impl LabelLeaf<'_> {
    #[inline(always)]
    fn run_for(mut self, size: usize) -> u64 {
        let mut work = self.find_candidates(size);
        let Self { centres, columns, bound, nearest } = self;
        let Centres { candidates, tree, centre, .. } = centres;
        let mut best = [f64::INFINITY; LEAF];
        let mut cluster = [u64::MAX; LEAF];
        for candidate in candidates.iter() {
            // A centre whose nearest corner is further than the furthest corner of another cannot win.
            if candidate.near > bound {
                continue;
            }
            let values = &tree.columns()[candidate.column..];
            centre.clear();
            for d in 0..size {
                centre.push(values[d * LEAF]);
            }
            let squared = leaf_distances(&columns[..size * LEAF], &centre[..size]);
            work += LEAF as u64;
            let this = u64::from(candidate.cluster);
            for lane in 0..LEAF {
                let first = (squared[lane] == best[lane]) & (this < cluster[lane]);
                let closer = (squared[lane] < best[lane]) | first;
                best[lane] = if closer { squared[lane] } else { best[lane] };
                cluster[lane] = if closer { this } else { cluster[lane] };
            }
        }
        *nearest = cluster.map(|cluster| cluster as u32);
        work
    }

    /// Centres that no other rules out, and perhaps some more; lowers the bound.
    #[inline(always)]
    fn find_candidates(&mut self, size: usize) -> u64 {
        let Centres { tree, search, candidates, low, high, cluster, .. } = &mut *self.centres;
        let (low, high) = (&low[..size], &high[..size]);
        let mut work = SEARCH;
        candidates.clear();
        search.stack.clear();
        search.stack.push(tree.root());
        while let Some((depth, group)) = search.stack.pop() {
            let (group_low, group_high) = tree.group(depth, group);
            let (mut near, mut far) = ([0.0; GROUP], [0.0; GROUP]);
            for d in 0..size {
                let (lows, highs) = (&group_low[d * GROUP..][..GROUP], &group_high[d * GROUP..][..GROUP]);
                for lane in 0..GROUP {
                    add_interval((lows[lane], highs[lane]), (low[d], high[d]), &mut near[lane], &mut far[lane]);
                }
            }
            work += GROUP as u64;
            for lane in 0..GROUP as u32 {
                if near[lane as usize] > self.bound {
                    continue;
                }
                let index = group * GROUP as u32 + lane;
                if depth > 0 {
                    search.stack.push((depth - 1, index));
                    continue;
                }
                let (members, columns) = tree.leaf(index as usize);
                let (mut near, mut far) = ([0.0; LEAF], [0.0; LEAF]);
                for d in 0..size {
                    let column = &columns[d * LEAF..][..LEAF];
                    for lane in 0..LEAF {
                        let value = (column[lane], column[lane]);
                        add_interval(value, (low[d], high[d]), &mut near[lane], &mut far[lane]);
                    }
                }
                work += LEAF as u64;
                self.bound = far.iter().fold(self.bound, |bound, &far| if far < bound { far } else { bound });
                for (lane, &end) in members.iter().enumerate() {
                    if near[lane] <= self.bound {
                        let column = index as usize * size * LEAF + lane;
                        candidates.push(Candidate { near: near[lane], column, cluster: cluster[end as usize] });
                    }
                }
            }
        }
        work
    }
}

/// Squared distance, in the order in which columns are summed.
fn squared(one: &[f32], other: &[f32]) -> f64 {
    one.iter().zip(other).fold(0.0, |sum, (&one, &other)| {
        let difference = f64::from(other) - f64::from(one);
        sum + difference * difference
    })
}
