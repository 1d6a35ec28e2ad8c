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
//!    table and its step is taken from there (`climb`).
//! 3. Points lie in a tree of boxes, eight to a group, sixteen points to a leaf, in columns that
//!    vector instructions test together (`tree`, `simd`).
//! 4. The ends of the trajectories lie in such a tree, too: a kept centre takes out its duplicates with
//!    one search, and a leaf of points is compared only with the centres that its box cannot rule out
//!    (`centres`).
//!
//! None of this changes a bit of the answer: [`mean_shift_plain`] does it point by point, and property
//! tests hold the two together, on every instruction set.
//!
//! **Anytime.** [`MeanShift::run_within`] begins no search once its budget is spent. The base is one
//! pass over the occupied bins (`bins`): the mean of a bin stands for the end of its trajectory. Seeds
//! climb densest bin first, and each end that is reached replaces its stand-in; a stand-in beside a
//! denser end is no cluster. Points are labelled with the nearest centre while the budget lasts, and
//! with the cluster that their bin went to after that. So every finite point has a cluster at every
//! cut-off, the same input and budget give the same bytes, and a budget that suffices gives
//! scikit-learn's answer.
//!
//! **Cost.** Counted in distances, to points, boxes and centres, in [`Clusters::work`]; a search counts
//! 100 on top, which it takes as long as. A search among `m` points is at most `9/8 m + 192`. With `n`
//! points, `s` seeds (`s ≤ n`), `e ≤ s` ends and `c ≤ e` centres, a run does at most `301 s` means, each
//! a search among `n`; one search among `e` for each centre; and for each of the `n / 16` leaves one
//! search among `e` and `16 c` distances. Tests assert it. A run within a budget does at most
//! `budget + 64 (n + 8)` ([`OVERDRAFT`]). Beside this, bins and trees take `O(n log n)` steps, 0.3 ms
//! for 4096 points. Memory: `O(n)` and at most `301 s` visited positions.
//!
//! Blocks of 4096 points of the shipped models need up to 700 means and 650 000 distances;
//! [`DEFAULT_BUDGET`] is above that.

#[cfg(test)]
mod adversarial;
mod bins;
mod centres;
mod climb;
mod median;
mod meter;
mod plain;
mod positions;
mod rows;
mod simd;
#[cfg(test)]
mod tests;
mod tree;

use crate::instruction_set::InstructionSet;
use bins::Bins;
use centres::Centres;
use climb::{Ground, Outcome, Trajectories};
use meter::Meter;
use rows::Rows;
use simd::Dispatcher;
use tree::{LEAF, PointTree};

pub use plain::mean_shift_plain;

/// Label of a point that belongs to no cluster: its row is not finite, or lies further than
/// 2²⁰ bandwidths from the origin, where an `f32` cannot resolve a bandwidth.
pub const NO_CLUSTER: u32 = u32::MAX;

/// Budget of a block on the robot, in the unit of [`Clusters::work`].
pub const DEFAULT_BUDGET: u64 = 680_000;

/// Distances a point that a run may compute beyond its budget, to turn what was found into labels:
/// [`MeanShift::run_within`] never does more than `budget + OVERDRAFT · (points + 8)`.
pub const OVERDRAFT: u64 = 64;

/// Distances a point that are granted for centres and labels once the climb is over. The rest of the
/// overdraft is for what was begun within the budget and ends beyond it: one search among the points,
/// one among the ends, and one leaf, whose sixteen points may each be compared with all centres.
const FINISHING: u64 = 12;

/// What a search takes beside its distances, in distances: measured where a ball holds few points.
const SEARCH: u64 = 100;

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
    /// Distances that were computed, to points, boxes and centres, and 100 for each search.
    pub work: u64,
    /// The budget ran out: every point has a label, but not all are scikit-learn's.
    pub cut: bool,
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
        (self.size, self.iterations, self.means, self.work, self.cut) = (size, 0, 0, 0, false);
    }
}

/// End of a bin whose trajectory has not been followed, or not to its end.
const UNREACHED: u32 = u32::MAX;
/// End of a bin whose trajectory met no point.
const LOST: u32 = u32::MAX - 1;

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
    dispatcher: Dispatcher,
    rows: Rows,
    tree: PointTree,
    bins: Bins,
    trajectories: Trajectories,
    /// Where the trajectory of each bin ended, or [`UNREACHED`], or [`LOST`].
    bin_end: Vec<u32>,
    centres: Centres,
    position: Vec<f32>,
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
            dispatcher: Dispatcher::new(InstructionSet::best()),
            rows: Rows::default(),
            tree: PointTree::default(),
            bins: Bins::default(),
            trajectories: Trajectories::default(),
            bin_end: Vec::new(),
            centres: Centres::default(),
            position: Vec::new(),
        })
    }

    /// Runs on these instructions instead of the best, or on the plain ones where the processor lacks
    /// them. The answer is the same on all.
    pub fn with_instruction_set(mut self, set: InstructionSet) -> Self {
        self.dispatcher = Dispatcher::new(set);
        self
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
        self.run_within(embeddings, size, u64::MAX, clusters)
    }

    /// Like [`run`](Self::run), but begins nothing new once `budget` distances have been computed, in
    /// the unit of [`Clusters::work`], and then does at most [`OVERDRAFT`] more a point to label every
    /// point with what has been found.
    ///
    /// If the budget suffices, the answer is that of [`run`](Self::run), bit for bit. If not,
    /// [`Clusters::cut`] is set; the answer then depends on the input and the budget alone.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_within(
        &mut self,
        embeddings: &[f32],
        size: usize,
        budget: u64,
        clusters: &mut Clusters,
    ) -> Result<(), MeanShiftError> {
        let points = rows::checked_points(embeddings.len(), size)?;
        clusters.reset(points, size);
        self.rows.gather(embeddings, size, self.bandwidth);
        if self.rows.count() == 0 {
            return Ok(());
        }
        self.tree.build(self.rows.all_snapped(), self.rows.originals(), size);
        self.bins.count_rows(&self.rows);
        self.trajectories.reserve(self.rows.count(), size);
        let mut meter = Meter::new(budget);
        let climbed = self.climb(&mut meter, clusters);
        if !climbed {
            self.end_in_bins();
        }
        clusters.work = meter.done();
        if self.trajectories.ends().is_empty() {
            return Ok(());
        }
        meter.grant(FINISHING * self.rows.count() as u64);
        let squared_radius = self.bandwidth * self.bandwidth;
        let Self { trajectories, dispatcher, .. } = self;
        let distinct = self.centres.suppress(trajectories, size, squared_radius, *dispatcher, &mut meter, clusters);
        let labelled = self.label(&mut meter, clusters);
        clusters.cut = !(climbed && distinct && labelled);
        clusters.work = meter.done();
        Ok(())
    }

    /// Lets every seed climb, those in the densest bins first. Returns whether all did.
    fn climb(&mut self, meter: &mut Meter, clusters: &mut Clusters) -> bool {
        let Self { bandwidth, bin_seeding, dispatcher, rows, tree, bins, trajectories, bin_end, position, .. } = self;
        let ground = Ground { tree, bandwidth: *bandwidth, dispatcher: *dispatcher };
        // scikit-learn takes the points where each has a bin of its own.
        if *bin_seeding && bins.len() < rows.count() {
            trajectories.clear(rows.size());
            bin_end.clear();
            bin_end.resize(bins.len(), UNREACHED);
            for bin in (0..bins.len()).map(|rank| bins.ranked(rank)) {
                rows::bin_centre(bins.coordinates(bin), *bandwidth, position);
                let outcome = trajectories.follow(bin, position, &ground, meter, clusters);
                bin_end[bin as usize] = end_of(outcome);
                if outcome == Outcome::Cut {
                    return false;
                }
            }
            if !trajectories.ends().is_empty() {
                return true;
            }
        }
        trajectories.clear(rows.size());
        bin_end.clear();
        bin_end.resize(bins.len(), UNREACHED);
        // The first point of each bin speaks for it.
        let first = (0..bins.len()).map(|rank| bins.first_row(bins.ranked(rank)));
        let other = (0..rows.count() as u32).filter(|&row| bins.first_row(bins.of_row(row)) != row);
        for row in first.chain(other) {
            let outcome = trajectories.follow(row, rows.original(row as usize), &ground, meter, clusters);
            if outcome == Outcome::Cut {
                return false;
            }
            let bin = bins.of_row(row);
            if bins.first_row(bin) == row {
                bin_end[bin as usize] = end_of(outcome);
            }
        }
        true
    }

    /// The mean of each bin that was not reached stands for the end of its trajectory.
    fn end_in_bins(&mut self) {
        let Self { rows, bins, trajectories, bin_end, position, .. } = self;
        bins.sum_rows(rows);
        for (bin, end) in bin_end.iter_mut().enumerate().filter(|(_, end)| **end == UNREACHED) {
            bins.mean(bin as u32, position);
            *end = trajectories.stand_in(position, bins.points(bin as u32));
        }
    }

    /// Labels leaf by leaf with the nearest centre, and once the budget is spent with the cluster that
    /// the point's bin climbed to. Returns whether it was not.
    fn label(&mut self, meter: &mut Meter, clusters: &mut Clusters) -> bool {
        let size = self.rows.size();
        let Clusters { label, centre, .. } = clusters;
        let (mut last, mut complete) = (0, true);
        let mut nearest = [0; LEAF];
        for leaf in 0..self.tree.leaves() {
            let members = self.tree.leaf(leaf).0;
            // The first leaf always: what follows may lean on it.
            if leaf > 0 && meter.is_spent() {
                complete = false;
                for (&row, nearest) in members.iter().zip(&mut nearest) {
                    let end = self.bin_end[self.bins.of_row(row) as usize];
                    // A lost bin's points go with the point before, which lies near.
                    *nearest = if end < LOST { self.trajectories.cluster(end) } else { last };
                    last = *nearest;
                }
            } else {
                let guess = &centre[last as usize * size..][..size];
                meter.add(self.centres.label_leaf(&self.tree, leaf, self.dispatcher, guess, &mut nearest));
            }
            for (&row, &nearest) in members.iter().zip(&nearest) {
                label[self.rows.index(row as usize)] = nearest;
                last = nearest;
            }
        }
        complete
    }
}

fn end_of(outcome: Outcome) -> u32 {
    match outcome {
        Outcome::End(end) => end,
        Outcome::Lost => LOST,
        Outcome::Cut => UNREACHED,
    }
}
