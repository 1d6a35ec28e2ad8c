//! The tf buffer against the plain composition of poses, and the floor of real and made frames.

use instanton::cloud::{Cloud, DirectionPrior, decode, estimate_up};
use instanton::ros::{
    BufferLimits, Header, Message, PointCloud2View, Sequence, TfMessage, Time, TransformBuffer, TransformError,
    TransformStamped,
};
use nalgebra::{Isometry3, Point3, Translation3, UnitQuaternion, Vector3};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use std::path::PathBuf;

fn pose(seed: f64) -> Isometry3<f64> {
    let rotation = UnitQuaternion::from_euler_angles(seed * 0.7, seed * 0.3 - 1.0, seed * 1.1);
    Isometry3::from_parts(Translation3::new(seed, 2.0 - seed, 0.5 * seed), rotation)
}

fn stamped<'a>(parent: &'a str, child: &'a str, stamp: i64, pose: &Isometry3<f64>) -> TransformStamped<'a> {
    let q = pose.rotation.coords;
    TransformStamped {
        header: Header { stamp: Time::from_nanoseconds(stamp), frame_id: parent },
        child_frame_id: child,
        translation: pose.translation.vector.into(),
        rotation: [q.x, q.y, q.z, q.w],
    }
}

fn assert_near(a: &Isometry3<f64>, b: &Isometry3<f64>) {
    let off = (a.translation.vector - b.translation.vector).norm() + a.rotation.angle_to(&b.rotation);
    assert!(off < 1e-9, "{a} and {b} differ by {off}");
}

/// Whole seconds as a stamp.
fn at(seconds: f64) -> Time {
    Time::from_nanoseconds((seconds * 1e9) as i64)
}

const SECOND: i64 = 1_000_000_000;

/// map → odom → base → camera and base → lidar; odom and base move.
fn robot() -> TransformBuffer {
    let mut buffer = TransformBuffer::new(BufferLimits::default());
    for second in 0..5 {
        let shift = second as f64 * 0.1;
        buffer.insert(&stamped("map", "odom", second * SECOND, &pose(0.1 + shift)), false).unwrap();
        buffer.insert(&stamped("odom", "base", second * SECOND, &pose(1.0 + shift)), false).unwrap();
    }
    buffer.insert(&stamped("/base", "camera", 0, &pose(2.0)), true).unwrap();
    buffer.insert(&stamped("base", "/lidar", 0, &pose(3.0)), true).unwrap();
    buffer
}

#[test]
fn lookups_compose_up_down_and_across() {
    let buffer = robot();
    let base_at = |second: f64| pose(0.1 + 0.1 * second) * pose(1.0 + 0.1 * second);
    assert_near(&buffer.lookup("map", "camera", at(3.0)).unwrap(), &(base_at(3.0) * pose(2.0)));
    assert_near(&buffer.lookup("camera", "map", at(3.0)).unwrap(), &(base_at(3.0) * pose(2.0)).inverse());
    assert_near(&buffer.lookup("lidar", "camera", at(99.0)).unwrap(), &(pose(3.0).inverse() * pose(2.0)));
    assert_near(&buffer.lookup("/map", "/base", at(0.0)).unwrap(), &base_at(0.0));
    assert_eq!(buffer.lookup("base", "/base", at(1e5)).unwrap(), Isometry3::identity());
    let names: Vec<_> = buffer.frame_names().collect();
    assert_eq!(names, ["map", "odom", "base", "camera", "lidar"]);
}

#[test]
fn between_two_poses_lies_lerp_and_slerp() {
    let buffer = robot();
    let (from, to) = (pose(1.2), pose(1.3));
    let expected = Isometry3::from_parts(
        Translation3::from(from.translation.vector.lerp(&to.translation.vector, 0.25)),
        from.rotation.slerp(&to.rotation, 0.25),
    );
    assert_near(&buffer.lookup("odom", "base", at(2.25)).unwrap(), &expected);
}

#[test]
fn what_is_not_known_is_said_never_guessed() {
    let mut buffer = robot();
    let error = buffer.lookup("map", "gripper", at(1.0)).unwrap_err();
    assert_eq!(error, TransformError::UnknownFrame { frame: "gripper".into() });
    buffer.insert(&stamped("world", "other", 0, &pose(0.0)), true).unwrap();
    let error = buffer.lookup("camera", "other", at(1.0)).unwrap_err();
    assert_eq!(error.to_string(), "frames camera and other are not connected: their trees end at map and world");
    let error = buffer.lookup("map", "base", at(4.5)).unwrap_err();
    assert!(matches!(&error, TransformError::AfterNewest { by: 500_000_000, .. }), "{error}");
    assert_eq!(error.to_string(), "transform odom -> base at 4500000000 ns: 0.5 s after the newest known");
    let error = buffer.lookup("map", "base", at(-2.0)).unwrap_err();
    assert!(matches!(error, TransformError::BeforeOldest { by: 2_000_000_000, .. }), "{error}");
    assert!(matches!(buffer.lookup("", "base", at(1.0)), Err(TransformError::FrameName { actual: 0, .. })));
    assert!(matches!(buffer.lookup("/", "/", at(1.0)), Err(TransformError::FrameName { .. })));
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let mut buffer = robot();
    let before: Vec<String> = buffer.frame_names().map(str::to_owned).collect();
    let good = stamped("camera", "tool", 0, &pose(1.0));
    let mut nan = good;
    nan.translation[1] = f64::NAN;
    let mut infinite = good;
    infinite.rotation[0] = f64::INFINITY;
    let zero = TransformStamped { rotation: [0.0; 4], ..good };
    let loops = [stamped("lidar", "map", 0, &pose(1.0)), stamped("camera", "/camera", 0, &pose(1.0))];
    let nameless = TransformStamped { child_frame_id: "/", ..good };
    let long = "x".repeat(257);
    let wordy = TransformStamped { child_frame_id: &long, ..good };
    assert!(matches!(buffer.insert(&nan, false), Err(TransformError::NotFinite { what: "translation", .. })));
    assert!(matches!(buffer.insert(&infinite, true), Err(TransformError::NotFinite { what: "rotation", .. })));
    assert!(matches!(buffer.insert(&zero, true), Err(TransformError::ZeroQuaternion { .. })));
    for transform in loops {
        assert!(matches!(buffer.insert(&transform, true), Err(TransformError::Cycle { .. })));
    }
    assert!(matches!(buffer.insert(&nameless, true), Err(TransformError::FrameName { actual: 0, .. })));
    assert!(matches!(buffer.insert(&wordy, true), Err(TransformError::FrameName { actual: 257, .. })));
    assert_eq!(buffer.frame_names().map(str::to_owned).collect::<Vec<_>>(), before);
    assert_eq!((buffer.counts().inserted, buffer.counts().rejected), (12, 7));
    buffer.lookup("map", "camera", at(3.0)).unwrap();
}

#[test]
fn quaternions_of_any_length_are_normalised() {
    let mut buffer = TransformBuffer::default();
    for (child, scale) in [("a", 2.0), ("b", 0.01), ("c", 1e200), ("d", -3.0)] {
        let mut transform = stamped("root", child, 0, &pose(1.7));
        transform.rotation = transform.rotation.map(|value| value * scale);
        buffer.insert(&transform, true).unwrap();
        let found = buffer.lookup("root", child, at(0.0)).unwrap();
        assert_near(&found, &pose(1.7));
        assert!((found.rotation.norm() - 1.0).abs() < 1e-15);
    }
}

#[test]
fn memory_is_bounded() {
    let limits = BufferLimits { entries_per_edge: 10, frames: 4, ..BufferLimits::default() };
    let mut buffer = TransformBuffer::new(limits);
    for step in 0..100 {
        buffer.insert(&stamped("map", "base", step * SECOND / 10, &pose(step as f64)), false).unwrap();
    }
    assert_near(&buffer.lookup("map", "base", at(9.0)).unwrap(), &pose(90.0));
    assert!(matches!(buffer.lookup("map", "base", at(8.9)), Err(TransformError::BeforeOldest { .. })));
    buffer.insert(&stamped("base", "a", 0, &pose(1.0)), true).unwrap();
    buffer.insert(&stamped("base", "b", 0, &pose(1.0)), true).unwrap();
    let error = buffer.insert(&stamped("base", "c", 0, &pose(1.0)), true).unwrap_err();
    assert_eq!(error, TransformError::TooManyFrames { frame: "c".into(), maximum: 4 });
    assert_eq!(buffer.frame_names().count(), 4);

    let mut buffer = TransformBuffer::default();
    for second in 0..30 {
        buffer.insert(&stamped("map", "base", second * SECOND, &pose(1.0)), false).unwrap();
    }
    assert!(buffer.lookup("map", "base", at(19.0)).is_ok());
    assert!(matches!(buffer.lookup("map", "base", at(18.9)), Err(TransformError::BeforeOldest { .. })));
}

#[test]
fn latecomers_are_sorted_in_and_time_jumps_clear() {
    let mut buffer = TransformBuffer::default();
    for stamp in [1.0, 1.4, 1.2, 1.3, 1.2] {
        buffer.insert(&stamped("map", "base", (stamp * 1e9) as i64, &pose(stamp)), false).unwrap();
    }
    assert_eq!((buffer.counts().late, buffer.counts().time_jumps), (3, 0));
    for stamp in [1.0, 1.2, 1.3, 1.4] {
        assert_near(&buffer.lookup("map", "base", at(stamp)).unwrap(), &pose(stamp));
    }
    buffer.insert(&stamped("base", "arm", 2 * SECOND, &pose(5.0)), false).unwrap();
    buffer.insert(&stamped("map", "base", 100 * SECOND, &pose(6.0)), false).unwrap();
    buffer.insert(&stamped("map", "base", SECOND / 2, &pose(7.0)), false).unwrap();
    assert_eq!(buffer.counts().time_jumps, 1);
    assert_near(&buffer.lookup("map", "base", at(0.5)).unwrap(), &pose(7.0));
    assert!(matches!(buffer.lookup("map", "base", at(100.0)), Err(TransformError::AfterNewest { .. })));
    // The other edge keeps what it knows until it jumps itself.
    assert_near(&buffer.lookup("base", "arm", at(2.0)).unwrap(), &pose(5.0));
    buffer.insert(&stamped("base", "camera", 0, &pose(1.0)), true).unwrap();
    buffer.clear_moving();
    assert!(matches!(buffer.lookup("map", "base", at(0.5)), Err(TransformError::NotConnected { .. })));
    assert!(buffer.lookup("base", "camera", at(0.5)).is_ok());
}

#[test]
fn a_frame_may_move_to_another_parent_and_become_fixed() {
    let mut buffer = robot();
    buffer.insert(&stamped("lidar", "camera", 0, &pose(4.0)), true).unwrap();
    assert_eq!(buffer.counts().reparented, 1);
    assert_near(&buffer.lookup("base", "camera", at(9.0)).unwrap(), &(pose(3.0) * pose(4.0)));
    buffer.insert(&stamped("odom", "base", 0, &pose(8.0)), true).unwrap();
    assert_near(&buffer.lookup("odom", "base", at(1e4)).unwrap(), &pose(8.0));
}

proptest! {
    /// A random tree of fixed frames: every lookup is the product of the poses on the way.
    #[test]
    fn random_trees(parents in prop::collection::vec(any::<prop::sample::Index>(), 1..20), a: prop::sample::Index, b: prop::sample::Index) {
        let mut buffer = TransformBuffer::default();
        let mut world = vec![Isometry3::identity()];
        let names: Vec<String> = (0..=parents.len()).map(|index| format!("frame_{index}")).collect();
        for (index, parent) in parents.iter().enumerate() {
            let parent = parent.index(index + 1);
            let step = pose(index as f64 * 0.37);
            buffer.insert(&stamped(&names[parent], &names[index + 1], 0, &step), true).unwrap();
            world.push(world[parent] * step);
        }
        let (a, b) = (a.index(world.len()), b.index(world.len()));
        let found = buffer.lookup(&names[a], &names[b], at(0.0)).unwrap();
        assert_near(&found, &(world[a].inverse() * world[b]));
    }

    /// Whatever comes: no panic, no circle (which would hang), bounded.
    #[test]
    fn any_stream_of_transforms(stream in prop::collection::vec((0usize..6, 0usize..6, any::<i32>(), any::<bool>(), -1e300..1e300f64), 0..60)) {
        let names = ["a", "b", "/c", "d", "e", ""];
        let mut buffer = TransformBuffer::new(BufferLimits { entries_per_edge: 3, frames: 4, ..BufferLimits::default() });
        for (parent, child, sec, is_static, value) in stream {
            let transform = TransformStamped {
                header: Header { stamp: Time { sec, nanosec: 0 }, frame_id: names[parent] },
                child_frame_id: names[child],
                translation: [value; 3],
                rotation: [value, 0.0, 0.0, 1.0],
            };
            let _ = buffer.insert(&transform, is_static);
            for target in names {
                for source in names {
                    let _ = buffer.lookup(target, source, Time { sec, nanosec: 0 });
                }
            }
        }
        prop_assert!(buffer.frame_names().count() <= 4);
    }
}

#[test]
fn tf_message_survives_cdr() {
    let transforms = [stamped("map", "odom", 5, &pose(1.0)), stamped("odom", "base", 6, &pose(2.0))];
    let mut bytes = Vec::new();
    TfMessage { transforms: Sequence::listed(&transforms) }.encode(&mut bytes).unwrap();
    let decoded = TfMessage::decode(&bytes).unwrap();
    assert_eq!(decoded.transforms.iter().collect::<Vec<_>>(), transforms);
    for cut in 0..bytes.len() {
        TfMessage::decode(&bytes[..cut]).unwrap_err();
    }
    let mut many = bytes;
    many[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    TfMessage::decode(&many).unwrap_err();
}

/// A room of 5 × 4 × 2.5 m with a table, in the world frame (z up, floor at 0), with noise.
fn room(noise: f64) -> Vec<Point3<f64>> {
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    let mut uniform = || f64::from(random.next_u32()) / f64::from(u32::MAX);
    let mut points = Vec::new();
    for _ in 0..20_000 {
        let (u, v, which) = (uniform(), uniform(), uniform());
        let point = match which {
            w if w < 0.15 => Point3::new(5.0 * u, 4.0 * v, 0.0),
            w if w < 0.40 => Point3::new(1.5 + 2.0 * u, 1.0 + 1.5 * v, 0.75),
            w if w < 0.60 => Point3::new(5.0, 4.0 * u, 2.5 * v),
            w if w < 0.80 => Point3::new(5.0 * u, 4.0, 2.5 * v),
            _ => Point3::new(5.0 * u, 4.0 * v, 2.5),
        };
        let jitter = Vector3::new(uniform() - 0.5, uniform() - 0.5, uniform() - 0.5) * 2.0 * noise;
        points.push(point + jitter);
    }
    points
}

/// From a body at a place in the world to its optical frame: z forward, y down.
fn optical() -> UnitQuaternion<f64> {
    UnitQuaternion::from_euler_angles(-std::f64::consts::FRAC_PI_2, 0.0, -std::f64::consts::FRAC_PI_2)
}

#[test]
fn the_floor_of_made_rooms() {
    for (index, (pitch, roll, height)) in
        [(0.0, 0.0, 1.2), (0.5, 0.1, 1.6), (-0.3, -0.2, 0.4), (0.4, 0.3, 0.9)].into_iter().enumerate()
    {
        for is_optical in [true, false] {
            if !is_optical && index > 0 {
                continue;
            }
            let body = UnitQuaternion::from_euler_angles(roll, pitch, 0.6);
            let rotation = if is_optical { body * optical() } else { body };
            let sensor = Isometry3::from_parts(Translation3::new(0.5, 0.5, height), rotation);
            let inverse = sensor.inverse();
            let points = room(0.015);
            let mut cloud = Cloud::default();
            for point in &points {
                let seen = inverse * point;
                cloud.position.push([seen.x as f32, seen.y as f32, seen.z as f32]);
                cloud.position.push([f32::NAN; 3]);
            }
            let prior = if is_optical { DirectionPrior::OPTICAL } else { DirectionPrior::BODY };
            let upright = estimate_up(&cloud, &prior).unwrap();
            assert_eq!(estimate_up(&cloud, &prior), Some(upright));
            cloud.transform(&upright.pose);
            let worst = points
                .iter()
                .zip(cloud.position.iter().step_by(2))
                .map(|(truth, found)| (truth.z - f64::from(found[2])).abs());
            let worst = worst.fold(0.0, f64::max);
            assert!(worst < 0.05, "pose {index}: {worst} m off");
            // The sensor is above the origin, and its forward is x.
            let at = upright.pose * Point3::origin();
            assert!(at.x.abs() + at.y.abs() < 1e-9 && (at.z - height).abs() < 0.05, "{at}");
            let forward = upright.pose.rotation * if is_optical { Vector3::z() } else { Vector3::x() };
            assert!(forward.x > 0.5 && forward.y.abs() < 1e-9, "{forward}");
        }
    }
}

#[test]
fn no_floor_is_none() {
    let estimate = |position: Vec<[f32; 3]>| estimate_up(&Cloud { position, colour: None }, &DirectionPrior::BODY);
    assert_eq!(estimate(vec![]), None);
    assert_eq!(estimate(vec![[f32::NAN; 3]; 5000]), None);
    assert_eq!(estimate(vec![[1.0, 2.0, 3.0]; 5000]), None);
    assert_eq!(estimate(vec![[1e30; 3]; 5000]), None);
    // A wall alone, and a line.
    let wall = (0..10_000).map(|index| [3.0, (index % 100) as f32 * 0.05, (index / 100) as f32 * 0.03]).collect();
    assert_eq!(estimate(wall), None);
    assert_eq!(estimate((0..10_000).map(|index| [index as f32 * 0.001, 0.0, 0.0]).collect()), None);
    let mut cloud = Cloud::default();
    cloud.position.extend((0..1000).map(|index| [(index % 30) as f32 * 0.1, (index / 30) as f32 * 0.1, 0.0]));
    let nowhere = DirectionPrior { up: [0.0; 3], ..DirectionPrior::BODY };
    assert_eq!(estimate_up(&cloud, &nowhere), None);
    let straight_down = DirectionPrior { forward: [0.0, 0.0, -1.0], ..DirectionPrior::BODY };
    let pose = estimate_up(&cloud, &straight_down).unwrap().pose;
    assert!(((pose.rotation * Vector3::z()).z - 1.0).abs() < 1e-6);
}

fn bag_path(name: &str) -> PathBuf {
    let shared = std::env::var_os("INSTANTON_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    shared.join("data/bags").join(name).join(format!("{name}_0.mcap"))
}

/// Real frames: the floor is found in those that show one, and everything else stands on it.
#[test]
fn the_floor_of_real_frames() {
    for (bag, prior) in
        [("kinect_points_7frames_mcap", DirectionPrior::OPTICAL), ("ouster_os0_indoor_mcap", DirectionPrior::BODY)]
    {
        let path = bag_path(bag);
        let Ok(bytes) = std::fs::read(&path) else {
            eprintln!("skipped: {} is not there", path.display());
            continue;
        };
        let mut found = 0;
        for message in mcap::MessageStream::new(&bytes).unwrap() {
            let message = message.unwrap();
            if message.channel.schema.as_ref().unwrap().name != PointCloud2View::TYPE.name {
                continue;
            }
            let mut cloud = Cloud::default();
            decode(&PointCloud2View::decode(&message.data).unwrap(), &mut cloud).unwrap();
            let upright = estimate_up(&cloud, &prior);
            eprintln!("{bag} at {}: {upright:?}", message.log_time);
            let Some(upright) = upright else { continue };
            found += 1;
            cloud.transform(&upright.pose);
            let measured: Vec<_> = cloud.position.iter().filter(|p| p.iter().all(|value| value.is_finite())).collect();
            let below = measured.iter().filter(|p| p[2] < -0.3).count();
            assert!(below * 20 < measured.len(), "{below} of {} points below the floor", measured.len());
        }
        assert!(found >= 2, "{bag}: {found} floors");
    }
}

/// The bags' own tf, where there is one to ask for.
#[test]
fn real_static_transforms() {
    let path = bag_path("ouster_os0_indoor_mcap");
    let Ok(bytes) = std::fs::read(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return;
    };
    let mut buffer = TransformBuffer::default();
    let mut frame = None;
    for message in mcap::MessageStream::new(&bytes).unwrap() {
        let message = message.unwrap();
        if message.channel.topic == "/tf_static" {
            for transform in TfMessage::decode(&message.data).unwrap().transforms {
                buffer.insert(&transform, true).unwrap();
            }
        } else {
            frame = Some(PointCloud2View::decode(&message.data).unwrap().header.frame_id.to_owned());
        }
    }
    let root = buffer.frame_names().next().unwrap().to_owned();
    let pose = buffer.lookup(&root, &frame.unwrap(), at(0.0)).unwrap();
    assert_ne!(pose, Isometry3::identity());
}
