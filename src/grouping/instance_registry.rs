//! Which instances there are, and which of them have turned out to be one.
//!
//! Voxels of the map keep the id that they were given; uniting two instances changes no voxel. The
//! registry says what an id means today ([`InstanceRegistry::resolve`]), and how many voxels still
//! carry it, so that ids without voxels can be forgotten.
//!
//! **Bounds.** One entry for each id that some voxel carries or that was given out since the last
//! [`retire`](InstanceRegistry::retire), in one column that is sorted because ids only grow. `resolve` is
//! one binary search: every id points straight at its root. `unite` and `retire` look at every entry.
//! Nothing is allocated while there are no more ids than there once were.

use crate::cloud::NO_INSTANCE;

/// What is known of one id.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    id: u32,
    /// The id that this one stands for; itself for a root.
    root: u32,
    class: u16,
    /// Voxels that carry this very id.
    voxels: u64,
    /// For a root: voxels that carry it or an id that stands for it.
    total: u64,
}

/// Instances of the map by id. Ids start at 1 and are never given out twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InstanceRegistry {
    /// By ascending id.
    entries: Vec<Entry>,
    /// Greatest id given out.
    newest: u32,
}

impl InstanceRegistry {
    /// Ids that are known, united ones included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no id is known.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Makes room for `ids` ids.
    pub fn reserve(&mut self, ids: usize) {
        self.entries.reserve(ids.saturating_sub(self.entries.len()));
    }

    /// Forgets everything; ids begin anew at 1.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.newest = 0;
    }

    /// A new instance of this class, or [`NO_INSTANCE`] after 2³² − 1 instances.
    pub fn found(&mut self, class: u16) -> u32 {
        let Some(id) = self.newest.checked_add(1) else { return NO_INSTANCE };
        self.newest = id;
        self.entries.push(Entry { id, root: id, class, voxels: 0, total: 0 });
        id
    }

    /// The instance that `id` stands for, or [`NO_INSTANCE`] for an id that is not known (any more).
    pub fn resolve(&self, id: u32) -> u32 {
        self.entry(id).map_or(NO_INSTANCE, |entry| entry.root)
    }

    /// Class of the instance that `id` stands for.
    pub fn class(&self, id: u32) -> Option<u16> {
        self.entry(self.resolve(id)).map(|entry| entry.class)
    }

    /// Voxels of the instance that `id` stands for.
    pub fn voxels(&self, id: u32) -> u64 {
        self.entry(self.resolve(id)).map_or(0, |entry| entry.total)
    }

    /// All instances (roots) by ascending id, with class and voxels.
    pub fn instances(&self) -> impl Iterator<Item = (u32, u16, u64)> + '_ {
        self.entries.iter().filter(|entry| entry.id == entry.root).map(|entry| (entry.id, entry.class, entry.total))
    }

    /// Makes two instances one. The one with more voxels (of equals the older) keeps its id and its
    /// class. Returns the id that was kept and the one that was lost; `None` if they are one already,
    /// are not known, or differ in class.
    pub fn unite(&mut self, a: u32, b: u32) -> Option<(u32, u32)> {
        let (a, b) = (self.resolve(a), self.resolve(b));
        if a == b || self.class(a)? != self.class(b)? {
            return None;
        }
        let rank = |id: u32| (self.voxels(id), std::cmp::Reverse(id));
        let (kept, lost) = if rank(a) > rank(b) { (a, b) } else { (b, a) };
        let total = self.entry_mut(lost).map_or(0, |entry| std::mem::take(&mut entry.total));
        for entry in self.entries.iter_mut().filter(|entry| entry.root == lost) {
            entry.root = kept;
        }
        self.entry_mut(kept)?.total += total;
        Some((kept, lost))
    }

    /// `count` more voxels of the map carry `id`, exactly as they store it.
    pub fn gain(&mut self, id: u32, count: u64) {
        self.change(id, |voxels| voxels.saturating_add(count));
    }

    /// `count` fewer voxels of the map carry `id`, exactly as they stored it.
    pub fn lose(&mut self, id: u32, count: u64) {
        self.change(id, |voxels| voxels.saturating_sub(count));
    }

    /// Counts afresh: `carried` is the stored id of every labelled voxel of the map. What [`gain`](Self::gain) and
    /// [`lose`](Self::lose) come to in the end, for the tests.
    #[cfg(test)]
    pub(crate) fn recount(&mut self, carried: impl IntoIterator<Item = u32>) {
        for entry in &mut self.entries {
            (entry.voxels, entry.total) = (0, 0);
        }
        let (mut id, mut count) = (NO_INSTANCE, 0);
        for next in carried {
            if next != id {
                self.gain(id, count);
                (id, count) = (next, 0);
            }
            count += 1;
        }
        self.gain(id, count);
    }

    /// Forgets every id that no voxel carries; call it when the map has taken over a frame's labels.
    /// An instance stays as long as a voxel carries one of its ids.
    pub fn retire(&mut self) {
        self.entries.retain(|entry| if entry.root == entry.id { entry.total > 0 } else { entry.voxels > 0 });
    }

    fn change(&mut self, id: u32, change: impl FnOnce(u64) -> u64) {
        let Some(entry) = self.entry_mut(id) else { return };
        let (old, new) = (entry.voxels, change(entry.voxels));
        entry.voxels = new;
        let root = entry.root;
        if let Some(root) = self.entry_mut(root) {
            root.total = root.total - old + new;
        }
    }

    fn entry(&self, id: u32) -> Option<&Entry> {
        self.place(id).map(|place| &self.entries[place])
    }

    fn entry_mut(&mut self, id: u32) -> Option<&mut Entry> {
        self.place(id).map(|place| &mut self.entries[place])
    }

    fn place(&self, id: u32) -> Option<usize> {
        self.entries.binary_search_by_key(&id, |entry| entry.id).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_larger_keeps_its_id_and_all_ids_follow() {
        let mut registry = InstanceRegistry::default();
        let [a, b, c] = [(); 3].map(|()| registry.found(7));
        registry.gain(b, 50);
        registry.gain(a, 20);
        assert_eq!(registry.unite(a, b), Some((b, a)));
        registry.gain(c, 60);
        assert_eq!(registry.unite(a, c), Some((b, c)), "70 voxels together against 60");
        assert_eq!([a, b, c].map(|id| registry.resolve(id)), [b; 3]);
        assert_eq!(registry.voxels(c), 130);
        assert_eq!(registry.unite(a, c), None);
    }

    #[test]
    fn of_equals_the_older_stays_and_classes_never_mix() {
        let mut registry = InstanceRegistry::default();
        let (a, b, other) = (registry.found(7), registry.found(7), registry.found(8));
        assert_eq!(registry.unite(b, a), Some((a, b)));
        assert_eq!(registry.unite(a, other), None);
        assert_eq!(registry.unite(a, 99), None);
        assert_eq!(registry.resolve(NO_INSTANCE), NO_INSTANCE);
    }

    #[test]
    fn an_instance_lives_as_long_as_any_of_its_ids() {
        let mut registry = InstanceRegistry::default();
        let (a, b) = (registry.found(1), registry.found(1));
        registry.gain(a, 5);
        registry.gain(b, 3);
        registry.unite(a, b);
        registry.lose(a, 5);
        registry.retire();
        assert_eq!((registry.resolve(b), registry.voxels(a), registry.len()), (a, 3, 2));
        registry.recount([b]);
        assert_eq!(registry.voxels(a), 1);
        registry.lose(b, 1);
        registry.retire();
        assert!(registry.is_empty());
        assert_eq!(registry.found(1), 3, "ids are not used again");
    }

    #[test]
    fn ids_end_without_a_wrap() {
        let mut registry = InstanceRegistry { newest: u32::MAX - 1, ..Default::default() };
        assert_eq!((registry.found(0), registry.found(0), registry.len()), (u32::MAX, NO_INSTANCE, 1));
    }

    proptest! {
        #[test]
        fn whatever_happens_ids_resolve_to_roots(
            steps in prop::collection::vec((0_u8..5, 0_u32..24, 0_u32..24, 0_u64..9), 0..200),
        ) {
            let mut registry = InstanceRegistry::default();
            for (step, a, b, count) in steps {
                match step {
                    0 => { registry.found((a % 2) as u16); }
                    1 => { registry.unite(a, b); }
                    2 => registry.gain(a, count),
                    3 => registry.lose(a, count),
                    _ => registry.retire(),
                }
                let mut totals = BTreeMap::<u32, u64>::new();
                prop_assert!(registry.entries.is_sorted_by(|a, b| a.id < b.id));
                for entry in &registry.entries {
                    let root = registry.resolve(entry.id);
                    prop_assert_eq!(registry.resolve(root), root);
                    prop_assert_eq!(registry.class(entry.id), Some(entry.class));
                    *totals.entry(root).or_default() += entry.voxels;
                }
                let seen: BTreeMap<u32, u64> = registry.instances().map(|(id, _, total)| (id, total)).collect();
                prop_assert_eq!(seen, totals);
            }
        }
    }
}
