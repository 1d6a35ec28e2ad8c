//! Kept centres in columns: suppression of duplicates, and the nearest centre of each point.

use super::rows::Rows;
use super::tree::{GROUP, LEAF, PointTree, add_interval, leaf_distances};

/// Centres, eight to a group.
#[derive(Clone, Debug, Default)]
pub(super) struct CentreColumns {
    size: usize,
    count: usize,
    /// `[group][value][GROUP]`; +∞ where a group is not full.
    columns: Vec<f64>,
    /// Least squared distance from each centre to the leaf at hand.
    near: Vec<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
    centre: Vec<f64>,
}

impl CentreColumns {
    /// Forgets all centres; new ones have `size` values.
    pub(super) fn clear(&mut self, size: usize) {
        (self.size, self.count) = (size, 0);
        self.columns.clear();
    }

    /// Number of centres.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Adds a centre.
    pub(super) fn push(&mut self, centre: &[f32]) {
        let (group, lane) = (self.count / GROUP, self.count % GROUP);
        if lane == 0 {
            self.columns.resize((group + 1) * self.size * GROUP, f64::INFINITY);
        }
        for (d, &value) in centre.iter().enumerate() {
            self.columns[(group * self.size + d) * GROUP + lane] = f64::from(value);
        }
        self.count += 1;
    }

    /// Whether a centre lies within the radius of `position`.
    pub(super) fn any_within(&mut self, position: &[f32], squared_radius: f64) -> bool {
        self.centre.clear();
        self.centre.extend(position.iter().map(|&value| f64::from(value)));
        self.columns.chunks_exact((self.size * GROUP).max(1)).any(|group| {
            let mut squared = [0.0; GROUP];
            for (column, &value) in group.chunks_exact(GROUP).zip(&self.centre) {
                for lane in 0..GROUP {
                    let difference = column[lane] - value;
                    squared[lane] += difference * difference;
                }
            }
            squared.iter().any(|&squared| squared <= squared_radius)
        })
    }

    /// Writes the nearest centre of each row (the first of equals) into `label`, at the row's index
    /// in the input. Returns how many distances were computed.
    pub(super) fn label(&mut self, tree: &PointTree, rows: &Rows, label: &mut [u32]) -> u64 {
        let mut work = 0;
        for leaf in 0..tree.leaves() {
            let bound = self.measure_leaf(tree, leaf);
            work += self.count as u64;
            let (members, columns) = tree.leaf(leaf);
            let mut best = [f64::INFINITY; LEAF];
            let mut nearest = [0_u64; LEAF];
            for index in 0..self.count {
                // A centre whose nearest corner is further than the furthest corner of another
                // cannot win.
                if self.near[index] > bound {
                    continue;
                }
                self.load(index);
                let squared = leaf_distances(columns, &self.centre);
                work += LEAF as u64;
                for lane in 0..LEAF {
                    let closer = squared[lane] < best[lane];
                    best[lane] = if closer { squared[lane] } else { best[lane] };
                    nearest[lane] = if closer { index as u64 } else { nearest[lane] };
                }
            }
            for (&row, &nearest) in members.iter().zip(&nearest) {
                label[rows.index(row as usize)] = nearest as u32;
            }
        }
        work
    }

    fn load(&mut self, index: usize) {
        let (group, lane) = (index / GROUP, index % GROUP);
        self.centre.clear();
        let columns = &self.columns[group * self.size * GROUP..][..self.size * GROUP];
        self.centre.extend(columns.chunks_exact(GROUP).map(|column| column[lane]));
    }

    /// Fills `near`, and returns the least of the greatest squared distances to the leaf's box.
    fn measure_leaf(&mut self, tree: &PointTree, leaf: usize) -> f64 {
        self.low.clear();
        self.high.clear();
        for d in 0..self.size {
            let (low, high) = tree.leaf_bounds(leaf, d);
            self.low.push(low);
            self.high.push(high);
        }
        self.near.clear();
        let mut bound = f64::INFINITY;
        for group in self.columns.chunks_exact(self.size * GROUP) {
            let (mut near, mut far) = ([0.0; GROUP], [0.0; GROUP]);
            for ((column, &low), &high) in group.chunks_exact(GROUP).zip(&self.low).zip(&self.high) {
                for lane in 0..GROUP {
                    add_interval(low, high, column[lane], &mut near[lane], &mut far[lane]);
                }
            }
            self.near.extend_from_slice(&near);
            bound = far.iter().fold(bound, |bound, &far| if far < bound { far } else { bound });
        }
        bound
    }
}
