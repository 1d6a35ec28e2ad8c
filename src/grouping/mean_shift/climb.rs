//! Trajectories: each seed climbs from mean to mean until it settles.
//!
//! A step is a pure function of the position, so each is computed once, whoever takes it first.

use super::median::sortable;
use super::positions::PositionTable;
use super::simd::Dispatcher;
use super::tree::{PointTree, Search};
use super::{Clusters, Meter, NO_CLUSTER};

/// Iterations of one seed, as in scikit-learn.
pub(super) const MAX_ITERATIONS: u32 = 300;

/// A trajectory stops at a step of this many bandwidths, as in scikit-learn.
const STOP_FRACTION: f64 = 1e-3;

/// Step of a position that has not been computed yet.
const UNKNOWN: u32 = u32::MAX;

/// Where mean-shift goes from one position.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// Position of the mean of the points around, or [`UNKNOWN`].
    next: u32,
    /// How many points that mean is of.
    points: u32,
    /// Whether the step was short enough to end the trajectory.
    settled: bool,
    /// Points of the trajectory that ended at this position; 0 if none did.
    ended_with: u32,
    /// The last seed in scikit-learn's order that ended here.
    ended_by: u32,
    /// Whether this end stands for one that was not reached.
    stands_in: bool,
    /// Cluster of this end, once there are clusters.
    cluster: u32,
}

const UNVISITED: Step = Step {
    next: UNKNOWN,
    points: 0,
    settled: false,
    ended_with: 0,
    ended_by: 0,
    stands_in: false,
    cluster: NO_CLUSTER,
};

/// How a trajectory came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It settled at this position.
    End(u32),
    /// It met no point.
    Lost,
    /// The budget ran out on the way.
    Cut,
}

/// What a step is made of.
pub(super) struct Ground<'a> {
    pub(super) tree: &'a PointTree,
    pub(super) bandwidth: f64,
    pub(super) dispatcher: Dispatcher,
}

/// Positions that are visited for each row at most, in practice.
const POSITIONS_A_ROW: usize = 8;

/// All positions visited so far, and where each leads.
#[derive(Clone, Debug, Default)]
pub(super) struct Trajectories {
    positions: PositionTable,
    steps: Vec<Step>,
    ends: Vec<u32>,
    /// Sort key and number of each end.
    keyed: Vec<(u64, u32)>,
    search: Search,
    mean: Vec<f32>,
}

impl Trajectories {
    /// Forgets everything; new positions have `size` values.
    pub(super) fn clear(&mut self, size: usize) {
        self.positions.clear(size);
        self.steps.clear();
        self.ends.clear();
    }

    /// Makes room for what `rows` rows of `size` values visit in practice, so that buffers do not grow block by block.
    pub(super) fn reserve(&mut self, rows: usize, size: usize) {
        let positions = POSITIONS_A_ROW * rows.next_power_of_two();
        self.positions.reserve(positions, size);
        self.steps.reserve(positions.saturating_sub(self.steps.len()));
        self.ends.reserve(rows.saturating_sub(self.ends.len()));
        self.keyed.reserve(rows.saturating_sub(self.keyed.len()));
    }

    /// Positions where a trajectory ended.
    pub(super) fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// A position by its number.
    pub(super) fn position(&self, id: u32) -> &[f32] {
        self.positions.get(id)
    }

    /// One trajectory, from `start`. `seed` is its number in scikit-learn's order.
    pub(super) fn follow(
        &mut self,
        seed: u32,
        start: &[f32],
        ground: &Ground<'_>,
        meter: &mut Meter,
        clusters: &mut Clusters,
    ) -> Outcome {
        let mut here = self.positions.intern(start);
        let mut iterations = 0;
        let outcome = loop {
            let Some(step) = self.step(here, ground, meter, clusters) else { break Outcome::Cut };
            if step.points == 0 {
                break Outcome::Lost;
            }
            if step.settled || iterations == MAX_ITERATIONS {
                self.end(step.next, step.points, seed);
                break Outcome::End(step.next);
            }
            iterations += 1;
            here = step.next;
        };
        clusters.iterations = clusters.iterations.max(iterations);
        outcome
    }

    /// Of two trajectories that end on one position with different points, scikit-learn's dictionary
    /// keeps the later.
    fn end(&mut self, position: u32, points: u32, seed: u32) {
        let end = &mut self.steps[position as usize];
        if end.ended_with == 0 {
            self.ends.push(position);
        }
        if end.ended_with == 0 || end.ended_by <= seed {
            (end.ended_with, end.ended_by) = (points, seed);
        }
    }

    /// Lets `position` stand for the end of a trajectory that was not followed.
    pub(super) fn stand_in(&mut self, position: &[f32], points: u32) -> u32 {
        let id = self.positions.intern(position);
        self.steps.resize(self.positions.len(), UNVISITED);
        if self.steps[id as usize].ended_with == 0 {
            self.end(id, points, 0);
            self.steps[id as usize].stands_in = true;
        }
        id
    }

    /// The step from a position; none if it is not known and the budget has run out.
    fn step(&mut self, here: u32, ground: &Ground<'_>, meter: &mut Meter, clusters: &mut Clusters) -> Option<Step> {
        self.steps.resize(self.positions.len(), UNVISITED);
        let known = self.steps[here as usize];
        if known.next != UNKNOWN {
            return Some(known);
        }
        if meter.is_spent() {
            return None;
        }
        let squared_radius = ground.bandwidth * ground.bandwidth;
        let position = self.positions.get(here);
        let (points, work) =
            ground.tree.mean_within(ground.dispatcher, &mut self.search, position, squared_radius, &mut self.mean);
        clusters.means += 1;
        meter.add(work);
        let (next, settled) = if points == 0 {
            (here, true)
        } else {
            let settled = is_settled(position, &self.mean, ground.bandwidth);
            (self.positions.intern(&self.mean), settled)
        };
        self.steps.resize(self.positions.len(), UNVISITED);
        let step = &mut self.steps[here as usize];
        (step.next, step.points, step.settled) = (next, points, settled);
        Some(*step)
    }

    /// Whether an end stands for one that was not reached.
    pub(super) fn stands_in(&self, end: u32) -> bool {
        self.steps[end as usize].stands_in
    }

    /// Clusters of the ends, in their order.
    pub(super) fn set_clusters(&mut self, clusters: &[u32]) {
        for (&end, &cluster) in self.ends.iter().zip(clusters) {
            self.steps[end as usize].cluster = cluster;
        }
    }

    /// Cluster of an end.
    pub(super) fn cluster(&self, end: u32) -> u32 {
        self.steps[end as usize].cluster
    }

    /// Densest first, then the lexicographically greatest first.
    pub(super) fn sort_ends(&mut self) {
        let Self { positions, steps, ends, keyed, .. } = self;
        keyed.clear();
        keyed.extend(ends.iter().map(|&end| {
            let greatest = positions.get(end).first().map_or(0, |&value| sortable(value));
            (u64::from(!steps[end as usize].ended_with) << 32 | u64::from(!greatest), end)
        }));
        keyed.sort_unstable_by_key(|&(key, _)| key);
        // The key is all but the further values.
        for equal in keyed.chunk_by_mut(|a, b| a.0 == b.0).filter(|equal| equal.len() > 1) {
            equal.sort_unstable_by(|a, b| descending(positions.get(a.1), positions.get(b.1)));
        }
        ends.clear();
        ends.extend(keyed.iter().map(|&(_, end)| end));
    }
}

/// Whether a trajectory ends with the step from `old` to `new`.
pub(super) fn is_settled(old: &[f32], new: &[f32], bandwidth: f64) -> bool {
    let squared: f64 = old.iter().zip(new).map(|(&old, &new)| (f64::from(new) - f64::from(old)).powi(2)).sum();
    squared.sqrt() <= STOP_FRACTION * bandwidth
}

/// Lexicographic order, greatest first. Positions are finite.
pub(super) fn descending(a: &[f32], b: &[f32]) -> std::cmp::Ordering {
    b.partial_cmp(a).unwrap_or(std::cmp::Ordering::Equal)
}
