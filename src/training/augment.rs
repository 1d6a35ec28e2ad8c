//! What a network must not mind: orientation, handedness, small noise, missing colour, missing points.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::cloud::LabelledCloud;

/// How strongly rooms are changed. The default is what the shipped models were trained with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Augmentation {
    /// Largest deviation of the scale from 1.
    pub scale: f32,
    /// Standard deviation of the coordinate noise (m).
    pub jitter: f32,
    /// Share of rooms that lose their colour.
    pub colour_dropped: f64,
    /// Largest share of points that a room loses.
    pub points_dropped: f64,
    /// Largest height that the whole room is moved up or down (m): floors are never exactly known.
    pub height: f32,
}

impl Default for Augmentation {
    fn default() -> Self {
        Self { scale: 0.06, jitter: 0.003, colour_dropped: 0.25, points_dropped: 0.5, height: 0.03 }
    }
}

/// Turns, mirrors, scales and shakes a room, changes or drops its colour, and drops some points.
///
/// The room may be anywhere; z stays up. Invalid points do not survive.
pub fn augment(room: &LabelledCloud, augmentation: &Augmentation, random: &mut ChaCha8Rng) -> LabelledCloud {
    let (sine, cosine) = random.random_range(0.0..std::f32::consts::TAU).sin_cos();
    let mirror = if random.random_bool(0.5) { -1.0 } else { 1.0 };
    let scale = 1.0 + random.random_range(-augmentation.scale..=augmentation.scale);
    let height = random.random_range(-augmentation.height..=augmentation.height);
    // Most rooms keep most of their points; a few lose many.
    let kept = 1.0 - augmentation.points_dropped * random.random_range(0.0f64..1.0).powi(3);
    let colour = (!random.random_bool(augmentation.colour_dropped)).then(|| ColourChange::draw(random));

    let mut changed = LabelledCloud::default();
    let mut colours = Vec::new();
    for (point, &[x, y, z]) in room.cloud.position.iter().enumerate() {
        let measured = x.is_finite() && y.is_finite() && z.is_finite();
        if !(measured && random.random_bool(kept)) {
            continue;
        }
        let mut noise = || augmentation.jitter * gaussian(random);
        let (x, y) = (mirror * x, y);
        changed.cloud.position.push([
            scale * (cosine * x - sine * y) + noise(),
            scale * (sine * x + cosine * y) + noise(),
            scale * z + height + noise(),
        ]);
        if let (Some(change), Some(original)) = (&colour, &room.cloud.colour) {
            colours.push(change.apply(original[point], random));
        }
        changed.class.push(room.class[point]);
        changed.instance.push(room.instance[point]);
    }
    changed.cloud.colour = (colour.is_some() && room.cloud.colour.is_some()).then_some(colours);
    changed
}

/// A camera that sees the same room in another light.
struct ColourChange {
    gain: [f32; 3],
    offset: f32,
    contrast: f32,
    grey: f32,
    noise: f32,
}

impl ColourChange {
    fn draw(random: &mut ChaCha8Rng) -> Self {
        let exposure = random.random_range(0.7..1.3);
        Self {
            gain: std::array::from_fn(|_| exposure * random.random_range(0.9f32..1.1)),
            offset: random.random_range(-20.0..20.0),
            contrast: random.random_range(0.7..1.3),
            grey: if random.random_bool(0.15) { 1.0 } else { random.random_range(0.0..0.3) },
            noise: random.random_range(0.0..8.0),
        }
    }

    fn apply(&self, colour: [u8; 3], random: &mut ChaCha8Rng) -> [u8; 3] {
        let mean = colour.iter().map(|&channel| f32::from(channel)).sum::<f32>() / 3.0;
        let shake = self.noise * gaussian(random);
        std::array::from_fn(|channel| {
            let value = f32::from(colour[channel]) * (1.0 - self.grey) + mean * self.grey;
            let value = (value - 128.0) * self.contrast + 128.0;
            (value * self.gain[channel] + self.offset + shake).clamp(0.0, 255.0) as u8
        })
    }
}

/// Nearly normal, mean 0 and variance 1: the sum of four uniform numbers is enough for noise.
fn gaussian(random: &mut ChaCha8Rng) -> f32 {
    let sum: f32 = (0..4).map(|_| random.random_range(-1.0f32..1.0)).sum();
    sum * 0.866
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Cloud;
    use rand::SeedableRng;

    fn room() -> LabelledCloud {
        let position: Vec<[f32; 3]> = (0..2000).map(|i| [(i % 50) as f32 * 0.1, (i / 50) as f32 * 0.1, 1.0]).collect();
        let colour = position.iter().map(|_| [200, 100, 50]).collect();
        let class = (0..2000).map(|i| (i % 13) as u8).collect();
        let instance = (0..2000).collect();
        LabelledCloud { cloud: Cloud { position, colour: Some(colour) }, class, instance }
    }

    #[test]
    fn labels_follow_their_points_and_distances_survive() {
        let original = room();
        let augmentation = Augmentation { scale: 0.0, jitter: 0.0, points_dropped: 0.3, ..Augmentation::default() };
        for seed in 0..20 {
            let changed = augment(&original, &augmentation, &mut ChaCha8Rng::seed_from_u64(seed));
            assert!(changed.class.len() > 1200 && changed.class.len() <= 2000);
            let distance =
                |a: [f32; 3], b: [f32; 3]| (0..3).map(|axis| (a[axis] - b[axis]).powi(2)).sum::<f32>().sqrt();
            let first = changed.instance[0] as usize;
            for (point, &instance) in changed.instance.iter().enumerate() {
                let instance = instance as usize;
                assert_eq!(changed.class[point], original.class[instance]);
                let before = distance(original.cloud.position[first], original.cloud.position[instance]);
                let after = distance(changed.cloud.position[0], changed.cloud.position[point]);
                assert!((before - after).abs() < 1e-3);
            }
        }
    }

    #[test]
    fn colour_is_sometimes_gone_and_otherwise_changed() {
        let mut gone = 0;
        for seed in 0..200 {
            let changed = augment(&room(), &Augmentation::default(), &mut ChaCha8Rng::seed_from_u64(seed));
            gone += usize::from(changed.cloud.colour.is_none());
        }
        assert!((25..80).contains(&gone), "{gone} of 200 lost their colour; a quarter was asked for");
    }
}
