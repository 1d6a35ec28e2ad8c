//! Every real recording replays.

use std::path::{Path, PathBuf};
use std::process::Command;

use instanton::replay::{LABELLED_TOPIC, Orientation, ReplayError, replay};
use instanton::transport::{FileError, open_cloud};

use crate::support::{bits, column, decode, model, options, read, real_data, run};

fn with_ending(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|it| it == ending)).collect();
    paths.sort();
    paths
}

#[test]
fn bags() {
    let Some(data) = real_data() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut bags: Vec<PathBuf> = std::fs::read_dir(data.join("bags")).unwrap().map(|it| it.unwrap().path()).collect();
    bags.retain(|path| path.is_dir());
    bags.sort();
    assert!(!bags.is_empty());
    for bag in bags {
        let output = folder.path().join("out.mcap");
        let mut options = options(Orientation::Transforms);
        let mut summary = run(&bag, Some(&output), &options);
        if summary.wants_orientation() {
            // Its transforms end at the camera: nobody said how the camera was held.
            assert!(!output.exists());
            options.orientation = Orientation::EstimateUp;
            let estimated = run(&bag, None, &options);
            println!("{estimated}\n");
            assert!(estimated.frames > 0 && estimated.dropped.keys().all(|&kind| kind == "no floor"), "{estimated}");
            options.orientation = Orientation::Transforms;
            options.config.input.fixed_frame = "camera_link".to_owned();
            summary = run(&bag, Some(&output), &options);
        }
        println!("{summary}\n");
        assert!(!summary.is_failure() && summary.dropped.is_empty() && summary.labelled > 0, "{summary}");
        let (before, after) = (read(&bag), read(&output));
        let others: Vec<_> = after.iter().filter(|message| message.topic != LABELLED_TOPIC).collect();
        assert_eq!(others.len(), before.len());
        assert!(others.iter().zip(&before).all(|(after, before)| **after == *before));
        let inputs = before.iter().filter(|message| message.topic == summary.topic);
        let labelled: Vec<_> = after.iter().filter(|message| message.topic == LABELLED_TOPIC).collect();
        assert_eq!(labelled.len() as u64, summary.frames);
        let is_cloud = summary.colour_topic.is_none();
        for (input, labelled) in inputs.zip(labelled) {
            let points = column(&labelled.data, "label").len();
            assert_eq!(column(&labelled.data, "instance").len(), points);
            assert_eq!(input.log_time, labelled.log_time);
            if is_cloud {
                assert_eq!(bits(&decode(&input.data)), bits(&decode(&labelled.data)));
            } else {
                assert_eq!(points, 640 * 480);
                assert!(decode(&labelled.data).colour.is_some());
            }
        }
        std::fs::remove_file(&output).unwrap();
    }
}

#[test]
fn cloud_files() {
    let Some(data) = real_data() else { return };
    let folder = tempfile::tempdir().unwrap();
    let files = [with_ending(&data.join("kinect"), "pcd"), with_ending(&data.join("laser"), "pcd")].concat();
    assert!(!files.is_empty());
    let mut labelled = 0;
    for path in files {
        let output = folder.path().join("out.ply");
        let result = replay(&path, Some(&output), model(), &options(Orientation::EstimateUp), &mut |_| {});
        if path.ends_with("stereo_left.pcd") {
            assert!(matches!(result, Err(ReplayError::File(FileError::NoPosition { .. }))), "an image is no cloud");
            continue;
        }
        let mut summary = result.unwrap();
        println!("{summary}\n");
        if summary.frames == 0 {
            // A table from nearby or a wall has no floor in it: said, not guessed.
            assert!(summary.dropped.contains_key("no floor") && summary.is_failure(), "{summary}");
            summary = run(&path, Some(&output), &options(Orientation::Upright));
        } else {
            labelled += 1;
        }
        assert!(summary.frames == 1 && summary.labelled > 0, "{summary}");
        let (before, after) = (open_cloud(&path).unwrap(), open_cloud(&output).unwrap());
        assert_eq!(bits(&before.cloud), bits(&after.cloud));
        let names: Vec<&str> = after.extra.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names[..3], ["label", "instance", "confidence"]);
    }
    assert!(labelled > 0, "some have a floor");
}

#[test]
fn the_long_bag() {
    let Some(data) = real_data() else { return };
    let folder = tempfile::tempdir().unwrap();
    let archive = data.join("bags/d435_like_sim.mcap.tar.xz");
    let unpacked = Command::new("tar").arg("-xJf").arg(&archive).arg("-C").arg(folder.path()).status();
    if !unpacked.as_ref().is_ok_and(|status| status.success()) {
        println!("skipped: cannot unpack {} ({unpacked:?})", archive.display());
        return;
    }
    let mut bags = with_ending(folder.path(), "mcap");
    if bags.is_empty() {
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            bags.extend(with_ending(&entry.unwrap().path(), "mcap"));
        }
    }
    let mut options = options(Orientation::Transforms);
    options.config.blocks.maximum_per_frame = 1;
    let summary = run(&bags[0], None, &options);
    assert!(summary.frames == 0 && summary.wants_orientation(), "it has no transforms: {summary}");
    options.orientation = Orientation::Upright;
    let summary = run(&bags[0], None, &options);
    println!("{summary}");
    assert_eq!((summary.frames, summary.is_failure()), (263, false), "{summary}");
}
