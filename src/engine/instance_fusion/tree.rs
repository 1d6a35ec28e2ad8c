//! Embeddings cut into leaves of neighbours.

/// Points per leaf.
pub(super) const LEAF: usize = 32;

/// A balanced k-d partition of the finite embeddings.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    pub(super) size: usize,
    /// Point indices leaf by leaf, each leaf full but the last of a branch.
    pub(super) index: Vec<u32>,
    /// Where each leaf begins in `index`, and where the last one ends.
    begin: Vec<u32>,
    /// Lowest point index of each leaf.
    pub(super) lowest: Vec<u32>,
    /// `leaf × dimension` rows of [`LEAF`] coordinates; lanes without a point repeat the first.
    column: Vec<[f32; LEAF]>,
    /// `leaf × dimension` lowest and highest coordinates.
    pub(super) extent: Vec<(f32, f32)>,
    /// Points whose embedding is not finite.
    pub(super) alone: Vec<u32>,
    order: Vec<u64>,
    pending: Vec<(usize, usize)>,
}

impl Tree {
    pub(super) fn leaf_count(&self) -> usize {
        self.lowest.len()
    }

    pub(super) fn range(&self, leaf: usize) -> (usize, usize) {
        (self.begin[leaf] as usize, self.begin[leaf + 1] as usize)
    }

    pub(super) fn build(&mut self, embeddings: &[f32], size: usize) {
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

    /// L1 distances from a point to the lanes of a leaf.
    #[inline(always)]
    pub(super) fn distances(&self, leaf: usize, embedding: &[f32]) -> [f32; LEAF] {
        let columns = &self.column[leaf * self.size..][..self.size];
        let mut distance = [0.0; LEAF];
        // Eight lanes at a time, so that their sums stay in registers over all dimensions.
        for (part, distance) in distance.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            let mut sum = [0.0; 8];
            for (column, &value) in columns.iter().zip(embedding) {
                let column = &column.as_chunks::<8>().0[part];
                for lane in 0..8 {
                    sum[lane] += (column[lane] - value).abs();
                }
            }
            *distance = sum;
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
