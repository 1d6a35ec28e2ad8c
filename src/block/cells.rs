//! Which points are in which window, for a map that changes with every frame.
//!
//! Where the stride is half the size, as the papers have it, every point is in two windows along each axis: the plane
//! falls into cells, as large as the stride, of points that share their windows, and a window is four cells. So each
//! frame a point is sorted once, into its cell, instead of four times; what a window holds is put together when it is
//! asked for. Other strides are left to [`WindowIndex`], which is also the oracle.

use super::extent::is_candidate;
use super::{BlockError, WindowIndex, WindowKey, Windowing};
use crate::rounding::round_down;

/// Marks a point that is in no cell, as a pair of cell numbers and as a place in the lattice.
const NOWHERE: [i32; 2] = [i32::MIN; 2];

/// Windows of a map and their points. Keeps its memory between builds.
#[derive(Clone, Debug)]
pub struct CellIndex {
    /// Cells in a metre, where windows are made of cells.
    cells_per_metre: Option<f32>,
    /// Cell numbers of each point along x and y.
    cell_of_point: Vec<[i32; 2]>,
    /// First window of the first cell.
    first: WindowKey,
    /// Cells along x and y.
    size: [usize; 2],
    /// One more than there are cells: where each begins in `points`.
    starts: Vec<u32>,
    points: Vec<u32>,
    /// For windows that are not made of cells, and for points too far apart for a table.
    general: WindowIndex,
    is_general: bool,
}

impl CellIndex {
    /// Largest table of cells.
    const MOST_CELLS: i64 = 1 << 22;

    /// An empty index.
    ///
    /// # Errors
    /// [`BlockError::Windowing`] for sizes that cannot be meant.
    pub fn new(windowing: Windowing) -> Result<Self, BlockError> {
        // Only by a power of two does division round nowhere, so that every point is put where the comparisons that
        // define a window would put it.
        let stride = windowing.stride;
        let is_power_of_two = stride.is_normal() && stride.to_bits().trailing_zeros() >= f32::MANTISSA_DIGITS - 1;
        let is_made_of_cells = is_power_of_two && windowing.size == 2.0 * stride;
        Ok(Self {
            cells_per_metre: is_made_of_cells.then_some(1.0 / stride),
            cell_of_point: Vec::new(),
            first: WindowKey::default(),
            size: [0; 2],
            starts: vec![0],
            points: Vec::new(),
            general: WindowIndex::new(windowing)?,
            is_general: !is_made_of_cells,
        })
    }

    /// Assigns points to windows. Points beyond the first 2³² − 1 are not looked at.
    ///
    /// Work: three passes over the points, plus the cells of the bounding lattice.
    pub fn build(&mut self, position: &[[f32; 3]]) {
        let position = &position[..position.len().min(u32::MAX as usize)];
        self.is_general = !self.lay_out(position);
        if self.is_general {
            return self.general.build(position);
        }
        let [width, depth] = self.size;
        self.starts.clear();
        self.starts.resize(width * depth + 1, 0);
        // A cell's number is that of the later of its two windows.
        let first = [self.first.x + 1, self.first.y + 1];
        let starts = &mut self.starts;
        let place = |cell: &[i32; 2]| (cell[0] - first[0]) as usize * depth + (cell[1] - first[1]) as usize;
        let inside = || self.cell_of_point.iter().enumerate().filter(|(_, cell)| **cell != NOWHERE);
        // Counts; then where each cell ends; then, filled from its end, where it begins.
        inside().for_each(|(_, cell)| starts[place(cell)] += 1);
        let mut total = 0;
        for start in starts.iter_mut() {
            total += *start;
            *start = total;
        }
        self.points.clear();
        self.points.resize(total as usize, 0);
        for (point, cell) in inside().rev() {
            let start = &mut starts[place(cell)];
            *start -= 1;
            self.points[*start as usize] = point as u32;
        }
    }

    /// Finds each point's cell and the lattice that holds them. `false` where there is none.
    fn lay_out(&mut self, position: &[[f32; 3]]) -> bool {
        let Some(scale) = self.cells_per_metre else { return false };
        let (mut lowest, mut highest) = ([i32::MAX; 2], [i32::MIN; 2]);
        self.cell_of_point.clear();
        self.cell_of_point.extend(position.iter().map(|point| {
            if !is_candidate(point) {
                return NOWHERE;
            }
            let cell = [round_down(point[0] * scale), round_down(point[1] * scale)];
            for axis in 0..2 {
                lowest[axis] = lowest[axis].min(cell[axis]);
                highest[axis] = highest[axis].max(cell[axis]);
            }
            cell
        }));
        if lowest[0] > highest[0] {
            (self.first, self.size) = (WindowKey::default(), [0; 2]);
            return true;
        }
        let [width, depth] = [0, 1].map(|axis| i64::from(highest[axis]) - i64::from(lowest[axis]) + 1);
        self.first = WindowKey { x: lowest[0] - 1, y: lowest[1] - 1 };
        self.size = [width as usize, depth as usize];
        width.saturating_mul(depth) <= Self::MOST_CELLS
    }

    /// Points of a cell, by its place in the lattice; none beside it.
    fn cell(&self, x: i64, y: i64) -> &[u32] {
        let [width, depth] = self.size.map(|size| size as i64);
        if !(0..width).contains(&x) || !(0..depth).contains(&y) {
            return &[];
        }
        let cell = (x * depth + y) as usize;
        &self.points[self.starts[cell] as usize..self.starts[cell + 1] as usize]
    }

    /// The four cells of a window.
    fn cells(&self, key: WindowKey) -> [&[u32]; 4] {
        let (x, y) = (i64::from(key.x) - i64::from(self.first.x), i64::from(key.y) - i64::from(self.first.y));
        [self.cell(x - 1, y - 1), self.cell(x - 1, y), self.cell(x, y - 1), self.cell(x, y)]
    }

    /// How many points a window has.
    pub fn count(&self, key: WindowKey) -> usize {
        match self.is_general {
            true => self.general.candidates(key).len(),
            false => self.cells(key).iter().map(|cell| cell.len()).sum(),
        }
    }

    /// Every window that holds a point, with how many, in key order.
    pub fn for_each(&self, mut visit: impl FnMut(WindowKey, usize)) {
        if self.is_general {
            return self.general.iter().for_each(|(key, points)| visit(key, points.len()));
        }
        let [width, depth] = self.size.map(|size| if size == 0 { 0 } else { size as i32 + 1 });
        for x in 0..width {
            for y in 0..depth {
                let key = WindowKey { x: self.first.x + x, y: self.first.y + y };
                let count = self.count(key);
                if count > 0 {
                    visit(key, count);
                }
            }
        }
    }

    /// Points of a window in ascending order; `points` is overwritten.
    pub fn points_of(&self, key: WindowKey, points: &mut Vec<u32>) {
        points.clear();
        if self.is_general {
            return points.extend_from_slice(self.general.candidates(key));
        }
        self.cells(key).into_iter().for_each(|cell| points.extend_from_slice(cell));
        points.sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn cells_are_windows(
            points in prop::collection::vec(prop::array::uniform3(-4.0_f32..4.0), 0..120),
            stride in prop::sample::select(vec![0.3_f32, 0.5, 0.7, 1.0]),
            broken in any::<bool>(),
        ) {
            let mut points = points;
            if broken {
                points.push([f32::NAN; 3]);
                points.push([0.0, 0.0, f32::INFINITY]);
            }
            let windowing = Windowing { stride, ..Windowing::default() };
            let (mut cells, mut plain) = (CellIndex::new(windowing).unwrap(), WindowIndex::new(windowing).unwrap());
            // A build leaves nothing of the one before.
            for points in [&points[..], &points[points.len() / 2..]] {
                cells.build(points);
                plain.build(points);
                let mut found = Vec::new();
                cells.for_each(|key, count| found.push((key, count)));
                let expected: Vec<_> = plain.iter().map(|(key, points)| (key, points.len())).collect();
                prop_assert_eq!(found, expected);
                let mut of_window = vec![7];
                for (key, expected) in plain.iter() {
                    cells.points_of(key, &mut of_window);
                    prop_assert_eq!(&of_window[..], expected);
                }
                cells.points_of(WindowKey { x: 1000, y: i32::MIN }, &mut of_window);
                prop_assert!(of_window.is_empty());
            }
            prop_assert_eq!(cells.is_general, stride != 0.5);
        }
    }

    #[test]
    fn points_that_are_far_apart_are_indexed_too() {
        let mut cells = CellIndex::new(Windowing::default()).unwrap();
        cells.build(&[[-9.0e4, 9.0e4, 0.0], [0.2, 0.2, 0.0], [9.0e4, -9.0e4, 0.0]]);
        assert_eq!(cells.count(WindowKey { x: 0, y: 0 }), 1);
        cells.build(&[]);
        cells.for_each(|key, _| panic!("{key:?}"));
    }
}
