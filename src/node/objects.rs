//! Instances of one frame as upright boxes.

use nalgebra::{Point3, UnitQuaternion, Vector3};

use crate::cloud::{INVALID_CLASS, Labels, NO_INSTANCE};
use crate::live::LiveFrame;

/// Directions that are tried over a quarter turn: 3° apart.
const DIRECTIONS: usize = 30;
/// Points of an instance by which its direction is chosen; its size is that of all of them.
const MOST_SAMPLES: usize = 512;

/// An instance that was seen in a frame, in the sensor's frame. Its box stands upright in the fixed frame and is turned
/// so that it covers the least floor.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenObject {
    /// Which instance.
    pub instance: u32,
    /// The class of most of its points.
    pub class: u16,
    /// Its points in this frame.
    pub points: usize,
    /// Mean confidence of the points of that class, 0..=1.
    pub confidence: f32,
    /// Centre of the box (m).
    pub centre: Point3<f64>,
    /// How the box is turned.
    pub rotation: UnitQuaternion<f64>,
    /// Lengths of the box along its own axes (m).
    pub size: Vector3<f64>,
}

/// Finds the instances of frames. Keeps its memory between frames.
#[derive(Debug, Default)]
pub struct ObjectFinder {
    /// Instance and number of each labelled point, sorted.
    order: Vec<(u32, u32)>,
    /// Points of one instance, turned so that z is up, around the sensor.
    upright: Vec<Vector3<f64>>,
    votes: Vec<(u16, u32, f64)>,
}

impl ObjectFinder {
    /// The instances with at least `minimum` points in this frame, by ascending id; `objects` is overwritten.
    ///
    /// Work: a sort of the labelled points, and thirty looks at no more than 512 points of each instance.
    pub fn find(&mut self, frame: &LiveFrame, labels: &Labels, minimum: usize, objects: &mut Vec<SeenObject>) {
        objects.clear();
        self.order.clear();
        let labelled = labels.instance.iter().zip(0..).filter(|(instance, _)| **instance != NO_INSTANCE);
        self.order.extend(labelled.map(|(&instance, point)| (instance, point)));
        self.order.sort_unstable();
        for points in self.order.chunk_by(|a, b| a.0 == b.0).filter(|points| points.len() >= minimum.max(1)) {
            self.upright.clear();
            self.upright.extend(points.iter().map(|&(_, point)| {
                let [x, y, z] = frame.cloud.position[point as usize].map(f64::from);
                frame.pose.rotation * Vector3::new(x, y, z)
            }));
            let (turn, low, high) = smallest_box(&self.upright);
            let (class, confidence) = majority(&mut self.votes, points, labels);
            let rotation = frame.pose.rotation.inverse() * turn;
            objects.push(SeenObject {
                instance: points[0].0,
                class,
                points: points.len(),
                confidence,
                centre: Point3::from(rotation * ((low + high) / 2.0)),
                rotation,
                size: high - low,
            });
        }
    }
}

/// The turn about z, less than a quarter, whose box covers the least floor, and the box's corners in its own axes.
fn smallest_box(points: &[Vector3<f64>]) -> (UnitQuaternion<f64>, Vector3<f64>, Vector3<f64>) {
    let turn = |direction: usize| {
        let angle = std::f64::consts::FRAC_PI_2 * direction as f64 / DIRECTIONS as f64;
        UnitQuaternion::from_axis_angle(&Vector3::z_axis(), angle)
    };
    let step = points.len().div_ceil(MOST_SAMPLES).max(1);
    let area = |direction: usize| {
        let (low, high) = corners(points.iter().step_by(step), turn(direction));
        (high.x - low.x) * (high.y - low.y)
    };
    let best = (0..DIRECTIONS).map(|direction| (area(direction), direction)).min_by(|a, b| a.0.total_cmp(&b.0));
    let turn = turn(best.map_or(0, |(_, direction)| direction));
    let (low, high) = corners(points.iter(), turn);
    (turn, low, high)
}

fn corners<'p>(
    points: impl Iterator<Item = &'p Vector3<f64>>,
    turn: UnitQuaternion<f64>,
) -> (Vector3<f64>, Vector3<f64>) {
    let back = turn.inverse();
    let all = Vector3::repeat(f64::INFINITY);
    points.fold((all, -all), |(low, high), point| {
        let point = back * point;
        (low.inf(&point), high.sup(&point))
    })
}

/// The class of most points and the mean confidence of those that have it.
fn majority(votes: &mut Vec<(u16, u32, f64)>, points: &[(u32, u32)], labels: &Labels) -> (u16, f32) {
    votes.clear();
    for &(_, point) in points {
        let (class, confidence) = (labels.class[point as usize], f64::from(labels.confidence[point as usize]));
        match votes.iter_mut().find(|vote| vote.0 == class) {
            Some((_, count, sum)) => (*count, *sum) = (*count + 1, *sum + confidence),
            None => votes.push((class, 1, confidence)),
        }
    }
    let most = votes.iter().max_by_key(|(class, count, _)| (*count, std::cmp::Reverse(*class)));
    most.map_or((INVALID_CLASS, 0.0), |&(class, count, sum)| (class, (sum / f64::from(count)) as f32))
}

#[cfg(test)]
mod tests {
    use nalgebra::{Isometry3, Translation3};
    use proptest::prelude::*;

    use super::*;
    use crate::cloud::Cloud;

    /// A filled box of this size about `centre`, turned by `yaw`, and where its points are for a sensor at `pose`.
    fn seen(pose: Isometry3<f64>, centre: Vector3<f64>, size: Vector3<f64>, yaw: f64) -> Vec<[f32; 3]> {
        let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw);
        let steps = |axis: usize| (0..9).map(move |i| (i as f64 / 8.0 - 0.5) * size[axis]);
        let mut points = Vec::new();
        for x in steps(0) {
            for y in steps(1) {
                for z in steps(2) {
                    let world = Point3::from(turn * Vector3::new(x, y, z) + centre);
                    let local = pose.inverse() * world;
                    points.push([local.x as f32, local.y as f32, local.z as f32]);
                }
            }
        }
        points
    }

    proptest! {
        /// Whatever way the sensor leans.
        #[test]
        fn a_box_is_found_as_it_stands(yaw in 0..30_usize, roll in -0.5..0.5, pitch in -0.5..0.5, heading in -3.0..3.0) {
            let pose = Isometry3::from_parts(
                Translation3::new(1.0, 2.0, 0.5),
                UnitQuaternion::from_euler_angles(roll, pitch, heading),
            );
            let (centre, size) = (Vector3::new(3.0, 1.0, 0.4), Vector3::new(1.2, 0.4, 0.8));
            let yaw = std::f64::consts::FRAC_PI_2 * yaw as f64 / 30.0;
            let mut position = seen(pose, centre, size, yaw);
            let count = position.len();
            position.insert(0, [f32::NAN; 3]);
            position.push([9.0; 3]);
            let mut labels = Labels::unknown(count + 2);
            labels.instance[1..=count].fill(7);
            labels.class[1..=count].fill(3);
            labels.class[1..100].fill(4);
            labels.confidence[1..=count].fill(0.5);
            let frame = LiveFrame { cloud: Cloud { position, colour: None }, pose, ..LiveFrame::default() };
            let mut objects = Vec::new();
            ObjectFinder::default().find(&frame, &labels, 1, &mut objects);
            let [object] = &objects[..] else { panic!("{objects:?}") };
            prop_assert_eq!((object.instance, object.class, object.points), (7, 3, count));
            prop_assert!((object.confidence - 0.5).abs() < 1e-6);
            prop_assert!((pose * object.centre - Point3::from(centre)).norm() < 1e-5);
            // A quarter turn more and the sides change their names.
            let sorted = |size: Vector3<f64>| [size.x.min(size.y), size.x.max(size.y), size.z];
            for (found, expected) in sorted(object.size).into_iter().zip(sorted(size)) {
                prop_assert!((found - expected).abs() < 1e-5, "{} {}", object.size, size);
            }
            // It stands upright in the fixed frame.
            let up = pose.rotation * object.rotation * Vector3::z();
            prop_assert!((up - Vector3::z()).norm() < 1e-9);
        }
    }

    #[test]
    fn small_ones_are_left_out_and_the_rest_comes_by_id() {
        let mut labels = Labels::unknown(10);
        labels.instance = vec![5, 2, 5, 2, 0, 9, 5, 2, 0, 0];
        let cloud = Cloud { position: (0..10).map(|i| [i as f32, 0.0, 0.0]).collect(), colour: None };
        let frame = LiveFrame { cloud, ..LiveFrame::default() };
        let mut objects = Vec::new();
        ObjectFinder::default().find(&frame, &labels, 2, &mut objects);
        let found: Vec<(u32, usize)> = objects.iter().map(|object| (object.instance, object.points)).collect();
        assert_eq!(found, [(2, 3), (5, 3)]);
        assert_eq!(objects[0].centre, Point3::new(4.0, 0.0, 0.0));
        ObjectFinder::default().find(&frame, &Labels::unknown(10), 1, &mut objects);
        assert!(objects.is_empty());
    }
}
