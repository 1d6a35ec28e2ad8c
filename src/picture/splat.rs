//! How large a disc each point needs, so that a surface has no holes.

/// A point ready to be drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Splat {
    /// Place in pixels.
    pub place: [f32; 2],
    /// Depth in metres.
    pub depth: f32,
    /// Radius of the disc in metres.
    pub radius: f32,
    /// Its colour.
    pub colour: [u8; 3],
}

/// Cells along the diagonal of the cloud: fine ones, and coarse ones for where the fine ones hold
/// too few points to tell.
const CELLS: [usize; 2] = [72, 24];
/// Points in the most crowded cell around that make a surface.
const SURFACE: u32 = 4;
/// Largest radius and the radius of points that are no surface, relative to the diagonal.
const LARGEST: f32 = 0.007;
const STRAY: f32 = 0.002;

/// Radius of each point's disc in metres, from how crowded its neighbourhood is: a cell of side `c`
/// that a surface crosses and that holds `n` points has one point per c²/n of surface. The most
/// crowded of the cells around a point decides, as a cell that is only touched by the surface would
/// make it look sparse.
pub(super) fn radii(position: &[[f32; 3]]) -> Vec<f32> {
    let (mut low, mut high) = ([f32::INFINITY; 3], [f32::NEG_INFINITY; 3]);
    for point in position {
        for axis in 0..3 {
            low[axis] = low[axis].min(point[axis]);
            high[axis] = high[axis].max(point[axis]);
        }
    }
    let diagonal = (0..3).map(|axis| (high[axis] - low[axis]).powi(2)).sum::<f32>().sqrt();
    if !(diagonal.is_finite() && diagonal > 0.0) {
        return vec![0.01; position.len()];
    }
    let [fine, coarse] = CELLS.map(|cells| (diagonal / cells as f32, crowds(position, low, diagonal, cells)));
    // Points that lie at random leave larger gaps than a grid does: hence more than half the mean gap.
    let radius = |cell: f32, count: u32| (1.2 * cell / (count as f32).sqrt()).min(LARGEST * diagonal);
    (0..position.len())
        .map(|point| match (fine.1[point], coarse.1[point]) {
            (count, _) if count >= SURFACE => radius(fine.0, count),
            (_, count) if count >= SURFACE => radius(coarse.0, count),
            _ => STRAY * diagonal,
        })
        .collect()
}

/// Points in the most crowded of the 27 cells in and around which each point lies, out of a grid
/// with `cells` cells along the diagonal.
fn crowds(position: &[[f32; 3]], low: [f32; 3], diagonal: f32, cells: usize) -> Vec<u32> {
    let side = cells + 3;
    let slot = |point: &[f32; 3]| {
        (0..3).fold(0, |slot, axis| slot * side + ((point[axis] - low[axis]) / diagonal * cells as f32) as usize + 1)
    };
    let mut counts = vec![0_u32; side * side * side];
    for point in position {
        counts[slot(point)] += 1;
    }
    let crowd = widest(&widest(&widest(&counts, 1), side), side * side);
    position.iter().map(|point| crowd[slot(point)]).collect()
}

/// Largest of each cell and its two neighbours at distance `step`.
fn widest(counts: &[u32], step: usize) -> Vec<u32> {
    let at = |index: Option<usize>| index.and_then(|index| counts.get(index)).copied().unwrap_or(0);
    (0..counts.len()).map(|index| counts[index].max(at(index.checked_sub(step))).max(at(Some(index + step)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discs_are_as_large_as_the_gaps() {
        // A floor at 2 cm spacing on one side, 8 cm on the other.
        let mut points = Vec::new();
        for i in 0..200 {
            for j in 0..200 {
                let sparse = i >= 100;
                if !sparse || (i % 4 == 0 && j % 4 == 0) {
                    points.push([i as f32 * 0.02, j as f32 * 0.02, 0.0]);
                }
            }
        }
        let radii = radii(&points);
        let at = |x: f32| radii[points.iter().position(|point| point[0] >= x && point[1] > 2.0).unwrap()];
        assert!(at(0.5) > 0.010 && at(0.5) < 0.030, "{}", at(0.5));
        assert!(at(3.5) > 0.024 && at(3.5) < 0.120, "{}", at(3.5));
    }

    #[test]
    fn one_point_and_none() {
        assert!(radii(&[]).is_empty());
        assert_eq!(radii(&[[1.0; 3]; 3]), [0.01; 3]);
        assert!(radii(&[[0.0; 3], [1.0e30, 0.0, 0.0]]).iter().all(|radius| radius.is_finite()));
    }
}
