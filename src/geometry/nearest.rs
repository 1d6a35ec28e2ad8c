//! The k nearest neighbours of each query, nearest first.

use super::GeometryError;
use super::leaves::{LEAF, Leaves, check_finite, each_axis};

/// k neighbours for each of a list of points.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NearestNeighbours {
    /// Neighbours per point.
    pub k: usize,
    /// `points × k` indices into the source, nearest first (ties: lowest index).
    pub index: Vec<u32>,
    /// Their squared distances in m².
    pub squared_distance: Vec<f64>,
}

/// Buffers of [`k_nearest_neighbours`], kept between blocks.
#[derive(Clone, Debug, Default)]
pub struct NearestWorkspace {
    /// Squared distance to each leaf's box (bits, which sort as the positive value does), and the leaf.
    leaf: Vec<(u64, u32)>,
    /// Squared distance (bits) and index of the points that may be among the nearest.
    candidate: Vec<(u64, u32)>,
}

/// For each query its `k` nearest points of `source`, a query that is a source point included.
///
/// Distances are computed in double precision, as scikit-learn's `KDTree` does, which the reference
/// (JSNet's PointConv) calls.
///
/// Worst case: `queries × points` distances, when all points coincide.
///
/// # Errors
/// [`GeometryError::TooFewNeighbours`] when `k` exceeds the number of points,
/// [`GeometryError::NotFinite`] for a query that is nowhere.
pub fn k_nearest_neighbours(
    source: &Leaves,
    queries: &[[f32; 3]],
    k: usize,
    workspace: &mut NearestWorkspace,
    nearest: &mut NearestNeighbours,
) -> Result<(), GeometryError> {
    if k > source.len() {
        return Err(GeometryError::TooFewNeighbours { expected: k, actual: source.len() });
    }
    check_finite(queries)?;
    nearest.k = k;
    nearest.index.clear();
    nearest.squared_distance.clear();
    if k == 0 {
        return Ok(());
    }
    for query in queries {
        workspace.search(source, query.map(f64::from), k);
        nearest.index.extend(workspace.candidate.iter().map(|&(_, index)| index));
        nearest.squared_distance.extend(workspace.candidate.iter().map(|&(bits, _)| f64::from_bits(bits)));
    }
    Ok(())
}

impl NearestWorkspace {
    /// Leaves the `k` nearest points of `query`, sorted, in `candidate`.
    fn search(&mut self, source: &Leaves, query: [f64; 3], k: usize) {
        self.leaf.clear();
        self.leaf.extend((0..source.index.len()).map(|leaf| {
            let [dx, dy, dz] = std::array::from_fn(|axis| {
                let (low, high) = (f64::from(source.low[axis][leaf]), f64::from(source.high[axis][leaf]));
                (low - query[axis]).max(query[axis] - high).max(0.0)
            });
            ((dx * dx + dy * dy + dz * dz).to_bits(), leaf as u32)
        }));
        self.leaf.sort_unstable();
        self.candidate.clear();
        let mut limit = f64::INFINITY.to_bits();
        for &(bound, leaf) in &self.leaf {
            // An equal bound may still hold a tie of lower index.
            if bound > limit {
                break;
            }
            let leaf = leaf as usize;
            let squared = squared_distances(source, leaf, query);
            let points = source.occupied[leaf].count_ones() as usize;
            for (&index, squared) in source.index[leaf][..points].iter().zip(squared) {
                if squared.to_bits() <= limit {
                    self.candidate.push((squared.to_bits(), index));
                }
            }
            if self.candidate.len() > k {
                self.candidate.select_nth_unstable(k - 1);
                self.candidate.truncate(k);
                limit = self.candidate[k - 1].0;
            }
        }
        self.candidate.sort_unstable();
    }
}

/// Squared distances from `query` to the 32 lanes of a leaf, in double precision.
#[inline]
fn squared_distances(source: &Leaves, leaf: usize, query: [f64; 3]) -> [f64; LEAF] {
    let [x, y, z] = each_axis(&source.column, |column| &column[leaf]);
    std::array::from_fn(|lane| {
        let (dx, dy, dz) =
            (f64::from(x[lane]) - query[0], f64::from(y[lane]) - query[1], f64::from(z[lane]) - query[2]);
        dx * dx + dy * dy + dz * dz
    })
}
