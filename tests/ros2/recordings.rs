//! Recordings that are played to the program over the network: it gives the labels of their replay.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use instanton::cli::simulate::{DriveOptions, SensorChoice, simulate_drive};
use instanton::config::Config;
use instanton::network::Model;
use instanton::recording::topic;
use instanton::replay::{LABELLED_TOPIC, Orientation, ReplayOptions, replay};
use instanton::ros::{Message, PointCloud2View};

use crate::peer::{Kind, Peer, domain};
use crate::program::Program;
use crate::support::{Read, read, real_data};

/// What a run is made of: few blocks a frame, and objects of few points.
const CONFIGURATION: &str = "[blocks]\nmaximum_per_frame = 6\n";

/// The shipped network.
fn model() -> (PathBuf, Model) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/asis-pointnet2-int8");
    let model = Model::open(&folder).unwrap();
    (folder, model)
}

/// A recording's clouds and transforms as files, and its clouds as its replay labels them.
struct Played {
    folder: tempfile::TempDir,
    clouds: Vec<Read>,
    replayed: Vec<Read>,
    has_transforms: bool,
}

impl Played {
    fn new(bag: &Path, orientation: Orientation, most: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (configuration, output) = (folder.path().join("config.toml"), folder.path().join("out.mcap"));
        std::fs::write(&configuration, CONFIGURATION).unwrap();
        let config = Config::open(&configuration).unwrap();
        let options = ReplayOptions { orientation, config, ..ReplayOptions::default() };
        let summary = replay(bag, Some(&output), &model().1, &options, &mut |_| {}).unwrap();
        assert!(summary.dropped.is_empty() && summary.labelled > 0, "{summary}");
        let is_labelled = |message: &Read| message.topic == LABELLED_TOPIC;
        let replayed: Vec<Read> = read(&output).into_iter().filter(is_labelled).take(most).collect();
        let messages = read(bag);
        let of = |topic: &'static str| messages.iter().filter(move |message| message.topic == topic);
        let clouds: Vec<Read> =
            messages.iter().filter(|message| message.topic == summary.topic).take(most).cloned().collect();
        let save = |name: String, message: &Read| std::fs::write(folder.path().join(name), &message.data).unwrap();
        std::fs::create_dir(folder.path().join("transforms")).unwrap();
        clouds.iter().enumerate().for_each(|(at, cloud)| save(format!("{at}.cdr"), cloud));
        of("/tf").enumerate().for_each(|(at, moving)| save(format!("transforms/{at}.cdr"), moving));
        of("/tf_static").enumerate().for_each(|(at, fixed)| save(format!("transforms/static_{at}.cdr"), fixed));
        let has_transforms = orientation == Orientation::Transforms;
        Self { folder, clouds, replayed, has_transforms }
    }

    /// Plays it to the program and compares.
    fn play(&self, arguments: &[&str]) -> Seen {
        let domain = domain();
        let path = |name: &str| self.folder.path().join(name).to_str().unwrap().to_owned();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_instanton"));
        command.args([
            "run",
            "--cloud",
            "points",
            "--reliable",
            "--deadline-ms",
            "0",
            "--config",
            &path("config.toml"),
        ]);
        command.arg("--model").arg(model().0).args(arguments).env("ROS_DOMAIN_ID", domain.to_string());
        let mut program = Program::spawn(&mut command);
        program.says("/labelled");
        let looker = Peer::start(Kind::Cyclone, "transforms.py", domain, &["--folder", &path("transforms")]);
        if self.has_transforms {
            looker.says("sent");
        }
        let player = Peer::start(Kind::Kilted, "player.py", domain, &["--folder", &path("")]);
        let mut seen = Seen::default();
        for (at, (cloud, replayed)) in self.clouds.iter().zip(&self.replayed).enumerate() {
            let frame = loop {
                let said = player.next(crate::peer::PATIENCE).expect("the player says something");
                if said.get("frame").is_some() || said.get("lost").is_some() {
                    break said;
                }
                seen.note(&said);
            };
            assert_eq!((&frame["frame"], &frame["wrong"]), (&at.into(), &serde_json::json!([])), "{frame}");
            let labelled = std::fs::read(self.folder.path().join(format!("labelled_{at}.cdr"))).unwrap();
            let same =
                labelled.len() < replayed.data.len() + 4 && labelled[4..replayed.data.len()] == replayed.data[4..];
            assert!(same, "frame {at} has other labels than in its replay");
            assert_eq!((&frame["marker_headers"], &frame["obstacle_header"]), (&true.into(), &true.into()), "{frame}");
            let points = frame["points"].as_u64().unwrap();
            let obstacles = frame["obstacles"].as_u64().unwrap();
            assert!(obstacles > 0 && obstacles < points, "{frame}");
            let classes = frame["classes"].as_array().unwrap().iter().filter_map(serde_json::Value::as_u64);
            seen.classes.extend(classes);
            let objects = looker.says("objects");
            let header = PointCloud2View::decode(&cloud.data).unwrap().header;
            assert_eq!(objects["stamp"], header.stamp.nanoseconds(), "{objects}");
            assert_eq!(objects["frame"], header.frame_id, "{objects}");
            let objects = objects["objects"].as_array().unwrap();
            // One marker that takes away the old ones, a box and a name for each object.
            assert_eq!(frame["markers"].as_u64().unwrap() as usize, 1 + 2 * objects.len());
            for object in objects {
                assert_eq!(object["header"], true, "{object}");
                assert!(object["score"].as_f64().is_some_and(|score| (0.0..=1.0).contains(&score)), "{object}");
                assert!(!object["class"].as_str().unwrap().is_empty(), "{object}");
                let lengths = object["size"].as_array().unwrap();
                assert!(lengths.iter().all(|length| length.as_f64().unwrap() >= 0.0), "{object}");
            }
            seen.objects += objects.len();
        }
        while !seen.has_labelled(self.clouds.len()) {
            seen.note(&player.next(crate::peer::PATIENCE).expect("a report"));
        }
        program.check_alive();
        assert!(program.stop().success());
        seen
    }
}

/// What was heard beside the frames.
#[derive(Default)]
struct Seen {
    classes: BTreeSet<u64>,
    objects: usize,
    labelled: usize,
    dropped: usize,
}

impl Seen {
    fn note(&mut self, said: &serde_json::Value) {
        if said.get("report").is_none() {
            return;
        }
        assert_eq!(said["report"], "instanton: labelling", "{said}");
        let count = |key: &str| said["values"][key].as_str().unwrap().parse::<usize>().unwrap();
        self.labelled += count("frames labelled");
        self.dropped += count("frames dropped");
    }

    fn has_labelled(&self, count: usize) -> bool {
        assert!(self.labelled <= count && self.dropped == 0, "{} of {count}, {}", self.labelled, self.dropped);
        self.labelled == count
    }
}

fn are_installed() -> bool {
    Kind::Kilted.is_installed() && Kind::Cyclone.is_installed()
}

#[test]
fn a_simulated_drive() {
    if !are_installed() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let bag = folder.path().join("drive.mcap");
    let options = DriveOptions { seed: 3, sensor: SensorChoice::Lidar16, frames: 5, rate: 2.0, density: 1.0 };
    simulate_drive(&options, &bag, &mut |_| {}).unwrap();
    let played = Played::new(&bag, Orientation::Transforms, 5);
    assert_eq!(played.clouds.len(), 5);
    assert_eq!(played.clouds[0].topic, topic::LIDAR);
    let seen = played.play(&[]);
    assert!(seen.objects > 0 && seen.classes.len() > 2, "{} objects, classes {:?}", seen.objects, seen.classes);
}

#[test]
fn a_real_recording() {
    let Some(data) = real_data().filter(|_| are_installed()) else { return };
    let played = Played::new(&data.join("bags/ouster_os0_indoor_mcap"), Orientation::EstimateUp, 2);
    played.play(&["--estimate-up"]);
}
