//! A depth camera with registered colour, and its faults.
//!
//! The range error is that of triangulation: constant in disparity, so it grows with the square of the
//! distance, and is quantised to a fraction of a pixel of disparity (Khoshelham & Elberink 2012, "Accuracy
//! and resolution of Kinect depth data"). Returns are lost at grazing incidence, on dark surfaces, through
//! glass and at depth edges, where some pixels also mix foreground and background.

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

/// Strength of each fault of a depth camera.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DepthNoise {
    /// Distance between projector and camera (or the two cameras) in metres; with the focal length it turns
    /// disparity into depth.
    pub baseline: f32,
    /// Standard deviation of the disparity in pixels; 0 = exact.
    pub disparity: f32,
    /// Smallest step of disparity in pixels; 0 = continuous.
    pub step: f32,
    /// Probability of loss at fully grazing incidence.
    pub grazing: f32,
    /// Probability of loss on black surfaces.
    pub dark: f32,
    /// Probability of loss of a pixel at a depth edge.
    pub edge: f32,
    /// Probability that a pixel at a depth edge mixes the two depths.
    pub mixed: f32,
}

impl DepthNoise {
    /// A camera without faults (glass still lets rays through).
    pub const NONE: Self =
        Self { baseline: 0.075, disparity: 0.0, step: 0.0, grazing: 0.0, dark: 0.0, edge: 0.0, mixed: 0.0 };
}

impl Default for DepthNoise {
    fn default() -> Self {
        Self { baseline: 0.075, disparity: 0.06, step: 0.0625, grazing: 0.95, dark: 0.6, edge: 0.45, mixed: 0.12 }
    }
}

/// A pinhole depth camera. Optical frame: x right, y down, z forward.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DepthCamera {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Focal length along x, pixels.
    pub fx: f64,
    /// Focal length along y, pixels.
    pub fy: f64,
    /// Column of the optical axis.
    pub cx: f64,
    /// Row of the optical axis.
    pub cy: f64,
    /// Nearest depth that is measured, metres.
    pub min_range: f32,
    /// Farthest depth that is measured, metres; at most 65.
    pub max_range: f32,
    /// Faults.
    pub noise: DepthNoise,
}

impl DepthCamera {
    /// A camera of this size with square pixels, a horizontal field of view in radians and the axis in the middle.
    pub fn new(width: usize, height: usize, field_of_view: f64) -> Self {
        let focal = width as f64 / 2.0 / (field_of_view / 2.0).tan();
        Self {
            width,
            height,
            fx: focal,
            fy: focal,
            cx: (width as f64 - 1.0) / 2.0,
            cy: (height as f64 - 1.0) / 2.0,
            min_range: 0.3,
            max_range: 8.0,
            noise: DepthNoise::default(),
        }
    }

    /// 640 × 480, 63° wide: the numbers of a Kinect.
    pub fn kinect() -> Self {
        Self { fx: 525.0, fy: 525.0, ..Self::new(640, 480, 1.1) }
    }

    /// One picture from `pose` (optical frame → room). Same seed, same picture.
    pub fn capture(&self, scene: &Scene, pose: &Isometry3<f64>, seed: u64) -> DepthFrame {
        let mut frame = DepthFrame::default();
        self.capture_into(scene, pose, seed, &mut frame);
        frame
    }

    /// [`capture`](Self::capture) into a frame whose buffers are used again.
    pub fn capture_into(&self, scene: &Scene, pose: &Isometry3<f64>, seed: u64, frame: &mut DepthFrame) {
        let pixels = self.width * self.height;
        frame.width = self.width;
        frame.height = self.height;
        frame.exact.resize(pixels, Exact::default());
        frame.depth.resize(pixels, 0);
        frame.colour.resize(pixels, [0; 3]);
        frame.position.resize(pixels, [f32::NAN; 3]);
        frame.class.resize(pixels, NO_CLASS);
        frame.instance.resize(pixels, -1);
        if pixels == 0 {
            return;
        }
        let eye = Eye::new(pose);
        let width = self.width;
        frame
            .exact
            .par_chunks_mut(width)
            .zip(frame.colour.par_chunks_mut(width))
            .zip(frame.class.par_chunks_mut(width))
            .zip(frame.instance.par_chunks_mut(width))
            .enumerate()
            .for_each(|(v, (((exact, colour), class), instance))| {
                let mut random = Random::new(seed, 2 * v as u64);
                for u in 0..width {
                    let seen = ray::follow(scene, &eye, self.direction(u, v), 60.0, true, &mut random);
                    exact[u] = Exact {
                        depth: seen.distance,
                        loss: ray::loss(seen.cosine, seen.reflectivity, self.noise.grazing, self.noise.dark),
                    };
                    colour[u] = ray::to_byte(seen.colour, &mut random);
                    class[u] = seen.class;
                    instance[u] = seen.instance;
                }
            });
        let exact = &frame.exact;
        frame.depth.par_chunks_mut(width).zip(frame.position.par_chunks_mut(width)).enumerate().for_each(
            |(v, (depth, position))| {
                let mut random = Random::new(seed, 2 * v as u64 + 1);
                for u in 0..width {
                    depth[u] = self.measure(exact, u, v, &mut random);
                    position[u] = self.point(u, v, depth[u]);
                }
            },
        );
    }

    /// Ray of a pixel in the optical frame, with z = 1.
    pub fn direction(&self, u: usize, v: usize) -> Vec3A {
        Vec3A::new(((u as f64 - self.cx) / self.fx) as f32, ((v as f64 - self.cy) / self.fy) as f32, 1.0)
    }

    /// Millimetres that the camera reports for a pixel, 0 = nothing.
    fn measure(&self, exact: &[Exact], u: usize, v: usize, random: &mut Random) -> u16 {
        let here = exact[v * self.width + u];
        // Always the same count of random numbers per pixel.
        let [lost, edge] = [random.unit(), random.unit()];
        let (mix, wobble) = (random.unit(), random.normal());
        let mut depth = here.depth;
        if !depth.is_finite() || lost < here.loss {
            return 0;
        }
        if let Some(other) = self.across_edge(exact, u, v, depth) {
            if edge < self.noise.edge {
                return 0;
            }
            if edge < self.noise.edge + self.noise.mixed && other.is_finite() {
                depth += (other - depth) * mix;
            }
        }
        let scale = self.fx as f32 * self.noise.baseline;
        if self.noise.disparity > 0.0 || self.noise.step > 0.0 {
            let mut disparity = scale / depth + self.noise.disparity * wobble;
            if self.noise.step > 0.0 {
                disparity = (disparity / self.noise.step).round() * self.noise.step;
            }
            if disparity <= 0.0 {
                return 0;
            }
            depth = scale / disparity;
        }
        if depth < self.min_range || depth > self.max_range {
            return 0;
        }
        (depth * 1000.0).round().clamp(0.0, f32::from(u16::MAX)) as u16
    }

    /// The depth on the other side of a depth edge beside this pixel, if there is one.
    fn across_edge(&self, exact: &[Exact], u: usize, v: usize, depth: f32) -> Option<f32> {
        let jump = 0.04 + 0.03 * depth;
        let mut neighbours = [None; 4];
        if u > 0 {
            neighbours[0] = Some(v * self.width + u - 1);
        }
        if u + 1 < self.width {
            neighbours[1] = Some(v * self.width + u + 1);
        }
        if v > 0 {
            neighbours[2] = Some((v - 1) * self.width + u);
        }
        if v + 1 < self.height {
            neighbours[3] = Some((v + 1) * self.width + u);
        }
        let found = neighbours.into_iter().flatten().find(|&i| {
            let slant = (exact[i].depth - depth).abs();
            // NaN does not occur; infinite depth is an edge.
            slant > jump
        });
        found.map(|i| exact[i].depth)
    }

    /// Point of a pixel in the optical frame; NaN when `depth` (millimetres) is 0.
    pub fn point(&self, u: usize, v: usize, depth: u16) -> [f32; 3] {
        if depth == 0 {
            return [f32::NAN; 3];
        }
        let z = f64::from(depth) / 1000.0;
        [((u as f64 - self.cx) * z / self.fx) as f32, ((v as f64 - self.cy) * z / self.fy) as f32, z as f32]
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Exact {
    depth: f32,
    loss: f32,
}

/// A picture of a [`DepthCamera`]: every column has `width × height` entries, row by row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DepthFrame {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Depth along the optical axis in millimetres; 0 = no measurement.
    pub depth: Vec<u16>,
    /// Red, green, blue as the camera sees it, also where depth is missing.
    pub colour: Vec<[u8; 3]>,
    /// Points in the optical frame (x right, y down, z forward), metres; NaN where depth is missing.
    pub position: Vec<[f32; 3]>,
    /// True class of the surface that the ray met, also where depth is missing; [`NO_CLASS`] = nothing met.
    pub class: Vec<u8>,
    /// True instance of that surface; −1 = nothing met.
    pub instance: Vec<i32>,
    exact: Vec<Exact>,
}

impl DepthFrame {
    /// The organised cloud with its truth, in the optical frame.
    pub fn labelled(&self) -> LabelledCloud {
        LabelledCloud {
            cloud: Cloud { position: self.position.clone(), colour: Some(self.colour.clone()) },
            class: self.class.clone(),
            instance: self.instance.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Depths (metres) that a camera reports of a flat target.
    fn flat(camera: &DepthCamera, depth: f32, loss: f32) -> Vec<f32> {
        let exact = vec![Exact { depth, loss }; camera.width * camera.height];
        let mut random = Random::new(7, 0);
        let measure = |i: usize| f32::from(camera.measure(&exact, i % camera.width, i / camera.width, &mut random));
        (0..exact.len()).map(measure).map(|millimetres| millimetres / 1000.0).collect()
    }

    fn deviation(values: &[f32]) -> f64 {
        let n = values.len() as f64;
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        (values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n).sqrt()
    }

    #[test]
    fn range_noise_grows_with_the_square_of_the_distance() {
        let mut camera = DepthCamera::kinect();
        camera.noise = DepthNoise { disparity: 0.1, ..DepthNoise::NONE };
        // First order: σ(z) = z² σ(disparity) / (focal length × baseline).
        for depth in [1.5f32, 3.0, 6.0] {
            let expected = f64::from(depth).powi(2) * 0.1 / (525.0 * 0.075);
            let ratio = deviation(&flat(&camera, depth, 0.0)) / expected;
            assert!((0.93..1.07).contains(&ratio), "at {depth} m: {ratio} of the expected deviation");
        }
    }

    #[test]
    fn depth_comes_in_steps_of_disparity() {
        let mut camera = DepthCamera::kinect();
        camera.noise = DepthNoise { disparity: 0.1, step: 0.125, ..DepthNoise::NONE };
        let mut seen = flat(&camera, 4.0, 0.0);
        seen.sort_by(f32::total_cmp);
        seen.dedup();
        assert!((3..12).contains(&seen.len()), "{} different depths", seen.len());
        for pair in seen.windows(2) {
            let step = 525.0 * 0.075 * (1.0 / pair[0] - 1.0 / pair[1]);
            assert!((step - 0.125).abs() < 0.02, "step of {step} pixels");
        }
    }

    #[test]
    fn losses_and_limits() {
        let camera = DepthCamera { noise: DepthNoise::NONE, ..DepthCamera::new(200, 200, 1.0) };
        let lost = flat(&camera, 2.0, 0.3).iter().filter(|d| **d == 0.0).count() as f32 / 40_000.0;
        assert!((lost - 0.3).abs() < 0.01, "{lost}");
        assert!(flat(&camera, 0.2, 0.0).iter().all(|d| *d == 0.0));
        assert!(flat(&camera, 9.0, 0.0).iter().all(|d| *d == 0.0));
        assert!(flat(&camera, f32::INFINITY, 0.0).iter().all(|d| *d == 0.0));
        assert!(flat(&camera, 2.0, 0.0).iter().all(|d| *d == 2.0));
    }

    #[test]
    fn edges_lose_and_mix_pixels() {
        let mut camera = DepthCamera::new(200, 200, 1.0);
        camera.noise = DepthNoise { edge: 0.4, mixed: 0.2, ..DepthNoise::NONE };
        let exact: Vec<Exact> =
            (0..40_000).map(|i| Exact { depth: if i % 200 < 100 { 1.0 } else { 3.0 }, loss: 0.0 }).collect();
        let mut random = Random::new(3, 0);
        let (mut lost, mut mixed, mut elsewhere) = (0, 0, 0);
        for v in 0..200 {
            for u in 0..200 {
                let depth = camera.measure(&exact, u, v, &mut random);
                let changed = depth != 1000 && depth != 3000;
                match u {
                    99 | 100 if depth == 0 => lost += 1,
                    99 | 100 if changed => mixed += 1,
                    99 | 100 => {}
                    _ => elsewhere += usize::from(changed),
                }
            }
        }
        assert!((120..200).contains(&lost), "{lost} of 400 lost");
        assert!((50..110).contains(&mixed), "{mixed} of 400 mixed");
        assert_eq!(elsewhere, 0);
    }
}
