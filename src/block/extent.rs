//! The box that normalised coordinates refer to.

use super::COORDINATE_LIMIT;

/// Share of the points that [`RobustExtent`] leaves out at each end of each axis by default.
///
/// Half a percent is above the share of stray returns of a depth camera or LiDAR (reflections below
/// the floor, mixed pixels behind a wall), and below the share of floor points in any view that
/// shows the floor at all.
pub const ROBUST_FRACTION: f32 = 0.005;

/// Axis-aligned bounds of a room or map, in the cloud's frame.
///
/// `minimum[2]` is the floor height: channel 2 of the features is the height above it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extent {
    /// Smallest x, y, z in metres.
    pub minimum: [f32; 3],
    /// Largest x, y, z in metres.
    pub maximum: [f32; 3],
}

impl Extent {
    /// Exact bounds of the finite points (all three coordinates finite); `None` if there are none.
    pub fn of(position: &[[f32; 3]]) -> Option<Self> {
        Self::of_those(position, |point| point.iter().all(|value| value.is_finite()))
    }

    fn of_those(position: &[[f32; 3]], counts: impl Fn(&[f32; 3]) -> bool) -> Option<Self> {
        let first = *position.iter().find(|point| counts(point))?;
        let (mut minimum, mut maximum) = (first, first);
        for point in position.iter().filter(|point| counts(point)) {
            for axis in 0..3 {
                minimum[axis] = minimum[axis].min(point[axis]);
                maximum[axis] = maximum[axis].max(point[axis]);
            }
        }
        Some(Self { minimum, maximum })
    }

    /// Length of each side in metres.
    pub fn size(&self) -> [f64; 3] {
        std::array::from_fn(|axis| f64::from(self.maximum[axis]) - f64::from(self.minimum[axis]))
    }
}

/// Bounds that a few stray points do not move: a percentile at each end of each axis.
///
/// One stray return a metre below the floor would lift every height the network sees by a metre;
/// this estimator leaves a fixed share out instead. Keeps its workspace between calls.
#[derive(Clone, Debug, Default)]
pub struct RobustExtent {
    column: Vec<f32>,
}

impl RobustExtent {
    /// Most points that are looked at; larger clouds are thinned to an even stride, which leaves
    /// more than a hundred points beyond either percentile.
    pub const MAXIMUM_SAMPLES: usize = 1 << 15;

    /// Bounds without the `fraction` (0..0.5) of points at each end of each axis. Points that are
    /// not finite or beyond [`COORDINATE_LIMIT`] do not count; `None` if none is left.
    ///
    /// Work: one pass and six selections per axis pair over at most
    /// [`MAXIMUM_SAMPLES`](Self::MAXIMUM_SAMPLES) points.
    pub fn estimate(&mut self, position: &[[f32; 3]], fraction: f32) -> Option<Extent> {
        let step = position.len().div_ceil(Self::MAXIMUM_SAMPLES).max(1);
        let fraction = if fraction.is_finite() { fraction.clamp(0.0, 0.499) } else { 0.0 };
        let mut extent = Extent { minimum: [0.0; 3], maximum: [0.0; 3] };
        for axis in 0..3 {
            self.column.clear();
            self.column.extend(
                position.iter().step_by(step).filter(|point| is_candidate(point)).map(|point| point[axis] + 0.0),
            );
            if self.column.is_empty() {
                // The stride may have hit broken points only.
                return if step == 1 { None } else { Extent::of_those(position, is_candidate) };
            }
            let last = self.column.len() - 1;
            let rank = (last as f64 * f64::from(fraction)) as usize;
            extent.minimum[axis] = *self.column.select_nth_unstable_by(rank, f32::total_cmp).1;
            extent.maximum[axis] = *self.column.select_nth_unstable_by(last - rank, f32::total_cmp).1;
        }
        Some(extent)
    }
}

/// Whether the live protocol takes this point at all: finite and within [`COORDINATE_LIMIT`].
pub(super) fn is_candidate(point: &[f32; 3]) -> bool {
    point.iter().all(|value| value.abs() <= COORDINATE_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_bounds_ignore_broken_points() {
        let points = [[1.0, 2.0, 3.0], [f32::NAN, -9.0, 0.0], [-1.0, 5.0, f32::INFINITY], [0.0, 4.0, -2.0]];
        let extent = Extent::of(&points).unwrap();
        assert_eq!(extent, Extent { minimum: [0.0, 2.0, -2.0], maximum: [1.0, 4.0, 3.0] });
        assert_eq!(Extent::of(&[]), None);
        assert_eq!(Extent::of(&[[f32::NAN; 3]; 5]), None);
    }

    #[test]
    fn strays_do_not_move_the_floor() {
        let mut points: Vec<[f32; 3]> =
            (0..10_000).map(|i| [(i % 100) as f32 * 0.05, (i / 100) as f32 * 0.05, (i % 7) as f32 * 0.4]).collect();
        points[77] = [2.0, 2.0, -3.0];
        points[78] = [1.0e30, 2.0, 0.0];
        points[79] = [f32::NAN; 3];
        let extent = RobustExtent::default().estimate(&points, ROBUST_FRACTION).unwrap();
        assert_eq!(extent.minimum[2], 0.0);
        assert_eq!(extent.maximum[2], 6.0 * 0.4);
        assert!(extent.maximum[0] > 4.8 && extent.maximum[0] < 5.0);
        // Without robustness the stray wins.
        assert_eq!(Extent::of(&points).unwrap().minimum[2], -3.0);
    }

    #[test]
    fn robust_bounds_of_little_and_of_nothing() {
        let mut estimator = RobustExtent::default();
        assert_eq!(estimator.estimate(&[], 0.01), None);
        assert_eq!(estimator.estimate(&[[f32::NAN; 3]; 9], 0.01), None);
        assert_eq!(estimator.estimate(&[[1.0e30; 3]; 9], 0.01), None);
        let one = estimator.estimate(&[[1.0, 2.0, 3.0]], 0.3).unwrap();
        assert_eq!((one.minimum, one.maximum), ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]));
        // A stride that meets broken points only still finds the others.
        let mut points = vec![[f32::NAN; 3]; 3 * RobustExtent::MAXIMUM_SAMPLES];
        points[1] = [4.0, 5.0, 6.0];
        assert_eq!(estimator.estimate(&points, 0.01).unwrap().minimum, [4.0, 5.0, 6.0]);
    }
}
