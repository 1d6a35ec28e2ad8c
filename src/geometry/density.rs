//! How crowded it is around a point: PointConv's kernel density and its inverse.

use super::plain::squared_distance_f64;
use super::{GeometryError, Neighbours};

/// Gaussian kernel density at each point, over the neighbours that a ball query found.
///
/// `p = mean over the distinct neighbours of exp(−½·d²/variance − 3·ln √variance − 1.5·ln 2π)`.
/// JSNet calls [`ball_query`](super::ball_query) of the cloud on itself with 128 slots before it,
/// and passes as variance what it names sigma (`design/networks.md` §2).
///
/// A point without neighbours has density 0. The sum runs in double precision in slot order, with an
/// exponential of our own, so that the result is the same on every machine.
///
/// # Errors
/// [`GeometryError::TooFewPoints`] where `neighbours` is of another cloud than `position`.
pub fn gaussian_density(
    position: &[[f32; 3]],
    neighbours: &Neighbours,
    variance: f64,
    density: &mut Vec<f32>,
) -> Result<(), GeometryError> {
    let actual = neighbours.count.len().min(neighbours.index.len() / neighbours.slots.max(1));
    if actual != position.len() || neighbours.index.iter().any(|&index| index as usize >= position.len()) {
        return Err(GeometryError::TooFewPoints { level: 0, expected: position.len(), actual });
    }
    density.clear();
    // exp(−3·ln √v − 1.5·ln 2π) = 1 / √(2πv)³
    let width = std::f64::consts::TAU * variance;
    let peak = 1.0 / (width * width.sqrt());
    density.extend(position.iter().enumerate().map(|(point, &centre)| {
        let count = (neighbours.count[point] as usize).min(neighbours.slots);
        let slots = &neighbours.index[point * neighbours.slots..][..count];
        let sum: f64 = slots
            .iter()
            .map(|&other| exponential(-0.5 * squared_distance_f64(position[other as usize], centre) / variance))
            .sum();
        if count == 0 { 0.0 } else { (peak * sum / count as f64) as f32 }
    }));
    Ok(())
}

/// Inverse densities of the `k` neighbours in each row of `index`, divided by the largest of the row.
///
/// # Errors
/// [`GeometryError::TooFewPoints`] where an index is beyond `density`.
pub fn inverse_density_scale(
    density: &[f32],
    index: &[u32],
    k: usize,
    scale: &mut Vec<f32>,
) -> Result<(), GeometryError> {
    if let Some(&beyond) = index.iter().find(|&&index| index as usize >= density.len()) {
        return Err(GeometryError::TooFewPoints { level: 0, expected: beyond as usize + 1, actual: density.len() });
    }
    scale.clear();
    for row in index.chunks(k.max(1)) {
        let largest = row.iter().fold(0.0, |largest: f32, &index| largest.max(1.0 / density[index as usize]));
        scale.extend(row.iter().map(|&index| 1.0 / density[index as usize] / largest));
    }
    Ok(())
}

/// eˣ for x ≤ 0, to about 1 unit in the last place, by additions and multiplications only: libm's
/// differs between machines.
fn exponential(x: f64) -> f64 {
    if x < -700.0 {
        return 0.0;
    }
    // x = n·ln 2 + r with |r| ≤ ln 2 / 2; ln 2 in two parts so that r keeps its digits.
    let n = (x * std::f64::consts::LOG2_E).round();
    let r = (x - n * 0.693_147_180_369_123_8) - n * 1.908_214_929_270_587_7e-10;
    let series = (1..=14).rev().fold(1.0, |sum, power| 1.0 + sum * r / f64::from(power));
    series * f64::from_bits(((1023 + n as i64) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_is_the_exponential() {
        for step in 0..7000 {
            let x = -f64::from(step) * 0.1;
            let (ours, theirs) = (exponential(x), x.exp());
            assert!((ours - theirs).abs() <= 4.0 * f64::EPSILON * theirs, "{x}: {ours} {theirs}");
        }
        assert_eq!(exponential(f64::NEG_INFINITY), 0.0);
    }

    #[test]
    fn scale_is_one_where_it_is_loneliest() {
        let mut scale = Vec::new();
        inverse_density_scale(&[4.0, 2.0, 1.0], &[0, 1, 2, 0], 2, &mut scale).unwrap();
        assert_eq!(scale, [0.5, 1.0, 1.0, 0.25]);
        assert!(inverse_density_scale(&[1.0], &[1], 1, &mut scale).is_err());
    }
}
