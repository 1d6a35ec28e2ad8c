//! Poses between two poses.

use nalgebra::{Isometry3, Quaternion, Translation3, UnitQuaternion};

/// Halvings after which the rest of the arc is so short that chord and arc are the same double:
/// an arc of at most π/2 (in quaternion space) over 2²⁸ is below 6e-9, whose cube vanishes.
const HALVINGS: u32 = 28;

/// The pose at `fraction` (0 = `from`, 1 = `to`): translation on the straight line, rotation on
/// the shorter great circle at constant speed (slerp).
///
/// Slerp is usually written with `sin` and `acos`, whose last bits depend on the platform's
/// mathematical library; labels must not. Halving the arc needs only sums, products and square
/// roots, which IEEE 754 fixes to the last bit.
pub(super) fn interpolate(from: &Isometry3<f64>, to: &Isometry3<f64>, fraction: f64) -> Isometry3<f64> {
    let translation = from.translation.vector.lerp(&to.translation.vector, fraction);
    let rotation = slerp(&from.rotation, &to.rotation, fraction);
    Isometry3::from_parts(Translation3::from(translation), rotation)
}

fn slerp(from: &UnitQuaternion<f64>, to: &UnitQuaternion<f64>, fraction: f64) -> UnitQuaternion<f64> {
    let mut low = from.into_inner();
    let mut high = to.into_inner();
    // q and −q are the same rotation; take the nearer of the two.
    if low.coords.dot(&high.coords) < 0.0 {
        high = -high;
    }
    let (mut low_fraction, mut high_fraction) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = unit(low + high);
        let middle_fraction = 0.5 * (low_fraction + high_fraction);
        if fraction < middle_fraction {
            (high, high_fraction) = (middle, middle_fraction);
        } else {
            (low, low_fraction) = (middle, middle_fraction);
        }
    }
    let rest = (fraction - low_fraction) / (high_fraction - low_fraction);
    UnitQuaternion::new_unchecked(unit(low * (1.0 - rest) + high * rest))
}

/// Scaled to length 1; neither argument of [`slerp`] is farther than 90° from the other (in
/// quaternion space), so the length is never near 0.
fn unit(quaternion: Quaternion<f64>) -> Quaternion<f64> {
    let square = quaternion.coords.dot(&quaternion.coords);
    quaternion / square.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_trigonometric_slerp(
            a in prop::array::uniform3(-3.0..3.0f64), b in prop::array::uniform3(-3.0..3.0f64),
            fraction in 0.0..=1.0f64,
        ) {
            let from = UnitQuaternion::from_euler_angles(a[0], a[1], a[2]);
            let to = UnitQuaternion::from_euler_angles(b[0], b[1], b[2]);
            // Half a turn apart, the shorter way is a matter of rounding.
            prop_assume!(from.angle_to(&to) < 3.1);
            let expected = from.slerp(&to, fraction);
            let ours = slerp(&from, &to, fraction);
            prop_assert!(expected.angle_to(&ours) < 1e-9, "{expected} {ours}");
            prop_assert!((ours.norm() - 1.0).abs() < 1e-15);
        }
    }

    #[test]
    fn ends_are_exact() {
        let from =
            Isometry3::from_parts(Translation3::new(1.0, 2.0, 3.0), UnitQuaternion::from_euler_angles(0.1, 0.2, 0.3));
        let to =
            Isometry3::from_parts(Translation3::new(3.0, 2.0, 1.0), UnitQuaternion::from_euler_angles(1.1, 0.2, 0.3));
        for (fraction, expected) in [(0.0, from), (1.0, to)] {
            let pose = interpolate(&from, &to, fraction);
            assert_eq!(pose.translation, expected.translation);
            assert!(pose.rotation.angle_to(&expected.rotation) < 1e-12);
        }
    }
}
