//! A robot that drives through the free floor of a room and looks around.
//!
//! The robot is a unicycle: it drives on while the floor ahead is free, slows down before obstacles, and
//! turns all the time, so that a drive of 20 to 30 frames has looked in every direction.

use nalgebra::{Isometry3, Rotation3, Translation3, UnitQuaternion, Vector3};

use super::{
    depth_camera::{DepthCamera, DepthFrame},
    lidar::{Lidar, LidarFrame},
    random::Random,
    scene::Scene,
};
use crate::cloud::LabelledCloud;

/// The sensor that a robot carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Sensor {
    /// A depth camera with registered colour.
    Depth(DepthCamera),
    /// A spinning LiDAR.
    Lidar(Lidar),
}

/// What a sensor measured.
#[derive(Clone, Debug, PartialEq)]
pub enum SensorData {
    /// Of a depth camera.
    Depth(DepthFrame),
    /// Of a LiDAR.
    Lidar(LidarFrame),
}

/// One frame of a drive.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Number of the frame, from 0.
    pub index: usize,
    /// Time stamp, nanoseconds; the drive starts at [`Drive::START`].
    pub stamp: i64,
    /// base_link → odom. odom is the room frame: z up, floor at 0.
    pub base_pose: Isometry3<f64>,
    /// Sensor frame (optical frame of a camera) → base_link. Constant over a drive.
    pub sensor_mount: Isometry3<f64>,
    /// The measurement with its truth.
    pub data: SensorData,
}

impl Frame {
    /// Sensor frame → odom.
    pub fn sensor_pose(&self) -> Isometry3<f64> {
        self.base_pose * self.sensor_mount
    }

    /// The cloud with its truth, in the sensor frame.
    pub fn labelled(&self) -> LabelledCloud {
        match &self.data {
            SensorData::Depth(frame) => frame.labelled(),
            SensorData::Lidar(frame) => frame.labelled(),
        }
    }
}

/// A drive: an iterator over [`Frame`]s.
#[derive(Clone, Debug)]
pub struct Drive<'a> {
    scene: &'a Scene,
    sensor: Sensor,
    seed: u64,
    frames: usize,
    rate: f64,
    next: usize,
    state: State,
    mount: Isometry3<f64>,
    top_speed: f64,
    turn_rate: f64,
}

#[derive(Clone, Copy, Debug)]
struct State {
    x: f64,
    y: f64,
    heading: f64,
    speed: f64,
    time: f64,
}

/// Radius of the robot, metres.
const RADIUS: f64 = 0.22;
/// Step of the motion, seconds.
const STEP: f64 = 0.02;

impl<'a> Drive<'a> {
    /// Stamp of the first frame, nanoseconds.
    pub const START: i64 = 1_700_000_000_000_000_000;

    /// A drive of `frames` frames, `rate` a second (10 when the rate is not a positive number).
    pub fn new(scene: &'a Scene, seed: u64, sensor: Sensor, frames: usize, rate: f64) -> Self {
        let rate = if rate.is_finite() && rate > 0.0 { rate } else { 10.0 };
        let mut random = Random::new(seed, 0xd21e);
        let start = scene.free[random.count(0, scene.free.len() / 8)];
        let duration = (frames.max(1) as f64 / rate).max(1e-3);
        let direction = f64::from(random.sign());
        let mount = match sensor {
            Sensor::Depth(_) => camera_mount(f64::from(random.range(0.5, 1.2)), f64::from(random.range(-0.02, 0.35))),
            Sensor::Lidar(_) => Isometry3::translation(0.05, 0.0, f64::from(random.range(0.4, 1.0))),
        };
        Self {
            scene,
            sensor,
            seed,
            frames,
            rate,
            next: 0,
            state: State {
                x: f64::from(start[0]),
                y: f64::from(start[1]),
                heading: f64::from(random.range(0.0, std::f32::consts::TAU)),
                speed: 0.0,
                time: 0.0,
            },
            mount,
            top_speed: f64::from(random.range(0.3, 0.6)),
            // A little more than one full turn, at a speed that a robot would dare.
            turn_rate: direction * (std::f64::consts::TAU * 1.1 / duration).clamp(0.25, 1.4),
        }
    }

    /// The same drive with the sensor mounted elsewhere (sensor frame → base_link).
    pub fn with_mount(mut self, mount: Isometry3<f64>) -> Self {
        self.mount = mount;
        self
    }

    /// The sensor.
    pub fn sensor(&self) -> &Sensor {
        &self.sensor
    }

    fn advance(&mut self, until: f64) {
        let State { mut x, mut y, mut heading, mut speed, mut time } = self.state;
        let clearance = |x: f64, y: f64| f64::from(self.scene.clearance([x as f32, y as f32]));
        while time + STEP / 2.0 < until {
            let ahead = clearance(x + 0.4 * heading.cos(), y + 0.4 * heading.sin());
            let wanted = ((ahead - RADIUS) * 2.0).clamp(0.0, self.top_speed);
            speed += (wanted - speed).clamp(-1.2 * STEP, 0.6 * STEP);
            let (nx, ny) = (x + speed * STEP * heading.cos(), y + speed * STEP * heading.sin());
            let (here, there) = (clearance(x, y), clearance(nx, ny));
            if there >= RADIUS || there >= here {
                (x, y) = (nx, ny);
            } else {
                speed = 0.0;
            }
            heading += self.turn_rate * (1.0 + 0.2 * (0.7 * time).sin()) * STEP;
            time += STEP;
        }
        self.state = State { x, y, heading, speed, time };
    }
}

/// Optical frame → base_link for a camera `height` metres up, looking forward and `pitch` radians down.
pub(crate) fn camera_mount(height: f64, pitch: f64) -> Isometry3<f64> {
    // Columns: optical x (right) = −y of the base, optical y (down) = −z, optical z (forward) = x.
    let optical = Rotation3::from_basis_unchecked(&[-Vector3::y(), -Vector3::z(), Vector3::x()]);
    let down = UnitQuaternion::from_axis_angle(&Vector3::y_axis(), pitch);
    Isometry3::from_parts(Translation3::new(0.1, 0.0, height), down * UnitQuaternion::from_rotation_matrix(&optical))
}

impl Iterator for Drive<'_> {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        if self.next >= self.frames {
            return None;
        }
        let index = self.next;
        self.next += 1;
        let time = index as f64 / self.rate;
        self.advance(time);
        let base_pose = Isometry3::from_parts(
            Translation3::new(self.state.x, self.state.y, 0.0),
            UnitQuaternion::from_axis_angle(&Vector3::z_axis(), self.state.heading),
        );
        let pose = base_pose * self.mount;
        let seed = Random::new(self.seed, 0xf4a3_e000 + index as u64).bits();
        let data = match &self.sensor {
            Sensor::Depth(camera) => SensorData::Depth(camera.capture(self.scene, &pose, seed)),
            Sensor::Lidar(lidar) => SensorData::Lidar(lidar.capture(self.scene, &pose, seed)),
        };
        let stamp = Self::START + (time * 1e9).round() as i64;
        Some(Frame { index, stamp, base_pose, sensor_mount: self.mount, data })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.frames - self.next;
        (left, Some(left))
    }
}
