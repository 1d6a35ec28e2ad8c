//! Windows over a moving map: a lattice fixed in the world.
//!
//! Window `(i, j)` covers `i·stride ≤ x < i·stride + size`, the same for y, and every height. The
//! lattice hangs on the origin of the fixed frame, not on the points, so that a window keeps its
//! key and its contents while the robot moves. Windows are half open: with a stride that divides
//! the size every point is in the same number of windows (four, for 1 m and 0.5 m).
//!
//! Points that are not finite or beyond [`COORDINATE_LIMIT`](super::COORDINATE_LIMIT) are in no
//! window.

use super::extent::is_candidate;
use super::{BlockError, Windowing, floor_to_integer};

/// Number of a window along x and y. Sorts by x, then y.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowKey {
    /// Window number along x; the window starts at `x · stride`.
    pub x: i32,
    /// Window number along y.
    pub y: i32,
}

impl WindowKey {
    /// Corner with the smallest x and y, metres.
    pub fn origin(self, windowing: &Windowing) -> [f64; 2] {
        [self.x, self.y].map(|number| f64::from(number) * f64::from(windowing.stride))
    }

    /// Whether a point is in this window.
    pub fn contains(self, point: &[f32; 3], windowing: &Windowing) -> bool {
        let [x, y] = self.origin(windowing);
        let inside =
            |value: f32, start: f64| f64::from(value) >= start && f64::from(value) < start + f64::from(windowing.size);
        is_candidate(point) && inside(point[0], x) && inside(point[1], y)
    }
}

/// The windows that contain a point, in key order; none for a broken point.
pub fn windows_of(point: &[f32; 3], windowing: &Windowing) -> impl Iterator<Item = WindowKey> + use<> {
    Span::of(point, windowing).keys()
}

/// The windows that contain a point: from the first to the last number along x and y, none where the first is beyond
/// the last.
#[derive(Clone, Copy, Debug)]
struct Span {
    first: [i32; 2],
    last: [i32; 2],
}

impl Span {
    fn of(point: &[f32; 3], windowing: &Windowing) -> Self {
        if !is_candidate(point) {
            return Self { first: [0; 2], last: [-1; 2] };
        }
        let [x, y] = [point[0], point[1]].map(|value| numbers(value, windowing));
        Self { first: [*x.start(), *y.start()], last: [*x.end(), *y.end()] }
    }

    fn is_empty(self) -> bool {
        self.first[0] > self.last[0]
    }

    /// From the lowest to the highest window of all points, along x and y; `None` where no point is in any.
    fn around(spans: &[Self]) -> Option<Self> {
        let mut there = spans.iter().copied().filter(|span| !span.is_empty());
        let first = there.next()?;
        Some(there.fold(first, |all, span| Self {
            first: [0, 1].map(|axis| all.first[axis].min(span.first[axis])),
            last: [0, 1].map(|axis| all.last[axis].max(span.last[axis])),
        }))
    }

    fn keys(self) -> impl Iterator<Item = WindowKey> {
        let Self { first, last } = self;
        (first[0]..=last[0]).flat_map(move |x| (first[1]..=last[1]).map(move |y| WindowKey { x, y }))
    }
}

/// Window numbers whose interval contains `value`, along one axis.
fn numbers(value: f32, windowing: &Windowing) -> std::ops::RangeInclusive<i32> {
    let (value, size, stride) = (f64::from(value), f64::from(windowing.size), f64::from(windowing.stride));
    let starts_before = |number: i32| f64::from(number) * stride <= value;
    let ends_after = |number: i32| value < f64::from(number) * stride + size;
    // The quotients may be off by one where the stride is no binary fraction; the comparisons that
    // define a window decide.
    let mut last = floor_to_integer(value / stride) as i32 + 1;
    while !starts_before(last) {
        last -= 1;
    }
    let mut first = floor_to_integer((value - size) / stride) as i32;
    while !ends_after(first) {
        first += 1;
    }
    first..=last
}

/// Which points are in which window. Keeps its memory between builds.
#[derive(Clone, Debug)]
pub struct WindowIndex {
    windowing: Windowing,
    keys: Vec<WindowKey>,
    /// `keys.len() + 1` offsets into `candidates`.
    starts: Vec<usize>,
    candidates: Vec<u32>,
    cursor: Vec<usize>,
    /// The windows of each point.
    spans: Vec<Span>,
    pairs: Vec<(WindowKey, u32)>,
}

impl WindowIndex {
    /// Largest lattice, in windows, that is counted with one counter per window; wider maps (a few
    /// points far away) are sorted instead. 4 Mi windows are 1 km × 1 km at a stride of 0.5 m.
    const MAXIMUM_COUNTERS: i64 = 1 << 22;

    /// An empty index.
    ///
    /// # Errors
    /// [`BlockError::Windowing`] for sizes that cannot be meant.
    pub fn new(windowing: Windowing) -> Result<Self, BlockError> {
        windowing.check()?;
        Ok(Self {
            windowing,
            keys: Vec::new(),
            starts: vec![0],
            candidates: Vec::new(),
            cursor: Vec::new(),
            spans: Vec::new(),
            pairs: Vec::new(),
        })
    }

    /// Assigns points to windows. Points beyond the first 2³² − 1 are not looked at.
    ///
    /// Work: two passes over points × windows per point, plus the windows of the bounding lattice.
    pub fn build(&mut self, position: &[[f32; 3]]) {
        let position = &position[..position.len().min(u32::MAX as usize)];
        self.spans.clear();
        self.spans.extend(position.iter().map(|point| Span::of(point, &self.windowing)));
        match self.lattice() {
            Some(lattice) => self.build_by_counting(lattice),
            None => self.build_by_sorting(position),
        }
    }

    /// Bounding lattice of all candidates: first key, and windows along x and y. `None` if it is
    /// too wide to count on.
    fn lattice(&self) -> Option<(WindowKey, i64, i64)> {
        let Some(Span { first, last }) = Span::around(&self.spans) else {
            return Some((WindowKey::default(), 0, 0));
        };
        let [width, depth] = std::array::from_fn(|axis| i64::from(last[axis]) - i64::from(first[axis]) + 1);
        (width * depth <= Self::MAXIMUM_COUNTERS).then_some((WindowKey { x: first[0], y: first[1] }, width, depth))
    }

    fn build_by_counting(&mut self, (first, width, depth): (WindowKey, i64, i64)) {
        let slot = |key: WindowKey| {
            ((i64::from(key.x) - i64::from(first.x)) * depth + i64::from(key.y) - i64::from(first.y)) as usize
        };
        self.cursor.clear();
        self.cursor.resize((width * depth) as usize, 0);
        for span in &self.spans {
            span.keys().for_each(|key| self.cursor[slot(key)] += 1);
        }
        self.keys.clear();
        self.starts.clear();
        let mut total = 0;
        for x in 0..width {
            for y in 0..depth {
                let count = &mut self.cursor[(x * depth + y) as usize];
                if *count > 0 {
                    self.keys.push(WindowKey { x: first.x + x as i32, y: first.y + y as i32 });
                    self.starts.push(total);
                }
                total += std::mem::replace(count, total);
            }
        }
        self.starts.push(total);
        self.candidates.clear();
        self.candidates.resize(total, 0);
        for (index, span) in self.spans.iter().enumerate() {
            for key in span.keys() {
                let next = &mut self.cursor[slot(key)];
                self.candidates[*next] = index as u32;
                *next += 1;
            }
        }
    }

    /// The plain version: every (window, point) pair, sorted.
    fn build_by_sorting(&mut self, position: &[[f32; 3]]) {
        self.pairs.clear();
        for (index, point) in position.iter().enumerate() {
            self.pairs.extend(windows_of(point, &self.windowing).map(|key| (key, index as u32)));
        }
        self.pairs.sort_unstable();
        self.keys.clear();
        self.starts.clear();
        self.candidates.clear();
        for &(key, index) in &self.pairs {
            if self.keys.last() != Some(&key) {
                self.keys.push(key);
                self.starts.push(self.candidates.len());
            }
            self.candidates.push(index);
        }
        self.starts.push(self.candidates.len());
    }

    /// Windows that hold at least one point, ascending.
    pub fn keys(&self) -> &[WindowKey] {
        &self.keys
    }

    /// Points of a window, ascending; empty where there are none.
    pub fn candidates(&self, key: WindowKey) -> &[u32] {
        self.keys
            .binary_search(&key)
            .map_or(&[], |window| &self.candidates[self.starts[window]..self.starts[window + 1]])
    }

    /// Every window with its points, in key order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (WindowKey, &[u32])> {
        self.keys.iter().zip(self.starts.windows(2)).map(|(&key, bounds)| (key, &self.candidates[bounds[0]..bounds[1]]))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_point_is_in_four_windows() {
        let keys = |point: [f32; 3]| -> Vec<(i32, i32)> {
            windows_of(&point, &Windowing::default()).map(|key| (key.x, key.y)).collect()
        };
        assert_eq!(keys([0.7, 1.2, 9.0]), [(0, 1), (0, 2), (1, 1), (1, 2)]);
        assert_eq!(keys([-0.1, 0.5, 0.0]), [(-2, 0), (-2, 1), (-1, 0), (-1, 1)]);
        assert_eq!(keys([f32::NAN, 0.0, 0.0]), []);
        assert_eq!(keys([0.0, 0.0, f32::INFINITY]), []);
        assert_eq!(keys([0.0, 1.0e30, 0.0]), []);
    }

    #[test]
    fn far_outliers_are_indexed_without_a_table() {
        let mut index = WindowIndex::new(Windowing::default()).unwrap();
        index.build(&[[-9.0e4, 9.0e4, 0.0], [0.2, 0.2, 0.0], [9.0e4, -9.0e4, 0.0], [f32::NAN; 3]]);
        assert_eq!(index.keys().len(), 12);
        assert_eq!(index.candidates(WindowKey { x: 0, y: 0 }), [1]);
        assert_eq!(index.candidates(WindowKey { x: 5, y: 0 }), [0_u32; 0]);
        index.build(&[]);
        assert_eq!(index.iter().len(), 0);
        index.build(&[[f32::NAN; 3]; 4]);
        assert!(index.keys().is_empty());
    }

    proptest! {
        #[test]
        fn counting_equals_sorting_equals_definition(
            points in prop::collection::vec(prop::array::uniform3(-4.0_f32..4.0), 0..120),
            stride in prop::sample::select(vec![0.1_f32, 0.3, 0.5, 0.7, 1.0]),
        ) {
            let windowing = Windowing { stride, ..Windowing::default() };
            let mut fast = WindowIndex::new(windowing).unwrap();
            let mut plain = fast.clone();
            fast.build(&points);
            plain.build_by_sorting(&points);
            prop_assert_eq!(fast.iter().collect::<Vec<_>>(), plain.iter().collect::<Vec<_>>());
            for (index, point) in points.iter().enumerate() {
                for x in -60..60 {
                    let key = WindowKey { x, y: fast.keys().get(index % 7).map_or(0, |key| key.y) };
                    let listed = fast.candidates(key).binary_search(&(index as u32)).is_ok();
                    prop_assert_eq!(listed, key.contains(point, &windowing));
                }
            }
        }
    }
}
