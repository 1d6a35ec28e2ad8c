//! `instanton bench` from end to end, small: counts are held to account, times are not.

use std::path::Path;
use std::process::{Command, Output};

use instanton::cli::bench::report::BenchReport;
use instanton::geometry::LevelSpecification;
use instanton::network::asis::Asis;
use instanton::network::{ModelMetadata, Weights, write_model};

/// An untrained network of 256 points.
fn tiny_model(folder: &Path) {
    let level = |points, radius| LevelSpecification::ball(points, radius, 8);
    let levels = vec![level(64, 0.1), level(16, 0.2), level(8, 0.4), level(4, 0.8)];
    let architecture = Asis { points: 256, levels, ..Asis::default() }.architecture().expect("sizes fit");
    let parameters = Weights::untrained(&architecture, 1).fold(&architecture).expect("finite");
    write_model(folder, &architecture, &parameters, &ModelMetadata::s3dis()).expect("a model folder");
}

fn instanton(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_instanton")).args(arguments).output().expect("it runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_run_is_measured_written_drawn_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    tiny_model(&folder.path().join("model"));
    let (model, a, b, plot, drive) = (at("model"), at("a.json"), at("b.json"), at("plot.svg"), at("drive.mcap"));

    let run = ["bench", "--model", &model, "--frames", "6", "--rate", "5", "--duration", "3", "--threads", "1"];
    let output = instanton(&[&run[..], &["--load", "1", "--json", &a, "--plot", &plot]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("p99.9") && said(&output).contains("offered"), "{}", said(&output));

    // Reading it back checks that every stage has one duration for each frame served.
    let report = BenchReport::open(Path::new(&a)).expect("a report");
    let tally = report.tally;
    assert_eq!((tally.offered, tally.served + tally.dropped), (15, 15));
    assert!(tally.served > 0 && tally.failed == 0 && tally.panicked == 0);
    assert!(tally.misses <= tally.served && tally.stale <= tally.served);
    assert_eq!((report.setting.threads, report.setting.load, report.setting.rate), (1, 1, 5.0));
    assert_eq!((report.drive.frames, report.drive.points, report.drive.seed), (6, 320 * 240, Some(45)));
    assert_eq!(report.samples.len(), 2, "at the start and at the end");
    let names: Vec<&str> = report.stages.iter().map(|series| series.stage.as_str()).collect();
    assert_eq!((names.len(), &names[9..]), (11, &["frame", "age"][..]));
    assert!(report.stage("decode").is_some_and(|series| series.max > 0.0), "messages are decoded while it runs");
    let age = report.stage("age").expect("it is there");
    let late = age.counts().iter().filter(|(age, _)| *age > 100_000).map(|(_, count)| u64::from(*count)).sum::<u64>();
    assert_eq!(tally.misses, late, "the deadline is 100 ms unless somebody says otherwise");
    assert!(std::fs::read_to_string(&plot).unwrap().contains("</svg>"));

    // A recording, without a deadline, looked at twice.
    let record = instanton(&["simulate", "--sensor", "lidar16", "--frames", "4", "--rate", "5", "--out", &drive]);
    assert_eq!(record.status.code(), Some(0), "{}", said(&record));
    let run = ["bench", &drive, "--model", &model, "--rate", "5", "--duration", "1", "--deadline-ms", "0"];
    let output = instanton(&[&run[..], &["--json", &b]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let report = BenchReport::open(Path::new(&b)).expect("a report");
    assert_eq!((report.setting.deadline_ms, report.drive.frames, report.tally.misses), (None, 4, 0));

    let same = instanton(&["bench", "compare", &a, &a]);
    assert_eq!(same.status.code(), Some(0), "{}", said(&same));
    assert!(said(&same).contains("0 regressions, 0 improvements"), "{}", said(&same));
    let other = instanton(&["bench", "compare", &a, &b, "--json"]);
    let comparison: serde_json::Value = serde_json::from_slice(&other.stdout).expect("JSON");
    assert!(comparison["warnings"].to_string().contains("the drive differs"), "{comparison}");

    // B as A, with every network run three times as long.
    let mut slower = BenchReport::open(Path::new(&a)).expect("a report");
    let network = slower.stages.iter_mut().find(|series| series.stage == "network").expect("it is there");
    network.segments.iter_mut().flatten().for_each(|(duration, _)| *duration = *duration * 3 + 100_000);
    slower.save(Path::new(&b)).unwrap();
    let worse = instanton(&["bench", "compare", &a, &b]);
    assert_eq!(worse.status.code(), Some(1), "{}", said(&worse));
    assert!(said(&worse).contains("regression"), "{}", said(&worse));
}

#[test]
fn what_makes_no_sense_is_refused_with_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.json");
    std::fs::write(&text, "{}").unwrap();
    let text = text.display().to_string();
    let cases: [(&[&str], &str); 10] = [
        (&["bench", "--rate", "0"], "--rate: expected 0.01 to 1000, found 0"),
        (&["bench", "--rate", "NaN"], "--rate"),
        (&["bench", "--duration", "-1"], "--duration"),
        (&["bench", "--deadline-ms", "1e9"], "latency.deadline_ms"),
        (&["bench", "--plot", "plot.pdf"], ".svg or .png"),
        (&["bench", "--json", "/no/such/folder/a.json"], "no such folder"),
        (&["bench", "--realtime", "100"], "1 to 99"),
        (&["bench", "--cores", "99999"], "cores 99999"),
        (&["bench", "compare", &text, &text], "kind"),
        (&["bench", "compare", "/no/such/a.json", "/no/such/b.json"], "/no/such/a.json"),
    ];
    for (arguments, word) in cases {
        let joined: Vec<String> = match arguments[1] {
            // A value that begins with a dash is one only behind an equals sign.
            "compare" => arguments.iter().map(|&it| it.to_owned()).collect(),
            flag => vec!["bench".to_owned(), format!("{flag}={}", arguments[2])],
        };
        let joined: Vec<&str> = joined.iter().map(String::as_str).collect();
        let output = instanton(&joined);
        assert_eq!(output.status.code(), Some(2), "{joined:?}: {}", said(&output));
        assert!(said(&output).contains(word), "{joined:?}: {}", said(&output));
    }
    let none = instanton(&["bench", &text]);
    assert_eq!(none.status.code(), Some(2), "a text is no recording: {}", said(&none));
}
