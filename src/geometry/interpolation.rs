//! Carrying a coarse answer back to the fine points: three nearest neighbours and their weights.
//!
//! The fine points come 32 at a time, one leaf: neighbours of each other share their candidates.
//! A coarse point whose distance to the leaf's box is above the third-smallest distance to a box's
//! farthest corner cannot be among the three nearest of any point in the leaf. The few that remain,
//! found first for four leaves together, then for each, are tried on all 32 points at once.

use super::leaves::{BOXES, LEAF, Leaves, check_points, each_axis};
use super::{GeometryError, Interpolation};

/// Leaves that are narrowed down together first.
const GROUP: usize = 4;

/// Buffers of [`three_nearest`], kept between blocks.
#[derive(Clone, Debug, Default)]
pub struct InterpolationWorkspace {
    all: Candidates,
    of_group: Candidates,
    of_leaf: Candidates,
    bounds: Bounds,
}

/// For each point of `fine` the three nearest points of `coarse`, nearest first (ties: lowest
/// index), and their inverse-square-distance weights. Where `coarse` has fewer than three points
/// the missing ones repeat the nearest with weight 0. A point so far away that its squared distance
/// overflows is no neighbour; index 0 stands in for it.
///
/// Reference: `threenn_cpu` of PointNet++'s `tf_interpolate.cpp`; weights as in
/// `pointnet_fp_module`.
///
/// Worst case: `fine × coarse` distances, when all points coincide.
///
/// # Errors
/// [`GeometryError::Empty`], [`GeometryError::TooManyPoints`] or [`GeometryError::NotFinite`] for
/// `coarse`.
pub fn three_nearest(
    fine: &Leaves,
    coarse: &[[f32; 3]],
    workspace: &mut InterpolationWorkspace,
    interpolation: &mut Interpolation,
) -> Result<(), GeometryError> {
    check_points(coarse)?;
    let known = coarse.len().min(3);
    let InterpolationWorkspace { all, of_group, of_leaf, bounds } = workspace;
    all.clear();
    (0..).zip(coarse).for_each(|(index, &point)| all.push(point, index));
    interpolation.index.resize(fine.len(), [0; 3]);
    interpolation.weight.resize(fine.len(), [0.0; 3]);
    for first in (0..fine.index.len()).step_by(GROUP) {
        let leaves = first..fine.index.len().min(first + GROUP);
        let (low, high) = surrounding_box(fine, leaves.clone());
        bounds.narrow(all, low, high, of_group);
        for leaf in leaves {
            let (low, high) = surrounding_box(fine, leaf..leaf + 1);
            bounds.narrow(of_group, low, high, of_leaf);
            let best = Best::of_leaf(fine, leaf, of_leaf);
            let points = fine.occupied[leaf].count_ones() as usize;
            for (lane, &target) in fine.index[leaf][..points].iter().enumerate() {
                let (squared, index) = best.of_lane(lane, known);
                interpolation.index[target as usize] = index;
                interpolation.weight[target as usize] = inverse_square_weights(squared, known);
            }
        }
    }
    Ok(())
}

/// Weights `(1/d²) / Σ (1/d²)` of the first `known` of three squared distances, each clamped to at
/// least 1e-10 (and to at most 1e37, so that distances that overflow still have a weight).
pub fn inverse_square_weights(squared_distance: [f32; 3], known: usize) -> [f32; 3] {
    let inverse: [f32; 3] =
        std::array::from_fn(|i| if i < known { 1.0 / squared_distance[i].clamp(1e-10, 1e37) } else { 0.0 });
    let sum = inverse[0] + inverse[1] + inverse[2];
    inverse.map(|value| value / sum)
}

/// Coarse points in index order.
#[derive(Clone, Debug, Default)]
struct Candidates {
    column: [Vec<f32>; 3],
    index: Vec<u32>,
}

impl Candidates {
    fn clear(&mut self) {
        self.column.iter_mut().for_each(Vec::clear);
        self.index.clear();
    }

    #[inline]
    fn push(&mut self, point: [f32; 3], index: u32) {
        for (column, value) in self.column.iter_mut().zip(point) {
            column.push(value);
        }
        self.index.push(index);
    }
}

/// Box of some leaves.
fn surrounding_box(fine: &Leaves, leaves: std::ops::Range<usize>) -> ([f32; 3], [f32; 3]) {
    let low = each_axis(&fine.low, |column| column[leaves.clone()].iter().copied().fold(f32::INFINITY, f32::min));
    let high = each_axis(&fine.high, |column| column[leaves.clone()].iter().copied().fold(f32::NEG_INFINITY, f32::max));
    (low, high)
}

/// Squared distances of candidates to a box.
#[derive(Clone, Debug, Default)]
struct Bounds {
    nearest: Vec<f32>,
    farthest: Vec<f32>,
}

impl Bounds {
    /// Copies to `kept` every candidate that may be among the three nearest of some point in a box.
    fn narrow(&mut self, candidates: &Candidates, low: [f32; 3], high: [f32; 3], kept: &mut Candidates) {
        let count = candidates.index.len();
        self.nearest.resize(count, 0.0);
        self.farthest.resize(count, 0.0);
        let [x, y, z] = each_axis(&candidates.column, |column| column.as_chunks::<BOXES>());
        let nearest = self.nearest.as_chunks_mut::<BOXES>();
        let farthest = self.farthest.as_chunks_mut::<BOXES>();
        let chunks = x.0.iter().zip(y.0).zip(z.0).zip(nearest.0.iter_mut().zip(farthest.0));
        for (((x, y), z), (nearest, farthest)) in chunks {
            for lane in 0..BOXES {
                (nearest[lane], farthest[lane]) = box_distances(low, high, [x[lane], y[lane], z[lane]]);
            }
        }
        let rest = x.1.iter().zip(y.1).zip(z.1).zip(nearest.1.iter_mut().zip(farthest.1));
        for (((&x, &y), &z), (nearest, farthest)) in rest {
            (*nearest, *farthest) = box_distances(low, high, [x, y, z]);
        }
        let limit = third_smallest(&self.farthest);
        kept.clear();
        for (place, &nearest) in self.nearest.iter().enumerate() {
            if nearest <= limit {
                let point = each_axis(&candidates.column, |column| column[place]);
                kept.push(point, candidates.index[place]);
            }
        }
    }
}

/// The third-smallest value, +∞ where there are fewer.
fn third_smallest(values: &[f32]) -> f32 {
    let mut smallest = [f32::INFINITY; 3];
    for &value in values {
        if value < smallest[2] {
            smallest[2] = value;
            if smallest[2] < smallest[1] {
                smallest.swap(1, 2);
            }
            if smallest[1] < smallest[0] {
                smallest.swap(0, 1);
            }
        }
    }
    smallest[2]
}

/// Squared distances from a point to a box and to the farthest corner of the box, rounded so that
/// the distance to every point inside lies between them.
#[inline(always)]
fn box_distances(low: [f32; 3], high: [f32; 3], point: [f32; 3]) -> (f32, f32) {
    let (near_x, far_x) = interval_distances(low[0], high[0], point[0]);
    let (near_y, far_y) = interval_distances(low[1], high[1], point[1]);
    let (near_z, far_z) = interval_distances(low[2], high[2], point[2]);
    (near_x * near_x + near_y * near_y + near_z * near_z, far_x * far_x + far_y * far_y + far_z * far_z)
}

/// Distances along one axis from a value to the interval `low..=high` and to its farther end.
#[inline(always)]
fn interval_distances(low: f32, high: f32, value: f32) -> (f32, f32) {
    (larger(larger(low - value, value - high), 0.0), larger(value - low, high - value))
}

/// Squared distances and indices of the three nearest candidates of each point of a leaf.
struct Best {
    squared: [[f32; LEAF]; 3],
    index: [[u32; LEAF]; 3],
}

impl Best {
    fn of_leaf(fine: &Leaves, leaf: usize, candidates: &Candidates) -> Self {
        let mut best = Self { squared: [[f32::INFINITY; LEAF]; 3], index: [[0; LEAF]; 3] };
        let [x, y, z] = each_axis(&candidates.column, Vec::as_slice);
        for (((&x, &y), &z), &index) in x.iter().zip(y).zip(z).zip(&candidates.index) {
            // Candidates come in index order: an equal distance later does not displace.
            best.insert(&fine.squared_distances(leaf, [x, y, z]), index);
        }
        best
    }

    /// Written with masks and minima, lane by lane without a branch, so that it becomes vector code.
    #[inline]
    fn insert(&mut self, squared: &[f32; LEAF], index: u32) {
        let nearer = each_axis(&self.squared, |best| -> [u32; LEAF] {
            std::array::from_fn(|lane| if squared[lane] < best[lane] { u32::MAX } else { 0 })
        });
        if nearer[2].iter().fold(0, |any, lane| any | lane) == 0 {
            return;
        }
        let [first, second, third] = &mut self.squared;
        for lane in 0..LEAF {
            third[lane] = smaller(third[lane], larger(second[lane], squared[lane]));
            second[lane] = smaller(second[lane], larger(first[lane], squared[lane]));
            first[lane] = smaller(first[lane], squared[lane]);
        }
        let [first, second, third] = &mut self.index;
        for lane in 0..LEAF {
            third[lane] = choose(nearer[1][lane], second[lane], choose(nearer[2][lane], index, third[lane]));
            second[lane] = choose(nearer[0][lane], first[lane], choose(nearer[1][lane], index, second[lane]));
            first[lane] = choose(nearer[0][lane], index, first[lane]);
        }
    }

    /// Nearest first; beyond the `known` ones the nearest again.
    fn of_lane(&self, lane: usize, known: usize) -> ([f32; 3], [u32; 3]) {
        let index = std::array::from_fn(|i| self.index[if i < known { i } else { 0 }][lane]);
        (each_axis(&self.squared, |squared| squared[lane]), index)
    }
}

#[inline(always)]
fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// `yes` where the mask is set, `no` elsewhere.
#[inline(always)]
fn choose(mask: u32, yes: u32, no: u32) -> u32 {
    (yes & mask) | (no & !mask)
}
