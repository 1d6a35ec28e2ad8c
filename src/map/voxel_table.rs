//! Which voxel lies at which coordinates: a hash table made for one look-up a point and frame.

use super::NO_VOXEL;
use crate::rounding::round_down;

/// Coordinates of a voxel in units of the voxel size.
pub(crate) type VoxelKey = [i32; 3];

/// The voxel of this edge (m) in which a position lies.
#[inline(always)]
pub(crate) fn voxel_key(position: [f32; 3], edge: f32) -> VoxelKey {
    position.map(|value| round_down(value / edge))
}

/// Slots of a table that was never used.
const SMALLEST: usize = 1024;

/// A slot: 16 bytes, so that four share a cache line and no look-up that succeeds at once touches two.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    key: VoxelKey,
    /// [`NO_VOXEL`] where the slot is free.
    voxel: u32,
}

impl Slot {
    /// One that holds nothing.
    pub(super) const FREE: Self = Self { key: [0; 3], voxel: NO_VOXEL };

    /// The voxel, if it is the one at `key`.
    pub(super) fn voxel_at(&self, key: VoxelKey) -> Option<u32> {
        (self.key == key && self.voxel != NO_VOXEL).then_some(self.voxel)
    }
}

/// Voxels by their coordinates: open addressing with linear probing, at most half full.
///
/// The standard table answers a look-up from two places, its tags and its entries; this one from one, and it
/// shows where it will look first ([`home`](Self::home), [`slot`](Self::slot)), so that whoever has many
/// look-ups can have the memory for all of them on its way at once.
#[derive(Debug)]
pub(crate) struct VoxelTable {
    /// A power of two of them.
    slots: Vec<Slot>,
    used: usize,
}

impl Default for VoxelTable {
    fn default() -> Self {
        Self { slots: vec![Slot::FREE; SMALLEST], used: 0 }
    }
}

impl VoxelTable {
    /// Where the search for a voxel begins.
    #[inline]
    pub(super) fn home(&self, key: VoxelKey) -> usize {
        const FACTORS: [u64; 3] = [0x9E37_79B9_7F4A_7C15, 0xC2B2_AE3D_27D4_EB4F, 0x1656_67B1_9E37_79F9];
        let mixed =
            (0..3).fold(0_u64, |sum, axis| sum.wrapping_add(u64::from(key[axis] as u32).wrapping_mul(FACTORS[axis])));
        // The high bits of a product depend on every bit of its factors.
        let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(FACTORS[0]);
        (mixed >> 32) as usize & (self.slots.len() - 1)
    }

    /// What lies at a place that [`home`](Self::home) named.
    pub(super) fn slot(&self, place: usize) -> Slot {
        self.slots[place]
    }

    /// The voxel at a key.
    #[inline]
    pub(crate) fn get(&self, key: VoxelKey) -> Option<u32> {
        let slot = self.slots[self.place_of(key)];
        (slot.voxel != NO_VOXEL).then_some(slot.voxel)
    }

    /// Notes which voxel lies at a key, whatever lay there before.
    pub(crate) fn insert(&mut self, key: VoxelKey, voxel: u32) {
        if 2 * (self.used + 1) > self.slots.len() {
            self.grow();
        }
        let place = self.place_of(key);
        self.used += usize::from(self.slots[place].voxel == NO_VOXEL);
        self.slots[place] = Slot { key, voxel };
    }

    /// Forgets the voxel at a key. Those behind it move up, so that no search ends too early.
    pub(super) fn remove(&mut self, key: VoxelKey) {
        let last = self.slots.len() - 1;
        let mut gap = self.place_of(key);
        if self.slots[gap].voxel == NO_VOXEL {
            return;
        }
        self.used -= 1;
        let mut place = (gap + 1) & last;
        while self.slots[place].voxel != NO_VOXEL {
            // It may move to the gap unless its search begins behind it.
            let from_home = place.wrapping_sub(self.home(self.slots[place].key)) & last;
            if from_home >= place.wrapping_sub(gap) & last {
                self.slots[gap] = self.slots[place];
                gap = place;
            }
            place = (place + 1) & last;
        }
        self.slots[gap] = Slot::FREE;
    }

    /// Forgets all of them, and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.slots.fill(Slot::FREE);
        self.used = 0;
    }

    /// The slot that holds a key, or the free one where it would be put.
    fn place_of(&self, key: VoxelKey) -> usize {
        let last = self.slots.len() - 1;
        let mut place = self.home(key);
        while self.slots[place].voxel != NO_VOXEL && self.slots[place].key != key {
            place = (place + 1) & last;
        }
        place
    }

    fn grow(&mut self) {
        let larger = vec![Slot::FREE; 2 * self.slots.len()];
        let smaller = std::mem::replace(&mut self.slots, larger);
        for slot in smaller.into_iter().filter(|slot| slot.voxel != NO_VOXEL) {
            let place = self.place_of(slot.key);
            self.slots[place] = slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against the standard table; few different keys, so that they come again and lie side by side.
        #[test]
        fn it_does_what_the_standard_table_does(
            steps in prop::collection::vec((prop::array::uniform3(-4..4_i32), 0..1000_u32, 0..3_u8), 0..3000),
        ) {
            let (mut table, mut oracle) = (VoxelTable::default(), HashMap::new());
            for (key, voxel, what) in steps {
                if what == 0 {
                    table.remove(key);
                    oracle.remove(&key);
                } else {
                    table.insert(key, voxel);
                    oracle.insert(key, voxel);
                }
                prop_assert_eq!(table.get(key), oracle.get(&key).copied());
                let at_home = table.slot(table.home(key)).voxel_at(key);
                prop_assert!(at_home.is_none() || at_home == table.get(key));
            }
            prop_assert_eq!(table.used, oracle.len());
            for x in -4..4 {
                for y in -4..4 {
                    for z in -4..4 {
                        prop_assert_eq!(table.get([x, y, z]), oracle.get(&[x, y, z]).copied());
                    }
                }
            }
        }
    }

    #[test]
    fn it_grows_with_what_it_holds_and_can_be_emptied() {
        let mut table = VoxelTable::default();
        let key = |voxel: u32| [voxel as i32 % 100, -(voxel as i32) / 100, 7];
        (0..20_000).for_each(|voxel| table.insert(key(voxel), voxel));
        assert!((0..20_000).all(|voxel| table.get(key(voxel)) == Some(voxel)));
        assert!(table.slots.len() <= 65_536 && 2 * table.used <= table.slots.len());
        table.clear();
        assert!((0..20_000).all(|voxel| table.get(key(voxel)).is_none()));
    }

    /// A wall, a floor and a far-away corner: searches stay short.
    #[test]
    fn searches_of_surfaces_are_short() {
        for axis in 0..3 {
            let mut table = VoxelTable::default();
            let key = |voxel: u32| {
                let mut key = [voxel as i32 % 256 - 399_000, voxel as i32 / 256 + 399_000, 100];
                key.rotate_left(axis);
                key
            };
            (0..65_536).for_each(|voxel| table.insert(key(voxel), voxel));
            let at_once =
                (0..65_536).filter(|&voxel| table.slot(table.home(key(voxel))).voxel_at(key(voxel)).is_some());
            assert!(at_once.count() > 42_000, "two thirds at a load of a half");
        }
    }
}
