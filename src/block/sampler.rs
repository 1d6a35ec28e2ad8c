//! Which points of a window become its block under the live protocol.

use super::extent::is_candidate;
use super::{Block, BlockError, Extent, WindowKey, Windowing, floor_to_integer, write_features};
use crate::cloud::Cloud;

/// Samples a window's points without replacement, always the same ones for the same points.
///
/// Every candidate gets a pseudo-random rank from its position (to 4 mm), the window's key and the
/// seed; the block is the candidates of lowest rank, in rank order. That is a uniform sample
/// without replacement, like a seeded shuffle, with two properties that a shuffle lacks:
///
/// * it hangs on the points, not on their order or number: when the map gains a few points, the
///   sample changes by a few points, so that labels do not flicker;
/// * its order is random, which the ball query needs (it takes the *first* neighbours in index
///   order; spatially ordered points would give it one side of every ball).
///
/// With fewer candidates than a block has places, all are taken and then repeated round robin.
#[derive(Clone, Debug)]
pub struct BlockSampler {
    windowing: Windowing,
    seed: u64,
    ranked: Vec<(u64, u32)>,
}

/// Positions are ranked in cells of 1/256 m.
const CELLS_PER_METRE: f64 = 256.0;

impl BlockSampler {
    /// A sampler. In the field the seed is a constant; training takes another one every epoch.
    ///
    /// # Errors
    /// [`BlockError::Windowing`] for sizes that cannot be meant.
    pub fn new(windowing: Windowing, seed: u64) -> Result<Self, BlockError> {
        windowing.check()?;
        Ok(Self { windowing, seed, ranked: Vec::new() })
    }

    /// Size, stride and point count that this sampler was made for.
    pub fn windowing(&self) -> &Windowing {
        &self.windowing
    }

    /// Makes room for windows of `candidates` points.
    pub fn reserve(&mut self, candidates: usize) {
        self.ranked.reserve(candidates.saturating_sub(self.ranked.len()));
    }

    /// Fills `block` with [`Windowing::points`] of the candidates (indices into `cloud`, any
    /// order, each once). Broken candidates (not finite, beyond
    /// [`COORDINATE_LIMIT`](super::COORDINATE_LIMIT)) are passed over.
    ///
    /// Work: one pass over the candidates, one selection, one sort of the block.
    ///
    /// # Errors
    /// [`BlockError::NoCandidate`] where no candidate is left; an index beyond the cloud; a colour
    /// column that does not fit. The block is then empty.
    pub fn sample(
        &mut self,
        candidates: &[u32],
        cloud: &Cloud,
        extent: &Extent,
        key: WindowKey,
        block: &mut Block,
    ) -> Result<(), BlockError> {
        block.key = key;
        block.index.clear();
        block.distinct = 0;
        block.features.clear();
        block.position.clear();
        self.rank(candidates, cloud, key)?;
        if self.ranked.is_empty() {
            return Err(BlockError::NoCandidate { key });
        }
        let points = self.windowing.points;
        if self.ranked.len() > points {
            self.ranked.select_nth_unstable(points - 1);
            self.ranked.truncate(points);
        }
        self.ranked.sort_unstable();
        block.distinct = self.ranked.len();
        block.index.extend(self.ranked.iter().cycle().take(points).map(|&(_, index)| index));
        let Block { index, features, position, .. } = block;
        write_features(cloud, index, extent, self.windowing.size, features, position)
    }

    fn rank(&mut self, candidates: &[u32], cloud: &Cloud, key: WindowKey) -> Result<(), BlockError> {
        let start = mix(self.seed ^ mix((u64::from(key.x as u32) << 32) | u64::from(key.y as u32)));
        self.ranked.clear();
        for &index in candidates {
            let Some(point) = cloud.position.get(index as usize) else {
                return Err(BlockError::Index { index, points: cloud.len() });
            };
            if is_candidate(point) {
                let rank = point.iter().fold(start, |state, &value| {
                    mix(state ^ floor_to_integer(f64::from(value) * CELLS_PER_METRE) as u64)
                });
                self.ranked.push((rank, index));
            }
        }
        Ok(())
    }
}

/// The output function of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): scrambles 64 bits.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: WindowKey = WindowKey { x: 3, y: -4 };

    fn cloud(points: usize) -> Cloud {
        let position = (0..points as u64)
            .map(|i| {
                let bits = mix(i);
                std::array::from_fn(|axis| ((bits >> (axis * 20)) & 0xf_ffff) as f32 / 1_048_576.0)
            })
            .collect();
        Cloud { position, colour: None }
    }

    fn sample(cloud: &Cloud, candidates: &[u32], seed: u64) -> Result<Block, BlockError> {
        let extent = Extent { minimum: [0.0; 3], maximum: [1.0; 3] };
        let mut block = Block::default();
        let mut sampler = BlockSampler::new(Windowing::default(), seed).unwrap();
        sampler.sample(candidates, cloud, &extent, KEY, &mut block).map(|()| block)
    }

    #[test]
    fn every_size_fills_the_block() {
        for points in [1, 2, 99, 4095, 4096, 4097, 50_000, 3_000_000] {
            let cloud = cloud(points);
            let candidates: Vec<u32> = (0..points as u32).collect();
            let block = sample(&cloud, &candidates, 0).unwrap();
            assert_eq!((block.index.len(), block.position.len(), block.features.len()), (4096, 4096, 4096 * 9));
            assert_eq!(block.distinct, points.min(4096));
            let mut counts = std::collections::BTreeMap::new();
            block.index.iter().for_each(|&index| *counts.entry(index).or_insert(0_usize) += 1);
            assert_eq!(counts.len(), points.min(4096), "without replacement");
            let (fewest, most) = (counts.values().min().unwrap(), counts.values().max().unwrap());
            assert!(most - fewest <= 1, "round robin");
            assert!(block.features.iter().all(|value| value.is_finite()));
        }
        assert_eq!(sample(&cloud(3), &[], 0), Err(BlockError::NoCandidate { key: KEY }));
        assert_eq!(sample(&cloud(3), &[3], 0), Err(BlockError::Index { index: 3, points: 3 }));
    }

    #[test]
    fn the_sample_is_spread_evenly() {
        // An eighth of the cube holds an eighth of the sample, within five standard deviations.
        let cloud = cloud(100_000);
        let candidates: Vec<u32> = (0..100_000).collect();
        let block = sample(&cloud, &candidates, 0).unwrap();
        let corner =
            block.index.iter().filter(|&&index| cloud.position[index as usize].iter().all(|&value| value < 0.5));
        assert!((corner.count() as f64 - 512.0).abs() < 5.0 * (512.0_f64 * 7.0 / 8.0).sqrt());
        assert_ne!(block.index, sample(&cloud, &candidates, 1).unwrap().index);
    }

    #[test]
    fn broken_and_identical_points_are_defined() {
        let mut cloud = Cloud { position: vec![[0.25; 3]; 5000], colour: None };
        let candidates: Vec<u32> = (0..5000).collect();
        let block = sample(&cloud, &candidates, 0).unwrap();
        assert_eq!(block.index, (0..4096).collect::<Vec<u32>>());
        cloud.position[5] = [f32::NAN, 0.0, 0.0];
        cloud.position[6] = [0.0, 0.0, 1.0e30];
        let block = sample(&cloud, &candidates, 0).unwrap();
        assert!(!block.index.contains(&5) && !block.index.contains(&6));
        cloud.position.fill([f32::NAN; 3]);
        assert_eq!(sample(&cloud, &candidates, 0), Err(BlockError::NoCandidate { key: KEY }));
    }

    proptest! {
        #[test]
        fn a_few_new_points_change_a_few_samples(added in 1_usize..400, seed: u64) {
            let cloud = cloud(12_000);
            let before: Vec<u32> = (0..10_000).collect();
            let mut after: Vec<u32> = (0..10_000 + added as u32).collect();
            let first = sample(&cloud, &before, seed).unwrap();
            let second = sample(&cloud, &after, seed).unwrap();
            let gone = first.index.iter().filter(|index| !second.index.contains(index)).count();
            prop_assert!(gone <= added);
            after.reverse();
            let reversed = sample(&cloud, &after, seed).unwrap();
            prop_assert_eq!(&second.features, &reversed.features);
        }
    }
}
