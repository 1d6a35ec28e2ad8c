//! Colours for instances.

/// Colour for points that belong to nothing.
pub const UNLABELLED_COLOUR: [u8; 3] = [168, 168, 172];

/// A colour for an instance id: always the same for the same id, neighbouring ids far apart.
///
/// Hues step by the golden angle, which never lands near where it has recently been; lightness and
/// strength take turns. The colour space is OKLCH (Ottosson 2020), in which equal steps look equally
/// large. Additions, multiplications and square roots only, so that every machine paints the same.
pub fn instance_colour(id: u32) -> [u8; 3] {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let turn = (f64::from(id) * GOLDEN + 0.08).fract();
    // Hues come close again after 8, 13, 21, 34, 55, 89 ids (Fibonacci); none is a multiple of 6.
    const LEVELS: [(f64, f64); 6] =
        [(0.70, 0.155), (0.56, 0.165), (0.83, 0.110), (0.62, 0.110), (0.76, 0.150), (0.50, 0.130)];
    let (lightness, chroma) = LEVELS[(id % 6) as usize];
    let (sine, cosine) = (sine_of_turn(turn), sine_of_turn((turn + 0.25).fract()));
    oklab_to_srgb(lightness, chroma * cosine, chroma * sine)
}

/// Bhaskara's approximation of sin(2π·turn), off by at most 0.0017.
fn sine_of_turn(turn: f64) -> f64 {
    let (half, sign) = if turn < 0.5 { (turn * 2.0, 1.0) } else { (turn * 2.0 - 1.0, -1.0) };
    let product = half * (1.0 - half);
    sign * 16.0 * product / (5.0 - 4.0 * product)
}

fn oklab_to_srgb(lightness: f64, a: f64, b: f64) -> [u8; 3] {
    let cube = |value: f64| value * value * value;
    let long = cube(lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b);
    let medium = cube(lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b);
    let short = cube(lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b);
    [
        4.076_741_662_1 * long - 3.307_711_591_3 * medium + 0.230_969_929_2 * short,
        -1.268_438_004_6 * long + 2.609_757_401_1 * medium - 0.341_319_396_5 * short,
        -0.004_196_086_3 * long - 0.703_418_614_7 * medium + 1.707_614_701_0 * short,
    ]
    .map(|linear| {
        // The sRGB curve as a sum of roots, within 0.002 of it.
        let root = linear.clamp(0.0, 1.0).sqrt();
        let encoded = 0.585_122_381 * root + 0.783_140_355 * root.sqrt() - 0.368_262_736 * root.sqrt().sqrt();
        (encoded.clamp(0.0, 1.0) * 255.0).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_four_instances_are_told_apart() {
        let colours: Vec<[u8; 3]> = (1..25).map(instance_colour).collect();
        for (i, a) in colours.iter().enumerate() {
            for (j, b) in colours.iter().enumerate().take(i) {
                let distance: i32 = a.iter().zip(b).map(|(&x, &y)| (i32::from(x) - i32::from(y)).abs()).sum();
                assert!(distance > 24, "instances {} and {}: {a:?} {b:?}", i + 1, j + 1);
            }
        }
        // Colours of ids that follow each other, as neighbours in a room do, differ strongly.
        for pair in colours.windows(2) {
            let distance: i32 = pair[0].iter().zip(&pair[1]).map(|(&x, &y)| (i32::from(x) - i32::from(y)).abs()).sum();
            assert!(distance > 120, "{pair:?}");
        }
        assert_eq!(instance_colour(u32::MAX), instance_colour(u32::MAX));
    }
}
