//! ASIS' instance-fused semantics: what a point's neighbours *in embedding space* say of its class.
//!
//! For each point, the channel-wise maximum of the semantic features over the points whose instance
//! embeddings are nearest. This is the one neighbourhood of the network that coordinates do not
//! decide, so it runs between the two parts of the network, here, and not in the graph
//! (`design/inference.md`: 228 ms in ONNX Runtime, 3 s in tract).
//!
//! # Contract
//! `design/networks.md` §1: of the 30 nearest points by L1 distance (ties: lowest index; the point
//! itself is at distance 0), those farther than 0.5 are replaced by the point itself, which never
//! changes a maximum. So: the maximum over the at most 30 nearest points within 0.5. A point whose
//! embedding is not finite is its own only neighbour, and nobody else's.
//!
//! # How
//! Embeddings of one object lie together, often a thousand within the radius, so a grid would be no
//! help. The points are cut into leaves of 32 (a balanced k-d partition in embedding space). All
//! points of a leaf walk the other leaves in one order, likely neighbours first, and pass over those
//! whose box is beyond their own 30th-best. L1 distance is summed dimension by dimension, in single
//! precision, and so are the bounds: rounding is monotone, hence the bounds are never too high and
//! the answer is exactly the plain one ([`nearest_plain`]).

mod candidates;
#[cfg(target_arch = "x86_64")]
mod compress;
#[cfg(test)]
mod tests;
mod tree;
mod walk;

use self::candidates::{Candidates, Limit, Pick, Plain};
#[cfg(target_arch = "x86_64")]
use self::compress::Compress;
use self::tree::Tree;
use self::walk::{BOXES, Walk};
use super::EngineError;
use crate::geometry::Neighbours;
use crate::instruction_set::{InstructionSet, dispatch};

/// Candidates beyond those wanted before the nearest are picked out of them.
const SLACK: usize = 32;
/// Channels that are reduced at once.
const CHANNELS: usize = 32;

/// Buffers of the fusion, kept between blocks.
#[derive(Clone, Debug)]
pub struct InstanceFusion {
    set: InstructionSet,
    tree: Tree,
    walk: Walk,
    /// Of one point.
    candidates: Candidates,
    neighbours: Neighbours,
}

impl Default for InstanceFusion {
    fn default() -> Self {
        Self::on(InstructionSet::best())
    }
}

impl InstanceFusion {
    /// A search on an instruction set; on the plain one where the processor lacks it. The answer is the same on all.
    pub fn on(set: InstructionSet) -> Self {
        Self {
            set,
            tree: Tree::default(),
            walk: Walk::default(),
            candidates: Candidates::default(),
            neighbours: Neighbours::default(),
        }
    }

    /// Writes to `fused` (`points × channels`) the channel-wise maximum of `features`
    /// (`points × channels`, point-major) over each point's at most `neighbours` nearest points
    /// within L1 distance `radius` of its embedding (`points × embedding_size`, point-major).
    ///
    /// ASIS: 30 neighbours, radius 0.5. Features that are NaN are passed over.
    ///
    /// Worst case: `points²` L1 distances; typically a tenth of it.
    ///
    /// # Errors
    /// [`EngineError::Shape`] where the slices do not hold the same number of whole points.
    #[allow(clippy::too_many_arguments)]
    pub fn fuse(
        &mut self,
        embeddings: &[f32],
        embedding_size: usize,
        features: &[f32],
        channels: usize,
        neighbours: usize,
        radius: f32,
        fused: &mut [f32],
    ) -> Result<(), EngineError> {
        let points = self.search(embeddings, embedding_size, neighbours, radius)?.count.len();
        if channels == 0 || features.len() != points.saturating_mul(channels) {
            let expected = points.saturating_mul(channels.max(1));
            return Err(EngineError::Shape { what: "semantic features", expected, actual: features.len() });
        }
        if fused.len() != features.len() {
            let (expected, actual) = (features.len(), fused.len());
            return Err(EngineError::Shape { what: "room for fused features", expected, actual });
        }
        maxima(self.set, self, features, channels, fused);
        Ok(())
    }

    /// The neighbours alone: for each point its at most `neighbours` nearest points within L1
    /// distance `radius`, in no particular order. Slots beyond a point's count repeat one of them.
    ///
    /// # Errors
    /// [`EngineError::Shape`] where the embeddings are not whole points, or where a point has
    /// neither dimension nor neighbour.
    pub fn search(
        &mut self,
        embeddings: &[f32],
        embedding_size: usize,
        neighbours: usize,
        radius: f32,
    ) -> Result<&Neighbours, EngineError> {
        let points = check_embeddings(embeddings, embedding_size, neighbours)?;
        self.tree.build(embeddings, embedding_size);
        let slots = neighbours.min(points);
        self.neighbours.slots = slots;
        self.neighbours.index.clear();
        self.neighbours.index.resize(points * slots, 0);
        self.neighbours.count.clear();
        self.neighbours.count.resize(points, 0);
        search_leaves(self.set, self, embeddings, radius);
        for &point in &self.tree.alone {
            write_slots(&mut self.neighbours, point as usize, &[point]);
        }
        Ok(&self.neighbours)
    }

    fn neighbours_of(&self, point: usize) -> &[u32] {
        let Neighbours { slots, index, count } = &self.neighbours;
        &index[point * slots..][..count[point] as usize]
    }
}

dispatch! {
    /// The neighbours of every point that has an embedding, lane by lane.
    fn search_leaves_plainly(fusion: &mut InstanceFusion, embeddings: &[f32], radius: f32) = search_every_leaf::<Plain>
}

/// The neighbours of every point that has an embedding.
fn search_leaves(set: InstructionSet, fusion: &mut InstanceFusion, embeddings: &[f32], radius: f32) {
    #[cfg(target_arch = "x86_64")]
    if set == InstructionSet::Avx512 && set.is_available() {
        dispatch! { fn compressing(fusion: &mut InstanceFusion, embeddings: &[f32], radius: f32) = search_every_leaf::<Compress> }
        return compressing(set, fusion, embeddings, radius);
    }
    search_leaves_plainly(set, fusion, embeddings, radius);
}

#[inline(always)]
fn search_every_leaf<P: Pick>(fusion: &mut InstanceFusion, embeddings: &[f32], radius: f32) {
    let InstanceFusion { tree, walk, candidates, neighbours, .. } = fusion;
    for leaf in 0..tree.leaf_count() {
        walk.plan(tree, leaf, radius);
        let (begin, end) = tree.range(leaf);
        for place in begin..end {
            let point = tree.index[place] as usize;
            let embedding = &embeddings[point * tree.size..][..tree.size];
            search_point::<P>(tree, walk, embedding, neighbours.slots, radius, candidates);
            // A negative or NaN radius holds nothing but the point itself.
            if candidates.count == 0 {
                candidates.push(0.0, point as u32);
            }
            write_slots(neighbours, point, candidates.indices());
        }
    }
}

dispatch! {
    /// The maxima over the neighbours that were found.
    fn maxima(fusion: &InstanceFusion, features: &[f32], channels: usize, fused: &mut [f32]) = every_maximum
}

#[inline(always)]
fn every_maximum(fusion: &InstanceFusion, features: &[f32], channels: usize, fused: &mut [f32]) {
    // Leaf by leaf, so that the features of shared neighbours stay in the cache.
    for &point in fusion.tree.index.iter().chain(&fusion.tree.alone) {
        let neighbours = fusion.neighbours_of(point as usize);
        maximum_of_rows(features, channels, neighbours, &mut fused[point as usize * channels..][..channels]);
    }
}

fn check_embeddings(embeddings: &[f32], size: usize, neighbours: usize) -> Result<usize, EngineError> {
    for (what, actual) in [("embedding size", size), ("embedding neighbours", neighbours)] {
        if actual == 0 {
            return Err(EngineError::Shape { what, expected: 1, actual });
        }
    }
    let points = embeddings.len() / size;
    if points * size != embeddings.len() || points >= u32::MAX as usize {
        let expected = points.min(u32::MAX as usize - 1) * size;
        return Err(EngineError::Shape { what: "embeddings", expected, actual: embeddings.len() });
    }
    Ok(points)
}

#[inline(always)]
fn write_slots(neighbours: &mut Neighbours, point: usize, found: &[u32]) {
    let slots = &mut neighbours.index[point * neighbours.slots..][..neighbours.slots];
    slots[..found.len()].copy_from_slice(found);
    slots[found.len()..].fill(found[0]);
    neighbours.count[point] = found.len() as u32;
}

/// Leaves in `candidates` the at most `slots` nearest points within `radius` of `embedding`.
#[inline(always)]
fn search_point<P: Pick>(
    tree: &Tree,
    walk: &Walk,
    embedding: &[f32],
    slots: usize,
    radius: f32,
    candidates: &mut Candidates,
) {
    candidates.clear(slots + SLACK);
    if radius.is_nan() || radius < 0.0 {
        return;
    }
    let mut limit = Limit { distance: radius, index: u32::MAX };
    for (chunk, steps) in walk.steps.chunks(BOXES).enumerate() {
        let bound = walk.bounds(chunk, embedding);
        let mut near = lanes_up_to(&bound, limit.distance, steps.len());
        while near != 0 {
            let lane = near.trailing_zeros() as usize;
            near &= near - 1;
            // The limit may have dropped meanwhile; at equal distance, the lowest index decides.
            let (bound, lowest) = (bound[lane], steps[lane].lowest);
            if bound < limit.distance || (bound == limit.distance && lowest <= limit.index) {
                let leaf = steps[lane].leaf as usize;
                let (begin, end) = tree.range(leaf);
                let distance = tree.distances(leaf, embedding);
                // SAFETY: whoever chose `P` saw to it that the processor has its instructions.
                unsafe { P::append(&distance, &tree.index[begin..end], limit.distance, candidates) };
                if candidates.count >= slots + SLACK {
                    limit = candidates.keep_nearest::<P>(slots, limit.distance);
                }
            }
        }
    }
    if candidates.count > slots {
        candidates.keep_nearest::<P>(slots, limit.distance);
    }
}

/// One bit for each of the first `count` ≥ 1 lanes in which `values` is at most `limit`.
#[inline(always)]
fn lanes_up_to<const LANES: usize>(values: &[f32; LANES], limit: f32, count: usize) -> u32 {
    let mut bits = [0_u32; LANES];
    for lane in 0..LANES {
        bits[lane] = if values[lane] <= limit { 1 << lane } else { 0 };
    }
    bits.iter().fold(0, |mask, bit| mask | bit) & (u32::MAX >> (32 - count))
}

/// Channel-wise maximum of the given rows of `features`.
#[inline(always)]
fn maximum_of_rows(features: &[f32], channels: usize, rows: &[u32], maximum: &mut [f32]) {
    let whole = channels / CHANNELS * CHANNELS;
    for first in (0..whole).step_by(CHANNELS) {
        let mut best = [f32::NEG_INFINITY; CHANNELS];
        for &row in rows {
            let feature = &features[row as usize * channels + first..][..CHANNELS];
            for (best, &feature) in best.iter_mut().zip(feature) {
                *best = if feature > *best { feature } else { *best };
            }
        }
        maximum[first..first + CHANNELS].copy_from_slice(&best);
    }
    for channel in whole..channels {
        let values = rows.iter().map(|&row| features[row as usize * channels + channel]);
        maximum[channel] = values.fold(f32::NEG_INFINITY, |best, value| if value > best { value } else { best });
    }
}

/// Plain version of [`InstanceFusion::search`]: for each point, indices of its at most `neighbours`
/// nearest points within L1 distance `radius`, nearest first.
pub fn nearest_plain(embeddings: &[f32], size: usize, neighbours: usize, radius: f32) -> Vec<Vec<u32>> {
    let points: Vec<&[f32]> = embeddings.chunks_exact(size).collect();
    let distance = |a: &[f32], b: &[f32]| a.iter().zip(b).fold(0.0_f32, |sum, (a, b)| sum + (a - b).abs());
    let finite = |point: &[f32]| point.iter().all(|value| value.is_finite());
    let search = |(own, &point): (u32, &&[f32])| {
        if !finite(point) {
            return vec![own];
        }
        let mut near: Vec<(f32, u32)> = (0..)
            .zip(&points)
            .filter(|(_, other)| finite(other))
            .map(|(index, other)| (distance(other, point), index))
            .filter(|&(distance, _)| distance <= radius)
            .collect();
        near.sort_by(|a, b| a.partial_cmp(b).expect("finite embeddings have ordered distances"));
        near.truncate(neighbours);
        if near.is_empty() { vec![own] } else { near.into_iter().map(|(_, index)| index).collect() }
    };
    (0..).zip(&points).map(search).collect()
}
