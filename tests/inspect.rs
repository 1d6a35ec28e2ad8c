//! `inspect` says what is there and what is wrong with it.

use std::path::{Path, PathBuf};

use instanton::cli::inspect::{Content, InspectError, Report, inspect};
use instanton::cloud::{Cloud, LabelledCloud};
use instanton::transport::{McapSink, RawMessage, Sink, SinkOptions, Topic, write_room};

fn bag(path: &Path) {
    let mut sink = McapSink::create(path, SinkOptions::default()).unwrap();
    let points = sink.add_topic(&Topic::new("/points", "sensor_msgs/msg/PointCloud2")).unwrap();
    sink.add_topic(&Topic::new("/empty", "std_msgs/msg/String")).unwrap();
    for index in 0..21 {
        // Ten a second, then a silence.
        let time = 1_000_000_000 + index * 100_000_000 + u64::from(index == 20) * 30_000_000_000;
        sink.write(RawMessage { topic: points, log_time: time, publish_time: time, data: &[0; 1000] }).unwrap();
    }
    Box::new(sink).finish().unwrap();
}

/// The words, after a check that the report is also readable by machines.
fn words(report: &Report) -> String {
    let json = serde_json::to_value(report).unwrap();
    assert!(json["kind"].is_string() && json["findings"].is_array(), "{json}");
    report.to_string()
}

#[test]
fn a_bag_is_described_and_judged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.mcap");
    bag(&path);
    let report = inspect(&path).unwrap();
    let Content::Bag(found) = &report.content else { panic!("{report}") };
    assert_eq!((found.messages, found.bytes, found.clouds.as_slice()), (21, 21_000, &["/points".to_owned()][..]));
    assert!((found.duration - 32.0).abs() < 1e-9 && (found.topics[0].rate.unwrap() - 20.0 / 32.0).abs() < 1e-9);
    let text = words(&report);
    for expected in ["21 messages", "no transforms", "/empty has no message", "is silent for 30.10 s", "not defined"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert!(words(&inspect(&path).unwrap()).contains("cut off"));
}

#[test]
fn clouds_and_rooms_are_described_and_judged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("room.npy");
    let room = LabelledCloud {
        cloud: Cloud { position: vec![[0.0; 3], [4000.0, 1.0, 2.0], [1.0; 3]], colour: Some(vec![[7; 3]; 3]) },
        class: vec![2, 40, 255],
        instance: vec![1, 1, -1],
    };
    write_room(&path, &room).unwrap();
    let text = words(&inspect(&path).unwrap());
    for expected in
        ["3 points", "wall", "ignored", "[40]", "several classes", "4000 m", "the colour [7, 7, 7]", "1 instances"]
    {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let path = folder.path().join("x.ply");
    std::fs::write(&path, "ply\nformat ascii 1.0\nelement vertex 2\nproperty float x\nproperty float y\nproperty float z\nend_header\nnan 0 0 inf 0 0\n").unwrap();
    assert!(words(&inspect(&path).unwrap()).contains("no point has finite coordinates"));
}

#[test]
fn a_model_is_checked_part_by_part() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = "architecture = \"asis\"\n[[classes]]\nname = \"ceiling\"\n[[parts]]\nfile = \"body.onnx\"\n\
        sha256 = \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"\n[[parts]]\nfile = \"head.onnx\"\nsha256 = \"00\"\n";
    std::fs::write(folder.path().join("model.toml"), manifest).unwrap();
    std::fs::write(folder.path().join("body.onnx"), "abc").unwrap();
    let report = inspect(folder.path()).unwrap();
    assert_eq!(report.findings.len(), 1, "{report}");
    assert!(words(&report).contains("head.onnx cannot be read") && words(&report).contains("body.onnx  3 B, intact"));
    std::fs::write(folder.path().join("head.onnx"), "abc").unwrap();
    assert!(words(&inspect(folder.path()).unwrap()).contains("expected the SHA-256 00, found ba78"));
    std::fs::write(folder.path().join("model.toml"), "a = ").unwrap();
    assert!(matches!(inspect(folder.path()), Err(InspectError::Manifest { .. })));
}

#[test]
fn what_is_nothing_of_ours_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    std::fs::write(&path, "hello").unwrap();
    assert!(matches!(inspect(&path), Err(InspectError::Unknown { .. })));
    assert!(matches!(inspect(&folder.path().join("y")), Err(InspectError::Io { .. })));
    assert!(matches!(inspect(folder.path()), Err(InspectError::Bag(_))));
}

#[test]
fn every_recording_is_described() {
    let root = std::env::var_os("INSTANTON_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    for name in
        ["bags/kinect_rgbd_3frames_db3", "bags/ouster_os0_indoor_mcap", "kinect/office1.pcd", "laser/room_scan1.pcd"]
    {
        let path = root.join("data").join(name);
        if !path.exists() {
            println!("skipped: no {} (set INSTANTON_SHARED)", path.display());
            continue;
        }
        println!("{}\n", words(&inspect(&path).unwrap()));
    }
}
