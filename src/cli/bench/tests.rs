//! Reports made by hand, compared and drawn.

use std::path::Path;

use super::compare::{Change, Comparison, compare};
#[cfg(feature = "plots")]
use super::plot::{PlotError, plot};
use super::report::{BenchReport, DriveFacts, KIND, ModelFacts, ReportError, SCHEMA, Sample, Setting, Tally};
use super::series::Series;
use crate::machine::{Condition, Machine, Processor};

/// A long-tailed stage: around `median` (µs), by a fixed stream of numbers.
fn durations(median: f64, frames: usize, seed: u64) -> Vec<u32> {
    use rand::{Rng, SeedableRng};
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let mut uniform = || ((random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64).max(1e-9);
    let one = |_| {
        // Box and Muller, then a tail for one frame in fifty.
        let normal = (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
        let tail = if uniform() < 0.02 { 1.5 } else { 1.0 };
        (median * (1.0 + 0.05 * normal).max(0.1) * tail) as u32
    };
    (0..frames).map(one).collect()
}

fn report(stages: &[(&str, Vec<u32>)], deadline: Option<f64>) -> BenchReport {
    let served = stages.first().map_or(0, |(_, durations)| durations.len()) as u64;
    let late = |durations: &Vec<u32>| {
        durations.iter().filter(|&&it| deadline.is_some_and(|deadline| f64::from(it) / 1e3 > deadline)).count() as u64
    };
    let misses = stages.iter().find(|(name, _)| *name == "age").map_or(0, |(_, durations)| late(durations));
    BenchReport {
        kind: KIND.to_owned(),
        schema: SCHEMA,
        version: "0".to_owned(),
        setting: Setting {
            engine: "tract".to_owned(),
            threads: 2,
            rate: 10.0,
            deadline_ms: deadline,
            duration: 60.0,
            ..Setting::default()
        },
        drive: DriveFacts { seed: Some(1), frames: 50, points: 76_800, ..DriveFacts::default() },
        model: ModelFacts { architecture: "asis-pointnet2".to_owned(), precision: "fp32".to_owned(), sha256: vec![] },
        machine: Machine { processor: Processor { cores: 4, ..Processor::default() }, ..Machine::default() },
        load_before: Some(0.1),
        tally: Tally { offered: served + 3, served, dropped: 3, misses, ..Tally::default() },
        samples: vec![Sample { second: 0.0, condition: Condition::default() }],
        stages: stages.iter().map(|(name, durations)| Series::new(name, durations)).collect(),
    }
}

fn typical(network: f64, seed: u64) -> BenchReport {
    let frames = 1200;
    let network = durations(network, frames, seed);
    let map = durations(900.0, frames, seed + 1);
    let age: Vec<u32> = network.iter().zip(&map).map(|(a, b)| a + b + 8000).collect();
    let none = vec![0; frames];
    report(&[("decode", none), ("map", map), ("network", network), ("age", age)], Some(100.0))
}

fn changes(comparison: &Comparison, wanted: Change) -> Vec<String> {
    let found = comparison.differences.iter().filter(|it| it.change == wanted);
    found.map(|it| format!("{} {}", it.stage, it.figure)).collect()
}

#[test]
fn the_same_run_has_no_difference_and_says_so_twice_alike() {
    let run = typical(60_000.0, 7);
    let comparison = compare(&run, &run, 0.0);
    assert_eq!(comparison.differences.len(), 2 * 4 + 1);
    assert!(comparison.differences.iter().all(|it| it.change == Change::NoDifference && it.a == it.b));
    assert!(comparison.differences.iter().all(|it| it.interval[0] <= 0.0 && it.interval[1] >= 0.0));
    assert_eq!(comparison, compare(&run, &run, 0.0));
    assert!(comparison.warnings.is_empty(), "{:?}", comparison.warnings);
}

#[test]
fn two_runs_of_one_distribution_have_no_difference() {
    for seed in 0..10 {
        let comparison = compare(&typical(60_000.0, 10 * seed), &typical(60_000.0, 1000 + 10 * seed), 5.0);
        assert!(!comparison.has_regression(), "seed {seed}: {comparison}");
        assert!(changes(&comparison, Change::Improvement).is_empty(), "seed {seed}: {comparison}");
    }
}

#[test]
fn a_slower_network_is_a_regression_and_a_faster_one_an_improvement() {
    let (slow, fast) = (typical(66_000.0, 3), typical(60_000.0, 4));
    let comparison = compare(&fast, &slow, 5.0);
    let worse = changes(&comparison, Change::Regression);
    assert!(worse.contains(&"network p50".to_owned()) && worse.contains(&"age p50".to_owned()), "{comparison}");
    assert!(!worse.iter().any(|it| it.starts_with("map") || it.starts_with("decode")), "{comparison}");
    let back = compare(&slow, &fast, 5.0);
    assert!(changes(&back, Change::Improvement).contains(&"network p50".to_owned()) && !back.has_regression());
    // Ten percent are not enough when fifteen are asked for.
    assert!(!compare(&fast, &slow, 15.0).has_regression());
}

#[test]
fn a_stretch_of_bad_weather_is_no_regression() {
    // The last tenth of run B was disturbed: far more frames at p99 than chance would put there, were the
    // frames independent. They are not, and the draws know.
    let calm = typical(60_000.0, 5);
    let mut network = durations(60_000.0, 1200, 6);
    network.iter_mut().skip(1140).for_each(|it| *it *= 3);
    let disturbed = report(&[("network", network)], Some(100.0));
    let comparison = compare(&calm, &disturbed, 5.0);
    let p99 = comparison.differences.iter().find(|it| it.figure == "p99").expect("it is compared");
    assert!(p99.b > 2.0 * p99.a && p99.interval[0] <= p99.interval[1] / 2.0, "{comparison}");
    assert!(p99.interval[0] < 0.05 * p99.a, "a draw without that stretch is as likely as not to come: {comparison}");
}

#[test]
fn more_misses_are_a_regression() {
    let age = |late: usize| (0..1000).map(|frame| if frame % 100 < late { 120_000 } else { 80_000 }).collect();
    let (a, b) = (report(&[("age", age(1))], Some(100.0)), report(&[("age", age(4))], Some(100.0)));
    let worse = changes(&compare(&a, &b, 5.0), Change::Regression);
    assert!(worse.contains(&"age misses".to_owned()), "{worse:?}");
    let other_deadline = BenchReport { setting: Setting { deadline_ms: Some(50.0), ..b.setting.clone() }, ..b };
    let comparison = compare(&a, &other_deadline, 5.0);
    assert!(comparison.differences.iter().all(|it| it.figure != "misses") && comparison.warnings.len() == 1);
}

#[test]
fn what_makes_a_comparison_doubtful_is_said() {
    let a = typical(60_000.0, 1);
    let mut b = report(&[("network", durations(60_000.0, 12, 2))], None);
    b.machine.processor.model = Some("another".to_owned());
    b.load_before = Some(3.0);
    let warnings = compare(&a, &b, 5.0).warnings.join("\n");
    for word in ["machines differ", "setting differs", "others were at work when run B", "run B is short"] {
        assert!(warnings.contains(word), "{word}: {warnings}");
    }
}

#[test]
fn a_report_is_read_back_as_it_was_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, run) = (folder.path().join("a.json"), typical(60_000.0, 9));
    run.save(&path).expect("writable");
    assert_eq!(BenchReport::open(&path).expect("readable"), run);
    assert!(run.to_string().contains("p99.9") && run.stage("network").is_some());
}

#[test]
fn reports_that_are_none_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.json");
    let run = typical(60_000.0, 9);
    let with = |key: &str, value: serde_json::Value| {
        let mut json = serde_json::to_value(&run).expect("serialisable");
        json[key] = value;
        json.to_string()
    };
    let mut lost = run.clone();
    lost.tally.offered += 1;
    let mut other = run.clone();
    other.stages[1].segments.pop();
    let cases = [
        ("{".to_owned(), "expected what"),
        ("[1, 2]".to_owned(), "kind"),
        (with("kind", "something".into()), "kind"),
        (with("schema", 99.into()), "found 99"),
        (with("schema", "one".into()), "schema"),
        (with("surprise", 1.into()), "surprise"),
        (serde_json::to_string(&lost).expect("serialisable"), "served + dropped"),
        (serde_json::to_string(&other).expect("serialisable"), "stage map"),
    ];
    for (text, word) in cases {
        std::fs::write(&path, text).expect("writable");
        let error = BenchReport::open(&path).expect_err(word).to_string();
        assert!(error.contains(word) && error.contains("a.json"), "{word}: {error}");
    }
    let absent = BenchReport::open(Path::new("/no/such/file.json"));
    assert!(matches!(absent, Err(ReportError::File { .. })));
}

#[cfg(feature = "plots")]
#[test]
fn plots_are_what_their_names_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = typical(60_000.0, 11);
    let (svg, png) = (folder.path().join("plot.svg"), folder.path().join("plot.PNG"));
    plot(&run, &svg).expect("drawn");
    plot(&run, &png).expect("drawn");
    let text = std::fs::read_to_string(&svg).expect("text");
    assert!(text.trim_start().starts_with("<svg") && text.trim_end().ends_with("</svg>"));
    for word in ["network", "age", "99.9 %", "deadline 100 ms"] {
        assert!(text.contains(word), "{word}");
    }
    assert!(!text.contains("decode"), "a stage that took no time has no row");
    let image = crate::picture::load(&png).expect("a picture");
    let dark = image.pixels().filter(|pixel| pixel.iter().all(|&value| value < 100)).count();
    assert!(image.width() == 1920 && dark > 500, "letters are drawn: {dark} dark pixels");
}

#[cfg(feature = "plots")]
#[test]
fn plots_that_cannot_be_are_refused() {
    let run = typical(60_000.0, 11);
    assert!(matches!(plot(&run, Path::new("plot.pdf")), Err(PlotError::Ending { .. })));
    assert!(matches!(plot(&run, Path::new("plot")), Err(PlotError::Ending { .. })));
    assert!(matches!(plot(&run, Path::new("/no/such/folder/p.svg")), Err(PlotError::Write { .. })));
    assert!(matches!(plot(&report(&[], None), Path::new("p.svg")), Err(PlotError::Empty)));
}
