//! A block cut into leaves of 32 neighbouring points.
//!
//! Every search of this room asks the same first question: which points can be near? A balanced
//! k-d partition answers it with a few boxes. It was chosen over a grid of cells because its memory
//! and its balance do not depend on the extent or density of the cloud (one point at 1e30 m costs
//! nothing), and because leaves of fixed size, stored column by column, are what vector units like.

use super::GeometryError;

/// Points per leaf. All leaves but the last are full.
pub(super) const LEAF: usize = 32;

/// Boxes that are tested at once; the box columns are padded to a multiple of it.
pub(super) const BOXES: usize = 8;

/// Index of the lanes that hold no point.
const NO_POINT: u32 = u32::MAX;

/// The reference's FPS kernel breaks ties by thread (`index mod 512`), then by index. Sorting by
/// this key sorts by that rule.
pub(super) const fn tie_key(index: u32) -> u32 {
    ((index & 511) << 23) | (index >> 9)
}

/// The index that [`tie_key`] made the key of.
pub(super) const fn index_of_tie_key(key: u32) -> u32 {
    ((key & 0x7f_ffff) << 9) | (key >> 23)
}

/// Points of a block, partitioned in space. Built once per level, read by every search.
#[derive(Clone, Debug, Default)]
pub struct Leaves {
    point_count: usize,
    /// x, y and z of the points, leaf by leaf. Lanes without a point repeat the leaf's first.
    pub(super) column: [Vec<[f32; LEAF]>; 3],
    /// Index of each point in the block; within a leaf in the order of [`tie_key`].
    pub(super) index: Vec<[u32; LEAF]>,
    /// Bit per lane: whether it holds a point.
    pub(super) occupied: Vec<u32>,
    /// Lowest x, y and z in each leaf; +∞ in the padding.
    pub(super) low: [Vec<f32>; 3],
    /// Highest x, y and z in each leaf; −∞ in the padding.
    pub(super) high: [Vec<f32>; 3],
    order: Vec<u64>,
    pending: Vec<(usize, usize)>,
}

impl Leaves {
    /// Number of points.
    pub fn len(&self) -> usize {
        self.point_count
    }

    /// Whether nothing was built yet.
    pub fn is_empty(&self) -> bool {
        self.point_count == 0
    }

    /// Makes room for `points` points.
    pub fn reserve(&mut self, points: usize) {
        let leaves = points.div_ceil(LEAF).next_multiple_of(BOXES);
        self.order.reserve(points.saturating_sub(self.order.len()));
        self.index.reserve(leaves.saturating_sub(self.index.len()));
        self.occupied.reserve(leaves.saturating_sub(self.occupied.len()));
        for axis in 0..3 {
            self.column[axis].reserve(leaves.saturating_sub(self.column[axis].len()));
            self.low[axis].reserve(leaves.saturating_sub(self.low[axis].len()));
            self.high[axis].reserve(leaves.saturating_sub(self.high[axis].len()));
        }
    }

    /// Partitions `position` (metres, any frame), replacing what was there and keeping the buffers.
    ///
    /// Work: `points × log2(points / 32)`.
    ///
    /// # Errors
    /// [`GeometryError::Empty`], [`GeometryError::TooManyPoints`], or [`GeometryError::NotFinite`]
    /// with the first such point. The leaves are then as before.
    pub fn build(&mut self, position: &[[f32; 3]]) -> Result<(), GeometryError> {
        check_points(position)?;
        self.point_count = position.len();
        for axis in 0..3 {
            self.column[axis].clear();
            self.low[axis].clear();
            self.high[axis].clear();
        }
        self.index.clear();
        self.occupied.clear();
        self.order.clear();
        self.order.extend(0..position.len() as u64);
        self.pending.clear();
        self.pending.push((0, position.len()));
        while let Some((begin, end)) = self.pending.pop() {
            if end - begin <= LEAF {
                self.push_leaf(position, begin, end);
                continue;
            }
            let middle = begin + LEAF * ((end - begin).div_ceil(LEAF) / 2);
            split(&mut self.order[begin..end], position, middle - begin);
            // The left half is popped first, so leaves come out in spatial order.
            self.pending.push((middle, end));
            self.pending.push((begin, middle));
        }
        let padded = self.index.len().next_multiple_of(BOXES);
        for axis in 0..3 {
            self.low[axis].resize(padded, f32::INFINITY);
            self.high[axis].resize(padded, f32::NEG_INFINITY);
        }
        Ok(())
    }

    fn push_leaf(&mut self, position: &[[f32; 3]], begin: usize, end: usize) {
        let count = end - begin;
        let mut keys = [0_u32; LEAF];
        for (key, &packed) in keys.iter_mut().zip(&self.order[begin..end]) {
            *key = tie_key(packed as u32);
        }
        keys[..count].sort_unstable();
        let first = position[index_of_tie_key(keys[0]) as usize];
        let mut index = [NO_POINT; LEAF];
        let mut column = first.map(|value| [value; LEAF]);
        let (mut low, mut high) = (first, first);
        for lane in 0..count {
            index[lane] = index_of_tie_key(keys[lane]);
            let point = position[index[lane] as usize];
            for axis in 0..3 {
                column[axis][lane] = point[axis];
                low[axis] = low[axis].min(point[axis]);
                high[axis] = high[axis].max(point[axis]);
            }
        }
        for axis in 0..3 {
            self.column[axis].push(column[axis]);
            self.low[axis].push(low[axis]);
            self.high[axis].push(high[axis]);
        }
        self.index.push(index);
        self.occupied.push(if count == LEAF { u32::MAX } else { (1 << count) - 1 });
    }

    /// Number of chunks of [`BOXES`] boxes, the last one padded.
    #[inline]
    pub(super) fn box_chunks(&self) -> usize {
        self.low[0].len() / BOXES
    }

    /// One bit for each box of a chunk that is nearer to `centre` than its own squared `limit`.
    /// Boxes of the padding never are.
    ///
    /// The squared distance to a box is rounded as the distance to a point is, so it is never above
    /// that of any point inside.
    #[inline]
    pub(super) fn near_boxes(&self, chunk: usize, centre: [f32; 3], limit: &[f32; BOXES]) -> u32 {
        let [low_x, low_y, low_z] = each_axis(&self.low, |column| &column.as_chunks::<BOXES>().0[chunk]);
        let [high_x, high_y, high_z] = each_axis(&self.high, |column| &column.as_chunks::<BOXES>().0[chunk]);
        let mut near = [0_u32; BOXES];
        for lane in 0..BOXES {
            let dx = gap(low_x[lane], high_x[lane], centre[0]);
            let dy = gap(low_y[lane], high_y[lane], centre[1]);
            let dz = gap(low_z[lane], high_z[lane], centre[2]);
            let bound = dx * dx + dy * dy + dz * dz;
            near[lane] = if bound < limit[lane] { 1 << lane } else { 0 };
        }
        near.iter().fold(0, |mask, bit| mask | bit)
    }

    /// Squared distances from `centre` to the 32 lanes of a leaf.
    #[inline]
    pub(super) fn squared_distances(&self, leaf: usize, centre: [f32; 3]) -> [f32; LEAF] {
        let [x, y, z] = each_axis(&self.column, |column| &column[leaf]);
        std::array::from_fn(|lane| {
            let (dx, dy, dz) = (x[lane] - centre[0], y[lane] - centre[1], z[lane] - centre[2]);
            dx * dx + dy * dy + dz * dz
        })
    }
}

/// What a function makes of each axis. `array::map` is the same, but its inner function is compiled once, and found
/// from another part of the crate only by link-time optimisation; this one is always in line.
#[inline(always)]
pub(super) fn each_axis<'a, From, To>(axes: &'a [From; 3], mut function: impl FnMut(&'a From) -> To) -> [To; 3] {
    let [x, y, z] = axes;
    [function(x), function(y), function(z)]
}

/// Distance along one axis from `value` to the interval `low..=high`; 0 inside.
#[inline]
fn gap(low: f32, high: f32, value: f32) -> f32 {
    let (below, above) = (low - value, value - high);
    let outside = if below > above { below } else { above };
    if outside > 0.0 { outside } else { 0.0 }
}

/// One bit per lane in which `value < limit`.
#[inline]
pub(super) fn lanes_below(values: &[f32; LEAF], limit: f32) -> u32 {
    let mut bits = [0_u32; LEAF];
    for lane in 0..LEAF {
        bits[lane] = if values[lane] < limit { 1 << lane } else { 0 };
    }
    bits.iter().fold(0, |mask, bit| mask | bit)
}

/// Checks that there are points, that 32 bits can name them and that all are finite.
pub(super) fn check_points(position: &[[f32; 3]]) -> Result<(), GeometryError> {
    if position.is_empty() {
        return Err(GeometryError::Empty);
    }
    let maximum = NO_POINT as usize;
    if position.len() > maximum {
        return Err(GeometryError::TooManyPoints { maximum, actual: position.len() });
    }
    check_finite(position)
}

/// Checks that all coordinates are finite; names the first point that is not.
pub(super) fn check_finite(position: &[[f32; 3]]) -> Result<(), GeometryError> {
    match position.iter().position(|point| !point.iter().all(|value| value.is_finite())) {
        Some(index) => Err(GeometryError::NotFinite { index, position: position[index] }),
        None => Ok(()),
    }
}

/// Orders `order` so that its first `middle` points lie below the others along the longest axis.
/// The low half of each entry is the point's index; the high half is overwritten.
fn split(order: &mut [u64], position: &[[f32; 3]], middle: usize) {
    let (mut low, mut high) = ([f32::INFINITY; 3], [f32::NEG_INFINITY; 3]);
    for &packed in order.iter() {
        let point = position[packed as u32 as usize];
        for axis in 0..3 {
            low[axis] = if point[axis] < low[axis] { point[axis] } else { low[axis] };
            high[axis] = if point[axis] > high[axis] { point[axis] } else { high[axis] };
        }
    }
    let extent: [f32; 3] = std::array::from_fn(|axis| high[axis] - low[axis]);
    let longest = (1..3).fold(0, |best, axis| if extent[axis] > extent[best] { axis } else { best });
    for packed in order.iter_mut() {
        let index = *packed as u32;
        *packed = u64::from(ordered_bits(position[index as usize][longest])) << 32 | u64::from(index);
    }
    order.select_nth_unstable(middle);
}

/// Bits that compare as unsigned integers the way the (finite) values compare.
fn ordered_bits(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 0x8000_0000 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tie_key_sorts_by_thread_then_index() {
        let mut index: Vec<u32> = vec![1024, 513, 512, 1, 511, 0, 4095, u32::MAX - 1];
        index.sort_by_key(|&index| tie_key(index));
        assert_eq!(index, [0, 512, 1024, 1, 513, u32::MAX - 1, 511, 4095]);
        assert!(index.iter().all(|&index| index_of_tie_key(tie_key(index)) == index));
    }

    #[test]
    fn every_point_is_in_one_leaf_and_inside_its_box() {
        for count in [1, 2, 31, 32, 33, 64, 65, 1000] {
            let position: Vec<[f32; 3]> =
                (0..count).map(|i| [(i * 7919 % 101) as f32, (i * 104_729 % 53) as f32 - 20.0, i as f32]).collect();
            let mut leaves = Leaves::default();
            leaves.build(&position).unwrap();
            assert_eq!(leaves.index.len(), usize::div_ceil(count, LEAF));
            let mut seen = vec![0; count];
            for leaf in 0..leaves.index.len() {
                for lane in 0..LEAF {
                    if leaves.occupied[leaf] >> lane & 1 == 0 {
                        assert_eq!(leaves.index[leaf][lane], NO_POINT);
                        continue;
                    }
                    let index = leaves.index[leaf][lane] as usize;
                    seen[index] += 1;
                    for (axis, value) in position[index].into_iter().enumerate() {
                        assert_eq!(leaves.column[axis][leaf][lane], value);
                        assert!(leaves.low[axis][leaf] <= value && value <= leaves.high[axis][leaf]);
                    }
                }
            }
            assert!(seen.iter().all(|&times| times == 1));
        }
    }

    #[test]
    fn refuses_what_it_cannot_place() {
        let mut leaves = Leaves::default();
        assert_eq!(leaves.build(&[]), Err(GeometryError::Empty));
        let error = leaves.build(&[[0.0; 3], [0.0, f32::INFINITY, 0.0]]).unwrap_err();
        assert!(matches!(error, GeometryError::NotFinite { index: 1, .. }), "{error}");
    }
}
