//! Carrying a coarse answer back to the fine points: three nearest neighbours and their weights.
//!
//! The fine points come 32 at a time, one leaf: neighbours of each other share their candidates.
//! A coarse point whose nearest corner of the leaf's box is farther than the third-best farthest
//! corner cannot be among the three nearest of any point in the leaf; the few that remain are tried
//! on all 32 points at once.

use super::leaves::{LEAF, Leaves, check_points};
use super::{GeometryError, Interpolation};

/// Fine points that are answered at once: as many as a vector register holds.
const LANES: usize = 4;

/// Buffers of [`three_nearest`], kept between blocks.
#[derive(Clone, Debug, Default)]
pub struct InterpolationWorkspace {
    column: [Vec<f32>; 3],
    nearest: Vec<f32>,
    candidate: Vec<([f32; 3], u32)>,
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
    for (axis, column) in workspace.column.iter_mut().enumerate() {
        column.clear();
        column.extend(coarse.iter().map(|point| point[axis]));
    }
    interpolation.index.clear();
    interpolation.index.resize(fine.len(), [0; 3]);
    interpolation.weight.clear();
    interpolation.weight.resize(fine.len(), [0.0; 3]);
    for leaf in 0..fine.index.len() {
        workspace.find_candidates(fine, leaf);
        for group in 0..LEAF / LANES {
            if fine.occupied[leaf] >> (group * LANES) == 0 {
                break;
            }
            let point = fine.column.each_ref().map(|column| column[leaf].as_chunks::<LANES>().0[group]);
            let (distance, index) = nearest_of_candidates(&workspace.candidate, point);
            for lane in 0..LANES {
                let target = fine.index[leaf][group * LANES + lane] as usize;
                if fine.occupied[leaf] >> (group * LANES + lane) & 1 == 0 {
                    break;
                }
                let mut index = [index[0][lane], index[1][lane], index[2][lane]];
                for missing in known..3 {
                    index[missing] = index[0];
                }
                interpolation.index[target] = index;
                interpolation.weight[target] =
                    inverse_square_weights([distance[0][lane], distance[1][lane], distance[2][lane]], known);
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

impl InterpolationWorkspace {
    /// Fills `candidate` with every coarse point, in index order, that may be among the three
    /// nearest of some point of the leaf.
    fn find_candidates(&mut self, fine: &Leaves, leaf: usize) {
        let low: [f32; 3] = std::array::from_fn(|axis| fine.low[axis][leaf]);
        let high: [f32; 3] = std::array::from_fn(|axis| fine.high[axis][leaf]);
        let [x, y, z] = &self.column;
        self.nearest.clear();
        let mut limit = [f32::INFINITY; 3];
        for ((&x, &y), &z) in x.iter().zip(y).zip(z) {
            let point = [x, y, z];
            let (near, far) = box_distances(low, high, point);
            self.nearest.push(near);
            // The third smallest of the distances to the farthest corner.
            if far < limit[2] {
                limit[2] = far;
                if limit[2] < limit[1] {
                    limit.swap(1, 2);
                }
                if limit[1] < limit[0] {
                    limit.swap(0, 1);
                }
            }
        }
        self.candidate.clear();
        for (index, &near) in self.nearest.iter().enumerate() {
            if near <= limit[2] {
                self.candidate.push(([x[index], y[index], z[index]], index as u32));
            }
        }
    }
}

/// Squared distances from a point to the nearest and to the farthest corner of a box, rounded so
/// that every point inside lies between them.
#[inline]
fn box_distances(low: [f32; 3], high: [f32; 3], point: [f32; 3]) -> (f32, f32) {
    let (mut near, mut far) = ([0.0_f32; 3], [0.0_f32; 3]);
    for axis in 0..3 {
        let (below, above) = (low[axis] - point[axis], point[axis] - high[axis]);
        let outside = if below > above { below } else { above };
        near[axis] = if outside > 0.0 { outside } else { 0.0 };
        let (to_low, to_high) = (point[axis] - low[axis], high[axis] - point[axis]);
        far[axis] = if to_low > to_high { to_low } else { to_high };
    }
    (near[0] * near[0] + near[1] * near[1] + near[2] * near[2], far[0] * far[0] + far[1] * far[1] + far[2] * far[2])
}

/// Squared distances and indices of the three nearest candidates of each lane, nearest first.
#[inline]
fn nearest_of_candidates(
    candidates: &[([f32; 3], u32)],
    point: [[f32; LANES]; 3],
) -> ([[f32; LANES]; 3], [[u32; LANES]; 3]) {
    let mut best = [[f32::INFINITY; LANES]; 3];
    let mut index = [[0_u32; LANES]; 3];
    for &(candidate, candidate_index) in candidates {
        for lane in 0..LANES {
            let dx = candidate[0] - point[0][lane];
            let dy = candidate[1] - point[1][lane];
            let dz = candidate[2] - point[2][lane];
            let distance = dx * dx + dy * dy + dz * dz;
            let (first, second, third) = (distance < best[0][lane], distance < best[1][lane], distance < best[2][lane]);
            best[2][lane] = if second {
                best[1][lane]
            } else if third {
                distance
            } else {
                best[2][lane]
            };
            index[2][lane] = if second {
                index[1][lane]
            } else if third {
                candidate_index
            } else {
                index[2][lane]
            };
            best[1][lane] = if first {
                best[0][lane]
            } else if second {
                distance
            } else {
                best[1][lane]
            };
            index[1][lane] = if first {
                index[0][lane]
            } else if second {
                candidate_index
            } else {
                index[1][lane]
            };
            best[0][lane] = if first { distance } else { best[0][lane] };
            index[0][lane] = if first { candidate_index } else { index[0][lane] };
        }
    }
    (best, index)
}
