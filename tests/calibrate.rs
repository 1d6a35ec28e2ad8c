//! `instanton calibrate` through the real binary: rooms and drives in, a model in 8 bits out; a run that was cut off
//! goes on; what cannot be calibrated is refused.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use instanton::cloud::{Cloud, LabelledCloud};
use instanton::geometry::LevelSpecification;
use instanton::network::asis::Asis;
use instanton::network::{Model, ModelMetadata, Precision, Weights, write_model};
use instanton::transport::write_room;

fn command(place: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_instanton"));
    command.arg("calibrate").args(arguments).current_dir(place);
    command
}

fn calibrate(place: &Path, arguments: &[&str]) -> Output {
    command(place, arguments).output().expect("the binary runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// An untrained network: what it says means nothing, how far 8 bits are from it does.
fn model(folder: &Path) {
    let level = |points, radius| LevelSpecification::ball(points, radius, 4);
    let levels = vec![level(64, 0.2), level(32, 0.4), level(16, 0.6), level(8, 0.8)];
    let architecture = Asis { points: 256, levels, ..Asis::default() }.architecture().expect("sound sizes");
    let parameters = Weights::untrained(&architecture, 1).fold(&architecture).expect("sound weights");
    write_model(folder, &architecture, &parameters, &ModelMetadata::s3dis()).expect("a writable place");
}

/// A floor with a step, `side` metres wide.
fn room(path: &Path, side: f32) {
    let mut room = LabelledCloud { cloud: Cloud { position: vec![], colour: None }, class: vec![], instance: vec![] };
    let steps = (side / 0.05) as usize;
    for step in 0..steps * steps {
        let (x, y) = ((step % steps) as f32 * 0.05, (step / steps) as f32 * 0.05);
        room.cloud.position.push([x, y, if x > 1.2 { 0.4 } else { 0.1 * y }]);
        room.class.push(1);
        room.instance.push(0);
    }
    room.cloud.colour = Some((0..steps * steps).map(|step| [(step % 251) as u8, 90, 30]).collect());
    write_room(path, &room).expect("a writable place");
}

#[test]
fn rooms_and_drives_make_a_model_in_8_bits() {
    let place = tempfile::tempdir().expect("a place");
    let at = |name: &str| place.path().join(name);
    model(&at("fp32"));
    std::fs::create_dir(at("rooms")).expect("a folder");
    room(&at("rooms/one.npy"), 3.0);
    room(&at("rooms/two.npy"), 2.5);
    let simulated = Command::new(env!("CARGO_BIN_EXE_instanton"))
        .args(["simulate", "--sensor", "lidar16", "--frames", "6", "--out", "drive.mcap"])
        .current_dir(place.path())
        .output()
        .expect("the binary runs");
    assert!(simulated.status.success(), "{}", said(&simulated));
    for (option, source) in [("--rooms", "rooms"), ("--bag", "drive.mcap")] {
        let arguments = ["fp32", option, source, "--out", "int8", "--blocks", "24", "--score-rooms", "0"];
        let output = calibrate(place.path(), &arguments);
        let report = String::from_utf8_lossy(&output.stdout).into_owned();
        // An untrained network is not asked for the targets: 1 says that they do not hold.
        assert!(matches!(output.status.code(), Some(0 | 1)), "{option}: {}", said(&output));
        assert!(report.contains(&format!("Ranges from 18 blocks of {source}")), "{report}");
        assert!(report.contains("choices by 3 others; deviations from fp32 on 3 more"), "{report}");
        let [old, new] = ["fp32", "int8"].map(|name| Model::open(&at(name)).expect("a model"));
        assert_eq!(new.manifest().precision, Precision::Int8);
        let bytes = |model: &Model| model.parts().map(|(_, part)| part.len()).sum::<usize>();
        assert!(bytes(&new) * 3 < bytes(&old), "{option}: a quarter as long");
        let provenance = new.manifest().provenance["quantised"].as_str().expect("a sentence").to_owned();
        assert!(provenance.contains(source), "{provenance}");
        assert_eq!(std::fs::read_to_string(at("int8/report.md")).expect("a report").trim(), report.trim());
        let json = std::fs::read(at("int8/report.json")).expect("a report");
        let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
        assert_eq!(json["products"].as_array().map(Vec::len), Some(40));
        assert_eq!(json["targets_hold"].as_bool(), Some(output.status.success()));
        assert!(!at("int8.partial").exists(), "nothing is left lying about");
    }
}

#[test]
fn a_run_that_was_cut_off_goes_on() {
    let place = tempfile::tempdir().expect("a place");
    let at = |name: &str| place.path().join(name);
    model(&at("fp32"));
    room(&at("room.npy"), 4.0);
    let arguments = ["fp32", "--rooms", "room.npy", "--out", "int8", "--blocks", "32", "--score-rooms", "0"];
    let mut child =
        command(place.path(), &arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary runs");
    // Killed as soon as its blocks and first ranges are kept.
    let kept = |step: &str| {
        let entries = std::fs::read_dir(at("int8.partial")).into_iter().flatten().flatten();
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(step)).count()
    };
    while kept("ranges-") == 0 {
        assert!(child.try_wait().expect("a child").is_none(), "ended before it kept anything");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child.kill().expect("a child");
    child.wait().expect("a child");
    assert!(!at("int8").exists() && kept("blocks-") == 1, "nothing is half written");

    let again = calibrate(place.path(), &arguments);
    assert!(matches!(again.status.code(), Some(0 | 1)), "{}", said(&again));
    assert!(said(&again).contains("taking up the blocks of a run that was cut off"), "{}", said(&again));
    assert!(!at("int8.partial").exists());
    // What it took up is what it would have computed.
    let whole = calibrate(place.path(), &[&arguments[..4], &["whole"], &arguments[5..]].concat());
    assert!(!said(&whole).contains("taking up"), "{}", said(&whole));
    for part in ["body.onnx", "head.onnx", "report.json"] {
        let [one, other] = ["int8", "whole"].map(|name| std::fs::read(at(name).join(part)).expect("a part"));
        assert!(one == other, "{part} differs");
    }
}

#[test]
fn what_cannot_be_calibrated_is_refused() {
    let place = tempfile::tempdir().expect("a place");
    let at = |name: &str| place.path().join(name);
    model(&at("fp32"));
    room(&at("small.npy"), 1.0);
    room(&at("room.npy"), 3.0);
    std::fs::create_dir(at("mine")).expect("a folder");
    std::fs::write(at("mine/thesis.tex"), "years of work").expect("written");
    std::fs::write(at("bad.npy"), "no array").expect("written");
    let fine = ["fp32", "--rooms", "room.npy", "--out", "int8", "--blocks", "16", "--score-rooms", "0"];
    assert!(matches!(calibrate(place.path(), &fine).status.code(), Some(0 | 1)));
    for (arguments, expected) in [
        (vec!["fp32", "--rooms", "small.npy", "--out", "new"], "too little data: small.npy gave"),
        (vec!["fp32", "--rooms", "bad.npy", "--out", "new"], "bad.npy"),
        (vec!["fp32", "--bag", "absent.mcap", "--out", "new"], "absent.mcap"),
        (vec!["absent", "--rooms", "room.npy", "--out", "new"], "absent"),
        (vec!["int8", "--rooms", "room.npy", "--out", "new"], "int8"),
        // Said before the long work: the room is not even looked at.
        (vec!["fp32", "--rooms", "bad.npy", "--out", "mine"], "mine"),
        (vec!["fp32", "--out", "new"], "--simulate"),
    ] {
        let output = calibrate(place.path(), &arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(expected), "{expected}: {}", said(&output));
        assert!(!at("new").exists());
    }
    assert_eq!(std::fs::read_to_string(at("mine/thesis.tex")).expect("still there"), "years of work");
}
