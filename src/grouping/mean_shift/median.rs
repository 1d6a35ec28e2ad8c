//! Order of points by halving at the median of the widest value.

use super::tree::LEAF;

/// Points in an order in which each run of [`LEAF`] is compact.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    places: Vec<u32>,
    /// Value and number of each point, so that comparing is one integer comparison.
    keys: Vec<u64>,
}

impl Order {
    /// Point of each place.
    pub(super) fn places(&self) -> &[u32] {
        &self.places
    }

    /// Orders points of `size` finite values.
    pub(super) fn split(&mut self, points: &[f32], size: usize) {
        let count = points.len() / size;
        self.places.clear();
        self.places.extend(0..count as u32);
        self.keys.clear();
        self.keys.resize(count, 0);
        match size {
            5 => halve(&mut self.places, &mut self.keys, points, 5),
            size => halve(&mut self.places, &mut self.keys, points, size),
        }
    }
}

/// Halves at the widest value, at a leaf border. Equal values go by their numbers: which points end
/// up in which leaf depends on nothing but the points.
#[inline]
fn halve(places: &mut [u32], keys: &mut [u64], points: &[f32], size: usize) {
    if places.len() <= LEAF {
        return;
    }
    let widest = widest_value(places, points, size);
    // A power of two of leaves on the left: groups of leaves are then whole subtrees.
    let half = places.len().div_ceil(LEAF).next_power_of_two() / 2 * LEAF;
    for (key, &place) in keys.iter_mut().zip(places.iter()) {
        *key = u64::from(sortable(points[place as usize * size + widest])) << 32 | u64::from(place);
    }
    keys.select_nth_unstable(half);
    for (place, &key) in places.iter_mut().zip(keys.iter()) {
        *place = key as u32;
    }
    let (left, right) = places.split_at_mut(half);
    let (left_keys, right_keys) = keys.split_at_mut(half);
    halve(left, left_keys, points, size);
    halve(right, right_keys, points, size);
}

/// Integers in the order of the floats.
pub(super) fn sortable(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 0 { bits | 1 << 31 } else { !bits }
}

#[inline]
fn widest_value(places: &[u32], points: &[f32], size: usize) -> usize {
    if size == 5 {
        return widest(bounds_of::<5>(places, points).into_iter());
    }
    widest((0..size).map(|d| {
        let values = places.iter().map(|&place| points[place as usize * size + d]);
        values.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
    }))
}

/// Bounds of all values at once: the networks' embeddings have five.
fn bounds_of<const SIZE: usize>(places: &[u32], points: &[f32]) -> [(f32, f32); SIZE] {
    let mut low = [f32::INFINITY; SIZE];
    let mut high = [f32::NEG_INFINITY; SIZE];
    let points = points.as_chunks::<SIZE>().0;
    for &place in places {
        let point = &points[place as usize];
        for d in 0..SIZE {
            low[d] = if point[d] < low[d] { point[d] } else { low[d] };
            high[d] = if point[d] > high[d] { point[d] } else { high[d] };
        }
    }
    std::array::from_fn(|d| (low[d], high[d]))
}

fn widest(bounds: impl Iterator<Item = (f32, f32)>) -> usize {
    let mut best = (0, f32::NEG_INFINITY);
    for (d, (low, high)) in bounds.enumerate() {
        if high - low > best.1 {
            best = (d, high - low);
        }
    }
    best.0
}
