//! Points that may be among the nearest, and which of them are.

use super::tree::LEAF;

/// Values that are compared at once.
pub(super) const LANES: usize = 16;

/// Most distances that are tried before candidates are ordered instead.
const HALVINGS: usize = 20;

/// How a processor picks some lanes of many.
///
/// # Safety
/// The processor has the instructions that an implementation is made of.
pub(super) trait Pick {
    /// How many distances, a multiple of [`LANES`], are at most `limit`.
    ///
    /// # Safety
    /// As for the trait.
    unsafe fn count(distance: &[f32], limit: f32) -> usize;

    /// Appends to `candidates` the lanes below `count` whose distance is at most `limit`.
    ///
    /// # Safety
    /// As for the trait.
    unsafe fn append(distance: &[f32; LEAF], index: &[u32], limit: f32, candidates: &mut Candidates);

    /// Moves the candidates whose distance is at most `limit` to the front, in their order, and drops the others.
    ///
    /// # Safety
    /// As for the trait.
    unsafe fn keep_up_to(limit: f32, candidates: &mut Candidates);
}

/// Candidates of one point: distances and indices side by side. Beyond the last lie distances of infinity, up to a
/// multiple of [`LANES`].
#[derive(Clone, Debug, Default)]
pub(super) struct Candidates {
    pub(super) distance: Vec<f32>,
    pub(super) index: Vec<u32>,
    pub(super) count: usize,
    keys: Vec<u64>,
}

/// The farthest that may still come in: its distance, and at that distance its index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Limit {
    pub(super) distance: f32,
    pub(super) index: u32,
}

impl Candidates {
    /// Empties the list and makes room for `most` candidates, two leaves beyond.
    #[inline(always)]
    pub(super) fn clear(&mut self, most: usize) {
        let room = (most + 2 * LEAF).next_multiple_of(LANES);
        if self.distance.len() < room {
            self.distance.resize(room, f32::INFINITY);
            self.index.resize(room, 0);
        }
        self.count = 0;
    }

    /// The indices of the candidates.
    #[inline(always)]
    pub(super) fn indices(&self) -> &[u32] {
        &self.index[..self.count]
    }

    #[inline(always)]
    pub(super) fn push(&mut self, distance: f32, index: u32) {
        (self.distance[self.count], self.index[self.count]) = (distance, index);
        self.count += 1;
    }

    /// Drops all but the `slots` nearest of more candidates than that, none beyond `farthest`; of equally near ones those
    /// of the lowest indices stay. Gives the limit for those to come.
    ///
    /// Most often a distance is found by halving that just `slots` candidates do not exceed, in some ten steps. There is
    /// none where the last place is contested by equally near ones, and it takes long where they lie very close: then they
    /// are ordered by distance and index.
    #[inline(always)]
    pub(super) fn keep_nearest<P: Pick>(&mut self, slots: usize, farthest: f32) -> Limit {
        let end = self.count.next_multiple_of(LANES);
        self.distance[self.count..end].fill(f32::INFINITY);
        let (mut low, mut high) = (0.0_f32, farthest);
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            // SAFETY: whoever chose `P` saw to it that the processor has its instructions.
            let near = unsafe { P::count(&self.distance[..end], middle) };
            if near == slots {
                // SAFETY: as above.
                unsafe { P::keep_up_to(middle, self) };
                return Limit { distance: middle, index: u32::MAX };
            }
            if near < slots {
                low = middle;
            } else {
                high = middle;
            }
        }
        self.order_nearest(slots)
    }

    /// As [`keep_nearest`](Self::keep_nearest), by the order of (distance, index).
    #[cold]
    fn order_nearest(&mut self, slots: usize) -> Limit {
        self.keys.clear();
        // The bits of floats ≥ +0 order as the floats do.
        let pairs = self.distance.iter().zip(&self.index).take(self.count);
        self.keys.extend(pairs.map(|(distance, &index)| u64::from(distance.to_bits()) << 32 | u64::from(index)));
        self.keys.select_nth_unstable(slots - 1);
        self.count = slots;
        for (place, &key) in self.keys[..slots].iter().enumerate() {
            (self.distance[place], self.index[place]) = (f32::from_bits((key >> 32) as u32), key as u32);
        }
        let last = self.keys[slots - 1];
        Limit { distance: f32::from_bits((last >> 32) as u32), index: last as u32 }
    }
}

/// Lane by lane.
pub(super) struct Plain;

impl Pick for Plain {
    #[inline(always)]
    unsafe fn count(distance: &[f32], limit: f32) -> usize {
        let mut counts = [0_u32; LANES];
        for chunk in distance.as_chunks::<LANES>().0 {
            for lane in 0..LANES {
                counts[lane] += u32::from(chunk[lane] <= limit);
            }
        }
        counts.iter().sum::<u32>() as usize
    }

    #[inline(always)]
    unsafe fn append(distance: &[f32; LEAF], index: &[u32], limit: f32, candidates: &mut Candidates) {
        for (&distance, &index) in distance.iter().zip(index) {
            // Written whether or not it counts: no branch to guess.
            (candidates.distance[candidates.count], candidates.index[candidates.count]) = (distance, index);
            candidates.count += usize::from(distance <= limit);
        }
    }

    #[inline(always)]
    unsafe fn keep_up_to(limit: f32, candidates: &mut Candidates) {
        let mut kept = 0;
        for place in 0..candidates.count {
            let (distance, index) = (candidates.distance[place], candidates.index[place]);
            (candidates.distance[kept], candidates.index[kept]) = (distance, index);
            kept += usize::from(distance <= limit);
        }
        candidates.count = kept;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_nearest_stay(
            distances in prop::collection::vec(prop_oneof![0.0f32..1.0, Just(0.25f32), Just(0.0f32)], 2..90),
            share in 0.0f64..1.0,
        ) {
            let slots = ((distances.len() as f64 * share) as usize).clamp(1, distances.len() - 1);
            let mut candidates = Candidates::default();
            candidates.clear(distances.len());
            // Indices in an order of their own.
            let index = |at: usize| (at * 37 % 101) as u32;
            distances.iter().enumerate().for_each(|(at, &distance)| candidates.push(distance, index(at)));
            let mut expected: Vec<(f32, u32)> = distances.iter().enumerate().map(|(at, &d)| (d, index(at))).collect();
            expected.sort_by(|one, other| one.partial_cmp(other).unwrap());
            let last = expected[slots - 1];
            let limit = candidates.keep_nearest::<Plain>(slots, 1.0);
            let mut kept: Vec<(f32, u32)> =
                candidates.distance.iter().copied().zip(candidates.indices().iter().copied()).collect();
            kept.sort_by(|one, other| one.partial_cmp(other).unwrap());
            prop_assert_eq!(&kept, &expected[..slots]);
            // Whoever is nearer than the last one kept may come in.
            prop_assert!(limit.distance > last.0 || (limit.distance == last.0 && limit.index >= last.1));
        }
    }
}
