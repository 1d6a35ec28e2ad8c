//! Farthest-point sampling: the points that stand for the rest.
//!
//! Start at point 0; again and again take the point that is farthest from all taken so far. The
//! direct version touches every point for every sample. Here each leaf remembers the farthest of
//! its points; a new sample that is farther from the leaf's box than that changes nothing inside,
//! so late in the sampling only a handful of leaves are touched.

use super::GeometryError;
use super::leaves::{BOXES, LEAF, Leaves, index_of_tie_key, tie_key};
use super::plain::NEVER_SEEN;

/// Buffers of [`farthest_point_sampling`], kept between blocks.
#[derive(Clone, Debug, Default)]
pub struct SamplingWorkspace {
    /// Squared distance of each point to the nearest sample; −1 in lanes without a point.
    distance: Vec<[f32; LEAF]>,
    /// The largest of them in each leaf; −1 in the padding.
    farthest: Vec<f32>,
    /// Tie key of the first point that has it.
    farthest_key: Vec<u32>,
}

/// Chooses `count` of the points in `leaves`, which were built from `position`, by farthest-point
/// sampling. `chosen` receives their indices in the order of choice, the first being 0.
///
/// Reference: `farthestpointsampleKernel` of PointNet++'s `tf_sampling_g.cu`. Among points equally
/// far, the lowest `index mod 512` wins, then the lowest index, as its 512 threads decide it.
///
/// Worst case: `count × points` distances (plain sampling's cost), typically a tenth of it.
///
/// # Errors
/// [`GeometryError::TooFewPoints`] (level 1) when `count` exceeds the number of points.
pub fn farthest_point_sampling(
    leaves: &Leaves,
    position: &[[f32; 3]],
    count: usize,
    workspace: &mut SamplingWorkspace,
    chosen: &mut Vec<u32>,
) -> Result<(), GeometryError> {
    if count > leaves.len() || leaves.len() != position.len() {
        let actual = leaves.len().min(position.len());
        return Err(GeometryError::TooFewPoints { level: 1, expected: count, actual });
    }
    chosen.clear();
    if count == 0 {
        return Ok(());
    }
    workspace.start(leaves);
    let mut newest = 0;
    chosen.push(newest);
    while chosen.len() < count {
        newest = workspace.step(leaves, position[newest as usize]);
        chosen.push(newest);
    }
    Ok(())
}

impl SamplingWorkspace {
    fn start(&mut self, leaves: &Leaves) {
        self.distance.clear();
        self.distance.extend(
            leaves
                .occupied
                .iter()
                .map(|&occupied| std::array::from_fn(|lane| if occupied >> lane & 1 == 1 { NEVER_SEEN } else { -1.0 })),
        );
        self.farthest.clear();
        self.farthest.resize(leaves.index.len(), NEVER_SEEN);
        self.farthest.resize(leaves.low[0].len(), -1.0);
        self.farthest_key.clear();
        self.farthest_key.extend(leaves.index.iter().map(|index| tie_key(index[0])));
        self.farthest_key.resize(leaves.low[0].len(), u32::MAX);
    }

    /// Takes `newest` into account and returns the point that is now farthest from all samples.
    #[inline]
    fn step(&mut self, leaves: &Leaves, newest: [f32; 3]) -> u32 {
        for chunk in 0..leaves.box_chunks() {
            let limit = &self.farthest.as_chunks::<BOXES>().0[chunk];
            let mut near = leaves.near_boxes(chunk, newest, limit);
            while near != 0 {
                self.update_leaf(leaves, chunk * BOXES + near.trailing_zeros() as usize, newest);
                near &= near - 1;
            }
        }
        index_of_tie_key(self.farthest_of_all())
    }

    #[inline]
    fn update_leaf(&mut self, leaves: &Leaves, leaf: usize, newest: [f32; 3]) {
        let to_newest = leaves.squared_distances(leaf, newest);
        let distance = &mut self.distance[leaf];
        for lane in 0..LEAF {
            let (new, old) = (to_newest[lane], distance[lane]);
            distance[lane] = if new < old { new } else { old };
        }
        let farthest = maximum(distance);
        // Lanes are in tie order: the first one that has the maximum wins.
        let lane = lanes_equal(distance, farthest).trailing_zeros() as usize;
        self.farthest[leaf] = farthest;
        self.farthest_key[leaf] = tie_key(leaves.index[leaf][lane]);
    }

    /// Tie key of the farthest point.
    #[inline]
    fn farthest_of_all(&self) -> u32 {
        let farthest = maximum(&self.farthest);
        let keys = self.farthest_key.as_chunks::<BOXES>().0;
        let mut best = [u32::MAX; BOXES];
        for (distance, key) in self.farthest.as_chunks::<BOXES>().0.iter().zip(keys) {
            for lane in 0..BOXES {
                let candidate = if distance[lane] == farthest { key[lane] } else { u32::MAX };
                best[lane] = best[lane].min(candidate);
            }
        }
        best.into_iter().fold(u32::MAX, u32::min)
    }
}

/// The largest of values that are ≥ −1 and not NaN; their number is a multiple of [`BOXES`].
#[inline]
fn maximum(values: &[f32]) -> f32 {
    let mut best = [-1.0_f32; BOXES];
    for chunk in values.as_chunks::<BOXES>().0 {
        for lane in 0..BOXES {
            best[lane] = if chunk[lane] > best[lane] { chunk[lane] } else { best[lane] };
        }
    }
    best.into_iter().fold(-1.0, |best, value| if value > best { value } else { best })
}

/// One bit per lane that equals `value`.
#[inline]
fn lanes_equal(values: &[f32; LEAF], value: f32) -> u32 {
    let mut bits = [0_u32; LEAF];
    for lane in 0..LEAF {
        bits[lane] = if values[lane] == value { 1 << lane } else { 0 };
    }
    bits.iter().fold(0, |mask, bit| mask | bit)
}
