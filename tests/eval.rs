//! `instanton eval`: what a perfect network scores, what bad rooms get, and the command itself.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use instanton::cloud::{Cloud, LabelledCloud};
use instanton::config::Config;
use instanton::engine::{BlockInput, Engine, EngineError, Prediction};
use instanton::evaluation::{EvaluationError, Evaluator, MeanInstanceSize, Procedure, RoomReport};
use instanton::geometry::LevelSpecification;
use instanton::metrics::{ClassScores, Scores};
use instanton::network::asis::Asis;
use instanton::network::{Model, ModelMetadata, Weights, write_model};
use instanton::pipeline::windowing;
use instanton::sim::{ScanMode, ScanOptions, Scene, SceneOptions, scan_room};
use instanton::transport::write_room;

/// An untrained network, small but for its blocks.
fn small_model(folder: &Path, points: usize) -> Model {
    let level = |points, radius| LevelSpecification::ball(points, radius, 8);
    let levels = vec![level(64, 0.2), level(32, 0.4), level(16, 0.6), level(8, 0.8)];
    let architecture = Asis { points, levels, ..Asis::default() }.architecture().expect("sound sizes");
    let parameters = Weights::untrained(&architecture, 1).fold(&architecture).expect("sound weights");
    write_model(&folder.join("model"), &architecture, &parameters, &ModelMetadata::s3dis()).expect("a writable place")
}

fn simulated(seed: u64, rays: usize, voxel: f32) -> LabelledCloud {
    let scene = Scene::generate(seed, &SceneOptions::default());
    let mode = Some(ScanMode::Panorama);
    let (colour, voxel, partial) = (Some(true), Some(voxel), Some(false));
    scan_room(&scene, &ScanOptions { seed, mode, colour, voxel, partial, rays, ..ScanOptions::default() })
}

/// What is true of each point of a room whose colours are the points' numbers.
type Truth = Arc<Vec<(u8, i32)>>;

/// Paints every point in its own number, so that an engine sees which points it is given.
fn numbered(mut room: LabelledCloud) -> (LabelledCloud, Truth) {
    let number = |point: usize| [point as u8, (point >> 8) as u8, (point >> 16) as u8];
    assert!(room.cloud.len() < 1 << 24);
    room.cloud.colour = Some((0..room.cloud.len()).map(number).collect());
    let truth = room.class.iter().copied().zip(room.instance.iter().copied()).collect();
    (room, Arc::new(truth))
}

/// A network that is always right: sure of the class, and every instance at a place of its own.
struct Oracle {
    truth: Truth,
    classes: usize,
    embedding_size: usize,
}

impl Engine for Oracle {
    fn name(&self) -> &'static str {
        "oracle"
    }

    fn run(&mut self, block: BlockInput<'_>, prediction: &mut Prediction) -> Result<(), EngineError> {
        prediction.logits.clear();
        prediction.embeddings.clear();
        for row in block.features.chunks_exact(9) {
            let channel = |column: usize| (row[column] * 255.0).round() as usize;
            let (class, instance) = self.truth[channel(3) | channel(4) << 8 | channel(5) << 16];
            prediction.logits.extend((0..self.classes).map(|c| if c == usize::from(class) { 9.0 } else { 0.0 }));
            // The number of the instance in base 4, a digit a dimension, two units apart.
            let digit = |place: usize| (instance as u32 >> (2 * place) & 3) as f32 * 2.0;
            prediction.embeddings.extend((0..self.embedding_size).map(digit));
        }
        Ok(())
    }
}

fn oracles(truth: &Truth, model: &Model, threads: usize) -> Vec<Box<dyn Engine>> {
    let architecture = model.architecture();
    let (classes, embedding_size) = (architecture.classes(), architecture.embedding_size());
    let oracle = |_| Box::new(Oracle { truth: Arc::clone(truth), classes, embedding_size }) as Box<dyn Engine>;
    (0..threads).map(oracle).collect()
}

fn reference(model: &Model, room: &LabelledCloud) -> Procedure {
    let mut sizes = MeanInstanceSize::new(windowing(model), 13, 0);
    sizes.add_room(room).expect("a sound room");
    Procedure::Reference { seed: 0, mean_instance_size: sizes.finish() }
}

fn oracle_scores(model: &Model, procedure: Procedure, threads: usize, seed: u64) -> (Scores, RoomReport) {
    let (room, truth) = numbered(simulated(seed, 80_000, 0.02));
    let engines = oracles(&truth, model, threads);
    let mut evaluator = Evaluator::new(model, procedure, &Config::default(), engines).expect("a sound model");
    let report = evaluator.add_room(&room).expect("a sound room");
    assert_eq!((report.points, report.failed), (room.cloud.len(), 0));
    (evaluator.scores(), report)
}

/// Found, predicted and true instances; of the true ones only those of at least 60 points. Smaller
/// ones may legitimately get lost: it takes 30 points within one window to found an instance.
fn instances(scores: &Scores, room: &LabelledCloud) -> (f64, f64, f64) {
    let sum = |count: fn(&ClassScores) -> u64| scores.per_class.iter().map(count).sum::<u64>() as f64;
    let mut sizes = BTreeMap::<i32, usize>::new();
    room.instance.iter().for_each(|&instance| *sizes.entry(instance).or_default() += 1);
    let large = sizes.values().filter(|&&size| size >= 60).count();
    (sum(|class| class.matched_instances), sum(|class| class.predicted_instances), large as f64)
}

/// The way around the network loses next to nothing: perfect answers give near-perfect scores. What
/// is lost live: voxels that two objects share, and the parts of an object that no window sees together.
#[test]
fn a_perfect_network_is_nearly_perfect_live() {
    let folder = tempfile::tempdir().unwrap();
    let model = small_model(folder.path(), 2048);
    for seed in [5, 11] {
        let (scores, report) = oracle_scores(&model, Procedure::Live, 1, seed);
        println!("{scores}\n{report:?}");
        let (found, predicted, real) = instances(&scores, &simulated(seed, 80_000, 0.02));
        assert!(scores.mean_iou > Some(0.97), "{scores}");
        assert!(found >= 0.95 * predicted && found >= 0.95 * real, "{found} found, {predicted}, {real}");
        assert!(scores.mean_precision > Some(0.9) && scores.mean_weighted_coverage > Some(0.9), "{scores}");
        assert_eq!(report.scored, report.points, "every point is scored once");
    }
}

/// The reference's merging loses more: the first writer of a voxel wins, and parts of one object that
/// were founded apart (a floor between shelves) never become one.
#[test]
fn a_perfect_network_is_nearly_perfect_under_the_reference_protocol() {
    let folder = tempfile::tempdir().unwrap();
    let model = small_model(folder.path(), 2048);
    let (room, _) = numbered(simulated(5, 80_000, 0.02));
    let (scores, report) = oracle_scores(&model, reference(&model, &room), 1, 5);
    println!("{scores}\n{report:?}");
    assert_eq!(scores.overall_accuracy, Some(1.0), "classes are not merged, so nothing is lost");
    let (found, predicted, real) = instances(&scores, &room);
    assert!(found >= 0.9 * predicted && found >= 0.85 * real, "{found} found, {predicted}, {real}");
    assert_eq!(report.scored, report.blocks * 2048, "sampled points count as often as they were drawn");
}

#[test]
fn scores_do_not_depend_on_the_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let model = small_model(folder.path(), 512);
    let (room, _) = numbered(simulated(5, 80_000, 0.02));
    for procedure in [Procedure::Live, reference(&model, &room)] {
        let [one, three] = [1, 3].map(|threads| oracle_scores(&model, procedure.clone(), threads, 5));
        assert_eq!(one, three);
    }
}

/// Every point far from every other: as many clusters as points.
struct Scatter;

impl Engine for Scatter {
    fn name(&self) -> &'static str {
        "scatter"
    }

    fn run(&mut self, block: BlockInput<'_>, prediction: &mut Prediction) -> Result<(), EngineError> {
        let points = block.features.len() / 9;
        prediction.logits = vec![0.0; points * 13];
        prediction.embeddings = (0..points * 5).map(|value| value as f32).collect();
        Ok(())
    }
}

#[test]
fn a_hundred_clusters_are_the_references_index_error_and_nothing_to_the_robot() {
    let folder = tempfile::tempdir().unwrap();
    let model = small_model(folder.path(), 256);
    let room = simulated(5, 20_000, 0.05);
    let run = |procedure| {
        let mut evaluator = Evaluator::new(&model, procedure, &Config::default(), vec![Box::new(Scatter)]).unwrap();
        evaluator.add_room(&room)
    };
    let error = run(reference(&model, &room)).unwrap_err();
    assert!(matches!(error, EvaluationError::Merging { block: 0, .. }), "{error}");
    assert!(error.to_string().contains("block 0") && error.to_string().contains("is in cluster"), "{error}");
    assert_eq!(run(Procedure::Live).unwrap().failed, 0);
    let none = Evaluator::new(&model, Procedure::Live, &Config::default(), Vec::new());
    assert!(matches!(none, Err(EvaluationError::Pipeline(_))), "no engine, no threads");
}

fn instanton(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_instanton")).args(arguments).output().expect("the binary runs")
}

#[test]
fn the_command_scores_folders_under_both_protocols() {
    let folder = tempfile::tempdir().unwrap();
    let model = small_model(folder.path(), 256);
    let rooms = folder.path().join("rooms");
    std::fs::create_dir(&rooms).unwrap();
    for (name, seed) in [("b.npy", 5), ("a.npy", 6)] {
        write_room(&rooms.join(name), &simulated(seed, 6_000, 0.08)).unwrap();
    }
    std::fs::write(rooms.join("notes.txt"), "no room").unwrap();
    let (rooms, model) = (rooms.to_str().unwrap(), model.folder().to_str().unwrap());
    for protocol in ["live", "reference"] {
        let run = |more: &[&str]| {
            let output = instanton(&[&["eval", rooms, "--model", model, "--protocol", protocol], more].concat());
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        let [one, two] = ["1", "2"].map(|threads| {
            let mut report: serde_json::Value = serde_json::from_str(&run(&["--json", "--threads", threads])).unwrap();
            let times = report.as_object_mut().unwrap().remove("milliseconds_per_block").unwrap();
            assert!(times["total"].as_f64().unwrap() > 0.0);
            report
        });
        assert_eq!(one, two);
        assert_eq!(one["scores"]["per_class"].as_array().unwrap().len(), 13);
        assert!(one["rooms"][0]["path"].as_str().unwrap().ends_with("a.npy"), "sorted: {one}");
        assert_eq!(one["summary"]["oAcc"], one["scores"]["overall_accuracy"]);
        assert_eq!(one["mean_instance_size"].is_object(), protocol == "reference");
        let words = run(&[]);
        assert!(words.contains("clutter") && words.contains("ms a block"), "{words}");
        assert_eq!(words.contains("measured on these rooms"), protocol == "reference", "{words}");
    }
}

#[test]
fn rooms_that_cannot_be_scored_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let model = small_model(folder.path(), 256);
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let room = simulated(5, 3_000, 0.1);
    let write = |name: &str, change: fn(&mut LabelledCloud)| {
        let mut room = room.clone();
        change(&mut room);
        write_room(Path::new(&at(name)), &room).unwrap();
    };
    write("nan.npy", |room| room.cloud.position[3][1] = f32::NAN);
    write("class.npy", |room| room.class[4] = 13);
    write("empty.npy", |room| *room = LabelledCloud { cloud: Cloud::default(), ..LabelledCloud::default() });
    write("far.npy", |room| room.cloud.position[0][0] = 1.0e30);
    write("thin.npy", |room| room.cloud.position.iter_mut().for_each(|point| point[0] *= 0.01));
    std::fs::write(at("text.npy"), "no room at all").unwrap();
    std::fs::create_dir(at("folder")).unwrap();
    let both = ["live", "reference"].as_slice();
    for (name, protocols, expected) in [
        ("nan.npy", both, "point 3"),
        ("class.npy", both, "point 4 is of class 13"),
        ("empty.npy", both, "empty.npy"),
        ("far.npy", &both[1..], "far.npy"),
        ("thin.npy", &both[1..], "thin.npy"),
        ("text.npy", both, "text.npy"),
        ("absent.npy", both, "absent.npy"),
        ("folder", both, "found none"),
    ] {
        for protocol in protocols {
            let output =
                instanton(&["eval", &at(name), "--protocol", protocol, "--model", model.folder().to_str().unwrap()]);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{name}, {protocol}: {said}");
            assert!(said.contains(expected), "{name}, {protocol}: {said}");
        }
    }
    let output = instanton(&["eval", &at("nan.npy"), "--model", &at("folder")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("model.toml"));
}
