//! Simulated recordings read back as a robot's.

use std::path::Path;

use instanton::cli::simulate::{DriveOptions, SensorChoice, SimulateError, simulate_drive, simulate_rooms};
use instanton::cloud::{INVALID_CLASS, NO_INSTANCE, decode};
use instanton::recording::topic;
use instanton::ros::{
    BufferLimits, CameraInfo, ImageView, Message, PointCloud2View, TfMessage, TransformBuffer, datatype,
};
use instanton::sim::Drive;
use instanton::transport::{CloudTopics, open_bag, open_room, select_topics};

const FRAMES: usize = 2;

fn options(sensor: SensorChoice) -> DriveOptions {
    DriveOptions { seed: 3, sensor, frames: FRAMES, rate: 2.0, density: 1.0 }
}

/// All messages as (topic, log time, bytes), with the topics.
fn read(path: &Path) -> Vec<(String, u64, Vec<u8>)> {
    let mut source = open_bag(path).expect("a bag");
    let mut messages = Vec::new();
    while source.advance().expect("readable") {
        let message = source.current();
        let topic = &source.topics()[message.topic];
        assert_eq!(topic.schema_encoding, "ros2msg", "{}", topic.name);
        assert!(!topic.schema.is_empty() && topic.type_hash.starts_with("RIHS01_"), "{}", topic.name);
        messages.push((topic.name.clone(), message.log_time, message.data.to_vec()));
    }
    assert!(source.damage().is_empty());
    messages
}

/// The transforms of a recording in a buffer.
fn transforms(messages: &[(String, u64, Vec<u8>)]) -> TransformBuffer {
    let mut buffer = TransformBuffer::new(BufferLimits::default());
    for (name, _, bytes) in messages.iter().filter(|(name, ..)| name.starts_with("/tf")) {
        for transform in TfMessage::decode(bytes).expect("transforms").transforms {
            buffer.insert(&transform, name == topic::TF_STATIC).expect("sound");
        }
    }
    buffer
}

fn of<'a>(messages: &'a [(String, u64, Vec<u8>)], name: &str) -> Vec<&'a [u8]> {
    messages.iter().filter(|message| message.0 == name).map(|message| message.2.as_slice()).collect()
}

/// Checks that truth and cloud agree point by point, and that the points lie in the room.
fn check_truth(messages: &[(String, u64, Vec<u8>)], cloud_topic: &str) {
    let buffer = transforms(messages);
    let (clouds, truths) = (of(messages, cloud_topic), of(messages, topic::TRUTH));
    assert_eq!((clouds.len(), truths.len()), (FRAMES, FRAMES));
    for (index, (cloud, truth)) in clouds.into_iter().zip(truths).enumerate() {
        let (cloud, truth) = (PointCloud2View::decode(cloud).unwrap(), PointCloud2View::decode(truth).unwrap());
        assert_eq!(cloud.header, truth.header);
        assert_eq!(cloud.header.stamp.nanoseconds(), Drive::START + index as i64 * 500_000_000);
        assert_eq!((cloud.width, cloud.height), (truth.width, truth.height));
        let (mut points, mut labelled) = Default::default();
        decode(&cloud, &mut points).unwrap();
        decode(&truth, &mut labelled).unwrap();
        let bits = |position: &Vec<[f32; 3]>| -> Vec<[u32; 3]> {
            position.iter().map(|point| point.map(f32::to_bits)).collect()
        };
        assert_eq!(bits(&points.position), bits(&labelled.position));

        let offset = |name| truth.fields.iter().find(|field| field.name == name).expect(name);
        let (label, instance) = (offset("label"), offset("instance"));
        assert_eq!((label.datatype, instance.datatype), (datatype::UINT16, datatype::UINT32));
        let pose = buffer.lookup(topic::MAP_FRAME, cloud.header.frame_id, cloud.header.stamp).expect("connected");
        let (mut measured, mut floor) = (0, Vec::new());
        for (point, row) in truth.data.chunks_exact(truth.point_step as usize).enumerate() {
            let at = label.offset as usize;
            let class = u16::from_le_bytes([row[at], row[at + 1]]);
            let at = instance.offset as usize;
            let id = u32::from_le_bytes(row[at..at + 4].try_into().unwrap());
            let [x, y, z] = points.position[point];
            assert_eq!(x.is_nan(), class == INVALID_CLASS, "point {point}");
            assert_eq!(x.is_nan(), id == NO_INSTANCE, "point {point}");
            if class != INVALID_CLASS {
                measured += 1;
                let up = (pose * nalgebra::Point3::new(f64::from(x), f64::from(y), f64::from(z))).z;
                assert!(class < 13 && (-0.6..8.0).contains(&up), "class {class} at height {up}");
                if class == 1 {
                    floor.push(up);
                }
            }
        }
        assert!(measured * 2 > points.len(), "{measured} of {} measured", points.len());
        // Were the poses or the labels those of another frame, the floor would not be flat at 0.
        floor.sort_by(f64::total_cmp);
        assert!(floor.len() < 50 || floor[floor.len() / 2].abs() < 0.05, "floor at {}", floor[floor.len() / 2]);
    }
}

#[test]
fn a_depth_drive_is_a_robots_recording() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("drive.mcap");
    let written = simulate_drive(&options(SensorChoice::Depth), &path, &mut |_| ()).unwrap();
    let messages = read(&path);
    let counts: Vec<(&str, u64)> = written.topics.iter().map(|(topic, count)| (topic.name.as_str(), *count)).collect();
    let two = FRAMES as u64;
    for (name, expected) in [
        (topic::POINTS, two),
        (topic::DEPTH, two),
        (topic::DEPTH_INFO, two),
        (topic::COLOUR, two),
        (topic::TRUTH, two),
        (topic::TF, two),
        (topic::TF_STATIC, 1),
    ] {
        assert!(counts.contains(&(name, expected)), "{name}: {counts:?}");
        assert_eq!(of(&messages, name).len() as u64, expected, "{name}");
    }
    check_truth(&messages, topic::POINTS);

    // The depth image is the cloud, and the colour image its colour.
    let (depth, colour) = (of(&messages, topic::DEPTH)[0], of(&messages, topic::COLOUR)[0]);
    let (depth, colour) = (ImageView::decode(depth).unwrap(), ImageView::decode(colour).unwrap());
    let info = CameraInfo::decode(of(&messages, topic::DEPTH_INFO)[0]).unwrap();
    let cloud = PointCloud2View::decode(of(&messages, topic::POINTS)[0]).unwrap();
    let mut points = Default::default();
    decode(&cloud, &mut points).unwrap();
    assert_eq!(
        (depth.encoding, colour.encoding, depth.header, colour.header),
        ("16UC1", "rgb8", info.header, info.header)
    );
    assert_eq!((depth.width, depth.height, depth.step), (info.width, info.height, 2 * info.width));
    for (point, pixel) in depth.data.chunks_exact(2).enumerate() {
        let z = f64::from(u16::from_le_bytes([pixel[0], pixel[1]])) / 1000.0;
        let [x, _, found] = points.position[point];
        if z == 0.0 {
            assert!(found.is_nan());
        } else {
            let expected = ((point as u32 % info.width) as f64 - info.k[2]) * z / info.k[0];
            assert!((f64::from(found) - z).abs() < 1e-6 && (f64::from(x) - expected).abs() < 1e-5);
        }
    }
    assert_eq!(points.colour.unwrap().concat(), colour.data);

    // Whoever looks for clouds finds the sensor's first, and pairs depth with its colour.
    let topics = open_bag(&path).unwrap().topics().to_vec();
    let name = |index: usize| topics[index].name.as_str();
    let Ok(CloudTopics::Points(clouds)) = select_topics(&topics, None) else { panic!("clouds") };
    assert_eq!(name(clouds[0]), topic::POINTS);
    let Ok(CloudTopics::Depth(found)) = select_topics(&topics, Some(topic::DEPTH)) else { panic!("depth") };
    assert_eq!((name(found[0].camera_info), name(found[0].colour[0])), (topic::DEPTH_INFO, topic::COLOUR));
}

#[test]
fn a_lidar_drive_is_a_robots_recording() {
    let folder = tempfile::tempdir().unwrap();
    for (sensor, rings) in [(SensorChoice::Lidar16, 16), (SensorChoice::Lidar64, 64)] {
        let path = folder.path().join(format!("{rings}.mcap"));
        simulate_drive(&options(sensor), &path, &mut |_| ()).unwrap();
        let messages = read(&path);
        check_truth(&messages, topic::LIDAR);
        let cloud = PointCloud2View::decode(of(&messages, topic::LIDAR)[0]).unwrap();
        let names: Vec<&str> = cloud.fields.iter().map(|field| field.name).collect();
        assert_eq!(names, ["x", "y", "z", "intensity", "ring", "time"]);
        assert_eq!((cloud.height, cloud.width), (rings, 1024));
        let ring = |point: &[u8]| u16::from_le_bytes([point[16], point[17]]);
        let found: Vec<u16> = cloud.data.chunks_exact(cloud.point_step as usize).map(ring).collect();
        assert!(found.iter().enumerate().all(|(point, &ring)| ring as usize == point / 1024));
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = |name: &str, seed: u64| {
        let path = folder.path().join(name);
        let drive = DriveOptions { seed, ..options(SensorChoice::Lidar16) };
        simulate_drive(&drive, &path, &mut |_| ()).unwrap();
        std::fs::read(path).unwrap()
    };
    let first = bytes("a.mcap", 3);
    assert!(first == bytes("b.mcap", 3) && first != bytes("c.mcap", 4));
}

#[test]
fn rooms_are_written_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    let mut points = Vec::new();
    simulate_rooms(7, 2, 1.5, None, &a, &mut |count| points.push(count)).unwrap();
    simulate_rooms(8, 1, 1.5, None, &b, &mut |_| ()).unwrap();
    for (name, &expected) in ["room_000007.npy", "room_000008.npy"].into_iter().zip(&points) {
        let room = open_room(&a.join(name)).unwrap();
        assert_eq!(room.cloud.len(), expected);
        assert!(expected > 10_000 && room.cloud.colour.is_some());
        assert!(room.class.iter().all(|&class| class < 13) && room.instance.iter().all(|&instance| instance >= 0));
        assert!([0, 1, 2].iter().all(|class| room.class.contains(class)), "ceiling, floor and wall");
    }
    let read = |folder: &Path| std::fs::read(folder.join("room_000008.npy")).unwrap();
    assert!(read(&a) == read(&b), "the same seed gives the same room");
    assert!(matches!(simulate_rooms(7, 1, 1.5, None, &a, &mut |_| ()), Err(SimulateError::Occupied { .. })));
    assert!(matches!(simulate_rooms(7, 1, f32::NAN, None, &b, &mut |_| ()), Err(SimulateError::Value { .. })));
}

#[test]
fn bad_targets_are_refused_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let drive = options(SensorChoice::Lidar16);
    let result = simulate_drive(&drive, &folder.path().join("drive.pcd"), &mut |_| ());
    assert!(matches!(result, Err(SimulateError::Ending { .. })));
    let result = simulate_drive(&drive, &folder.path().join("absent/drive.mcap"), &mut |_| ());
    assert!(matches!(result, Err(SimulateError::Recording(_))));
    let endless = DriveOptions { rate: 0.0, ..drive };
    let result = simulate_drive(&endless, &folder.path().join("drive.mcap"), &mut |_| ());
    assert!(matches!(result, Err(SimulateError::Value { .. })));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    std::fs::write(folder.path().join("file"), "x").unwrap();
    let result = simulate_rooms(0, 1, 1.0, None, &folder.path().join("file"), &mut |_| ());
    assert!(matches!(result, Err(SimulateError::Occupied { .. })));
}
