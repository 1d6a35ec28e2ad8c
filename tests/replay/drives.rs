//! What is done with a sound recording.

use std::path::Path;
use std::process::Command;

use instanton::cloud::INVALID_CLASS;
use instanton::instruction_set::{self, InstructionSet};
use instanton::replay::{ColourBy, Event, LABELLED_TOPIC, Orientation, ReplayOptions, replay};

use crate::support::{Bag, Read, SECOND, START, bits, column, corner, decode, model, options, read, run};

pub const POINTS: &str = "/lidar/points";

/// Ten clouds a second, the robot standing; transforms around each.
pub fn drive(path: &Path, frames: i64) {
    let mut bag = Bag::create(path);
    bag.transform("/tf_static", START, START, "base_link", "lidar", 1.0);
    for frame in 0..frames {
        let stamp = START + frame * SECOND / 10;
        bag.transform("/tf", stamp, stamp - SECOND / 100, "odom", "base_link", 0.0);
        bag.points(POINTS, stamp, stamp, "lidar", &corner(2000 + frame as usize));
        bag.raw("/chatter", "my_package/msg/Unknown", stamp + 1, &[0, 1, 0, 0, 7]);
    }
    let end = START + frames * SECOND / 10;
    bag.transform("/tf", end, end, "odom", "base_link", 0.0);
    bag.finish();
}

fn on<'r>(messages: &'r [Read], topic: &str) -> Vec<&'r Read> {
    messages.iter().filter(|message| message.topic == topic).collect()
}

#[test]
fn the_output_is_the_input_with_labels() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in.mcap"), folder.path().join("out.mcap"));
    drive(&input, 5);
    let mut events = Vec::new();
    let mut frames = Vec::new();
    let summary = replay(&input, Some(&output), model(), &options(Orientation::Transforms), &mut |event| match event {
        Event::Frame(frame) => frames.push((frame.index, frame.stamp, frame.pose.translation.z, frame.labels.clone())),
        Event::Started { topic, .. } => events.push(topic.to_owned()),
        Event::FixedFrame { name } => events.push(name.to_owned()),
        _ => {}
    })
    .unwrap();
    assert_eq!(events, [POINTS, "odom"]);
    assert_eq!((summary.frames, summary.dropped.len(), summary.messages), (5, 0, 17), "{summary}");
    assert!(!summary.is_failure() && !summary.single_frame && summary.blocks > 0 && summary.labelled > 0, "{summary}");
    assert_eq!(summary.output.as_deref(), Some(output.as_path()));

    let (before, after) = (read(&input), read(&output));
    let others: Vec<&Read> = after.iter().filter(|message| message.topic != LABELLED_TOPIC).collect();
    assert_eq!(others, before.iter().collect::<Vec<_>>(), "every message of the input, in order");
    let (clouds, labelled) = (on(&before, POINTS), on(&after, LABELLED_TOPIC));
    assert_eq!(labelled.len(), 5);
    for ((cloud, labelled), (_, stamp, height, labels)) in clouds.iter().zip(&labelled).zip(&frames) {
        assert_eq!((cloud.log_time, *stamp as u64, *height), (labelled.log_time, cloud.log_time, 1.0));
        assert_eq!(bits(&decode(&cloud.data)), bits(&decode(&labelled.data)));
        assert_eq!(column(&cloud.data, "intensity"), column(&labelled.data, "intensity"));
        let class: Vec<f64> = labels.class.iter().map(|&class| class.into()).collect();
        let instance: Vec<f64> = labels.instance.iter().map(|&instance| instance.into()).collect();
        assert_eq!((column(&labelled.data, "label"), column(&labelled.data, "instance")), (class, instance));
        assert!(column(&labelled.data, "confidence").iter().all(|value| (0.0..=1.0).contains(value)));
        // Colour by class.
        let palette: Vec<[u8; 3]> = model().manifest().classes.iter().map(|class| class.colour).collect();
        for (colour, &class) in decode(&labelled.data).colour.unwrap().iter().zip(&labels.class) {
            assert_eq!(*colour, palette.get(usize::from(class)).copied().unwrap_or_default());
        }
    }
    let json = serde_json::to_value(&summary).unwrap();
    assert_eq!((json["topic"].as_str(), json["fixed_frame"].as_str()), (Some(POINTS), Some("odom")));
    assert!(json["latency"].as_array().is_some_and(|rows| rows.iter().any(|row| row["stage"] == "network")));
}

#[test]
fn one_thread_or_two_give_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in.mcap");
    drive(&input, 3);
    let bytes = |threads: usize| {
        let mut options = options(Orientation::Transforms);
        options.config.blocks.threads = threads;
        options.colour = ColourBy::Instance;
        let output = folder.path().join(format!("{threads}.mcap"));
        let summary = run(&input, Some(&output), &options);
        assert!(summary.blocks > 2 && summary.instances > 0, "{summary}");
        std::fs::read(output).unwrap()
    };
    assert!(bytes(1) == bytes(2));
}

#[test]
fn every_instruction_set_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in.mcap");
    drive(&input, 3);
    // The set is chosen once per process.
    let bytes = |set: InstructionSet| {
        let output = folder.path().join(format!("{set}.mcap"));
        let mut program = Command::new(env!("CARGO_BIN_EXE_instanton"));
        program.env(instruction_set::VARIABLE, set.name()).args(["replay", "--colour", "instance", "--model"]);
        let result = program.arg(model().folder()).arg(&input).arg("--out").arg(&output).output().unwrap();
        assert!(result.status.success(), "{set}: {}", String::from_utf8_lossy(&result.stderr));
        std::fs::read(output).unwrap()
    };
    let plain = bytes(InstructionSet::Plain);
    for set in InstructionSet::available() {
        assert!(bytes(set) == plain, "{set}");
    }
}

#[test]
fn a_frame_waits_half_a_second_for_its_transform_and_no_longer() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in.mcap");
    for (delay, labelled) in [(SECOND / 5, true), (SECOND * 3 / 5, false)] {
        let mut bag = Bag::create(&input);
        bag.transform("/tf", START, START, "map", "lidar", 1.0);
        bag.points(POINTS, START + 1000, START + 1000, "lidar", &corner(300));
        bag.raw("/clock", "x/msg/Y", START + delay - 1, &[0, 1, 0, 0]);
        bag.transform("/tf", START + delay + 1000, START + delay, "map", "lidar", 1.0);
        bag.finish();
        let mut dropped = Vec::new();
        let options = options(Orientation::Transforms);
        let summary = replay(&input, None, model(), &options, &mut |event| {
            if let Event::Dropped { stamp, reason } = event {
                dropped.push((stamp, reason.kind()));
            }
        })
        .unwrap();
        assert_eq!((summary.frames == 1, dropped.is_empty()), (labelled, labelled), "{summary}");
        if !labelled {
            assert_eq!(dropped, [(START + 1000, "no transform")]);
            assert!(summary.is_failure() && summary.wants_orientation());
            assert!(summary.to_string().contains("--upright"), "{summary}");
        }
    }
}

#[test]
fn the_fixed_frame_is_the_best_that_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in.mcap");
    let fixed = |edges: &[(&str, &str)], configured: &str| {
        let mut bag = Bag::create(&input);
        bag.points(POINTS, START, START, "lidar", &corner(300));
        for (parent, child) in edges {
            bag.transform("/tf_static", START + 1, START, parent, child, 1.0);
        }
        bag.points(POINTS, START + SECOND, START + SECOND, "lidar", &corner(300));
        bag.finish();
        let mut options = options(Orientation::Transforms);
        options.config.input.fixed_frame = configured.to_owned();
        let summary = run(&input, None, &options);
        (summary.fixed_frame, summary.frames, summary.single_frame)
    };
    let frame = |name: &str| Some(name.to_owned());
    let chain = [("odom", "base_link"), ("map", "odom"), ("base_link", "lidar")];
    assert_eq!(fixed(&chain, ""), (frame("map"), 2, false));
    assert_eq!(fixed(&chain, "odom"), (frame("odom"), 2, false));
    assert_eq!(fixed(&chain[2..], ""), (frame("base_link"), 2, true), "the robot may move: each frame by itself");
    assert_eq!(fixed(&[("here", "lidar")], ""), (None, 0, false));
    assert_eq!(fixed(&chain, "nowhere"), (None, 0, false));
}

#[test]
fn a_clock_that_jumps_back_makes_the_map_forget() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in.mcap");
    let mut bag = Bag::create(&input);
    bag.transform("/tf_static", START, START, "map", "lidar", 1.0);
    for (index, stamp) in [10, 20, 5, 15].into_iter().enumerate() {
        let log_time = START + (30 + index as i64) * SECOND;
        bag.points(POINTS, log_time, START + stamp * SECOND, "lidar", &corner(300));
    }
    bag.finish();
    let mut voxels = Vec::new();
    let options = options(Orientation::Transforms);
    let summary = replay(&input, None, model(), &options, &mut |event| {
        if let Event::Frame(frame) = event {
            voxels.push(frame.report.voxels);
        }
    })
    .unwrap();
    assert_eq!((summary.frames, summary.time_jumps), (4, 1), "{summary}");
    assert!(voxels.iter().all(|&count| count == voxels[0]) && voxels[0] > 100, "{voxels:?}");
}

#[test]
fn our_own_output_can_be_labelled_again() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["a.mcap", "b.mcap", "c.mcap"].map(|name| folder.path().join(name));
    drive(&paths[0], 2);
    let mut options = options(Orientation::Transforms);
    run(&paths[0], Some(&paths[1]), &options);
    let summary = run(&paths[1], Some(&paths[2]), &options);
    assert_eq!(summary.topic, POINTS);
    assert_eq!(read(&paths[1]), read(&paths[2]), "the old labels are replaced");
    options.topic = Some(LABELLED_TOPIC.to_owned());
    assert_eq!(run(&paths[1], None, &options).frames, 2);
}

#[test]
fn depth_images_meet_their_calibration_and_colour() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in.mcap"), folder.path().join("out.mcap"));
    let mut bag = Bag::create(&input);
    bag.transform("/tf_static", START, START, "map", "optical", 1.0);
    bag.image("/camera/infra/image", START, "optical", "mono8", 1);
    for frame in 0..4 {
        let stamp = START + frame * SECOND / 10;
        bag.image("/camera/depth/image", stamp, "optical", "16UC1", 2);
        // The calibration comes later than the image, the colour a little later still, once not at all.
        bag.camera_info("/camera/depth/camera_info", stamp + 5_000_000, "optical", 30.0);
        if frame != 2 {
            bag.image("/camera/color/image", stamp + 15_000_000, "optical", "bgr8", 3);
        }
        bag.image("/camera/side/image", stamp, "side", "rgb8", 3);
    }
    bag.finish();
    let mut coloured = Vec::new();
    let summary = replay(&input, Some(&output), model(), &options(Orientation::Transforms), &mut |event| {
        if let Event::Frame(frame) = event {
            coloured.push(frame.cloud.colour.is_some());
        }
    })
    .unwrap();
    assert_eq!(
        (summary.topic.as_str(), summary.colour_topic.as_deref()),
        ("/camera/depth/image", Some("/camera/color/image"))
    );
    assert_eq!(coloured, [true, true, false, true], "{summary}");
    assert_eq!(summary.without_colour, 1);
    let after = read(&output);
    let labelled = on(&after, LABELLED_TOPIC);
    assert_eq!(labelled.len(), 4);
    assert_eq!(column(&labelled[0].data, "label").len(), 32 * 24);
}

#[test]
fn a_cloud_file_is_labelled_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in.ply"), folder.path().join("out.pcd"));
    let points = corner(3000);
    let mut text = format!("ply\nformat ascii 1.0\nelement vertex {}\n", points.len());
    text += "property float x\nproperty float y\nproperty float z\nproperty float mass\nend_header\n";
    for (index, [x, y, z]) in points.iter().enumerate() {
        // Far from the origin of its frame: a file need not be centred on a sensor.
        text += &format!("{} {y} {z} {index}\n", x + 40.0);
    }
    std::fs::write(&input, text).unwrap();
    let mut options = ReplayOptions { picture: Some(folder.path().join("p.png")), ..options(Orientation::Upright) };
    options.config.blocks.maximum_per_frame = 400;
    let mut labels = None;
    let summary = replay(&input, Some(&output), model(), &options, &mut |event| {
        if let Event::Frame(frame) = event {
            labels = Some(frame.labels.clone());
        }
    })
    .unwrap();
    assert_eq!((summary.frames, summary.invalid, summary.labelled), (1, 0, 3000), "{summary}");
    let labels = labels.unwrap();
    assert!(labels.class.iter().all(|&class| class != INVALID_CLASS));
    let file = instanton::transport::open_cloud(&output).unwrap();
    assert_eq!(file.cloud.position.len(), 3000);
    let names: Vec<&str> = file.extra.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["label", "instance", "confidence", "mass"]);
    let instances: Vec<u32> = file.extra[1]
        .bytes
        .chunks_exact(4)
        .map(|bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        .collect();
    assert_eq!(instances, labels.instance);
    assert!(instanton::picture::load(&folder.path().join("p.png")).unwrap().width() > 100);
}
