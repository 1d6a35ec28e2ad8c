//! The way from one leaf through the others, shared by all points of the leaf.

use super::tree::Tree;

/// Boxes that are tested at once.
pub(super) const BOXES: usize = 8;

/// A leaf on the way. Ordered by the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Step {
    /// L1 distance between the middles of the two boxes (bits): likely neighbours come first.
    middle: u32,
    /// Lowest point index in the leaf.
    pub(super) lowest: u32,
    /// Which leaf.
    pub(super) leaf: u32,
}

/// The leaves near a leaf, likely neighbours first, with their boxes side by side.
#[derive(Clone, Debug, Default)]
pub(super) struct Walk {
    pub(super) steps: Vec<Step>,
    size: usize,
    /// `chunk of boxes × dimension` lowest coordinates; what the padding holds is never looked at.
    low: Vec<[f32; BOXES]>,
    /// The same of the highest.
    high: Vec<[f32; BOXES]>,
}

impl Walk {
    /// Plans the way from `leaf` through all leaves whose boxes are within `radius` of its own.
    pub(super) fn plan(&mut self, tree: &Tree, leaf: usize, radius: f32) {
        self.size = tree.size;
        self.steps.clear();
        let own = &tree.extent[leaf * tree.size..][..tree.size];
        for (other, &lowest) in (0_u32..).zip(&tree.lowest) {
            let extent = &tree.extent[other as usize * tree.size..][..tree.size];
            let (mut bound, mut middle) = (0.0_f32, 0.0_f32);
            for (&(low, high), &(other_low, other_high)) in own.iter().zip(extent) {
                bound += (low - other_high).max(other_low - high).max(0.0);
                middle += ((0.5 * low + 0.5 * high) - (0.5 * other_low + 0.5 * other_high)).abs();
            }
            if bound <= radius {
                self.steps.push(Step { middle: middle.to_bits(), lowest, leaf: other });
            }
        }
        self.steps.sort_unstable();
        let rows = self.steps.len().div_ceil(BOXES) * tree.size;
        self.low.resize(rows, [0.0; BOXES]);
        self.high.resize(rows, [0.0; BOXES]);
        for (place, step) in self.steps.iter().enumerate() {
            let (chunk, lane) = (place / BOXES, place % BOXES);
            let extent = &tree.extent[step.leaf as usize * tree.size..][..tree.size];
            for (dimension, &(low, high)) in extent.iter().enumerate() {
                self.low[chunk * tree.size + dimension][lane] = low;
                self.high[chunk * tree.size + dimension][lane] = high;
            }
        }
    }

    /// L1 distances from a point to the boxes of one chunk, rounded so that none is above the
    /// distance to a point inside.
    #[inline(always)]
    pub(super) fn bounds(&self, chunk: usize, embedding: &[f32]) -> [f32; BOXES] {
        let low = &self.low[chunk * self.size..][..self.size];
        let high = &self.high[chunk * self.size..][..self.size];
        let mut bound = [0.0; BOXES];
        for ((low, high), &value) in low.iter().zip(high).zip(embedding) {
            for lane in 0..BOXES {
                let (below, above) = (low[lane] - value, value - high[lane]);
                let outside = if below > above { below } else { above };
                bound[lane] += if outside > 0.0 { outside } else { 0.0 };
            }
        }
        bound
    }
}
