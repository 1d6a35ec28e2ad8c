//! Where the camera is, and what it leaves out.

use super::front::Front;
use crate::block::{Extent, RobustExtent};

/// Where a picture is taken from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Viewpoint {
    /// From outside and above, looking at the middle of the cloud; z is up.
    Overview {
        /// Direction from the cloud to the camera about z, radians from +x.
        azimuth: f32,
        /// Height of the camera above the horizon, radians, 0 to π/2.
        elevation: f32,
        /// What is lifted off so that one looks into the room.
        ceiling: Ceiling,
        /// Whether the walls on the camera's side are cut down to a rim.
        open_front: bool,
    },
    /// From a place in the cloud's frame.
    Sensor {
        /// The place.
        eye: [f32; 3],
        /// Direction of view.
        forward: [f32; 3],
        /// Direction that is up in the picture.
        up: [f32; 3],
    },
}

/// What an overview leaves out at the top.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ceiling {
    /// Nothing.
    Keep,
    /// Everything above this z, metres.
    CutAbove(f32),
    /// The top layer, if it holds so many points that it must be a ceiling.
    Automatic,
}

/// Points nearer than this to the camera, in metres, are not drawn.
const NEAREST: f32 = 0.05;
/// Share of stray points at each end of each axis that do not count for the frame.
const STRAYS: f32 = 0.004;
/// A ceiling's layer: its thickness in metres, and the share of all points that makes it one.
const CEILING_LAYER: (f32, f64) = (0.15, 0.10);
/// How far below the top of the cloud the automatic cut is: beams and lamps go too.
const CEILING_CUT: f32 = 0.30;

/// A placed camera: a rigid frame, and the part of space that it looks at.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Camera {
    eye: [f32; 3],
    right: [f32; 3],
    down: [f32; 3],
    forward: [f32; 3],
    cut_above: f32,
    at_sensor: bool,
    front: Option<Front>,
}

impl Camera {
    /// Places a camera for the points of all panels; `None` if there is not one finite point.
    pub fn place<'a>(viewpoint: &Viewpoint, panels: impl Iterator<Item = &'a [[f32; 3]]>) -> Option<Self> {
        match *viewpoint {
            Viewpoint::Sensor { eye, forward, up } => Some(Self::looking(eye, forward, up)),
            Viewpoint::Overview { azimuth, elevation, ceiling, open_front } => {
                let points = thinned(panels);
                let extent = RobustExtent::default().estimate(&points, STRAYS)?;
                Some(Self::above(&extent, &points, azimuth, elevation, ceiling, open_front))
            }
        }
    }

    fn above(
        extent: &Extent,
        points: &[[f32; 3]],
        azimuth: f32,
        elevation: f32,
        ceiling: Ceiling,
        open_front: bool,
    ) -> Self {
        let top = extent.maximum[2];
        let cut_above = match ceiling {
            Ceiling::Keep => f32::INFINITY,
            Ceiling::CutAbove(height) => height,
            Ceiling::Automatic => {
                let layer = points.iter().filter(|point| (point[2] - top).abs() <= CEILING_LAYER.0).count();
                let ceiling = top - extent.minimum[2] > 1.8 && layer as f64 > CEILING_LAYER.1 * points.len() as f64;
                if ceiling { top - CEILING_CUT } else { f32::INFINITY }
            }
        };
        let (sine, cosine) = azimuth.sin_cos();
        let (rise, reach) = elevation.clamp(0.0, std::f32::consts::FRAC_PI_2 - 1.0e-3).sin_cos();
        let towards_camera = [cosine * reach, sine * reach, rise];
        let size: [f32; 3] = extent.size().map(|side| side as f32);
        let diagonal = size.iter().map(|side| side * side).sum::<f32>().sqrt().max(0.1);
        let middle: [f32; 3] = std::array::from_fn(|axis| extent.minimum[axis] + 0.5 * size[axis]);
        // Far enough for a calm perspective: about 30 degrees across.
        let eye = std::array::from_fn(|axis| middle[axis] + 1.9 * diagonal * towards_camera[axis]);
        let mut camera = Self::looking(eye, towards_camera.map(|value| -value), [0.0, 0.0, 1.0]);
        camera.cut_above = cut_above;
        camera.at_sensor = false;
        camera.front = open_front.then(|| Front::new(extent, points, azimuth));
        camera
    }

    fn looking(eye: [f32; 3], forward: [f32; 3], up: [f32; 3]) -> Self {
        let forward = normalised(forward).unwrap_or([1.0, 0.0, 0.0]);
        let sideways = |up| normalised(cross(forward, up));
        let right = sideways(up).or_else(|| sideways([0.0, 0.0, 1.0])).or_else(|| sideways([1.0, 0.0, 0.0]));
        let right = right.unwrap_or([0.0, 1.0, 0.0]);
        Self {
            eye,
            right,
            down: cross(forward, right),
            forward,
            cut_above: f32::INFINITY,
            at_sensor: true,
            front: None,
        }
    }

    /// Place in the picture at focal length 1, and depth in metres; `None` for points that are not
    /// shown.
    pub fn project(&self, point: &[f32; 3]) -> Option<[f32; 3]> {
        if point[2] > self.cut_above {
            return None;
        }
        if self.front.as_ref().is_some_and(|front| front.hides(point)) {
            return None;
        }
        let relative = std::array::from_fn(|axis| point[axis] - self.eye[axis]);
        let depth = dot(self.forward, relative);
        let place = [dot(self.right, relative) / depth, dot(self.down, relative) / depth, depth];
        (depth > NEAREST && place.iter().all(|value| value.is_finite())).then_some(place)
    }

    /// Steps of depth up to this many metres are the sensor's doing. Where the camera stands at the
    /// sensor, a depth sensor's noise and quantisation grow with the square of the depth.
    pub fn noise(&self, depth: f32) -> f32 {
        const LEAST: f32 = 0.03;
        if self.at_sensor { LEAST.max(0.005 * depth * depth) } else { LEAST }
    }

    /// Bounds of the points in the picture at focal length 1, strays left out: `[left, top, right,
    /// bottom]`; a unit square if nothing is shown.
    pub fn frame<'a>(&self, panels: impl Iterator<Item = &'a [[f32; 3]]>) -> [f32; 4] {
        // Half a sphere has no finite picture: what is more than 65° off the axis is cut.
        const WIDEST: f32 = 2.1;
        let places: Vec<[f32; 3]> = thinned(panels)
            .iter()
            .filter_map(|point| self.project(point))
            .map(|[x, y, _]| [x, y, 0.0])
            .filter(|place| place[0].abs() <= WIDEST && place[1].abs() <= WIDEST)
            .collect();
        let Some(extent) = RobustExtent::default().estimate(&places, STRAYS / 4.0) else {
            return [-0.5, -0.5, 0.5, 0.5];
        };
        let [left, top, right, bottom] = [extent.minimum[0], extent.minimum[1], extent.maximum[0], extent.maximum[1]];
        let least = 1.0e-3 * (right - left).max(bottom - top).max(1.0);
        let pad = 0.03 * (right - left).max(bottom - top) + least;
        [left - pad, top - pad, right + pad, bottom + pad]
    }
}

/// At most 2¹⁷ points, evenly out of all panels.
fn thinned<'a>(panels: impl Iterator<Item = &'a [[f32; 3]]>) -> Vec<[f32; 3]> {
    let panels: Vec<_> = panels.collect();
    let total: usize = panels.iter().map(|points| points.len()).sum();
    let step = total.div_ceil(RobustExtent::MAXIMUM_SAMPLES).max(1);
    let finite = |point: &&[f32; 3]| point.iter().all(|value| value.is_finite());
    panels.iter().flat_map(|points| points.iter()).filter(finite).step_by(step).copied().collect()
}

fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: [f32; 3], b: [f32; 3]) -> [f32; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

fn normalised(vector: [f32; 3]) -> Option<[f32; 3]> {
    let length = dot(vector, vector).sqrt();
    (length.is_finite() && length > 1.0e-6).then(|| vector.map(|value| value / length))
}

#[cfg(test)]
mod tests {
    use super::super::View;
    use super::*;

    #[test]
    fn the_optical_frame_looks_along_z_with_y_down() {
        let Viewpoint::Sensor { eye, forward, up } = View::from_optical_frame().viewpoint else { panic!() };
        let camera = Camera::looking(eye, forward, up);
        assert_eq!(camera.project(&[1.0, 0.5, 2.0]), Some([0.5, 0.25, 2.0]));
        assert_eq!(camera.project(&[1.0, 0.5, -2.0]), None);
        assert_eq!(camera.project(&[f32::NAN, 0.5, 2.0]), None);
        let Viewpoint::Sensor { eye, forward, up } = View::from_body_frame().viewpoint else { panic!() };
        assert_eq!(Camera::looking(eye, forward, up).project(&[2.0, -1.0, 0.5]), Some([0.5, -0.25, 2.0]));
    }

    #[test]
    fn an_overview_lifts_the_ceiling_and_opens_the_front() {
        // A box of 4 m × 4 m × 2.5 m, 5 cm spacing: floor, ceiling, four walls.
        let mut points = Vec::new();
        for i in 0..80 {
            for j in 0..80 {
                let (x, y) = (i as f32 * 0.05, j as f32 * 0.05);
                points.extend([[x, y, 0.0], [x, y, 2.5]]);
                if j < 50 {
                    points.extend([[x, 0.0, y], [x, 4.0, y], [0.0, x, y], [4.0, x, y]]);
                }
            }
        }
        let camera = Camera::place(&View::overview().viewpoint, std::iter::once(&points[..])).unwrap();
        assert!(camera.project(&[2.0, 2.0, 2.5]).is_none(), "ceiling");
        assert!(camera.project(&[2.0, 2.0, 0.0]).is_some(), "floor");
        // The camera stands at −x, −y.
        assert!(camera.project(&[0.0, 2.0, 1.0]).is_none() && camera.project(&[2.0, 0.0, 1.0]).is_none(), "near walls");
        assert!(camera.project(&[4.0, 2.0, 1.0]).is_some() && camera.project(&[2.0, 4.0, 1.0]).is_some(), "far walls");
        assert!(camera.project(&[0.0, 2.0, 0.05]).is_some(), "rim");
        // Higher is further up in the picture.
        let [low, high] = [0.0, 1.0].map(|z| camera.project(&[2.0, 2.0, z]).unwrap()[1]);
        assert!(high < low);
        assert!(Camera::place(&View::overview().viewpoint, std::iter::once(&[[f32::NAN; 3]; 3][..])).is_none());
    }
}
