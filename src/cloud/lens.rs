//! Lens distortion: from a pixel to the ray that it sees.
//!
//! Models and their coefficient order are OpenCV's, which ROS names `plumb_bob`,
//! `rational_polynomial` and `equidistant` (`sensor_msgs/distortion_models.hpp`). Distorting is a
//! formula; its inverse is not, and is found by Newton's method. Only sums, products, quotients
//! and square roots are used, so the rays have the same bits on every machine.

/// Why a distortion model cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LensError {
    /// A name that is not known, with coefficients that are not all zero.
    #[error("distortion model {model:?}: expected plumb_bob, rational_polynomial or equidistant")]
    UnknownModel {
        /// The name that came.
        model: String,
    },
    /// A number of coefficients that the model does not have.
    #[error("distortion model {model}: expected {expected} coefficients, found {actual}")]
    CoefficientCount {
        /// Name of the model.
        model: String,
        /// Numbers that it can have.
        expected: &'static str,
        /// What came.
        actual: usize,
    },
    /// NaN or infinity among the coefficients.
    #[error("distortion coefficient {index} is {value}, expected a finite number")]
    NotFinite {
        /// Which one.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// OpenCV's tilted sensor (coefficients 12 and 13), which is not supported.
    #[error("distortion coefficients 12 and 13 (tilted sensor) are {tilt:?}, only 0 is supported")]
    TiltedSensor {
        /// The two coefficients.
        tilt: [f64; 2],
    },
}

/// A distortion model with its coefficients. Points are in the plane z = 1 of the optical frame.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Lens {
    /// No distortion.
    Ideal,
    /// Brown-Conrady with a rational radial part; `plumb_bob` is its first five coefficients.
    Radial {
        /// k1, k2, k3 of the numerator.
        numerator: [f64; 3],
        /// k4, k5, k6 of the denominator.
        denominator: [f64; 3],
        /// p1, p2.
        tangential: [f64; 2],
        /// s1, s2, s3, s4 (thin prism).
        prism: [f64; 4],
    },
    /// Fisheye of Kannala and Brandt: the angle to the axis is distorted by a polynomial.
    Equidistant([f64; 4]),
}

/// Newton steps before giving up; convergence takes three to six.
const STEPS: usize = 30;

/// Distance in the plane z = 1 below which the inverse has been found; 1e-9 is a millionth of a pixel.
const FOUND: f64 = 1e-9;

impl Lens {
    /// From the name and coefficients of a `CameraInfo`. An unknown or empty name is no distortion
    /// as long as its coefficients are all zero.
    ///
    /// # Errors
    /// [`LensError`].
    pub fn new(model: &str, d: &[f64]) -> Result<Self, LensError> {
        if let Some((index, value)) = d.iter().copied().enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(LensError::NotFinite { index, value });
        }
        let allowed: (&'static str, &[usize]) = match model {
            "plumb_bob" => ("4 or 5", &[0, 4, 5]),
            "rational_polynomial" => ("8, 12 or 14", &[0, 4, 5, 8, 12, 14]),
            "equidistant" | "fisheye" => ("4", &[0, 4]),
            _ if d.iter().all(|value| *value == 0.0) => return Ok(Self::Ideal),
            _ => return Err(LensError::UnknownModel { model: model.to_owned() }),
        };
        // Drivers of ideal cameras pad with zeros as they like.
        if d.iter().all(|value| *value == 0.0) && !matches!(model, "equidistant" | "fisheye") {
            return Ok(Self::Ideal);
        }
        if !allowed.1.contains(&d.len()) {
            return Err(LensError::CoefficientCount { model: model.to_owned(), expected: allowed.0, actual: d.len() });
        }
        let k = |index: usize| d.get(index).copied().unwrap_or(0.0);
        if matches!(model, "equidistant" | "fisheye") {
            return Ok(Self::Equidistant([k(0), k(1), k(2), k(3)]));
        }
        let tilt = [k(12), k(13)];
        if tilt != [0.0; 2] {
            return Err(LensError::TiltedSensor { tilt });
        }
        Ok(Self::Radial {
            numerator: [k(0), k(1), k(4)],
            denominator: [k(5), k(6), k(7)],
            tangential: [k(2), k(3)],
            prism: [k(8), k(9), k(10), k(11)],
        })
    }

    /// Where the lens puts a point.
    pub fn distort(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        match self {
            Self::Ideal => [x, y],
            Self::Radial { .. } => self.distort_with_slope([x, y]).0,
            Self::Equidistant(k) => {
                let radius = (x * x + y * y).sqrt();
                if radius == 0.0 {
                    return [x, y];
                }
                let scale = fisheye_angle(k, arctangent(radius)).0 / radius;
                [x * scale, y * scale]
            }
        }
    }

    /// Which point the lens puts there; `None` where there is none (the model folds back, or the
    /// ray is at 90° from the axis or beyond).
    pub fn undistort(&self, distorted: [f64; 2]) -> Option<[f64; 2]> {
        match self {
            Self::Ideal => Some(distorted),
            Self::Radial { .. } => self.undistort_radial(distorted),
            Self::Equidistant(k) => undistort_fisheye(k, distorted),
        }
    }

    fn undistort_radial(&self, distorted: [f64; 2]) -> Option<[f64; 2]> {
        let [mut x, mut y] = distorted;
        for _ in 0..STEPS {
            let (at, [[xx, xy], [yx, yy]]) = self.distort_with_slope([x, y]);
            let (dx, dy) = (distorted[0] - at[0], distorted[1] - at[1]);
            let determinant = xx * yy - xy * yx;
            // Not positive (or NaN): beyond the fold, where the model shows the world mirrored.
            if determinant.is_nan() || determinant <= 0.0 {
                return None;
            }
            x += (yy * dx - xy * dy) / determinant;
            y += (xx * dy - yx * dx) / determinant;
            if dx.abs() + dy.abs() < FOUND {
                return (x.is_finite() && y.is_finite()).then_some([x, y]);
            }
        }
        None
    }

    /// The distorted point and the Jacobian of the distortion.
    fn distort_with_slope(&self, [x, y]: [f64; 2]) -> ([f64; 2], [[f64; 2]; 2]) {
        let Self::Radial { numerator: n, denominator: d, tangential: [p1, p2], prism: s } = self else {
            return ([x, y], [[1.0, 0.0], [0.0, 1.0]]);
        };
        let r2 = x * x + y * y;
        let above = 1.0 + r2 * (n[0] + r2 * (n[1] + r2 * n[2]));
        let below = 1.0 + r2 * (d[0] + r2 * (d[1] + r2 * d[2]));
        let above_slope = n[0] + r2 * (2.0 * n[1] + r2 * 3.0 * n[2]);
        let below_slope = d[0] + r2 * (2.0 * d[1] + r2 * 3.0 * d[2]);
        let radial = above / below;
        // By r².
        let slope = (above_slope - radial * below_slope) / below;
        let at = [
            x * radial + 2.0 * p1 * x * y + p2 * (r2 + 2.0 * x * x) + r2 * (s[0] + r2 * s[1]),
            y * radial + p1 * (r2 + 2.0 * y * y) + 2.0 * p2 * x * y + r2 * (s[2] + r2 * s[3]),
        ];
        let cross = 2.0 * x * y * slope + 2.0 * p1 * x + 2.0 * p2 * y;
        let (prism_x, prism_y) = (s[0] + 2.0 * r2 * s[1], s[2] + 2.0 * r2 * s[3]);
        let jacobian = [
            [radial + 2.0 * x * x * slope + 2.0 * p1 * y + 6.0 * p2 * x + 2.0 * x * prism_x, cross + 2.0 * y * prism_x],
            [cross + 2.0 * x * prism_y, radial + 2.0 * y * y * slope + 6.0 * p1 * y + 2.0 * p2 * x + 2.0 * y * prism_y],
        ];
        (at, jacobian)
    }
}

/// The distorted angle and its slope.
fn fisheye_angle(k: &[f64; 4], angle: f64) -> (f64, f64) {
    let a2 = angle * angle;
    let value = angle * (1.0 + a2 * (k[0] + a2 * (k[1] + a2 * (k[2] + a2 * k[3]))));
    let slope = 1.0 + a2 * (3.0 * k[0] + a2 * (5.0 * k[1] + a2 * (7.0 * k[2] + a2 * 9.0 * k[3])));
    (value, slope)
}

/// Rays flatter than this against the image plane say nothing about depth along the axis.
const WIDEST_ANGLE: f64 = 1.553; // 89°

fn undistort_fisheye(k: &[f64; 4], [x, y]: [f64; 2]) -> Option<[f64; 2]> {
    let radius = (x * x + y * y).sqrt();
    if radius == 0.0 {
        return Some([x, y]);
    }
    let mut angle = radius.min(WIDEST_ANGLE);
    for _ in 0..STEPS {
        let (value, slope) = fisheye_angle(k, angle);
        if slope.is_nan() || slope <= 0.0 {
            return None;
        }
        let step = (radius - value) / slope;
        angle += step;
        if !(0.0..=4.0).contains(&angle) {
            return None;
        }
        if step.abs() < FOUND {
            let (sine, cosine) = sine_cosine(angle);
            let scale = sine / cosine / radius;
            return (angle <= WIDEST_ANGLE).then_some([x * scale, y * scale]);
        }
    }
    None
}

/// Taylor series; to the last bits of a double for angles up to π/2.
fn sine_cosine(angle: f64) -> (f64, f64) {
    let a2 = angle * angle;
    let (mut sine, mut cosine) = (0.0, 0.0);
    // Horner from the small end: 1 − a²/(n(n−1)) · (…).
    for n in (1..=14).rev() {
        let even = f64::from(2 * n);
        sine = 1.0 - a2 / (even * (even + 1.0)) * if n == 14 { 1.0 } else { sine };
        cosine = 1.0 - a2 / (even * (even - 1.0)) * if n == 14 { 1.0 } else { cosine };
    }
    (angle * sine, cosine)
}

/// For radii ≥ 0: halve the angle three times, then Taylor.
fn arctangent(radius: f64) -> f64 {
    let mut reduced = radius;
    for _ in 0..3 {
        reduced /= 1.0 + (1.0 + reduced * reduced).sqrt();
    }
    let r2 = reduced * reduced;
    let mut series = 0.0;
    for n in (0..=12).rev() {
        let sign = if n % 2 == 0 { 1.0 } else { -1.0 };
        series = sign / f64::from(2 * n + 1) + r2 * series;
    }
    8.0 * reduced * series
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn series_are_trigonometry() {
        for step in 0..=1553 {
            let angle = f64::from(step) * 1e-3;
            let (sine, cosine) = sine_cosine(angle);
            assert!((sine - angle.sin()).abs() < 4e-16 && (cosine - angle.cos()).abs() < 4e-16, "{angle}");
            assert!((arctangent(angle.tan()) - angle).abs() < 1e-15, "{angle}");
        }
    }

    /// Coefficients of real calibrations: RealSense D435 colour, Azure Kinect, a strong webcam, a fisheye.
    fn lenses() -> [Lens; 4] {
        [
            Lens::new("plumb_bob", &[-0.0541, 0.0633, -0.00017, 0.00041, -0.0203]).unwrap(),
            Lens::new("rational_polynomial", &[0.44, -2.63, 0.00067, -0.00028, 1.46, 0.33, -2.46, 1.39]).unwrap(),
            Lens::new("plumb_bob", &[-0.32, 0.12, 0.001, -0.002]).unwrap(),
            Lens::new("equidistant", &[-0.0129, 0.0421, -0.0399, 0.0071]).unwrap(),
        ]
    }

    proptest! {
        #[test]
        fn undistort_inverts_distort(lens in 0usize..4, x in -0.7..0.7f64, y in -0.55..0.55f64) {
            let lens = lenses()[lens];
            let found = lens.undistort(lens.distort([x, y])).unwrap();
            prop_assert!((found[0] - x).abs() < 1e-8 && (found[1] - y).abs() < 1e-8, "{found:?}");
        }

        #[test]
        fn any_coefficients_give_a_true_inverse_or_none(
            d in prop::collection::vec(-5.0..5.0f64, 12), x in -3.0..3.0f64, y in -3.0..3.0f64,
        ) {
            for lens in [
                Lens::new("rational_polynomial", &d).unwrap(),
                Lens::new("plumb_bob", &d[..5]).unwrap(),
                Lens::new("equidistant", &d[..4]).unwrap(),
            ] {
                if let Some(found) = lens.undistort([x, y]) {
                    let again = lens.distort(found);
                    prop_assert!((again[0] - x).abs() + (again[1] - y).abs() < 1e-5, "{lens:?} {found:?} {again:?}");
                }
            }
        }
    }

    /// Values of OpenCV's formula written out by hand at one point.
    #[test]
    fn distortion_is_opencvs() {
        let lens = Lens::new("plumb_bob", &[0.1, 0.01, 0.001, 0.002, 0.0001]).unwrap();
        let (x, y) = (0.3, -0.2);
        let r2: f64 = x * x + y * y;
        let radial = 1.0 + 0.1 * r2 + 0.01 * r2.powi(2) + 0.0001 * r2.powi(3);
        let expected = [
            x * radial + 2.0 * 0.001 * x * y + 0.002 * (r2 + 2.0 * x * x),
            y * radial + 0.001 * (r2 + 2.0 * y * y) + 2.0 * 0.002 * x * y,
        ];
        let ours = lens.distort([x, y]);
        assert!((ours[0] - expected[0]).abs() < 1e-15 && (ours[1] - expected[1]).abs() < 1e-15);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert!(matches!(Lens::new("plumb_bob", &[0.1; 3]), Err(LensError::CoefficientCount { actual: 3, .. })));
        assert!(matches!(Lens::new("equidistant", &[0.1; 5]), Err(LensError::CoefficientCount { .. })));
        assert!(matches!(Lens::new("banana", &[0.1]), Err(LensError::UnknownModel { .. })));
        assert!(matches!(Lens::new("plumb_bob", &[f64::NAN; 5]), Err(LensError::NotFinite { index: 0, .. })));
        assert!(matches!(Lens::new("rational_polynomial", &[0.1; 14]), Err(LensError::TiltedSensor { .. })));
        assert_eq!(Lens::new("", &[]), Ok(Lens::Ideal));
        assert_eq!(Lens::new("none", &[0.0; 5]), Ok(Lens::Ideal));
        assert_eq!(Lens::new("plumb_bob", &[0.0; 5]), Ok(Lens::Ideal));
        // A fisheye without coefficients still bends: r = θ, not tan θ.
        assert_eq!(Lens::new("equidistant", &[]), Ok(Lens::Equidistant([0.0; 4])));
        let ray = Lens::Equidistant([0.0; 4]).undistort([0.5, 0.0]).unwrap();
        assert!((ray[0] - 0.5f64.tan()).abs() < 1e-12);
        assert_eq!(Lens::Equidistant([0.0; 4]).undistort([1.6, 0.0]), None);
    }
}
