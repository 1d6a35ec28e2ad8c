//! Mean-shift as scikit-learn writes it, point by point: the oracle of the fast one.

use std::collections::{BTreeMap, HashSet};

use super::climb::{MAX_ITERATIONS, descending, is_settled};
use super::rows::{self, Rows};
use super::{Clusters, MeanShift, MeanShiftError};

/// Same contract and same bits as [`MeanShift::run`], in the plainest way, every trajectory on its
/// own. [`Clusters::means`] and [`Clusters::work`] count what this way costs.
///
/// # Errors
/// As [`MeanShift::new`] and [`MeanShift::run`].
pub fn mean_shift_plain(
    embeddings: &[f32],
    size: usize,
    bandwidth: f64,
    bin_seeding: bool,
) -> Result<Clusters, MeanShiftError> {
    MeanShift::new(bandwidth, bin_seeding)?;
    let points = rows::checked_points(embeddings.len(), size)?;
    let mut clusters = Clusters::default();
    clusters.reset(points, size);
    let mut rows = Rows::default();
    rows.gather(embeddings, size, bandwidth);

    let every_row: Vec<Vec<f32>> = (0..rows.count()).map(|row| rows.original(row).to_vec()).collect();
    let mut ends = Vec::new();
    if bin_seeding {
        let bins = bin_seeds(&rows, bandwidth);
        if bins.len() < rows.count() {
            ends = climb(&bins, &rows, bandwidth, &mut clusters);
        }
    }
    if ends.is_empty() {
        ends = climb(&every_row, &rows, bandwidth, &mut clusters);
    }
    ends.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| descending(&a.0, &b.0)));

    let mut centres: Vec<Vec<f32>> = Vec::new();
    for (position, _) in ends {
        if centres.iter().all(|centre| squared(&widen(centre), &position) > bandwidth * bandwidth) {
            centres.push(position);
        }
    }
    for row in 0..rows.count() {
        let mut best = f64::INFINITY;
        for (index, centre) in centres.iter().enumerate() {
            let distance = squared(rows.snapped(row), centre);
            if distance < best {
                best = distance;
                clusters.label[rows.index(row)] = index as u32;
            }
        }
    }
    clusters.centre = centres.concat();
    Ok(clusters)
}

fn bin_seeds(rows: &Rows, bandwidth: f64) -> Vec<Vec<f32>> {
    let mut seen = HashSet::new();
    let mut seeds = Vec::new();
    for row in 0..rows.count() {
        let mut seed = Vec::new();
        rows::bin_centre(rows.bin(row), bandwidth, &mut seed);
        if seen.insert(bits(&seed)) {
            seeds.push(seed);
        }
    }
    seeds
}

/// Where the trajectories end, each position once, with the points of the last that ended there.
fn climb(seeds: &[Vec<f32>], rows: &Rows, bandwidth: f64, clusters: &mut Clusters) -> Vec<(Vec<f32>, u32)> {
    let mut ends = BTreeMap::new();
    for seed in seeds {
        let mut position = seed.clone();
        let mut iterations = 0;
        loop {
            let within: Vec<usize> = (0..rows.count())
                .filter(|&row| squared(rows.snapped(row), &position) <= bandwidth * bandwidth)
                .collect();
            clusters.means += 1;
            clusters.work += rows.count() as u64;
            if within.is_empty() {
                break;
            }
            let old = std::mem::take(&mut position);
            position = (0..rows.size())
                .map(|d| {
                    let sum: f64 = within.iter().map(|&row| rows.snapped(row)[d]).sum();
                    (sum / within.len() as f64) as f32 + 0.0
                })
                .collect();
            if is_settled(&old, &position, bandwidth) || iterations == MAX_ITERATIONS {
                ends.insert(bits(&position), (position, within.len() as u32));
                break;
            }
            iterations += 1;
        }
        clusters.iterations = clusters.iterations.max(iterations);
    }
    ends.into_values().collect()
}

fn squared(point: &[f64], centre: &[f32]) -> f64 {
    point.iter().zip(centre).fold(0.0, |sum, (&point, &centre)| {
        let difference = point - f64::from(centre);
        sum + difference * difference
    })
}

fn widen(position: &[f32]) -> Vec<f64> {
    position.iter().map(|&value| f64::from(value)).collect()
}

fn bits(position: &[f32]) -> Vec<u32> {
    position.iter().map(|value| value.to_bits()).collect()
}
