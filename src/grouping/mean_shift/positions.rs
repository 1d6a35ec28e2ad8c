//! Positions by their exact bits: a hash table from position to a running number.

/// A slot that holds no position.
const EMPTY: u64 = u64::MAX;

/// Interned positions, numbered in order of first appearance.
#[derive(Clone, Debug, Default)]
pub(super) struct PositionTable {
    size: usize,
    count: usize,
    values: Vec<f32>,
    /// One odd random number to each value: the hash is the sum of the products.
    multipliers: Vec<u64>,
    /// Open addressing; the length is a power of two, at most half full. The high half of a slot is
    /// the position's hash, so that a look-up that finds nothing rarely looks at a position.
    slots: Vec<u64>,
    /// The slots that hold a position: all that has to be emptied.
    used: Vec<u32>,
}

impl PositionTable {
    /// Forgets all positions; new ones have `size` values.
    pub(super) fn clear(&mut self, size: usize) {
        (self.size, self.count) = (size, 0);
        self.values.clear();
        self.used.drain(..).for_each(|slot| self.slots[slot as usize] = EMPTY);
        self.multipliers.clear();
        self.multipliers.extend((1..=size as u64).map(|value| scramble(value) | 1));
    }

    /// Makes room for `positions` of `size` values.
    pub(super) fn reserve(&mut self, positions: usize, size: usize) {
        self.values.reserve((positions * size).saturating_sub(self.values.len()));
        self.used.reserve(positions.saturating_sub(self.used.len()));
        while self.slots.len() < 2 * positions {
            self.grow();
        }
    }

    /// Number of positions.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// A position by its number.
    pub(super) fn get(&self, id: u32) -> &[f32] {
        &self.values[id as usize * self.size..][..self.size]
    }

    /// Number of a position, which is added if it is new. Positions hold no -0.0.
    pub(super) fn intern(&mut self, position: &[f32]) -> u32 {
        if (self.count + 1) * 2 > self.slots.len() {
            self.grow();
        }
        let hash = self.hash(position);
        let slot = self.find(hash, position);
        if self.slots[slot] == EMPTY {
            self.slots[slot] = u64::from(hash) << 32 | self.count as u64;
            self.used.push(slot as u32);
            self.values.extend_from_slice(position);
            self.count += 1;
        }
        self.slots[slot] as u32
    }

    /// Slot that holds a position, or the empty one where it belongs.
    fn find(&self, hash: u32, position: &[f32]) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            let found = self.slots[slot];
            if found == EMPTY || (found >> 32) as u32 == hash && self.get(found as u32) == position {
                return slot;
            }
            slot = (slot + 1) & mask;
        }
    }

    fn hash(&self, position: &[f32]) -> u32 {
        let terms = position.iter().zip(&self.multipliers);
        let sum = terms.fold(0_u64, |sum, (value, multiplier)| {
            sum.wrapping_add(u64::from(value.to_bits()).wrapping_mul(*multiplier))
        });
        // The high bits of such a sum are the random ones.
        (sum >> 32) as u32
    }

    fn grow(&mut self) {
        let length = (self.slots.len() * 2).max(1024);
        self.slots.clear();
        self.slots.resize(length, EMPTY);
        self.used.clear();
        for id in 0..self.count as u32 {
            let hash = self.hash(self.get(id));
            let slot = self.find(hash, self.get(id));
            self.slots[slot] = u64::from(hash) << 32 | u64::from(id);
            self.used.push(slot as u32);
        }
    }
}

/// A bijection whose values look random (SplitMix64).
fn scramble(value: u64) -> u64 {
    let mut mixed = value.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_positions_share_a_number() {
        let mut table = PositionTable::default();
        table.clear(2);
        let position = |i: u32| [(i % 61) as f32 * 0.25, (i / 61) as f32];
        for i in 0..3000 {
            assert_eq!(table.intern(&position(i)), i);
        }
        for i in 0..3000 {
            assert_eq!(table.intern(&position(i)), i);
            assert_eq!(table.get(i), position(i));
        }
        table.clear(1);
        assert!(table.slots.iter().all(|&slot| slot == EMPTY));
        assert_eq!(table.intern(&[5.0]), 0);
        assert_eq!(table.len(), 1);
    }
}
