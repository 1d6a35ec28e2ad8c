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
//! help. The points are cut into leaves of 16 (a balanced k-d partition in embedding space). All
//! points of a leaf walk the other leaves in one order, nearest box first, and stop when the next
//! box is beyond their own 30th-best. L1 distance is summed dimension by dimension, in single
//! precision, and so are the bounds: rounding is monotone, hence the bounds are never too high and
//! the answer is exactly the plain one ([`nearest_plain`]).

use super::EngineError;
use crate::geometry::Neighbours;

/// Points per leaf.
const LEAF: usize = 16;
/// Channels that are reduced at once.
const CHANNELS: usize = 32;

/// Buffers of the fusion, kept between blocks.
#[derive(Clone, Debug, Default)]
pub struct InstanceFusion {
    tree: Tree,
    /// Leaves in the order in which a leaf walks them: bound (bits), lowest index, leaf.
    walk: Vec<(u32, u32, u32)>,
    /// L1 distance (bits, high) and index (low) of the candidates of one point.
    candidate: Vec<u64>,
    neighbours: Neighbours,
}

impl InstanceFusion {
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
        fused: &mut Vec<f32>,
    ) -> Result<(), EngineError> {
        let points = self.search(embeddings, embedding_size, neighbours, radius)?.count.len();
        if channels == 0 || features.len() != points.saturating_mul(channels) {
            let expected = points.saturating_mul(channels.max(1));
            return Err(EngineError::Shape { what: "semantic features", expected, actual: features.len() });
        }
        fused.resize(features.len(), 0.0);
        // Leaf by leaf, so that the features of shared neighbours stay in the cache.
        for &point in self.tree.index.iter().chain(&self.tree.alone) {
            let neighbours = self.neighbours_of(point as usize);
            maximum_of_rows(features, channels, neighbours, &mut fused[point as usize * channels..][..channels]);
        }
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
        for leaf in 0..self.tree.leaf_count() {
            self.tree.order_walk(leaf, radius, &mut self.walk);
            let (begin, end) = self.tree.range(leaf);
            for place in begin..end {
                let point = self.tree.index[place] as usize;
                let embedding = &embeddings[point * embedding_size..][..embedding_size];
                search_point(&self.tree, &self.walk, embedding, slots, radius, &mut self.candidate);
                // A negative or NaN radius holds nothing but the point itself.
                if self.candidate.is_empty() {
                    self.candidate.push(point as u64);
                }
                write_slots(&mut self.neighbours, point, &self.candidate);
            }
        }
        for &point in &self.tree.alone {
            write_slots(&mut self.neighbours, point as usize, &[u64::from(point)]);
        }
        Ok(&self.neighbours)
    }

    fn neighbours_of(&self, point: usize) -> &[u32] {
        let Neighbours { slots, index, count } = &self.neighbours;
        &index[point * slots..][..count[point] as usize]
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

fn write_slots(neighbours: &mut Neighbours, point: usize, candidates: &[u64]) {
    let slots = &mut neighbours.index[point * neighbours.slots..][..neighbours.slots];
    for (slot, index) in slots.iter_mut().enumerate() {
        *index = candidates[if slot < candidates.len() { slot } else { 0 }] as u32;
    }
    neighbours.count[point] = candidates.len() as u32;
}

/// Leaves in `candidates` the at most `slots` nearest points within `radius` of `embedding`.
fn search_point(
    tree: &Tree,
    walk: &[(u32, u32, u32)],
    embedding: &[f32],
    slots: usize,
    radius: f32,
    candidates: &mut Vec<u64>,
) {
    candidates.clear();
    // The worst that may still come in: distance (bits, high), index (low). For distances ≥ 0 the
    // order of the bits is the order of the values.
    if radius.is_nan() || radius < 0.0 {
        return;
    }
    // Adding 0 makes +0 of −0.
    let mut limit = u64::from((radius + 0.0).to_bits()) << 32 | u64::from(u32::MAX);
    for &(bound, lowest, leaf) in walk {
        if u64::from(bound) << 32 | u64::from(lowest) > limit {
            // Boxes only get farther; a box as near as this one may still hold a lower index.
            if u64::from(bound) << 32 > limit {
                break;
            }
            continue;
        }
        let leaf = leaf as usize;
        let bound = tree.bound_to_point(leaf, embedding);
        if u64::from(bound.to_bits()) << 32 | u64::from(lowest) > limit {
            continue;
        }
        let distance = tree.distances(leaf, embedding);
        let (begin, end) = tree.range(leaf);
        for (&index, distance) in tree.index[begin..end].iter().zip(distance) {
            let key = u64::from(distance.to_bits()) << 32 | u64::from(index);
            if key <= limit {
                candidates.push(key);
            }
        }
        if candidates.len() > slots {
            candidates.select_nth_unstable(slots - 1);
            candidates.truncate(slots);
            limit = candidates[slots - 1];
        }
    }
}

/// A balanced k-d partition of the finite embeddings.
#[derive(Clone, Debug, Default)]
struct Tree {
    size: usize,
    /// Point indices leaf by leaf, each leaf full but the last of a branch.
    index: Vec<u32>,
    /// Where each leaf begins in `index`, and where the last one ends.
    begin: Vec<u32>,
    /// Lowest point index of each leaf.
    lowest: Vec<u32>,
    /// `leaf × dimension` rows of [`LEAF`] coordinates; lanes without a point repeat the first.
    column: Vec<[f32; LEAF]>,
    /// `leaf × dimension` lowest and highest coordinates.
    extent: Vec<(f32, f32)>,
    /// Points whose embedding is not finite.
    alone: Vec<u32>,
    order: Vec<u64>,
    pending: Vec<(usize, usize)>,
}

impl Tree {
    fn leaf_count(&self) -> usize {
        self.lowest.len()
    }

    fn range(&self, leaf: usize) -> (usize, usize) {
        (self.begin[leaf] as usize, self.begin[leaf + 1] as usize)
    }

    fn build(&mut self, embeddings: &[f32], size: usize) {
        self.size = size;
        self.index.clear();
        self.begin.clear();
        self.begin.push(0);
        self.lowest.clear();
        self.column.clear();
        self.extent.clear();
        self.alone.clear();
        self.order.clear();
        for (index, embedding) in (0_u32..).zip(embeddings.chunks_exact(size)) {
            if embedding.iter().all(|value| value.is_finite()) {
                self.order.push(u64::from(index));
            } else {
                self.alone.push(index);
            }
        }
        self.pending.clear();
        self.pending.push((0, self.order.len()));
        while let Some((begin, end)) = self.pending.pop() {
            if end - begin <= LEAF {
                self.push_leaf(embeddings, begin, end);
                continue;
            }
            let middle = begin + LEAF * ((end - begin).div_ceil(LEAF) / 2);
            split(&mut self.order[begin..end], embeddings, size, middle - begin);
            self.pending.push((middle, end));
            self.pending.push((begin, middle));
        }
    }

    fn push_leaf(&mut self, embeddings: &[f32], begin: usize, end: usize) {
        if begin == end {
            return;
        }
        self.index.extend(self.order[begin..end].iter().map(|&packed| packed as u32));
        let members = &self.index[begin..end];
        self.begin.push(end as u32);
        self.lowest.push(members.iter().copied().min().unwrap_or(0));
        for dimension in 0..self.size {
            let value = |&index: &u32| embeddings[index as usize * self.size + dimension];
            let mut column = [value(&members[0]); LEAF];
            for (lane, index) in column.iter_mut().zip(members) {
                *lane = value(index);
            }
            let low = column.iter().copied().fold(f32::INFINITY, f32::min);
            let high = column.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            self.column.push(column);
            self.extent.push((low, high));
        }
    }

    /// Fills `walk` with the leaves within `radius` of `leaf`, by the distance of the boxes.
    fn order_walk(&self, leaf: usize, radius: f32, walk: &mut Vec<(u32, u32, u32)>) {
        walk.clear();
        let own = &self.extent[leaf * self.size..][..self.size];
        for other in 0..self.leaf_count() {
            let extent = &self.extent[other * self.size..][..self.size];
            let mut bound = 0.0;
            for (&(low, high), &(other_low, other_high)) in own.iter().zip(extent) {
                bound += (low - other_high).max(other_low - high).max(0.0);
            }
            if bound <= radius {
                walk.push((bound.to_bits(), self.lowest[other], other as u32));
            }
        }
        walk.sort_unstable();
    }

    /// L1 distance from a point to the box of a leaf.
    #[inline]
    fn bound_to_point(&self, leaf: usize, embedding: &[f32]) -> f32 {
        let mut bound = 0.0;
        for (&(low, high), &value) in self.extent[leaf * self.size..][..self.size].iter().zip(embedding) {
            let (below, above) = (low - value, value - high);
            let outside = if below > above { below } else { above };
            bound += if outside > 0.0 { outside } else { 0.0 };
        }
        bound
    }

    /// L1 distances from a point to the lanes of a leaf.
    #[inline]
    fn distances(&self, leaf: usize, embedding: &[f32]) -> [f32; LEAF] {
        let mut distance = [0.0; LEAF];
        for (column, &value) in self.column[leaf * self.size..][..self.size].iter().zip(embedding) {
            for lane in 0..LEAF {
                distance[lane] += (column[lane] - value).abs();
            }
        }
        distance
    }
}

/// Orders `order` so that its first `middle` points lie below the others along the longest axis.
fn split(order: &mut [u64], embeddings: &[f32], size: usize, middle: usize) {
    let value = |packed: u64, dimension: usize| embeddings[packed as u32 as usize * size + dimension];
    let mut longest = (f32::NEG_INFINITY, 0);
    for dimension in 0..size {
        let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
        for &packed in order.iter() {
            let value = value(packed, dimension);
            low = if value < low { value } else { low };
            high = if value > high { value } else { high };
        }
        if high - low > longest.0 {
            longest = (high - low, dimension);
        }
    }
    for packed in order.iter_mut() {
        let bits = value(*packed, longest.1).to_bits();
        // Bits that compare as unsigned integers the way the values compare.
        let ordered = if bits >> 31 == 1 { !bits } else { bits | 0x8000_0000 };
        *packed = u64::from(ordered) << 32 | u64::from(*packed as u32);
    }
    order.select_nth_unstable(middle);
}

/// Channel-wise maximum of the given rows of `features`.
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sets(found: &Neighbours) -> Vec<Vec<u32>> {
        let rows = found.index.chunks_exact(found.slots).zip(&found.count);
        rows.map(|(row, &count)| {
            let mut row = row[..count as usize].to_vec();
            row.sort_unstable();
            row
        })
        .collect()
    }

    fn sorted(mut rows: Vec<Vec<u32>>) -> Vec<Vec<u32>> {
        rows.iter_mut().for_each(|row| row.sort_unstable());
        rows
    }

    fn embeddings() -> impl Strategy<Value = (usize, Vec<f32>)> {
        (1_usize..7, 1_usize..200).prop_flat_map(|(size, points)| {
            let values = |value: BoxedStrategy<f32>| prop::collection::vec(value, size * points);
            let odd = prop_oneof![Just(f32::NAN), Just(f32::INFINITY), Just(1e30), Just(-f32::MAX)];
            prop_oneof![
                values((-1.0_f32..1.0).boxed()),
                values((-3_i8..3).prop_map(|value| f32::from(value) * 0.125).boxed()),
                values(prop_oneof![30 => -0.2_f32..0.2, 1 => odd].boxed()),
            ]
            .prop_map(move |values| (size, values))
        })
    }

    proptest! {
        #[test]
        fn search_is_the_plain_search((size, embeddings) in embeddings(), k in 1_usize..40, radius in prop_oneof![Just(0.5_f32), Just(-0.0), -0.1_f32..2.0, Just(f32::INFINITY)]) {
            let mut fusion = InstanceFusion::default();
            let found = sets(fusion.search(&embeddings, size, k, radius).unwrap());
            prop_assert_eq!(found, sorted(nearest_plain(&embeddings, size, k, radius)));
        }

        #[test]
        fn fused_is_the_maximum((size, embeddings) in embeddings(), channels in 1_usize..70) {
            let points = embeddings.len() / size;
            let features: Vec<f32> = (0..points * channels).map(|i| (i as f32 * 12.9898).sin()).collect();
            let (mut fusion, mut fused) = (InstanceFusion::default(), vec![3.0; 5]);
            fusion.fuse(&embeddings, size, &features, channels, 30, 0.5, &mut fused).unwrap();
            for (point, near) in nearest_plain(&embeddings, size, 30, 0.5).into_iter().enumerate() {
                for channel in 0..channels {
                    let best = near.iter().map(|&i| features[i as usize * channels + channel]).fold(f32::MIN, f32::max);
                    prop_assert_eq!(fused[point * channels + channel], best);
                }
            }
        }
    }

    #[test]
    fn identical_embeddings_share_the_first_points() {
        let mut fusion = InstanceFusion::default();
        let found = fusion.search(&[0.25; 5 * 1000], 5, 30, 0.5).unwrap();
        let first: Vec<u32> = (0..30).collect();
        assert!(sets(found).iter().all(|row| *row == first));
    }

    #[test]
    fn points_without_an_embedding_are_their_own_neighbours() {
        let mut embeddings = vec![0.0; 4 * 2];
        embeddings[2] = f32::NAN;
        let (mut fusion, mut fused) = (InstanceFusion::default(), Vec::new());
        fusion.fuse(&embeddings, 2, &[1.0, 9.0, 2.0, 3.0], 1, 30, 0.5, &mut fused).unwrap();
        assert_eq!(fused, [3.0, 9.0, 3.0, 3.0]);
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        let (mut fusion, mut fused) = (InstanceFusion::default(), Vec::new());
        assert!(fusion.fuse(&[0.0; 7], 5, &[0.0; 2], 2, 30, 0.5, &mut fused).is_err());
        assert!(fusion.fuse(&[0.0; 5], 0, &[0.0; 2], 2, 30, 0.5, &mut fused).is_err());
        assert!(fusion.fuse(&[0.0; 5], 5, &[0.0; 3], 2, 30, 0.5, &mut fused).is_err());
        assert!(fusion.fuse(&[0.0; 5], 5, &[0.0; 2], 2, 0, 0.5, &mut fused).is_err());
        fusion.fuse(&[], 5, &[], 2, 30, 0.5, &mut fused).unwrap();
        assert!(fused.is_empty());
    }
}
