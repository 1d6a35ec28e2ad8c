//! Mean-shift with a flat kernel: scikit-learn's answer, without its cost.
//!
//! **Contract.** Centres, their order and the labels are those of scikit-learn's
//! `MeanShift(bandwidth, bin_seeding=…)` with every other argument at its default (Euclidean radius,
//! `min_bin_freq` 1, `cluster_all`, 300 iterations, stop at a step of `bandwidth / 1000`). Where
//! scikit-learn's own answer hangs on the order of a float sum (the last bits of a centre), ours is
//! the exactly rounded one.
//!
//! **Why it is fast.**
//! 1. Coordinates are snapped once to a grid so fine that every sum of them is exact
//!    (`rows`). A mean no longer depends on the order of its points, so whole boxes of points
//!    enter it as one precomputed sum, and a mean is a pure function of the position.
//! 2. Therefore two trajectories that meet stay together: each visited position is looked up in a
//!    table and its step is taken from there (`positions`).
//! 3. Points lie in a tree of boxes, eight to a group, sixteen points to a leaf, in columns that the
//!    compiler turns into vector instructions (`tree`).
//! 4. A label is searched only among the centres that a leaf's box cannot rule out (`centres`).
//!
//! None of this changes a bit of the answer: [`mean_shift_plain`] does it point by point, and a
//! property test holds the two together.
//!
//! **Cost.** With `n` points, `s` seeds (`s ≤ n`) and `c` centres: at most `301 · s` means, each at
//! most `n` point tests and `n / 7` box tests; at most `s · c` tests between centres; at most
//! `c · n` tests for labels. Memory: `O(n)` and at most `301 · s` visited positions. Blocks of 4096
//! points met so far need 2 to 20 means a seed. What was really done is counted in
//! [`Clusters::work`]. A mean is the unit of refinement: the answer is valid after any number of
//! seeds, and that is where a budget can cut.

mod centres;
mod plain;
mod positions;
mod rows;
#[cfg(test)]
mod tests;
mod tree;

use centres::CentreColumns;
use positions::PositionTable;
use rows::Rows;
use tree::PointTree;

pub use plain::mean_shift_plain;

/// Label of a point that belongs to no cluster: its row is not finite, or lies further than
/// 2²⁰ bandwidths from the origin, where an `f32` cannot resolve a bandwidth.
pub const NO_CLUSTER: u32 = u32::MAX;

/// Iterations of one seed, as in scikit-learn.
const MAX_ITERATIONS: u32 = 300;

/// Positions that are visited for each point at most, in practice; room is made for them beforehand.
const POSITIONS_A_POINT: usize = 8;

/// A trajectory stops at a step of this many bandwidths, as in scikit-learn.
const STOP_FRACTION: f64 = 1e-3;

/// Why embeddings could not be clustered.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MeanShiftError {
    /// The radius is not usable.
    #[error("mean-shift bandwidth: expected a finite number in 1e-30..=1e30, got {0}")]
    Bandwidth(f64),
    /// The values do not form whole rows.
    #[error("mean-shift input: {values} values are no whole number of rows of {size}")]
    Shape {
        /// Number of values that came.
        values: usize,
        /// Values expected in each row.
        size: usize,
    },
    /// More points than labels can number.
    #[error("mean-shift input: {0} points, at most {max} are supported", max = rows::MAX_POINTS)]
    TooMany(usize),
}

/// Clusters of one block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clusters {
    /// Cluster of each point, `0..count()`, or [`NO_CLUSTER`]. Cluster 0 is the densest.
    pub label: Vec<u32>,
    /// Centres, `count() × size`, cluster-major, densest first.
    pub centre: Vec<f32>,
    /// Values in each centre.
    pub size: usize,
    /// Iterations of the longest trajectory (scikit-learn's `n_iter_`).
    pub iterations: u32,
    /// Means that were computed; shared steps count once.
    pub means: u64,
    /// Distances that were computed, to points, boxes and centres.
    pub work: u64,
}

impl Clusters {
    /// Number of clusters.
    pub fn count(&self) -> usize {
        self.centre.len().checked_div(self.size).unwrap_or(0)
    }

    /// Number of points of each cluster. `sizes` is overwritten.
    pub fn sizes(&self, sizes: &mut Vec<u32>) {
        sizes.clear();
        sizes.resize(self.count(), 0);
        for &label in &self.label {
            if let Some(size) = sizes.get_mut(label as usize) {
                *size += 1;
            }
        }
    }

    fn reset(&mut self, points: usize, size: usize) {
        self.label.clear();
        self.label.resize(points, NO_CLUSTER);
        self.centre.clear();
        (self.size, self.iterations, self.means, self.work) = (size, 0, 0, 0);
    }
}

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
}

const UNVISITED: Step = Step { next: UNKNOWN, points: 0, settled: false, ended_with: 0 };

/// Mean-shift with reusable buffers; after the first blocks it allocates nothing.
///
/// ```
/// use instanton::grouping::{Clusters, MeanShift};
/// let embeddings = [0.0, 0.1, 0.1, 0.0, 5.0, 5.0]; // three points in two dimensions
/// let (mut mean_shift, mut clusters) = (MeanShift::new(0.6, true)?, Clusters::default());
/// mean_shift.run(&embeddings, 2, &mut clusters)?;
/// assert_eq!(clusters.label, [0, 0, 1]);
/// # Ok::<(), instanton::grouping::MeanShiftError>(())
/// ```
#[derive(Clone, Debug)]
pub struct MeanShift {
    bandwidth: f64,
    bin_seeding: bool,
    rows: Rows,
    tree: PointTree,
    positions: PositionTable,
    steps: Vec<Step>,
    ends: Vec<u32>,
    centres: CentreColumns,
    mean: Vec<f32>,
}

impl MeanShift {
    /// `bandwidth`: radius of the kernel in embedding units. `bin_seeding`: start from the occupied
    /// bins of a grid of that width instead of from every point.
    ///
    /// # Errors
    /// [`MeanShiftError::Bandwidth`].
    pub fn new(bandwidth: f64, bin_seeding: bool) -> Result<Self, MeanShiftError> {
        if !(1e-30..=1e30).contains(&bandwidth) {
            return Err(MeanShiftError::Bandwidth(bandwidth));
        }
        Ok(Self {
            bandwidth,
            bin_seeding,
            rows: Rows::default(),
            tree: PointTree::default(),
            positions: PositionTable::default(),
            steps: Vec::new(),
            ends: Vec::new(),
            centres: CentreColumns::default(),
            mean: Vec::new(),
        })
    }

    /// Radius of the kernel.
    pub fn bandwidth(&self) -> f64 {
        self.bandwidth
    }

    /// Clusters the rows of `embeddings` (`points × size`, point-major). `clusters` is overwritten
    /// and its buffers are reused.
    ///
    /// No point, or no valid point: no cluster. Where scikit-learn raises because no bin has a point
    /// within the bandwidth (identical points at the corner of a bin), the points are the seeds.
    ///
    /// # Errors
    /// [`MeanShiftError::Shape`], [`MeanShiftError::TooMany`].
    pub fn run(&mut self, embeddings: &[f32], size: usize, clusters: &mut Clusters) -> Result<(), MeanShiftError> {
        let points = rows::checked_points(embeddings.len(), size)?;
        clusters.reset(points, size);
        self.rows.gather(embeddings, size, self.bandwidth);
        if self.rows.count() == 0 {
            return Ok(());
        }
        self.reserve();
        self.tree.build(&self.rows);
        if self.bin_seeding {
            self.seed_bins();
            self.climb(clusters);
        }
        if self.ends.is_empty() || !self.bin_seeding {
            self.climb_from_points(clusters);
        }
        self.suppress(clusters);
        clusters.work += self.centres.label(&self.tree, &self.rows, &mut clusters.label);
        Ok(())
    }

    /// Room for what blocks of this size visit at most in practice, so that buffers do not grow block by block.
    fn reserve(&mut self) {
        let positions = POSITIONS_A_POINT * self.rows.count().next_power_of_two();
        self.positions.reserve(positions, self.rows.size());
        self.steps.reserve(positions.saturating_sub(self.steps.len()));
        self.ends.reserve(self.rows.count().saturating_sub(self.ends.len()));
    }

    /// Seeds = occupied bins in order of their first point, or the points where each has its own bin.
    fn seed_bins(&mut self) {
        self.positions.clear(self.rows.size());
        for row in 0..self.rows.count() {
            self.rows.bin_centre(row, self.bandwidth, &mut self.mean);
            self.positions.intern(&self.mean);
        }
        if self.positions.len() == self.rows.count() {
            self.positions.clear(0);
        }
    }

    /// Lets every seed that is in the position table climb.
    fn climb(&mut self, clusters: &mut Clusters) {
        self.steps.clear();
        self.ends.clear();
        for seed in 0..self.positions.len() as u32 {
            self.follow(seed, clusters);
        }
    }

    fn climb_from_points(&mut self, clusters: &mut Clusters) {
        self.positions.clear(self.rows.size());
        self.steps.clear();
        self.ends.clear();
        for row in 0..self.rows.count() {
            self.mean.clear();
            self.mean.extend_from_slice(self.rows.original(row));
            let seed = self.positions.intern(&self.mean);
            self.follow(seed, clusters);
        }
    }

    /// One trajectory. A step that any trajectory took before is not computed again.
    fn follow(&mut self, seed: u32, clusters: &mut Clusters) {
        let mut here = seed;
        let mut iterations = 0;
        loop {
            let step = self.step(here, clusters);
            if step.points == 0 {
                break;
            }
            if step.settled || iterations == MAX_ITERATIONS {
                let end = &mut self.steps[step.next as usize];
                if end.ended_with == 0 {
                    self.ends.push(step.next);
                }
                // Of two trajectories that end on one position with different points, scikit-learn's
                // dictionary keeps the later.
                end.ended_with = step.points;
                break;
            }
            iterations += 1;
            here = step.next;
        }
        clusters.iterations = clusters.iterations.max(iterations);
    }

    fn step(&mut self, here: u32, clusters: &mut Clusters) -> Step {
        self.steps.resize(self.positions.len(), UNVISITED);
        let known = self.steps[here as usize];
        if known.next != UNKNOWN {
            return known;
        }
        let (points, work) =
            self.tree.mean_within(self.positions.get(here), self.bandwidth * self.bandwidth, &mut self.mean);
        clusters.means += 1;
        clusters.work += work;
        let (next, settled) = if points == 0 {
            (here, true)
        } else {
            let settled = is_settled(self.positions.get(here), &self.mean, self.bandwidth);
            (self.positions.intern(&self.mean), settled)
        };
        self.steps.resize(self.positions.len(), UNVISITED);
        let step = &mut self.steps[here as usize];
        (step.next, step.points, step.settled) = (next, points, settled);
        *step
    }

    /// Densest first; an end within the bandwidth of a kept centre is a duplicate.
    fn suppress(&mut self, clusters: &mut Clusters) {
        let (positions, steps) = (&self.positions, &self.steps);
        self.ends.sort_unstable_by(|&a, &b| {
            let points = |id: u32| steps[id as usize].ended_with;
            points(b).cmp(&points(a)).then_with(|| descending(positions.get(a), positions.get(b)))
        });
        self.centres.clear(self.rows.size());
        for &end in &self.ends {
            let position = self.positions.get(end);
            clusters.work += self.centres.count() as u64;
            if !self.centres.any_within(position, self.bandwidth * self.bandwidth) {
                self.centres.push(position);
                clusters.centre.extend_from_slice(position);
            }
        }
    }
}

/// Whether a trajectory ends with the step from `old` to `new`.
fn is_settled(old: &[f32], new: &[f32], bandwidth: f64) -> bool {
    let squared: f64 = old.iter().zip(new).map(|(&old, &new)| (f64::from(new) - f64::from(old)).powi(2)).sum();
    squared.sqrt() <= STOP_FRACTION * bandwidth
}

/// Lexicographic order, greatest first. Positions are finite.
fn descending(a: &[f32], b: &[f32]) -> std::cmp::Ordering {
    b.partial_cmp(a).unwrap_or(std::cmp::Ordering::Equal)
}
