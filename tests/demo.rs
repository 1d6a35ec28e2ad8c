//! The demo from end to end, small.

use std::path::Path;

use instanton::cli::demo::{DemoError, DemoEvent, DemoOptions, demo};
use instanton::config::Config;
use instanton::geometry::LevelSpecification;
use instanton::network::asis::Asis;
use instanton::network::{Class, Model, ModelMetadata, Weights, write_model};
use instanton::picture::load;
use instanton::transport::open_bag;

/// An untrained network of 256 points with these classes.
fn tiny_model(folder: &Path, classes: Vec<Class>) -> Model {
    let level = |points, radius| LevelSpecification::ball(points, radius, 8);
    let levels = vec![level(64, 0.1), level(16, 0.2), level(8, 0.4), level(4, 0.8)];
    let architecture =
        Asis { points: 256, classes: classes.len(), levels, ..Asis::default() }.architecture().expect("sizes fit");
    let parameters = Weights::untrained(&architecture, 1).fold(&architecture).expect("finite");
    write_model(folder, &architecture, &parameters, &ModelMetadata { classes, ..ModelMetadata::s3dis() })
        .expect("a model folder")
}

fn options() -> DemoOptions {
    let mut config = Config::default();
    config.blocks.maximum_per_frame = 12;
    DemoOptions { frames: 2, image: [80, 60], config, ..DemoOptions::default() }
}

#[test]
fn everything_that_the_demo_promises_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let model = tiny_model(&folder.path().join("model"), Class::s3dis());
    let out = folder.path().join("new/demo");
    let mut events = Vec::new();
    let summary = demo(&options(), &model, &out, &mut |event| events.push(event)).unwrap();
    use DemoEvent::{Drawing, Labelled, Simulated};
    assert_eq!(events, [Simulated(1), Simulated(2), Labelled(1), Labelled(2), Drawing]);

    let mut names: Vec<_> = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["drive.mcap", "labelled.mcap", "picture.png", "summary.json"]);
    let picture = load(&out.join("picture.png")).unwrap();
    assert!(picture.width() > 3 * picture.height(), "four panels side by side");
    let painted = picture.pixels().filter(|pixel| *pixel != [255; 3]).count();
    assert!(painted * 50 > picture.buf().len(), "{painted} pixels are painted");

    let topics = open_bag(&out.join("labelled.mcap")).unwrap().topics().to_vec();
    let labelled = topics.iter().find(|topic| topic.name == instanton::replay::LABELLED_TOPIC).expect("labels");
    assert_eq!(labelled.message_count, Some(2));

    let json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("summary.json")).unwrap()).expect("JSON");
    assert_eq!((json["frames"].as_u64(), json["points"].as_u64()), (Some(2), Some(2 * 80 * 60)));
    assert!(json["blocks"].as_u64().unwrap() > 0 && json["failed"] == 0);
    assert!(json["true_instances"].as_u64().unwrap() > 5 && json["instances"].is_u64());
    for score in ["mean_iou", "mean_weighted_coverage", "mean_precision", "mean_recall"] {
        let score = json["scores"][score].as_f64().expect(score);
        assert!((0.0..1.0).contains(&score), "{score}");
    }
    // Every measured point is scored, labelled or not.
    assert_eq!(json["scores"]["points"], json["measured"]);
    let latency = json["latency"].as_array().unwrap();
    for stage in ["decode", "network", "frame"] {
        let row = latency.iter().find(|row| row["stage"] == stage).expect(stage);
        let [p50, p99, max] = ["p50", "p99", "max"].map(|name| row[name].as_f64().unwrap());
        assert!(p50 <= p99 && p99 <= max * 1.01, "{row}");
    }
    let words = summary.to_string();
    for expected in ["mIoU", "mWCov", "mPrec", "mRec", "p50", "p99", "max", "instances", "blocks", "picture.png"] {
        assert!(words.contains(expected), "{expected}: {words}");
    }

    // Again into the same folder, with the same answer.
    let again = demo(&options(), &model, &out, &mut |_| ()).unwrap();
    assert_eq!(again.scores, summary.scores);
    assert_eq!(load(&out.join("picture.png")).unwrap(), picture);
}

#[test]
fn a_failure_leaves_nothing_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let model = tiny_model(&folder.path().join("model"), Class::s3dis());
    let file = folder.path().join("taken");
    std::fs::write(&file, "mine").unwrap();
    let error = demo(&options(), &model, &file, &mut |_| ()).unwrap_err();
    assert!(matches!(error, DemoError::Folder { .. }), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");

    let command = |out: &Path, model: &Path| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_instanton"));
        command.args(["demo", "--frames", "1", "--out"]).arg(out).arg("--model").arg(model).output().unwrap()
    };
    let output = command(&file, &folder.path().join("model"));
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{words}");
    assert!(words.contains("taken"), "{words}");
    // Without a model, nothing is begun.
    let out = folder.path().join("out");
    assert_eq!(command(&out, &folder.path().join("absent")).status.code(), Some(2));
    assert!(!out.exists());

    let other = vec![Class { name: "thing".into(), colour: [1, 2, 3] }, Class { name: "stuff".into(), colour: [0; 3] }];
    let model = tiny_model(&folder.path().join("other"), other);
    assert!(matches!(demo(&options(), &model, &out, &mut |_| ()), Err(DemoError::Classes { .. })));
    assert!(!out.exists());
}
