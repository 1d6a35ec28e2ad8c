//! The valid rows of the input, on a grid where sums are exact.
//!
//! Every coordinate is rounded to a multiple of a power of two `q` with `n · max|x| ≤ 2⁵¹ q`. A sum
//! of any of them is then a multiple of `q` below `2⁵³ q`, which an `f64` holds exactly: addition
//! cannot round, so its order cannot matter. For 4096 points within ±16, `q` is 2⁻³⁵; an `f32` of
//! magnitude above 2⁻¹² is not changed at all.

use super::MeanShiftError;

/// Most points in one run: keeps `q` fine and labels in range.
pub(super) const MAX_POINTS: usize = 1 << 24;

/// Rows further from the origin than this many bandwidths are not clustered.
const MAX_BANDWIDTHS: f64 = (1 << 20) as f64;

/// Number of rows of `size` in `values`.
pub(super) fn checked_points(values: usize, size: usize) -> Result<usize, MeanShiftError> {
    if values == 0 {
        return Ok(0);
    }
    if !values.is_multiple_of(size) {
        return Err(MeanShiftError::Shape { values, size });
    }
    let points = values / size;
    if points > MAX_POINTS { Err(MeanShiftError::TooMany(points)) } else { Ok(points) }
}

/// Valid rows, as they came and snapped to the grid.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    size: usize,
    index: Vec<u32>,
    original: Vec<f32>,
    snapped: Vec<f64>,
    bin: Vec<f32>,
}

impl Rows {
    /// Takes over the valid rows of `values`.
    pub(super) fn gather(&mut self, values: &[f32], size: usize, bandwidth: f64) {
        self.size = size;
        self.index.clear();
        self.original.clear();
        self.snapped.clear();
        self.bin.clear();
        if size == 0 {
            return;
        }
        let limit = MAX_BANDWIDTHS * bandwidth;
        let mut greatest = 0.0_f64;
        for (index, row) in values.chunks_exact(size).enumerate() {
            let extent = row.iter().fold(0.0, |extent: f64, &value| extent.max(f64::from(value).abs()));
            let valid = row.iter().all(|value| value.is_finite()) && extent <= limit;
            if valid {
                greatest = greatest.max(extent);
                self.index.push(index as u32);
                // Adding zero turns -0.0 into 0.0, so that equal positions have equal bits.
                self.original.extend(row.iter().map(|&value| value + 0.0));
            }
        }
        // Adding and taking away 1.5 · 2⁵² q rounds to a multiple of q (ties to even).
        let magic = 1.5 * power_of_two(52) * quantum(self.index.len() as f64 * greatest);
        self.snapped.extend(self.original.iter().map(|&value| (f64::from(value) + magic) - magic));
        let width = bandwidth as f32;
        // Rounds to an integer, ties to even, below 2²².
        const MAGIC: f32 = 1.5 * (1 << 23) as f32;
        self.bin.extend(self.original.iter().map(|&value| ((value / width + MAGIC) - MAGIC) + 0.0));
    }

    /// Number of valid rows.
    pub(super) fn count(&self) -> usize {
        self.index.len()
    }

    /// Values in a row.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Index of a valid row in the input.
    pub(super) fn index(&self, row: usize) -> usize {
        self.index[row] as usize
    }

    /// The valid rows as they came.
    pub(super) fn originals(&self) -> &[f32] {
        &self.original
    }

    /// A valid row as it came.
    pub(super) fn original(&self, row: usize) -> &[f32] {
        &self.original[row * self.size..][..self.size]
    }

    /// The valid rows on the grid of exact sums.
    pub(super) fn all_snapped(&self) -> &[f64] {
        &self.snapped
    }

    /// A valid row on the grid of exact sums.
    pub(super) fn snapped(&self, row: usize) -> &[f64] {
        &self.snapped[row * self.size..][..self.size]
    }

    /// Bin that a row falls in: integers, in `f32` as NumPy computes them.
    pub(super) fn bin(&self, row: usize) -> &[f32] {
        &self.bin[row * self.size..][..self.size]
    }
}

/// Centre of a bin, in `f32` as NumPy computes it.
pub(super) fn bin_centre(bin: &[f32], bandwidth: f64, centre: &mut Vec<f32>) {
    centre.clear();
    centre.extend(bin.iter().map(|&integer| integer * bandwidth as f32 + 0.0));
}

/// A power of two `q` with `bound ≤ 2⁵¹ q`.
fn quantum(bound: f64) -> f64 {
    if bound == 0.0 {
        return 1.0;
    }
    let exponent = ((bound.to_bits() >> 52) & 0x7ff) as i32 - 1023;
    power_of_two(exponent + 1 - 51)
}

/// `2^exponent` for exponents of normal numbers.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_do_not_depend_on_order() {
        let values: Vec<f32> = (0..4096).map(|i| ((i * 7919) % 4099) as f32 * 0.003_711 - 7.3).collect();
        let mut rows = Rows::default();
        rows.gather(&values, 1, 0.6);
        let forward: f64 = rows.snapped.iter().sum();
        let backward: f64 = rows.snapped.iter().rev().sum();
        assert_eq!(forward.to_bits(), backward.to_bits());
        for (snapped, value) in rows.snapped.iter().zip(&values) {
            assert!((snapped - f64::from(*value)).abs() < 1e-10);
        }
    }

    #[test]
    fn invalid_rows_are_left_out() {
        let values = [0.0, 1.0, f32::NAN, 1.0, 1.0, f32::INFINITY, -0.0, 2.0, 1e30, 0.0, 3.0, f32::NAN];
        let mut rows = Rows::default();
        rows.gather(&values, 2, 0.6);
        assert_eq!(rows.index, [0, 3]);
        assert_eq!(rows.original(1)[0].to_bits(), 0.0_f32.to_bits());
    }

    #[test]
    fn bins_round_half_to_even() {
        let mut rows = Rows::default();
        rows.gather(&[0.5, 1.5, 2.5, -0.5, -1.5, 0.49], 1, 1.0);
        let bins: Vec<f32> = (0..6).map(|row| rows.bin(row)[0]).collect();
        assert_eq!(bins, [0.0, 2.0, 2.0, 0.0, -2.0, 0.0]);
        let mut centre = Vec::new();
        bin_centre(&[-2.0, 0.0], 0.5, &mut centre);
        assert_eq!(centre, [-1.0, 0.0]);
    }
}
