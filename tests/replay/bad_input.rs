//! Bad input: a typed error or a defined result, the right exit code, and nothing half-written.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use instanton::cloud::INVALID_CLASS;
use instanton::replay::{Event, Orientation, ReplayError, replay};

use crate::support::{Bag, SECOND, START, corner, model, options, read, run};

/// Runs the program itself.
fn instanton(arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_instanton"));
    command.args(arguments.iter().map(|argument| argument.as_ref())).env_remove("INSTANTON_MODEL").output().unwrap()
}

/// Replays with the test's model and configuration; exit code, stdout, stderr.
fn program(folder: &Path, arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> (i32, String, String) {
    let config = folder.join("config.toml");
    std::fs::write(&config, "[blocks]\nmaximum_per_frame = 2\nminimum_points = 20\n").unwrap();
    let mut all: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&"replay", &"--config", &config, &"--model"];
    let model = model().folder();
    all.push(&model);
    all.extend(arguments);
    let output = instanton(&all);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().expect("no signal"), text(&output.stdout), text(&output.stderr))
}

fn sound(path: &Path, frames: i64) {
    let mut bag = Bag::create(path);
    bag.transform("/tf_static", START, START, "map", "lidar", 1.0);
    for frame in 0..frames {
        let stamp = START + frame * SECOND / 10;
        bag.points("/points", stamp, stamp, "lidar", &corner(3000));
    }
    bag.finish();
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn exit_codes_are_those_of_the_book() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (input, output) = (at("in.mcap"), at("out.mcap"));
    sound(&input, 2);
    let (code, stdout, stderr) = program(folder.path(), &[&input, &"--out", &output, &"--json"]);
    assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
    let json: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((json["frames"].as_u64(), json["fixed_frame"].as_str()), (Some(2), Some("map")));
    assert!(output.is_file());
    std::fs::remove_file(&output).unwrap();

    // No clouds.
    let mut bag = Bag::create(&at("no_clouds.mcap"));
    bag.transform("/tf", START, START, "map", "lidar", 1.0);
    bag.finish();
    let (code, _, stderr) = program(folder.path(), &[&at("no_clouds.mcap")]);
    assert!(code == 2 && stderr.contains("PointCloud2") && stderr.contains("/tf"), "{code} {stderr}");

    // No transforms: ran, nothing labelled, a hint, no output that looks like a result.
    let mut bag = Bag::create(&at("no_tf.mcap"));
    bag.points("/points", START, START, "lidar", &corner(500));
    bag.finish();
    let (code, stdout, _) = program(folder.path(), &[&at("no_tf.mcap"), &"--out", &output]);
    assert!(code == 1 && stdout.contains("--upright") && stdout.contains("no transform"), "{code} {stdout}");
    assert!(!output.exists());
    let (code, ..) = program(folder.path(), &[&at("no_tf.mcap"), &"--upright"]);
    assert_eq!(code, 0);

    // Neither bag nor cloud; nothing there; a flag that does not exist.
    std::fs::write(at("text.mcap"), "hello").unwrap();
    for (bad, word) in [("text.mcap", "text file"), ("absent.mcap", "No such file")] {
        let (code, _, stderr) = program(folder.path(), &[&at(bad)]);
        assert!(code == 2 && stderr.contains(word), "{code} {stderr}");
    }
    assert_eq!(program(folder.path(), &[&input, &"--nonsense"]).0, 2);

    // Outputs that have no place.
    for bad in ["nowhere/out.mcap", "out.pcd", "in.mcap"] {
        let (code, _, stderr) = program(folder.path(), &[&input, &"--out", &at(bad)]);
        assert!(code == 2 && stderr.contains(bad), "{code} {stderr}");
    }
    let (code, _, stderr) = program(folder.path(), &[&input, &"--topic", &"/absent"]);
    assert!(code == 2 && stderr.contains("/absent") && stderr.contains("/points"), "{code} {stderr}");
    let left = files(folder.path());
    assert!(!left.iter().any(|path| path.to_string_lossy().contains(".part")), "{left:?}");
}

#[test]
fn a_broken_model_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (input, broken) = (folder.path().join("in.mcap"), folder.path().join("model"));
    sound(&input, 1);
    let part =
        files(model().folder()).into_iter().find(|path| path.extension().is_some_and(|it| it == "onnx")).unwrap();
    let copy = || {
        let _ = std::fs::remove_dir_all(&broken);
        std::fs::create_dir(&broken).unwrap();
        for file in files(model().folder()) {
            std::fs::copy(&file, broken.join(file.file_name().unwrap())).unwrap();
        }
        broken.join(part.file_name().unwrap())
    };
    let refused = |word: &str| {
        let output = instanton(&[&"replay", &input, &"--model", &broken]);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && stderr.contains(word), "{stderr}");
        assert!(instanton(&[&"inspect", &broken]).status.code().is_some_and(|code| code > 0));
    };
    std::fs::remove_file(copy()).unwrap();
    refused("missing");
    let part = copy();
    let mut bytes = std::fs::read(&part).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&part, bytes).unwrap();
    refused("sha256");
    std::fs::remove_dir_all(&broken).unwrap();
    let output = instanton(&[&"replay", &input, &"--model", &broken]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn what_lies_before_the_damage_is_labelled() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in.mcap"), folder.path().join("out.mcap"));
    // Noise in the points, so that chunks do not compress into one.
    let mut bag = Bag::create(&input);
    bag.transform("/tf_static", START, START, "map", "lidar", 1.0);
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 1.7e7
    };
    for frame in 0..24 {
        let points: Vec<[f32; 3]> = (0..20_000).map(|_| [1.0 + noise(), noise(), noise()]).collect();
        let stamp = START + frame * SECOND / 10;
        bag.points("/points", stamp, stamp, "lidar", &points);
    }
    bag.finish();
    let bytes = std::fs::read(&input).unwrap();
    std::fs::write(&input, &bytes[..bytes.len() / 2]).unwrap();
    let (code, stdout, stderr) = program(folder.path(), &[&input, &"--out", &output, &"--json"]);
    let json: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let frames = json["frames"].as_u64().unwrap();
    assert!(code == 1 && (1..24).contains(&frames), "{code} {stdout} {stderr}");
    assert!(json["damage"][0].as_str().unwrap().contains("cut off"), "{stdout}");
    let labelled = read(&output).iter().filter(|message| message.topic == "/instanton/labelled").count();
    assert_eq!(labelled as u64, frames, "the output itself is whole");
}

#[test]
fn odd_clouds_have_defined_labels() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in.mcap");
    let with = |count: usize, point: [f32; 3]| vec![point; count];
    let mut mixed = corner(4096);
    mixed[7] = [f32::NAN, 0.0, 0.0];
    mixed[8] = [1e30, 1.0, 1.0];
    mixed[9] = [f32::INFINITY; 3];
    let clouds: Vec<(Vec<[f32; 3]>, usize)> = vec![
        (vec![], 0),
        (corner(1), 0),
        (corner(4095), 0),
        (corner(4096), 0),
        (corner(4097), 0),
        (with(5000, [f32::NAN; 3]), 5000),
        (with(5000, [1.0, 2.0, 0.5]), 0),
        (with(300, [1e30; 3]), 300),
        (with(300, [0.0; 3]), 300),
        (mixed, 3),
    ];
    let mut bag = Bag::create(&input);
    for (index, (points, _)) in clouds.iter().enumerate() {
        let stamp = START + index as i64 * SECOND;
        bag.points("/points", stamp, stamp, "lidar", points);
    }
    bag.finish();
    let mut seen = Vec::new();
    let options = options(Orientation::Upright);
    let summary = replay(&input, None, model(), &options, &mut |event| {
        if let Event::Frame(frame) = event {
            assert_eq!(frame.labels.class.len(), frame.cloud.len());
            for (point, &class) in frame.cloud.position.iter().zip(&frame.labels.class) {
                assert!(point.iter().all(|value| value.abs() < 1e9) || class == INVALID_CLASS);
            }
            seen.push((frame.report.points, frame.report.invalid));
        }
    })
    .unwrap();
    let expected: Vec<(usize, usize)> = clouds.iter().map(|(points, invalid)| (points.len(), *invalid)).collect();
    assert_eq!(seen, expected, "{summary}");
    assert!(summary.single_frame && summary.dropped.is_empty(), "{summary}");
    // The same through the floor: what has none is dropped by that name.
    let summary = run(&input, None, &super::support::options(Orientation::EstimateUp));
    assert_eq!(summary.frames + summary.dropped.values().map(|dropped| dropped.frames).sum::<u64>(), 10, "{summary}");
    assert!(summary.frames >= 3 && summary.dropped.contains_key("no floor"), "{summary}");
}

#[test]
fn malformed_messages_are_dropped_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in.mcap");
    let mut bag = Bag::create(&input);
    let points = corner(200);
    let stamp = |index: i64| START + index * SECOND;
    bag.points("/points", stamp(0), stamp(0), "lidar", &points);
    bag.cloud_message("/points", stamp(1), stamp(1), "lidar", &points, |view| {
        (view.width, view.height) = (u32::MAX, u32::MAX);
    });
    bag.cloud_message("/points", stamp(2), stamp(2), "lidar", &points, |view| view.row_step = 8);
    bag.cloud_message("/points", stamp(3), stamp(3), "lidar", &points, |view| view.point_step = 0);
    bag.cloud_message("/points", stamp(4), stamp(4), "lidar", &points, |view| view.data = &view.data[..100]);
    bag.raw("/points", "sensor_msgs/msg/PointCloud2", stamp(5), &[0, 1, 0, 0, 1, 2]);
    bag.raw("/points", "sensor_msgs/msg/PointCloud2", stamp(6), &[]);
    bag.raw("/tf", "tf2_msgs/msg/TFMessage", stamp(6), &[0, 1, 0, 0, 255, 255, 255, 255]);
    bag.points("/points", stamp(7), stamp(7), "lidar", &points);
    bag.finish();
    let summary = run(&input, None, &options(Orientation::Upright));
    let count = |kind: &str| summary.dropped.get(kind).map_or(0, |dropped| dropped.frames);
    assert_eq!((summary.frames, summary.unreadable_transforms), (2, 1), "{summary}");
    assert_eq!((count("malformed cloud"), count("unreadable message")), (4, 2), "{summary}");
}

#[test]
fn depth_without_a_usable_calibration_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in.mcap");
    let mut bag = Bag::create(&input);
    bag.image("/depth/image", START, "optical", "32FC1", 4);
    bag.camera_info("/depth/camera_info", START, "optical", 0.0);
    bag.finish();
    let summary = run(&input, None, &options(Orientation::Upright));
    assert!(summary.dropped["malformed depth image"].example.contains("focal length"), "{summary}");
    assert!(summary.is_failure() && !summary.wants_orientation());

    let mut bag = Bag::create(&input);
    bag.image("/depth/image", START, "optical", "32FC1", 4);
    bag.raw("/depth/camera_info", "sensor_msgs/msg/CameraInfo", START, &[1]);
    bag.finish();
    assert!(run(&input, None, &options(Orientation::Upright)).dropped.contains_key("no camera info"));

    let mut bag = Bag::create(&input);
    bag.image("/rgb/image", START, "optical", "rgb8", 3);
    bag.camera_info("/rgb/camera_info", START, "optical", 30.0);
    bag.finish();
    let error = replay(&input, None, model(), &options(Orientation::Upright), &mut |_| {}).unwrap_err();
    assert!(matches!(&error, ReplayError::NotDepth { found, .. } if found.contains("rgb8")), "{error}");
}
