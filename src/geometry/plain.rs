//! The direct version of every search: three loops and no cleverness.
//!
//! These are the definitions. The fast versions are tested against them on random, duplicated,
//! degenerate and huge coordinates, and they against the golden vectors.

use super::leaves::tie_key;
use super::{GeometryError, Interpolation, NearestNeighbours, Neighbours, inverse_square_weights};

/// Squared distance of a point that no sample has been compared with yet (reference: `1e38`).
pub(super) const NEVER_SEEN: f32 = 1e38;

/// Distances below this count as this (reference: `max(sqrtf(…), 1e-20f)`).
pub(super) const SMALLEST_DISTANCE: f32 = 1e-20;

/// `(dx² + dy²) + dz²`, each operation rounded to single precision.
pub fn squared_distance(a: [f32; 3], b: [f32; 3]) -> f32 {
    let (dx, dy, dz) = (a[0] - b[0], a[1] - b[1], a[2] - b[2]);
    dx * dx + dy * dy + dz * dz
}

/// `(dx² + dy²) + dz²` in double precision.
pub fn squared_distance_f64(a: [f32; 3], b: [f32; 3]) -> f64 {
    let [dx, dy, dz] = std::array::from_fn(|axis| f64::from(a[axis]) - f64::from(b[axis]));
    dx * dx + dy * dy + dz * dz
}

/// Plain version of [`farthest_point_sampling`](super::farthest_point_sampling).
///
/// # Errors
/// [`GeometryError::TooFewPoints`] when `count` exceeds the number of points.
pub fn farthest_point_sampling(position: &[[f32; 3]], count: usize) -> Result<Vec<u32>, GeometryError> {
    if count > position.len() {
        return Err(GeometryError::TooFewPoints { level: 1, expected: count, actual: position.len() });
    }
    let mut distance = vec![NEVER_SEEN; position.len()];
    let mut chosen = Vec::with_capacity(count);
    let mut newest = 0;
    while chosen.len() < count {
        chosen.push(newest);
        for (distance, &point) in distance.iter_mut().zip(position) {
            *distance = distance.min(squared_distance(point, position[newest as usize]));
        }
        for index in 0..position.len() as u32 {
            let (candidate, best) = (distance[index as usize], distance[newest as usize]);
            if candidate > best || (candidate == best && tie_key(index) < tie_key(newest)) {
                newest = index;
            }
        }
    }
    Ok(chosen)
}

/// Plain version of [`ball_query`](super::ball_query).
pub fn ball_query(source: &[[f32; 3]], centres: &[[f32; 3]], radius: f32, slots: usize) -> Neighbours {
    let mut neighbours = Neighbours { slots, ..Neighbours::default() };
    for &centre in centres {
        let inside =
            |&index: &u32| squared_distance(source[index as usize], centre).sqrt().max(SMALLEST_DISTANCE) < radius;
        let found: Vec<u32> = (0..source.len() as u32).filter(inside).take(slots).collect();
        let first = found.first().copied().unwrap_or(0);
        neighbours.index.extend((0..slots).map(|slot| found.get(slot).copied().unwrap_or(first)));
        neighbours.count.push(found.len() as u32);
    }
    neighbours
}

/// Plain version of [`three_nearest`](super::three_nearest).
///
/// # Panics
/// Where `coarse` is empty.
pub fn three_nearest(fine: &[[f32; 3]], coarse: &[[f32; 3]]) -> Interpolation {
    let mut interpolation = Interpolation::default();
    let known = coarse.len().min(3);
    for &point in fine {
        // A squared distance that overflowed is no neighbour (reference: best starts at infinity).
        let mut order: Vec<(f32, u32)> = (0..)
            .zip(coarse)
            .map(|(index, &other)| (squared_distance(other, point), index))
            .filter(|(distance, _)| distance.is_finite())
            .collect();
        order.sort_by(|a, b| a.partial_cmp(b).expect("finite distances are ordered"));
        order.resize(3.max(order.len()), (f32::INFINITY, 0));
        let nearest = [order[0], order[1], order[2]];
        interpolation.index.push(std::array::from_fn(|i| if i < known { nearest[i].1 } else { nearest[0].1 }));
        interpolation.weight.push(inverse_square_weights(nearest.map(|(distance, _)| distance), known));
    }
    interpolation
}

/// Plain version of [`k_nearest_neighbours`](super::k_nearest_neighbours).
///
/// # Errors
/// [`GeometryError::TooFewNeighbours`] when `k` exceeds the number of points.
pub fn k_nearest_neighbours(
    source: &[[f32; 3]],
    queries: &[[f32; 3]],
    k: usize,
) -> Result<NearestNeighbours, GeometryError> {
    if k > source.len() {
        return Err(GeometryError::TooFewNeighbours { expected: k, actual: source.len() });
    }
    let mut nearest = NearestNeighbours { k, ..NearestNeighbours::default() };
    for &query in queries {
        let mut order: Vec<(f64, u32)> =
            (0..).zip(source).map(|(index, &other)| (squared_distance_f64(other, query), index)).collect();
        order.sort_by(|a, b| a.partial_cmp(b).expect("finite coordinates have ordered distances"));
        nearest.index.extend(order[..k].iter().map(|&(_, index)| index));
        nearest.squared_distance.extend(order[..k].iter().map(|&(distance, _)| distance));
    }
    Ok(nearest)
}
