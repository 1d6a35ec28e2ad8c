//! Which points are measurements?

use super::Cloud;

/// What a point must be to count as measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CheckLimits {
    /// Largest absolute coordinate in metres: beyond it, numbers are damage, not distance.
    pub largest_coordinate: f32,
    /// Least distance from the sensor in metres. LiDAR drivers report "no return" as (0, 0, 0).
    pub minimum_range: f32,
    /// Greatest distance from the sensor in metres.
    pub maximum_range: f32,
}

impl Default for CheckLimits {
    /// 10 km, 1 mm, no greatest distance.
    fn default() -> Self {
        Self { largest_coordinate: 1e4, minimum_range: 1e-3, maximum_range: f32::INFINITY }
    }
}

/// How many points are measurements, and why the others are not. The counts add up to `points`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckSummary {
    /// All points.
    pub points: usize,
    /// Points that are measurements.
    pub valid: usize,
    /// Points with NaN or infinity.
    pub not_finite: usize,
    /// Points with a coordinate beyond the largest.
    pub too_large: usize,
    /// Points nearer than the least distance.
    pub too_near: usize,
    /// Points farther than the greatest distance.
    pub too_far: usize,
}

/// Sets `valid[i]` to whether point `i` is a measurement. The cloud must be in the sensor's frame:
/// ranges are distances from its origin. `valid` is overwritten and reused.
pub fn check(cloud: &Cloud, limits: &CheckLimits, valid: &mut Vec<bool>) -> CheckSummary {
    let mut summary = CheckSummary { points: cloud.len(), ..CheckSummary::default() };
    valid.clear();
    valid.extend(cloud.position.iter().map(|position| {
        // In f64, where the square of no f32 overflows.
        let [x, y, z] = position.map(f64::from);
        let square = x * x + y * y + z * z;
        let least = f64::from(limits.minimum_range);
        let greatest = f64::from(limits.maximum_range);
        let count = if !position.iter().all(|value| value.is_finite()) {
            &mut summary.not_finite
        } else if position.iter().any(|value| value.abs() > limits.largest_coordinate) {
            &mut summary.too_large
        } else if square < least * least {
            &mut summary.too_near
        } else if square > greatest * greatest {
            &mut summary.too_far
        } else {
            summary.valid += 1;
            return true;
        };
        *count += 1;
        false
    }));
    summary
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_counted_once() {
        let position = vec![
            [1.0, 0.0, 0.0],
            [f32::NAN, 0.0, 0.0],
            [0.0, f32::NEG_INFINITY, 0.0],
            [0.0, 0.0, 1e30],
            [0.0, 0.0, -10_001.0],
            [0.0, 0.0, 0.0],
            [0.0, 6.0, 0.0],
            [f32::MAX, f32::NAN, 0.0],
            [3.0, 4.0, 0.0],
        ];
        let cloud = Cloud { position, colour: None };
        let limits = CheckLimits { maximum_range: 5.0, ..CheckLimits::default() };
        let mut valid = vec![true; 100];
        let summary = check(&cloud, &limits, &mut valid);
        assert_eq!(valid, [true, false, false, false, false, false, false, false, true]);
        let expected = CheckSummary { points: 9, valid: 2, not_finite: 3, too_large: 2, too_near: 1, too_far: 1 };
        assert_eq!(summary, expected);
        assert_eq!(check(&Cloud::default(), &limits, &mut valid), CheckSummary::default());
        assert!(valid.is_empty());
    }
}
