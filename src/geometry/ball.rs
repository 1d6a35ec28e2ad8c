//! Ball query: the first points within a radius, in index order.

use super::index_set::IndexSet;
use super::leaves::{BOXES, Leaves, check_finite, lanes_below};
use super::plain::SMALLEST_DISTANCE;
use super::{GeometryError, Neighbours};

/// Buffers of [`ball_query`], kept between blocks.
#[derive(Clone, Debug, Default)]
pub struct BallWorkspace {
    inside: IndexSet,
}

/// For each centre, the first `slots` points of `source` in index order whose distance is strictly
/// below `radius` metres. Unfilled slots repeat the first point found; where none is found, count
/// and indices are 0.
///
/// Reference: `query_ball_point_gpu` of PointNet++, whose distance is `max(√d², 1e-20)`.
///
/// Worst case: `centres × points` distances, when the balls cover everything.
///
/// # Errors
/// [`GeometryError::NotFinite`] for a centre that is nowhere.
pub fn ball_query(
    source: &Leaves,
    centres: &[[f32; 3]],
    radius: f32,
    slots: usize,
    workspace: &mut BallWorkspace,
    neighbours: &mut Neighbours,
) -> Result<(), GeometryError> {
    check_finite(centres)?;
    neighbours.slots = slots;
    neighbours.index.clear();
    neighbours.count.clear();
    workspace.inside.reset(source.len());
    let bound = squared_radius_bound(radius);
    for &centre in centres {
        for chunk in 0..source.box_chunks() {
            let mut near = source.near_boxes(chunk, centre, &[bound; BOXES]);
            while near != 0 {
                let leaf = chunk * BOXES + near.trailing_zeros() as usize;
                near &= near - 1;
                let mut inside = lanes_below(&source.squared_distances(leaf, centre), bound) & source.occupied[leaf];
                while inside != 0 {
                    workspace.inside.insert(source.index[leaf][inside.trailing_zeros() as usize]);
                    inside &= inside - 1;
                }
            }
        }
        let begin = neighbours.index.len();
        workspace.inside.drain(|index| {
            if neighbours.index.len() - begin < slots {
                neighbours.index.push(index);
            }
        });
        neighbours.count.push((neighbours.index.len() - begin) as u32);
        let first = neighbours.index.get(begin).copied().unwrap_or(0);
        neighbours.index.resize(begin + slots, first);
    }
    Ok(())
}

/// The number `b` for which `d² < b` says exactly what `max(√d², 1e-20) < radius` says, for every
/// single-precision `d²`: √ is rounded correctly, hence monotone, so such a number exists.
pub fn squared_radius_bound(radius: f32) -> f32 {
    if radius.is_nan() || radius <= SMALLEST_DISTANCE {
        return 0.0;
    }
    let mut bound = radius * radius;
    while bound > 0.0 && bound.next_down().sqrt() >= radius {
        bound = bound.next_down();
    }
    while bound.sqrt() < radius {
        bound = bound.next_up();
    }
    bound
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bound_splits_squares_where_the_root_reaches_the_radius() {
        for radius in [0.1_f32, 0.2, 0.4, 0.8, 1.0, 0.05, 3.7e-19, 1e-12, 1.7e19, 3e19, f32::MAX, 1.1e-20] {
            let bound = squared_radius_bound(radius);
            assert!(bound.sqrt() >= radius, "{radius}");
            assert!(bound.next_down().sqrt() < radius, "{radius}");
        }
        assert_eq!(squared_radius_bound(1e-20), 0.0);
        assert_eq!(squared_radius_bound(-1.0), 0.0);
        assert_eq!(squared_radius_bound(f32::NAN), 0.0);
    }
}
