//! Points in a tree of boxes, for the mean of all points within a radius.
//!
//! Sixteen points form a leaf, eight boxes a group; both are stored value by value in columns, so
//! that one vector instruction tests several. A box that the ball misses is skipped, a box that the
//! ball contains adds its precomputed sum (exact, see `rows`), and only the rest are opened.
//!
//! The box tests are exact, too: rounding is monotonic, so the computed squared distance to a box is
//! never above the computed squared distance to a point in it, summed in the same order.

use super::rows::Rows;

/// Points in a leaf.
pub(super) const LEAF: usize = 16;
/// Boxes in a group.
pub(super) const GROUP: usize = 8;

/// Boxes of one level; level 0 bounds the leaves, each further level groups of the one below.
#[derive(Clone, Debug, Default)]
struct Level {
    boxes: usize,
    /// `[group][value][GROUP]`; +∞ where a group is not full.
    low: Vec<f64>,
    high: Vec<f64>,
    /// `[box][value]`.
    sum: Vec<f64>,
    /// Points in each box.
    points: Vec<u32>,
}

/// The tree.
#[derive(Clone, Debug, Default)]
pub(super) struct PointTree {
    size: usize,
    /// Row of each place; leaf `i` holds the places `16 i..16 (i + 1)`.
    order: Vec<u32>,
    /// `[leaf][value][LEAF]`; +∞ where a leaf is not full.
    columns: Vec<f64>,
    levels: Vec<Level>,
    used_levels: usize,
    /// Groups still to visit: level and group.
    stack: Vec<(u32, u32)>,
    /// `[value][LEAF]`: sums, lane by lane.
    lanes: Vec<f64>,
    sum: Vec<f64>,
    centre: Vec<f64>,
}

impl PointTree {
    /// Builds the tree over all rows; there is at least one.
    pub(super) fn build(&mut self, rows: &Rows) {
        self.size = rows.size();
        self.order.clear();
        self.order.extend(0..rows.count() as u32);
        let mut order = std::mem::take(&mut self.order);
        split(&mut order, rows);
        self.order = order;
        self.fill_columns(rows);
        self.build_leaf_boxes();
        self.used_levels = 1;
        while self.levels[self.used_levels - 1].boxes > GROUP {
            if self.levels.len() == self.used_levels {
                self.levels.push(Level::default());
            }
            let (below, above) = self.levels.split_at_mut(self.used_levels);
            above[0].build_over(&below[self.used_levels - 1], self.size);
            self.used_levels += 1;
        }
    }

    fn fill_columns(&mut self, rows: &Rows) {
        let leaves = self.order.len().div_ceil(LEAF);
        self.columns.clear();
        self.columns.resize(leaves * self.size * LEAF, f64::INFINITY);
        for (place, &row) in self.order.iter().enumerate() {
            let leaf = place / LEAF * self.size * LEAF;
            for (d, &value) in rows.snapped(row as usize).iter().enumerate() {
                self.columns[leaf + d * LEAF + place % LEAF] = value;
            }
        }
    }

    fn build_leaf_boxes(&mut self) {
        if self.levels.is_empty() {
            self.levels.push(Level::default());
        }
        let leaves = self.leaves();
        let level = &mut self.levels[0];
        level.reset(leaves, self.size);
        for leaf in 0..leaves {
            let points = (self.order.len() - leaf * LEAF).min(LEAF);
            level.points[leaf] = points as u32;
            for d in 0..self.size {
                let column = &self.columns[(leaf * self.size + d) * LEAF..][..points];
                let bounds = column
                    .iter()
                    .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &value| (low.min(value), high.max(value)));
                level.set(leaf, d, bounds, column.iter().sum());
            }
        }
    }

    /// Number of leaves.
    pub(super) fn leaves(&self) -> usize {
        self.order.len().div_ceil(LEAF)
    }

    /// Rows of a leaf, and the columns of their values, `[value][LEAF]`.
    pub(super) fn leaf(&self, leaf: usize) -> (&[u32], &[f64]) {
        let rows = &self.order[leaf * LEAF..self.order.len().min((leaf + 1) * LEAF)];
        (rows, &self.columns[leaf * self.size * LEAF..][..self.size * LEAF])
    }

    /// Bounds of a leaf in one value.
    pub(super) fn leaf_bounds(&self, leaf: usize, d: usize) -> (f64, f64) {
        let at = (leaf / GROUP * self.size + d) * GROUP + leaf % GROUP;
        (self.levels[0].low[at], self.levels[0].high[at])
    }

    /// Mean of the points whose squared distance to `centre` is at most `squared_radius`.
    ///
    /// Returns how many there are and how many distances were computed; `mean` is overwritten if
    /// there are any.
    pub(super) fn mean_within(&mut self, centre: &[f32], squared_radius: f64, mean: &mut Vec<f32>) -> (u32, u64) {
        // The networks' embeddings have five values; a known length lets the compiler unroll.
        match self.size {
            5 => self.mean_within_of(5, centre, squared_radius, mean),
            size => self.mean_within_of(size, centre, squared_radius, mean),
        }
    }

    #[inline(always)]
    fn mean_within_of(&mut self, size: usize, centre: &[f32], squared_radius: f64, mean: &mut Vec<f32>) -> (u32, u64) {
        self.centre.clear();
        self.centre.extend(centre.iter().map(|&value| f64::from(value)));
        self.sum.clear();
        self.sum.resize(size, 0.0);
        self.lanes.clear();
        self.lanes.resize(size * LEAF, 0.0);
        let (mut points, mut work) = (0, 0);
        self.stack.clear();
        self.stack.push((self.used_levels as u32 - 1, 0));
        while let Some((depth, group)) = self.stack.pop() {
            let level = &self.levels[depth as usize];
            let (near, far) = level.distances(group as usize, &self.centre[..size]);
            work += GROUP as u64;
            for lane in 0..GROUP {
                if near[lane] > squared_radius {
                    continue;
                }
                let index = group as usize * GROUP + lane;
                if far[lane] <= squared_radius {
                    points += level.points[index];
                    for (sum, part) in self.sum.iter_mut().zip(&level.sum[index * size..][..size]) {
                        *sum += part;
                    }
                } else if depth > 0 {
                    self.stack.push((depth - 1, index as u32));
                } else {
                    let columns = &self.columns[index * size * LEAF..][..size * LEAF];
                    points += add_within(columns, &self.centre[..size], squared_radius, &mut self.lanes[..size * LEAF]);
                    work += LEAF as u64;
                }
            }
        }
        if points > 0 {
            mean.clear();
            mean.extend(self.sum.iter().zip(self.lanes.chunks_exact(LEAF)).map(|(sum, lanes)| {
                // Adding zero: no position holds -0.0.
                ((sum + lanes.iter().sum::<f64>()) / f64::from(points)) as f32 + 0.0
            }));
        }
        (points, work)
    }
}

impl Level {
    fn reset(&mut self, boxes: usize, size: usize) {
        self.boxes = boxes;
        let lanes = boxes.div_ceil(GROUP) * GROUP;
        for bounds in [&mut self.low, &mut self.high] {
            bounds.clear();
            bounds.resize(lanes * size, f64::INFINITY);
        }
        self.sum.clear();
        self.sum.resize(boxes * size, 0.0);
        self.points.clear();
        self.points.resize(boxes, 0);
    }

    fn set(&mut self, index: usize, d: usize, bounds: (f64, f64), sum: f64) {
        let size = self.sum.len() / self.boxes;
        let at = (index / GROUP * size + d) * GROUP + index % GROUP;
        (self.low[at], self.high[at]) = bounds;
        self.sum[index * size + d] = sum;
    }

    fn build_over(&mut self, below: &Level, size: usize) {
        self.reset(below.boxes.div_ceil(GROUP), size);
        for index in 0..self.boxes {
            let members = (below.boxes - index * GROUP).min(GROUP);
            self.points[index] = below.points[index * GROUP..][..members].iter().sum();
            for d in 0..size {
                let at = (index * size + d) * GROUP;
                let low = below.low[at..][..members].iter().copied().fold(f64::INFINITY, f64::min);
                let high = below.high[at..][..members].iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum = (0..members).map(|member| below.sum[(index * GROUP + member) * size + d]).sum();
                self.set(index, d, (low, high), sum);
            }
        }
    }

    /// Least and greatest squared distance from `centre` to the boxes of a group.
    #[inline(always)]
    fn distances(&self, group: usize, centre: &[f64]) -> ([f64; GROUP], [f64; GROUP]) {
        let (mut near, mut far) = ([0.0; GROUP], [0.0; GROUP]);
        let start = group * centre.len() * GROUP;
        let low = self.low[start..][..centre.len() * GROUP].chunks_exact(GROUP);
        let high = self.high[start..][..centre.len() * GROUP].chunks_exact(GROUP);
        for ((&centre, low), high) in centre.iter().zip(low).zip(high) {
            for lane in 0..GROUP {
                add_interval(low[lane], high[lane], centre, &mut near[lane], &mut far[lane]);
            }
        }
        (near, far)
    }
}

/// Adds one value's part to the squared distances between `centre` and the nearest and furthest
/// point of the interval `low..=high`.
#[inline(always)]
pub(super) fn add_interval(low: f64, high: f64, centre: f64, near: &mut f64, far: &mut f64) {
    let (below, above) = (low - centre, centre - high);
    let outside = if below > above { below } else { above };
    let gap = if outside > 0.0 { outside } else { 0.0 };
    // -below and -above are the distances to the two ends where the centre lies between them.
    let inside = if below < above { below } else { above };
    *near += gap * gap;
    *far += inside * inside;
}

/// Squared distances from `centre` to the points of a leaf, summed value by value.
#[inline(always)]
pub(super) fn leaf_distances(columns: &[f64], centre: &[f64]) -> [f64; LEAF] {
    let mut squared = [0.0; LEAF];
    for (column, &centre) in columns.chunks_exact(LEAF).zip(centre) {
        for lane in 0..LEAF {
            let difference = column[lane] - centre;
            squared[lane] += difference * difference;
        }
    }
    squared
}

/// Adds the points of a leaf that are within the radius to `lanes`, and returns their number.
#[inline(always)]
fn add_within(columns: &[f64], centre: &[f64], squared_radius: f64, lanes: &mut [f64]) -> u32 {
    let squared = leaf_distances(columns, centre);
    let inside = squared.iter().map(|&squared| u32::from(squared <= squared_radius)).sum();
    if inside > 0 {
        for (column, lanes) in columns.chunks_exact(LEAF).zip(lanes.chunks_exact_mut(LEAF)) {
            for lane in 0..LEAF {
                lanes[lane] += if squared[lane] <= squared_radius { column[lane] } else { 0.0 };
            }
        }
    }
    inside
}

/// Orders rows so that each run of [`LEAF`] is compact: halves at the widest value, at a leaf border.
fn split(order: &mut [u32], rows: &Rows) {
    if order.len() <= LEAF {
        return;
    }
    let widest = widest_value(order, rows);
    // A power of two of leaves on the left: groups of leaves are then whole subtrees.
    let half = order.len().div_ceil(LEAF).next_power_of_two() / 2 * LEAF;
    order.select_nth_unstable_by(half, |&a, &b| {
        rows.snapped(a as usize)[widest].total_cmp(&rows.snapped(b as usize)[widest])
    });
    let (left, right) = order.split_at_mut(half);
    split(left, rows);
    split(right, rows);
}

fn widest_value(order: &[u32], rows: &Rows) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for d in 0..rows.size() {
        let (low, high) = order.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &row| {
            let value = rows.snapped(row as usize)[d];
            (low.min(value), high.max(value))
        });
        if high - low > best.1 {
            best = (d, high - low);
        }
    }
    best.0
}
