//! `instanton feed` on rooms from disk: the raw data set's folders and `.npy`, splits, the published protocol, bad input.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use instanton::cloud::{Cloud, LabelledCloud};
use instanton::transport::{open_room, write_room};

/// A room of the raw data set: a floor of 2 m × 2 m far from the origin, a wall, and a chair.
fn write_raw_room(room: &Path) {
    let annotations = room.join("Annotations");
    std::fs::create_dir_all(&annotations).expect("writable");
    let write = |name: &str, lines: Vec<String>| {
        std::fs::write(annotations.join(name), lines.join("\n")).expect("writable");
    };
    let grid = |side: usize| (0..side * side).map(move |i| ((i % side) as f64, (i / side) as f64));
    write(
        "floor_1.txt",
        grid(81).map(|(x, y)| format!("{:.3} {:.3} 0.5 90 80 70", x / 40.0 - 9.0, y / 40.0 + 4.0)).collect(),
    );
    write(
        "wall_1.txt",
        grid(60).map(|(x, z)| format!("{:.3} 6.0 {:.3} 200 200 200", x / 30.0 - 9.0, z / 30.0 + 0.5)).collect(),
    );
    write(
        "chair_1.txt",
        grid(20).map(|(x, z)| format!("{:.3} 5.0 {:.3} 250 0 0", x / 40.0 - 8.0, z / 40.0 + 0.5)).collect(),
    );
    std::fs::write(annotations.join(".DS_Store"), [0, 1, 2]).expect("writable");
}

fn feed(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_instanton")).arg("feed").args(arguments).output().expect("the binary runs")
}

/// The header, and how many records follow it.
fn parts(output: &Output) -> (serde_json::Value, usize, &[u8]) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let end = output.stdout.iter().position(|&byte| byte == b'\n').expect("a header line");
    let header: serde_json::Value = serde_json::from_slice(&output.stdout[..end]).expect("JSON");
    let record = header["record_bytes"].as_u64().expect("a number") as usize;
    let records = &output.stdout[end + 1..];
    assert_eq!(records.len() % record, 0);
    (header, records.len() / record, records)
}

fn refusal(arguments: &[&str]) -> String {
    let output = feed(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain name")
}

#[test]
fn the_published_protocol_shows_every_block_once_an_epoch() {
    let data = tempfile::tempdir().expect("a folder");
    for room in ["Area_1/office_1", "Area_2/office_1", "Area_5/hall_1"] {
        write_raw_room(&data.path().join(room));
    }
    let cache = tempfile::tempdir().expect("a folder");
    let common =
        ["--rooms", text(data.path()), "--protocol", "reference", "--points", "256", "--epochs", "1", "--fold", "5"];
    let run = |more: &[&str]| feed(&[&common[..], more].concat());
    // Side by side, 2 m × 2 m is four blocks a room: two rooms to learn from. By half a metre it is nine.
    let training = run(&["--cache", text(cache.path())]);
    let (header, count, records) = parts(&training);
    assert_eq!(count, 2 * 4);
    assert!(header["data"].as_str().expect("a line").starts_with("2 recorded rooms"), "{}", header["data"]);
    let mut classes = BTreeMap::new();
    for record in records.chunks(records.len() / count) {
        for &class in &record[256 * 36..256 * 37] {
            *classes.entry(class).or_insert(0) += 1;
        }
    }
    assert_eq!(classes.keys().copied().collect::<Vec<_>>(), [1, 2, 8]);
    assert_eq!(parts(&run(&["--split", "validation"])).1, 9);

    // What was kept is the same room.
    let kept: Vec<_> =
        std::fs::read_dir(cache.path()).expect("there").map(|entry| entry.expect("there").path()).collect();
    assert_eq!(kept.len(), 2);
    let raw = open_room(&data.path().join("Area_1/office_1")).expect("a room");
    assert_eq!(open_room(&kept[0]).expect("a room"), raw);
    assert_eq!(raw.cloud.position.iter().map(|point| point[0]).fold(f32::MAX, f32::min), 0.0);
    assert_eq!(run(&["--cache", text(cache.path())]).stdout, training.stdout);
}

#[test]
fn own_rooms_are_augmented_and_drawn_without_end() {
    let data = tempfile::tempdir().expect("a folder");
    write_raw_room(&data.path().join("raw"));
    let room = open_room(&data.path().join("raw")).expect("a room");
    write_room(&data.path().join("room_1.npy"), &room).expect("writable");
    let own = data.path().join("room_1.npy");
    let output =
        feed(&["--rooms", text(&own), "--points", "512", "--count", "40", "--network", "jsnet", "--threads", "2"]);
    let (header, count, _) = parts(&output);
    assert_eq!(count, 40);
    assert_eq!(header["levels"][1]["to_block"], true);
}

#[test]
fn bad_input_is_named() {
    let data = tempfile::tempdir().expect("a folder");
    let place = text(data.path());
    assert!(refusal(&["--rooms", place]).contains("expected rooms"));
    let raw = data.path().join("office_1");
    write_raw_room(&raw);
    assert!(refusal(&["--rooms", place, "--fold", "5"]).contains("office_1: expected Area_1 to Area_6"));
    std::fs::write(raw.join("Annotations/chair_2.txt"), "1 2 3 4 5 6\n1 2 3 4\n").expect("writable");
    assert!(refusal(&["--rooms", place, "--count", "1"]).contains("chair_2.txt, line 2: expected six numbers"));
    std::fs::rename(raw.join("Annotations/chair_2.txt"), raw.join("Annotations/lamp_2.txt")).expect("writable");
    assert!(refusal(&["--rooms", place, "--count", "1"]).contains("lamp_2.txt, file name: expected a class"));

    let bad = data.path().join("bad.npy");
    let write = |position: [f32; 3], class: u8| {
        let cloud = Cloud { position: vec![[0.0; 3], position], colour: Some(vec![[1; 3]; 2]) };
        write_room(&bad, &LabelledCloud { cloud, class: vec![1, class], instance: vec![0; 2] }).expect("writable");
        refusal(&["--rooms", text(&bad), "--count", "1"])
    };
    assert!(write([f32::NAN, 0.0, 0.0], 1).contains("row 1: expected finite coordinates"));
    assert!(write([1.0; 3], 40).contains("row 1: expected a class from 0 to 12"));
    assert!(write([1.0; 3], 2).contains("hold no window of 1 m with at least 100 points"));
    assert!(refusal(&["--network", "asis-pointnet2-part"]).contains("expected one of asis-pointnet-vanilla"));
    assert!(refusal(&["--rooms", place, "--epochs", "1"]).contains("--protocol reference"));
}
