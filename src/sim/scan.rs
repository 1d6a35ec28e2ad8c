//! Whole rooms as clouds with truth, scanned in the ways that data sets and robots scan them.

use glam::Vec3A;
use nalgebra::{Isometry3, Point3, Translation3, UnitQuaternion, Vector3};
use rayon::prelude::*;

use super::{
    class::NO_CLASS,
    depth_camera::{DepthCamera, DepthFrame},
    drive::{Drive, Sensor, camera_mount},
    lidar::Lidar,
    random::Random,
    ray::{self, Eye},
    scene::Scene,
    thin::voxel_thin,
};
use crate::cloud::{Cloud, LabelledCloud};

/// How a room is scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanMode {
    /// One to three panoramic scanners on tripods, merged: the way S3DIS was taken.
    Panorama,
    /// One to 25 frames of a depth camera along a drive, 0.2 to 1.5 m above the floor.
    DepthFrames,
    /// Eight to 30 frames of a depth camera in the hand of somebody who walks and points it at everything.
    HandHeld,
    /// One to ten revolutions of a LiDAR along a drive, 0.2 to 1.5 m above the floor.
    LidarSweeps,
}

/// What may be chosen about a scan; the seed decides what is `None`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScanOptions {
    /// Seed of everything random in the scan.
    pub seed: u64,
    /// How to scan; `None`: of eight scans, three are panoramas, two depth frames, two hand-held, one LiDAR.
    pub mode: Option<ScanMode>,
    /// With colour or without; LiDAR has none either way.
    pub colour: Option<bool>,
    /// Side of the voxels of which each keeps one point, metres; `Some(0.0)` keeps all. `None`: 1–2.5 cm.
    pub voxel: Option<f32>,
    /// Largest error of the vertical, radians.
    pub tilt: f32,
    /// Whether part of the room may be missing: the ceiling, what is beyond a line or beyond a range. `None`: in a
    /// fifth of the scans.
    pub partial: Option<bool>,
    /// About how many rays to cast.
    pub rays: usize,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self { seed: 0, mode: None, colour: None, voxel: None, tilt: 0.05, partial: None, rays: 200_000 }
    }
}

/// Scans a room. Frame: the room's, with small errors of height and vertical; z up, floor near 0, metres.
///
/// Classes are indices of [`CLASSES`](super::CLASSES), instances indices of [`Scene::objects`] (those that no
/// ray met are missing). All points are finite. Same scene and options, same bytes.
pub fn scan_room(scene: &Scene, options: &ScanOptions) -> LabelledCloud {
    let mut random = Random::new(options.seed, 0x5ca4);
    let mode = options.mode.unwrap_or_else(|| match random.count(0, 7) {
        0..=2 => ScanMode::Panorama,
        3..=4 => ScanMode::DepthFrames,
        5..=6 => ScanMode::HandHeld,
        _ => ScanMode::LidarSweeps,
    });
    // Drawn in any case, so that fixing one option does not change the rest.
    let (colour, voxel, partial) = (!random.chance(0.15), random.range(0.01, 0.025), random.chance(0.2));
    let colour = options.colour.unwrap_or(colour) && mode != ScanMode::LidarSweeps;
    let voxel = options.voxel.unwrap_or(voxel);
    let partial = options.partial.unwrap_or(partial);
    let rays = options.rays.clamp(100, 50_000_000);
    let mut cloud = LabelledCloud::default();
    match mode {
        ScanMode::Panorama => panoramas(scene, &mut random, rays, colour, &mut cloud),
        ScanMode::DepthFrames => depth_frames(scene, &mut random, rays, &mut cloud),
        ScanMode::HandHeld => hand_held(scene, &mut random, rays, &mut cloud),
        ScanMode::LidarSweeps => lidar_sweeps(scene, &mut random, rays, &mut cloud),
    }
    if !colour {
        cloud.cloud.colour = None;
    }
    if partial {
        cloud = cut(cloud, &mut random, scene);
    }
    let tilt = if options.tilt.is_finite() { options.tilt.clamp(0.0, 0.5) } else { 0.0 };
    tilt_slightly(&mut cloud, &mut random, scene, tilt);
    voxel_thin(&cloud, voxel)
}

/// Moves the cloud a little out of the true vertical and height.
fn tilt_slightly(cloud: &mut LabelledCloud, random: &mut Random, scene: &Scene, most: f32) {
    let angle = most * random.unit() * random.unit();
    let (sin, cos) = random.range(0.0, std::f32::consts::TAU).sin_cos();
    let turn = glam::Quat::from_axis_angle(glam::vec3(cos, sin, 0.0), angle);
    let rise = if most > 0.0 { 0.012 * random.normal() } else { 0.0 };
    let pivot = Vec3A::new(scene.shape.size[0] / 2.0, scene.shape.size[1] / 2.0, 0.0);
    for p in &mut cloud.cloud.position {
        *p = (pivot + turn * (Vec3A::from(*p) - pivot) + Vec3A::Z * rise).to_array();
    }
}

/// Leaves out what a scan has missed: the ceiling, what is beyond a line, or what is far from one place. Where that
/// would leave less than a tenth, nothing is left out.
fn cut(cloud: LabelledCloud, random: &mut Random, scene: &Scene) -> LabelledCloud {
    let [width, depth, height] = scene.shape.size;
    let (sin, cos) = random.range(0.0, std::f32::consts::TAU).sin_cos();
    let [x, y] = random.pick(&scene.free);
    let way = random.count(0, 2);
    let top = random.range(1.9, height.max(2.0));
    let offset = random.range(-0.25, 0.35) * width.min(depth);
    let range = random.range(2.0, 4.5);
    let keeps = |p: &[f32; 3]| match way {
        0 => p[2] < top,
        1 => (p[0] - width / 2.0) * cos + (p[1] - depth / 2.0) * sin < offset,
        _ => (p[0] - x).hypot(p[1] - y) < range,
    };
    let kept: Vec<usize> = (0..cloud.cloud.len()).filter(|&i| keeps(&cloud.cloud.position[i])).collect();
    if kept.len() * 10 < cloud.cloud.len() {
        return cloud;
    }
    LabelledCloud {
        cloud: Cloud {
            position: kept.iter().map(|&i| cloud.cloud.position[i]).collect(),
            colour: cloud.cloud.colour.as_ref().map(|colour| kept.iter().map(|&i| colour[i]).collect()),
        },
        class: kept.iter().map(|&i| cloud.class[i]).collect(),
        instance: kept.iter().map(|&i| cloud.instance[i]).collect(),
    }
}

/// Appends the finite points of a frame, carried by `pose`; `exposure` scales its colours.
fn append(to: &mut LabelledCloud, frame: &LabelledCloud, pose: &Isometry3<f64>, exposure: f32) {
    let pose: Isometry3<f32> = pose.cast();
    let colours = to.cloud.colour.get_or_insert_default();
    for (i, p) in frame.cloud.position.iter().enumerate() {
        if p[0].is_finite() {
            let q = pose * Point3::from(*p);
            to.cloud.position.push([q.x, q.y, q.z]);
            let expose = |c: u8| (f32::from(c) * exposure).round().min(255.0) as u8;
            colours.push(frame.cloud.colour.as_ref().map_or([0; 3], |c| c[i].map(expose)));
            to.class.push(frame.class[i]);
            to.instance.push(frame.instance[i]);
        }
    }
}

/// Tripods far from each other; each sweeps the sphere, rings above each other, equally dense everywhere.
fn panoramas(scene: &Scene, random: &mut Random, rays: usize, colour: bool, cloud: &mut LabelledCloud) {
    let stations = random.pick(&[1, 2, 2, 3, 3]);
    let mut places: Vec<[f32; 2]> = Vec::new();
    for _ in 0..stations {
        let apart = |p: [f32; 2]| places.iter().map(|q| (p[0] - q[0]).hypot(p[1] - q[1])).fold(f32::MAX, f32::min);
        let mut best = random.pick(&scene.free);
        for _ in 0..12 {
            let other = random.pick(&scene.free);
            if apart(other) > apart(best) {
                best = other;
            }
        }
        places.push(best);
    }
    let noise = random.range(0.001, 0.006);
    let mixed = random.range(0.0, 0.3);
    let exposure_seed = random.bits();
    for (station, place) in places.into_iter().enumerate() {
        let height = random.range(1.2, 1.7).min(scene.shape.size[2] - 0.3);
        let heading = random.range(0.0, std::f32::consts::TAU);
        let eye = Eye::new(&Isometry3::from_parts(
            Translation3::new(f64::from(place[0]), f64::from(place[1]), f64::from(height)),
            UnitQuaternion::from_axis_angle(&Vector3::z_axis(), f64::from(heading)),
        ));
        // A sphere has 4π, one ring every `step` radians has 2π cos / step rays.
        let step = (4.0 * std::f32::consts::PI / (rays / stations) as f32).sqrt();
        let rings = (std::f32::consts::PI / step) as usize;
        let rows: Vec<Vec<_>> = (0..rings)
            .into_par_iter()
            .map(|ring| {
                let mut random = Random::new(exposure_seed, ((station as u64) << 32) + ring as u64);
                let elevation = -std::f32::consts::FRAC_PI_2 + (ring as f32 + 0.5) * step;
                let (up, flat) = elevation.sin_cos();
                let count = (std::f32::consts::TAU * flat.abs() / step).ceil() as usize;
                let phase = random.unit();
                let mut row = Vec::with_capacity(if elevation < -1.4 { 0 } else { count });
                let mut before = f32::INFINITY;
                // The tripod hides what is straight below.
                for column in 0..if elevation < -1.4 { 0 } else { count } {
                    let (sin, cos) = (std::f32::consts::TAU * (column as f32 + phase) / count as f32).sin_cos();
                    let direction = Vec3A::new(flat * cos, flat * sin, up);
                    let seen = ray::follow(scene, &eye, direction, 60.0, colour, &mut random);
                    let wobble = noise * random.normal();
                    let lost = random.unit() < ray::loss(seen.cosine, seen.reflectivity, 0.7, 0.1);
                    let byte = ray::to_byte(seen.colour, &mut random);
                    // A beam on an edge comes back from both sides: the point lies between them.
                    let (mix, share) = (random.unit() < mixed, random.unit());
                    let jump = before - seen.distance;
                    before = seen.distance;
                    let beyond = if mix && jump.abs() > 0.08 && jump.abs() < 2.0 { jump * share } else { 0.0 };
                    if seen.class != NO_CLASS && !lost {
                        let point = eye.origin + eye.turn * direction * (seen.distance + beyond + wobble);
                        row.push((point.to_array(), byte, seen.class, seen.instance));
                    }
                }
                row
            })
            .collect();
        let colours = cloud.cloud.colour.get_or_insert_default();
        for (position, byte, class, instance) in rows.into_iter().flatten() {
            cloud.cloud.position.push(position);
            colours.push(byte);
            cloud.class.push(class);
            cloud.instance.push(instance);
        }
    }
}

/// A pose with a small error, as odometry has: it grows with the frame's number.
fn with_drift(pose: Isometry3<f64>, random: &mut Random, frame: usize, strength: f64) -> Isometry3<f64> {
    let grown = strength * (1.0 + 0.1 * frame as f64);
    let mut normal = |scale: f64| f64::from(random.normal()) * scale * grown;
    let shift = Vector3::new(normal(0.004), normal(0.004), normal(0.002));
    let turn = UnitQuaternion::from_scaled_axis(Vector3::new(normal(0.001), normal(0.001), normal(0.002)));
    Isometry3::from_parts(Translation3::from(shift + pose.translation.vector), turn * pose.rotation)
}

/// A camera of about so many pixels with faults drawn at random.
fn draw_camera(random: &mut Random, pixels: usize) -> DepthCamera {
    let aspect = random.pick(&[4.0 / 3.0, 16.0 / 9.0f64]);
    let height = ((pixels as f64 / aspect).sqrt() as usize).max(1);
    let width = (pixels / height).max(1);
    let mut camera = DepthCamera::new(width, height, f64::from(random.range(0.95, 1.55)));
    // The faults of a full-size picture, whatever the size of this one.
    let shrink = width as f32 / 640.0;
    camera.noise.disparity = random.range(0.03, 0.12) * shrink;
    camera.noise.step = random.range(0.02, 0.1) * shrink;
    camera.noise.baseline = random.range(0.05, 0.1);
    camera.noise.edge = random.range(0.1, 0.5);
    camera.noise.mixed = random.range(0.0, 0.15);
    camera.noise.dark = random.range(0.2, 0.95);
    camera.max_range = random.pick(&[4.5, 6.0, 8.0, 10.0]);
    camera
}

fn depth_frames(scene: &Scene, random: &mut Random, rays: usize, cloud: &mut LabelledCloud) {
    let frames = random.pick(&[1, 2, 4, 8, 12, 16, 20, 25, 25, 25]);
    // Few frames see few rays: a single frame has at most VGA.
    let camera = draw_camera(random, (rays / frames).clamp(50, 640 * 480));
    // A small robot looks up from below the table, a large one down on it.
    let height = random.range(0.2, 1.5);
    let pitch = random.range(-0.3, 0.4) + 0.15 * (height - 0.6);
    let mount = camera_mount(f64::from(height), f64::from(pitch));
    let drift = f64::from(random.range(0.0, 1.5));
    // A full drive takes 25 frames; fewer frames see part of the room.
    let whole = frames.max(random.pick(&[frames, 12, 25]));
    let unsteady = random.range(0.0, 0.12);
    let drive = Drive::new(scene, random.bits(), Sensor::Depth(camera), whole, 1.0).with_mount(mount);
    for frame in drive.take(frames) {
        let pose = with_drift(frame.sensor_pose(), random, frame.index, drift);
        let exposure = 1.0 + unsteady * random.normal();
        append(cloud, &frame.labelled(), &pose, exposure);
    }
}

fn hand_held(scene: &Scene, random: &mut Random, rays: usize, cloud: &mut LabelledCloud) {
    let frames = random.count(8, 30);
    let camera = draw_camera(random, (rays / frames).clamp(50, 640 * 480));
    let drift = f64::from(random.range(0.0, 2.0));
    let unsteady = random.range(0.0, 0.15);
    let (seed, turn) = (random.bits(), random.sign() * random.range(0.6, 1.6) * std::f32::consts::TAU);
    let heading = random.range(0.0, std::f32::consts::TAU);
    let (from, to) = (random.pick(&scene.free), random.pick(&scene.free));
    let headroom = scene.shape.size[2] - 0.3;
    let mut picture = DepthFrame::default();
    for index in 0..frames {
        let part = index as f32 / frames as f32;
        // From one free place to another; a hand reaches over what stands between.
        let at = |k: usize| f64::from(from[k] + (to[k] - from[k]) * part + 0.1 * random_wave(seed, k, part));
        let height = (1.35 + 0.35 * random_wave(seed, 2, part)).min(headroom);
        let base = Isometry3::from_parts(
            Translation3::new(at(0), at(1), 0.0),
            UnitQuaternion::from_axis_angle(&Vector3::z_axis(), f64::from(heading + turn * part)),
        );
        let roll = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), f64::from(0.25 * random_wave(seed, 3, part)));
        let pitch = 0.15 + 0.6 * random_wave(seed, 4, part);
        let pose = base * camera_mount(f64::from(height), f64::from(pitch)) * roll;
        camera.capture_into(scene, &pose, seed.wrapping_add(index as u64), &mut picture);
        let exposure = 1.0 + unsteady * random.normal();
        append(cloud, &picture.labelled(), &with_drift(pose, random, index, drift), exposure);
    }
}

/// A smooth wave of −1..=1 over `part` = 0..1, different for every seed and `axis`.
fn random_wave(seed: u64, axis: usize, part: f32) -> f32 {
    let mut random = Random::new(seed, 0x4a4d + axis as u64);
    let (phase, turns) = (random.range(0.0, std::f32::consts::TAU), random.range(1.0, 3.0));
    (phase + turns * std::f32::consts::TAU * part).sin()
}

fn lidar_sweeps(scene: &Scene, random: &mut Random, rays: usize, cloud: &mut LabelledCloud) {
    let rings = random.pick(&[16, 32, 64, 64]);
    let frames = random.count(1, 10);
    let columns = (rays / (rings * frames)).clamp(64, 1024);
    let half = random.range(15.0, 45.0);
    let mut lidar = Lidar::new(rings, columns, half, -half);
    lidar.noise.range = random.range(0.005, 0.025);
    let drift = f64::from(random.range(0.0, 1.5));
    let mount = Isometry3::translation(0.05, 0.0, f64::from(random.range(0.2, 1.5)));
    let drive = Drive::new(scene, random.bits(), Sensor::Lidar(lidar), frames, 1.0).with_mount(mount);
    for frame in drive {
        let pose = with_drift(frame.sensor_pose(), random, frame.index, drift);
        append(cloud, &frame.labelled(), &pose, 1.0);
    }
}
