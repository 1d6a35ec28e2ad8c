//! Positions by their exact bits: a hash table from position to a running number.

const EMPTY: u32 = u32::MAX;

/// Interned positions, numbered in order of first appearance.
#[derive(Clone, Debug, Default)]
pub(super) struct PositionTable {
    size: usize,
    count: usize,
    values: Vec<f32>,
    /// Open addressing; the length is a power of two, at most half full.
    slots: Vec<u32>,
}

impl PositionTable {
    /// Forgets all positions; new ones have `size` values.
    pub(super) fn clear(&mut self, size: usize) {
        (self.size, self.count) = (size, 0);
        self.values.clear();
        self.slots.fill(EMPTY);
    }

    /// Makes room for `positions` of `size` values.
    pub(super) fn reserve(&mut self, positions: usize, size: usize) {
        self.values.reserve((positions * size).saturating_sub(self.values.len()));
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
        let slot = self.find(position);
        if self.slots[slot] == EMPTY {
            self.slots[slot] = self.count as u32;
            self.values.extend_from_slice(position);
            self.count += 1;
        }
        self.slots[slot]
    }

    /// Slot that holds a position, or the empty one where it belongs.
    fn find(&self, position: &[f32]) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = hash(position) as usize & mask;
        while self.slots[slot] != EMPTY && self.get(self.slots[slot]) != position {
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn grow(&mut self) {
        let length = (self.slots.len() * 2).max(1024);
        self.slots.clear();
        self.slots.resize(length, EMPTY);
        for id in 0..self.count as u32 {
            let slot = self.find(self.get(id));
            self.slots[slot] = id;
        }
    }
}

fn hash(position: &[f32]) -> u64 {
    let mixed = position.iter().fold(0x9E37_79B9_7F4A_7C15_u64, |hash, value| {
        (hash ^ u64::from(value.to_bits())).wrapping_mul(0xD6E8_FEB8_6659_FD93).rotate_left(29)
    });
    mixed ^ (mixed >> 32)
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
        assert_eq!(table.intern(&[5.0]), 0);
        assert_eq!(table.len(), 1);
    }
}
