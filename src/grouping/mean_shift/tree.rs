//! Points in a tree of boxes, for all points within a radius and their mean.
//!
//! Sixteen points form a leaf, eight boxes a group; both are stored value by value in columns, so
//! that one vector instruction tests several. A box that the ball misses is skipped, a box that the
//! ball contains adds its precomputed sum (exact, see `rows`), and only the rest are opened.
//!
//! The box tests are exact, too: rounding is monotonic, so the computed squared distance to a box is
//! never above the computed squared distance to a point in it, summed in the same order.

use super::SEARCH;
use super::median::Order;
use super::simd::{Dispatcher, Kernels, Task};

/// Points in a leaf.
pub(super) const LEAF: usize = 16;
/// Boxes in a group.
pub(super) const GROUP: usize = 8;

/// Boxes of one level; level 0 bounds the leaves, each further level groups of the one below.
#[derive(Clone, Debug, Default)]
pub(super) struct Level {
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
    /// Point of each place; leaf `i` holds the places `16 i..16 (i + 1)`.
    order: Order,
    /// `[leaf][value][LEAF]`; +∞ where a leaf is not full.
    columns: Vec<f64>,
    levels: Vec<Level>,
    used_levels: usize,
}

/// Buffers of a search.
#[derive(Clone, Debug, Default)]
pub(super) struct Search {
    /// Groups still to visit: level and group.
    pub(super) stack: Vec<(u32, u32)>,
    /// `[value][LEAF]`: sums, lane by lane.
    lanes: Vec<f64>,
    sum: Vec<f64>,
    centre: Vec<f64>,
}

impl PointTree {
    /// Builds the tree over points of `size` values; there is at least one. `sort_by` are the same
    /// points, perhaps less exactly: they choose the boxes but not what is in them.
    pub(super) fn build(&mut self, points: &[f64], sort_by: &[f32], size: usize) {
        self.size = size;
        self.order.split(sort_by, size);
        self.fill_columns(points);
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

    fn fill_columns(&mut self, points: &[f64]) {
        let size = self.size;
        let leaves = self.leaves();
        self.columns.clear();
        self.columns.resize(leaves * size * LEAF, f64::INFINITY);
        let leaves = self.columns.chunks_exact_mut(size * LEAF).zip(self.order.places().chunks(LEAF));
        for (columns, members) in leaves {
            for (lane, &point) in members.iter().enumerate() {
                for (column, &value) in columns.chunks_exact_mut(LEAF).zip(&points[point as usize * size..][..size]) {
                    column[lane] = value;
                }
            }
        }
    }

    fn build_leaf_boxes(&mut self) {
        if self.levels.is_empty() {
            self.levels.push(Level::default());
        }
        let (leaves, places) = (self.leaves(), self.order.places().len());
        let level = &mut self.levels[0];
        level.reset(leaves, self.size);
        for leaf in 0..leaves {
            let points = (places - leaf * LEAF).min(LEAF);
            level.points[leaf] = points as u32;
            for d in 0..self.size {
                let column = &self.columns[(leaf * self.size + d) * LEAF..][..points];
                level.set(leaf, d, bounds(column, column), column.iter().sum());
            }
        }
    }

    /// Number of leaves.
    pub(super) fn leaves(&self) -> usize {
        self.order.places().len().div_ceil(LEAF)
    }

    /// Points of a leaf, and the columns of their values, `[value][LEAF]`.
    #[inline(always)]
    pub(super) fn leaf(&self, leaf: usize) -> (&[u32], &[f64]) {
        let places = self.order.places();
        let members = &places[leaf * LEAF..places.len().min((leaf + 1) * LEAF)];
        (members, &self.columns[leaf * self.size * LEAF..][..self.size * LEAF])
    }

    /// Columns of all leaves, `[leaf][value][LEAF]`.
    pub(super) fn columns(&self) -> &[f64] {
        &self.columns
    }

    /// Bounds of a leaf in one value.
    pub(super) fn leaf_bounds(&self, leaf: usize, d: usize) -> (f64, f64) {
        let at = (leaf / GROUP * self.size + d) * GROUP + leaf % GROUP;
        (self.levels[0].low[at], self.levels[0].high[at])
    }

    /// Depth of the root's group, the only one of its level.
    pub(super) fn root(&self) -> (u32, u32) {
        (self.used_levels as u32 - 1, 0)
    }

    /// Bounds of a group's boxes, `[value][GROUP]`.
    #[inline(always)]
    pub(super) fn group(&self, depth: u32, group: u32) -> (&[f64], &[f64]) {
        let (level, start) = (&self.levels[depth as usize], group as usize * self.size * GROUP);
        (&level.low[start..][..self.size * GROUP], &level.high[start..][..self.size * GROUP])
    }

    /// Takes points out, as if they lay at infinity. The boxes do not shrink.
    pub(super) fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        for (place, &point) in self.order.places().iter().enumerate() {
            if !keep(point) {
                let start = place / LEAF * self.size * LEAF + place % LEAF;
                self.columns[start..].iter_mut().step_by(LEAF).take(self.size).for_each(|value| *value = f64::INFINITY);
            }
        }
    }

    /// Mean of the points whose squared distance to `centre` is at most `squared_radius`.
    ///
    /// Returns how many there are and how many distances were computed; `mean` is overwritten if
    /// there are any.
    pub(super) fn mean_within(
        &self,
        dispatcher: Dispatcher,
        search: &mut Search,
        centre: &[f32],
        squared_radius: f64,
        mean: &mut Vec<f32>,
    ) -> (u32, u64) {
        search.aim(centre);
        dispatcher.run(MeanWithin { tree: self, search, squared_radius, mean })
    }

    /// Calls `visit` with the points whose squared distance to `centre` is at most `squared_radius`.
    /// Returns how many distances were computed.
    pub(super) fn visit_within(
        &self,
        dispatcher: Dispatcher,
        search: &mut Search,
        centre: &[f32],
        squared_radius: f64,
        visit: impl FnMut(u32),
    ) -> u64 {
        search.aim(centre);
        dispatcher.run(VisitWithin { tree: self, search, squared_radius, visit })
    }
}

impl Search {
    fn aim(&mut self, centre: &[f32]) {
        self.centre.clear();
        self.centre.extend(centre.iter().map(|&value| f64::from(value)));
    }
}

struct MeanWithin<'a> {
    tree: &'a PointTree,
    search: &'a mut Search,
    squared_radius: f64,
    mean: &'a mut Vec<f32>,
}

impl Task for MeanWithin<'_> {
    type Output = (u32, u64);

    #[inline(always)]
    fn run<K: Kernels>(self) -> Self::Output {
        // The networks' embeddings have five values; a known length lets the compiler unroll.
        match self.tree.size {
            5 => self.run_for::<K>(5),
            size => self.run_for::<K>(size),
        }
    }
}

impl MeanWithin<'_> {
    #[inline(always)]
    fn run_for<K: Kernels>(self, size: usize) -> (u32, u64) {
        let Self { tree, search, squared_radius, mean } = self;
        let Search { stack, lanes, sum, centre } = search;
        sum.clear();
        sum.resize(size, 0.0);
        lanes.clear();
        lanes.resize(size * LEAF, 0.0);
        let (centre, lanes, sum) = (&centre[..size], &mut lanes[..size * LEAF], &mut sum[..size]);
        let (mut points, mut work) = (0, SEARCH);
        stack.clear();
        stack.push(tree.root());
        while let Some((depth, group)) = stack.pop() {
            let (low, high) = tree.group(depth, group);
            let (touching, inside) = K::boxes(&low[..size * GROUP], &high[..size * GROUP], centre, squared_radius);
            work += GROUP as u64;
            let level = &tree.levels[depth as usize];
            // A box inside of the ball touches it, except where there is no box: far is not finite.
            for index in ones(inside).map(|lane| group * GROUP as u32 + lane) {
                points += level.points[index as usize];
                for (sum, part) in sum.iter_mut().zip(&level.sum[index as usize * size..][..size]) {
                    *sum += part;
                }
            }
            for index in ones(touching & !inside).map(|lane| group * GROUP as u32 + lane) {
                if depth > 0 {
                    stack.push((depth - 1, index));
                } else {
                    let columns = &tree.columns[index as usize * size * LEAF..][..size * LEAF];
                    points += K::add_within(columns, centre, squared_radius, lanes);
                    work += LEAF as u64;
                }
            }
        }
        if points > 0 {
            mean.clear();
            for (sum, lanes) in sum.iter().zip(lanes.chunks_exact(LEAF)) {
                // Adding zero: no position holds -0.0.
                mean.push(((sum + sum_of_lanes(lanes)) / f64::from(points)) as f32 + 0.0);
            }
        }
        (points, work)
    }
}

/// By halves: the sum is exact in any order.
#[inline(always)]
fn sum_of_lanes(lanes: &[f64]) -> f64 {
    let eight: [f64; 8] = std::array::from_fn(|lane| lanes[lane] + lanes[lane + 8]);
    let four: [f64; 4] = std::array::from_fn(|lane| eight[lane] + eight[lane + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}

struct VisitWithin<'a, F> {
    tree: &'a PointTree,
    search: &'a mut Search,
    squared_radius: f64,
    visit: F,
}

impl<F: FnMut(u32)> Task for VisitWithin<'_, F> {
    type Output = u64;

    #[inline(always)]
    fn run<K: Kernels>(self) -> u64 {
        let Self { tree, search, squared_radius, mut visit } = self;
        let mut work = SEARCH;
        search.stack.clear();
        search.stack.push(tree.root());
        while let Some((depth, group)) = search.stack.pop() {
            let (low, high) = tree.group(depth, group);
            let (touching, _) = K::boxes(low, high, &search.centre, squared_radius);
            work += GROUP as u64;
            for index in ones(touching).map(|lane| group * GROUP as u32 + lane) {
                if depth > 0 {
                    search.stack.push((depth - 1, index));
                } else {
                    let (members, columns) = tree.leaf(index as usize);
                    work += LEAF as u64;
                    let inside = K::within(columns, &search.centre, squared_radius);
                    ones(inside).for_each(|lane| visit(members[lane as usize]));
                }
            }
        }
        work
    }
}

/// Positions of the bits that are set.
#[inline(always)]
pub(super) fn ones(mut mask: u32) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let lane = mask.trailing_zeros();
        (mask != 0).then(|| {
            mask &= mask - 1;
            lane
        })
    })
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
                let bounds = bounds(&below.low[at..][..members], &below.high[at..][..members]);
                let sum = (0..members).map(|member| below.sum[(index * GROUP + member) * size + d]).sum();
                self.set(index, d, bounds, sum);
            }
        }
    }
}

/// Least of `low` and greatest of `high`.
fn bounds(low: &[f64], high: &[f64]) -> (f64, f64) {
    let least = low.iter().fold(f64::INFINITY, |least, &value| if value < least { value } else { least });
    let most = high.iter().fold(f64::NEG_INFINITY, |most, &value| if value > most { value } else { most });
    (least, most)
}

/// Adds one value's part to the squared distances between the nearest and the furthest points of two
/// intervals `(low, high)`, of which one may be a point.
#[inline(always)]
pub(super) fn add_interval(one: (f64, f64), other: (f64, f64), near: &mut f64, far: &mut f64) {
    let (below, above) = (one.0 - other.1, other.0 - one.1);
    let outside = if below > above { below } else { above };
    let gap = if outside > 0.0 { outside } else { 0.0 };
    // -below and -above are the distances between opposite ends.
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
