//! A spinning LiDAR and its faults.

use glam::Vec3A;
use nalgebra::Isometry3;
use rayon::prelude::*;

use super::{
    class::NO_CLASS,
    random::Random,
    ray::{self, Eye},
    scene::Scene,
};
use crate::cloud::{Cloud, LabelledCloud};

/// Strength of each fault of a LiDAR.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LidarNoise {
    /// Standard deviation of the range, metres.
    pub range: f32,
    /// Probability of loss at fully grazing incidence.
    pub grazing: f32,
    /// Probability of loss on black surfaces.
    pub dark: f32,
    /// Probability that any return is lost.
    pub loss: f32,
}

impl LidarNoise {
    /// A LiDAR without faults (glass still lets rays through).
    pub const NONE: Self = Self { range: 0.0, grazing: 0.0, dark: 0.0, loss: 0.0 };
}

/// A spinning LiDAR. Sensor frame: x forward, y left, z up. A revolution is taken at one instant: motion
/// during the revolution does not distort it; the time offsets say when each column would be fired.
#[derive(Clone, Debug, PartialEq)]
pub struct Lidar {
    /// Elevation of each ring above the horizon, radians, highest first.
    pub elevations: Vec<f32>,
    /// Firings per revolution.
    pub columns: usize,
    /// Duration of a revolution, nanoseconds.
    pub period: u32,
    /// Nearest range that is measured, metres.
    pub min_range: f32,
    /// Farthest range that is measured, metres.
    pub max_range: f32,
    /// Faults.
    pub noise: LidarNoise,
}

impl Lidar {
    /// Rings spread evenly from `up` to `down` (degrees, down negative).
    pub fn new(rings: usize, columns: usize, up: f32, down: f32) -> Self {
        let step = (up - down) / rings.saturating_sub(1).max(1) as f32;
        Self {
            elevations: (0..rings).map(|ring| (up - step * ring as f32).to_radians()).collect(),
            columns,
            period: 100_000_000,
            min_range: 0.3,
            max_range: 100.0,
            noise: LidarNoise { range: 0.015, grazing: 0.5, dark: 0.3, loss: 0.004 },
        }
    }

    /// 16 rings in ±15°, 1024 columns, σ 2 cm (the numbers of a VLP-16).
    pub fn lidar16() -> Self {
        let base = Self::new(16, 1024, 15.0, -15.0);
        Self { noise: LidarNoise { range: 0.02, ..base.noise }, ..base }
    }

    /// 64 rings in ±22.5°, 1024 columns, σ 1.5 cm (the numbers of an OS1-64).
    pub fn lidar64() -> Self {
        Self::new(64, 1024, 22.5, -22.5)
    }

    /// One revolution from `pose` (sensor frame → room). Same seed, same revolution.
    pub fn capture(&self, scene: &Scene, pose: &Isometry3<f64>, seed: u64) -> LidarFrame {
        let mut frame = LidarFrame::default();
        self.capture_into(scene, pose, seed, &mut frame);
        frame
    }

    /// [`capture`](Self::capture) into a frame whose buffers are used again.
    pub fn capture_into(&self, scene: &Scene, pose: &Isometry3<f64>, seed: u64, frame: &mut LidarFrame) {
        let (rings, columns) = (self.elevations.len(), self.columns);
        let count = rings * columns;
        frame.rings = rings;
        frame.columns = columns;
        frame.position.resize(count, [f32::NAN; 3]);
        frame.intensity.resize(count, 0.0);
        frame.ring.resize(count, 0);
        frame.time_offset.resize(count, 0);
        frame.class.resize(count, NO_CLASS);
        frame.instance.resize(count, -1);
        if count == 0 {
            return;
        }
        let eye = Eye::new(pose);
        frame
            .position
            .par_chunks_mut(columns)
            .zip(frame.intensity.par_chunks_mut(columns))
            .zip(frame.ring.par_chunks_mut(columns))
            .zip(frame.time_offset.par_chunks_mut(columns))
            .zip(frame.class.par_chunks_mut(columns))
            .zip(frame.instance.par_chunks_mut(columns))
            .enumerate()
            .for_each(|(row, (((((position, intensity), ring), time_offset), class), instance))| {
                let mut random = Random::new(seed, row as u64);
                for column in 0..columns {
                    let direction = self.direction(row, column);
                    let seen = ray::follow(scene, &eye, direction, self.max_range + 1.0, false, &mut random);
                    let range = seen.distance + self.noise.range * random.normal();
                    let loss = ray::loss(seen.cosine, seen.reflectivity, self.noise.grazing, self.noise.dark);
                    let lost = random.unit() < 1.0 - (1.0 - loss) * (1.0 - self.noise.loss);
                    let valid = !lost && range >= self.min_range && range <= self.max_range;
                    position[column] = if valid { (direction * range).to_array() } else { [f32::NAN; 3] };
                    intensity[column] =
                        if valid { 255.0 * (seen.reflectivity * seen.cosine).clamp(0.0, 1.0) } else { 0.0 };
                    ring[column] = row as u16;
                    time_offset[column] = (u64::from(self.period) * column as u64 / columns as u64) as u32;
                    class[column] = seen.class;
                    instance[column] = seen.instance;
                }
            });
    }

    /// Unit vector of a firing in the sensor frame; turns clockwise seen from above, as most sensors do.
    pub fn direction(&self, ring: usize, column: usize) -> Vec3A {
        let (sin, cos) = (-std::f32::consts::TAU * column as f32 / self.columns as f32).sin_cos();
        let (up, flat) = self.elevations[ring].sin_cos();
        Vec3A::new(flat * cos, flat * sin, up)
    }
}

/// A revolution of a [`Lidar`]: every column has `rings × columns` entries, ring by ring.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LidarFrame {
    /// Rings (rows).
    pub rings: usize,
    /// Firings per revolution.
    pub columns: usize,
    /// Points in the sensor frame (x forward, z up), metres; NaN = no return.
    pub position: Vec<[f32; 3]>,
    /// Reflectivity × cosine of incidence, 0..=255; 0 = no return.
    pub intensity: Vec<f32>,
    /// Ring of each point.
    pub ring: Vec<u16>,
    /// Nanoseconds after the stamp.
    pub time_offset: Vec<u32>,
    /// True class of the surface that the ray met, also where the return is lost; [`NO_CLASS`] = nothing met.
    pub class: Vec<u8>,
    /// True instance of that surface; −1 = nothing met.
    pub instance: Vec<i32>,
}

impl LidarFrame {
    /// The organised cloud with its truth, in the sensor frame, without colour.
    pub fn labelled(&self) -> LabelledCloud {
        LabelledCloud {
            cloud: Cloud { position: self.position.clone(), colour: None },
            class: self.class.clone(),
            instance: self.instance.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Scene, SceneOptions};

    #[test]
    fn points_lie_on_their_rays_with_the_stated_noise() {
        let scene = Scene::generate(2, &SceneOptions::default());
        let [x, y] = scene.free[0];
        let pose = Isometry3::translation(f64::from(x), f64::from(y), 0.8);
        let mut exact = Lidar::lidar16();
        exact.noise = LidarNoise::NONE;
        let mut noisy = exact.clone();
        noisy.noise.range = 0.02;
        let (truth, seen) = (exact.capture(&scene, &pose, 1), noisy.capture(&scene, &pose, 1));
        let length = |p: [f32; 3]| Vec3A::from(p).length();
        let mut errors = Vec::new();
        for i in 0..truth.position.len() {
            let (ring, column) = (i / 1024, i % 1024);
            assert_eq!(
                (usize::from(truth.ring[i]), truth.time_offset[i]),
                (ring, (column as u64 * 100_000_000 / 1024) as u32)
            );
            let (p, q) = (truth.position[i], seen.position[i]);
            if p[0].is_nan() || q[0].is_nan() {
                assert!(!p[0].is_nan() || truth.intensity[i] == 0.0);
                continue;
            }
            assert!(Vec3A::from(p).normalize().distance(exact.direction(ring, column)) < 1e-5);
            assert!((0.0..=255.0).contains(&truth.intensity[i]));
            errors.push(length(q) - length(p));
        }
        let n = errors.len() as f32;
        assert!(n > 10_000.0);
        let mean = errors.iter().sum::<f32>() / n;
        let deviation = (errors.iter().map(|e| (e - mean).powi(2)).sum::<f32>() / n).sqrt();
        assert!(mean.abs() < 0.001 && (0.019..0.021).contains(&deviation), "{mean} {deviation}");
    }
}
