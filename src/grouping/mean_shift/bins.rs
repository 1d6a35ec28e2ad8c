//! Occupied bins: the seeds of `bin_seeding`, and the base of an answer that is cut short.
//!
//! One pass over the points counts them by bin. Bins are visited densest first, so that whatever the
//! budget pays for goes to where most points are. The mean of a bin that was not reached stands for
//! the end of its trajectory.

use super::positions::PositionTable;
use super::rows::Rows;

/// The occupied bins of one block, numbered by their first row.
#[derive(Clone, Debug, Default)]
pub(super) struct Bins {
    /// Bin by its integer coordinates.
    table: PositionTable,
    of_row: Vec<u32>,
    first_row: Vec<u32>,
    points: Vec<u32>,
    /// Densest first, the first of equals first.
    order: Vec<u32>,
    /// Bins of each number of points.
    starts: Vec<u32>,
    /// `[bin][value]`.
    sum: Vec<f64>,
}

impl Bins {
    /// Counts the rows.
    pub(super) fn count_rows(&mut self, rows: &Rows) {
        self.table.clear(rows.size());
        self.of_row.clear();
        self.first_row.clear();
        self.points.clear();
        for row in 0..rows.count() {
            let bin = self.table.intern(rows.bin(row));
            if bin as usize == self.points.len() {
                self.points.push(0);
                self.first_row.push(row as u32);
            }
            self.points[bin as usize] += 1;
            self.of_row.push(bin);
        }
        self.sort();
    }

    /// By counting, since no bin has more points than there are.
    fn sort(&mut self) {
        let most = self.points.iter().copied().max().unwrap_or(0) as usize;
        self.starts.clear();
        self.starts.resize(most + 2, 0);
        let key = |points: u32| most - points as usize;
        for &points in &self.points {
            self.starts[key(points) + 1] += 1;
        }
        for at in 1..self.starts.len() {
            self.starts[at] += self.starts[at - 1];
        }
        self.order.clear();
        self.order.resize(self.points.len(), 0);
        for (bin, &points) in self.points.iter().enumerate() {
            let start = &mut self.starts[key(points)];
            self.order[*start as usize] = bin as u32;
            *start += 1;
        }
    }

    /// Number of occupied bins.
    pub(super) fn len(&self) -> usize {
        self.points.len()
    }

    /// The bin at a rank, densest first.
    pub(super) fn ranked(&self, rank: usize) -> u32 {
        self.order[rank]
    }

    /// Integer coordinates of a bin.
    pub(super) fn coordinates(&self, bin: u32) -> &[f32] {
        self.table.get(bin)
    }

    /// Bin of a row.
    pub(super) fn of_row(&self, row: u32) -> u32 {
        self.of_row[row as usize]
    }

    /// First row of a bin.
    pub(super) fn first_row(&self, bin: u32) -> u32 {
        self.first_row[bin as usize]
    }

    /// Points of a bin.
    pub(super) fn points(&self, bin: u32) -> u32 {
        self.points[bin as usize]
    }

    /// Prepares [`mean`](Self::mean): one pass over the rows.
    pub(super) fn sum_rows(&mut self, rows: &Rows) {
        let size = rows.size();
        self.sum.clear();
        self.sum.resize(self.points.len() * size, 0.0);
        for (row, &bin) in self.of_row.iter().enumerate() {
            for (sum, value) in self.sum[bin as usize * size..][..size].iter_mut().zip(rows.snapped(row)) {
                *sum += value;
            }
        }
    }

    /// Mean of the points of a bin.
    pub(super) fn mean(&self, bin: u32, mean: &mut Vec<f32>) {
        let size = self.sum.len() / self.points.len();
        let points = f64::from(self.points(bin));
        mean.clear();
        mean.extend(self.sum[bin as usize * size..][..size].iter().map(|sum| (sum / points) as f32 + 0.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bins(values: &[f32]) -> (Bins, Rows) {
        let (mut bins, mut rows) = (Bins::default(), Rows::default());
        rows.gather(values, 1, 1.0);
        bins.count_rows(&rows);
        (bins, rows)
    }

    #[test]
    fn densest_first_and_the_first_of_equals() {
        let (bins, _) = bins(&[7.0, 3.0, 3.1, 9.0, 1.0, 0.9]);
        let order: Vec<f32> = (0..bins.len()).map(|rank| bins.coordinates(bins.ranked(rank))[0]).collect();
        assert_eq!(order, [3.0, 1.0, 7.0, 9.0]);
        assert_eq!((bins.points(1), bins.first_row(1), bins.of_row(2)), (2, 1, 1));
    }

    #[test]
    fn the_mean_of_a_bin_is_that_of_its_points() {
        let (mut bins, rows) = bins(&[0.0, 2.0, 1.75, 2.25, 2.25, -0.25]);
        bins.sum_rows(&rows);
        let mut mean = Vec::new();
        bins.mean(0, &mut mean);
        assert_eq!(mean, [-0.125]);
        bins.mean(1, &mut mean);
        assert_eq!(mean, [2.0625]);
    }
}
