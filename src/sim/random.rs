//! Random numbers that are the same on every machine and for every thread count.
//!
//! A stream is named by a seed and a stream number (a purpose, a frame, a picture row), so that rows
//! computed on different threads never share a generator.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    /// The stream number `stream` of `seed`.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(stream);
        Self(generator)
    }

    /// Any 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// Uniform in [low, high); `low` when the interval is empty.
    pub fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low).max(0.0) * self.unit()
    }

    /// Uniform whole number in low..=high.
    pub fn count(&mut self, low: usize, high: usize) -> usize {
        let span = high.saturating_sub(low) as u64 + 1;
        low + ((u64::from(self.0.next_u32()) * span) >> 32) as usize
    }

    /// True with the given probability.
    pub fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// One element. The slice must not be empty.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.count(0, from.len() - 1)]
    }

    /// −1 or +1.
    pub fn sign(&mut self) -> f32 {
        if self.chance(0.5) { 1.0 } else { -1.0 }
    }

    /// Approximately normal (sum of four uniform numbers, variance 1, |value| ≤ 3.47): cheap, bounded, no libm.
    pub fn normal(&mut self) -> f32 {
        let bits = self.0.next_u64();
        let sum: u32 = (0..4).map(|part| (bits >> (16 * part)) as u32 & 0xffff).sum();
        (sum as f32 * (1.0 / 65_536.0) - 2.0) * 1.732_050_8
    }
}

/// Mixes a lattice point into 0..1; the base of all textures.
pub(crate) fn hash3(x: i32, y: i32, z: i32, salt: u32) -> f32 {
    let mut h = (x as u32).wrapping_mul(0x8da6_b343)
        ^ (y as u32).wrapping_mul(0xd816_3841)
        ^ (z as u32).wrapping_mul(0xcb1a_b31f)
        ^ salt.wrapping_mul(0x9e37_79b9);
    h ^= h >> 16;
    h = h.wrapping_mul(0x7feb_352d);
    h ^= h >> 15;
    h = h.wrapping_mul(0x846c_a68b);
    h ^= h >> 16;
    (h >> 8) as f32 * (1.0 / 16_777_216.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_has_mean_zero_and_variance_one() {
        let mut random = Random::new(1, 0);
        let values: Vec<f32> = (0..40_000).map(|_| random.normal()).collect();
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / values.len() as f32;
        assert!(mean.abs() < 0.02, "mean {mean}");
        assert!((variance - 1.0).abs() < 0.03, "variance {variance}");
    }

    #[test]
    fn count_reaches_both_ends() {
        let mut random = Random::new(2, 0);
        let values: Vec<usize> = (0..200).map(|_| random.count(3, 5)).collect();
        assert_eq!((values.iter().min(), values.iter().max()), (Some(&3), Some(&5)));
    }

    #[test]
    fn streams_differ() {
        assert_ne!(Random::new(1, 0).bits(), Random::new(1, 1).bits());
    }
}
