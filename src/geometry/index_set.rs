//! A set of indices that gives them back in ascending order without sorting.

/// Bits, and bits over the words of bits, so that an almost empty set is walked quickly.
#[derive(Clone, Debug, Default)]
pub(super) struct IndexSet {
    words: Vec<u64>,
    summary: Vec<u64>,
}

impl IndexSet {
    /// Empties the set and makes room for indices below `limit`.
    pub(super) fn reset(&mut self, limit: usize) {
        self.words.clear();
        self.words.resize(limit.div_ceil(64), 0);
        self.summary.clear();
        self.summary.resize(self.words.len().div_ceil(64), 0);
    }

    /// Adds an index below the limit.
    #[inline]
    pub(super) fn insert(&mut self, index: u32) {
        let word = (index >> 6) as usize;
        self.words[word] |= 1 << (index & 63);
        self.summary[word >> 6] |= 1 << (word & 63);
    }

    /// Empties the set; `visit` sees each index in ascending order.
    #[inline]
    pub(super) fn drain(&mut self, mut visit: impl FnMut(u32)) {
        for (block, summary) in self.summary.iter_mut().enumerate() {
            while *summary != 0 {
                let word = block * 64 + summary.trailing_zeros() as usize;
                *summary &= *summary - 1;
                let mut bits = std::mem::take(&mut self.words[word]);
                while bits != 0 {
                    visit((word * 64) as u32 + bits.trailing_zeros());
                    bits &= bits - 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_what_went_in_once_and_in_order() {
        let mut set = IndexSet::default();
        set.reset(10_000);
        for index in [9_999, 64, 63, 0, 4096, 64, 4095] {
            set.insert(index);
        }
        let mut seen = Vec::new();
        set.drain(|index| seen.push(index));
        assert_eq!(seen, [0, 63, 64, 4095, 4096, 9_999]);
        set.drain(|index| panic!("{index} was left"));
    }
}
