//! Clouds from frame to frame.

use super::Cloud;
use nalgebra::Isometry3;

impl Cloud {
    /// Moves every point by a rigid transform. Computed in f64, so that a map far from its origin
    /// costs no precision but that of the result; points that are not finite stay so.
    pub fn transform(&mut self, by: &Isometry3<f64>) {
        let matrix = by.rotation.to_rotation_matrix().into_inner();
        let translation = by.translation.vector;
        for position in &mut self.position {
            let [x, y, z] = position.map(f64::from);
            *position = std::array::from_fn(|row| {
                let moved = matrix[(row, 0)] * x + matrix[(row, 1)] * y + matrix[(row, 2)] * z + translation[row];
                moved as f32
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{Point3, Translation3, UnitQuaternion};

    #[test]
    fn agrees_with_nalgebra_and_keeps_invalid_points_invalid() {
        let pose =
            Isometry3::from_parts(Translation3::new(1e6, -2.0, 3.0), UnitQuaternion::from_euler_angles(0.3, -0.4, 2.0));
        let points = [[1.0f32, 2.0, 3.0], [-4.0, 0.5, 100.0], [f32::NAN, 0.0, 0.0], [f32::INFINITY, 1.0, 1.0]];
        let mut cloud = Cloud { position: points.to_vec(), colour: None };
        cloud.transform(&pose);
        for (moved, point) in cloud.position.iter().zip(points).take(2) {
            let expected = pose * Point3::from(point.map(f64::from));
            for axis in 0..3 {
                assert!((f64::from(moved[axis]) - expected[axis]).abs() <= 0.0625, "{moved:?} {expected}");
            }
        }
        for moved in &cloud.position[2..] {
            assert!(moved.iter().any(|value| !value.is_finite()));
        }
    }
}
