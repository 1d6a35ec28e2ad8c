//! Mean-shift, class vote and merging of one block, on the golden embeddings; then mean-shift at the
//! default budget, on hard inputs and on embeddings of the shipped models; then the same mean-shift by
//! scikit-learn, and the ratio.
//!
//! `cargo bench --bench grouping`. Golden files are sought as the tests seek them
//! (`INSTANTON_SHARED`, default `../shared`). scikit-learn is run with `INSTANTON_PYTHON` (default
//! `python3`); where that has no scikit-learn the ratio is left out, and said so. One thread each.

#[path = "../../src/grouping/mean_shift/adversarial.rs"]
mod adversarial;
mod anytime;
mod trained;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use criterion::Criterion;
use instanton::grouping::{
    ClassVote, Clusters, Fringe, LiveMergeRules, LiveMerger, MeanShift, ReferenceMerger, RoomPoints,
};

/// Runs of scikit-learn a file; the fastest counts.
const SKLEARN_RUNS: &str = "3";

struct Case {
    name: String,
    path: PathBuf,
    embeddings: Vec<f32>,
    size: usize,
}

fn main() {
    let cases = cases();
    if cases.is_empty() {
        println!("skipped: no golden embeddings (set INSTANTON_SHARED)");
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    for case in &cases {
        let (mut mean_shift, mut clusters) = workspace();
        criterion.bench_function(&format!("mean-shift/{}", case.name), |bencher| {
            bencher.iter(|| mean_shift.run(black_box(&case.embeddings), case.size, &mut clusters));
        });
    }
    if let Some(case) = cases.iter().max_by_key(|case| case.embeddings.len()) {
        merging(&mut criterion, case);
    }
    criterion.final_summary();
    anytime::hard_inputs(&cases);
    anytime::trained_embeddings();
    compare(&cases);
}

fn workspace() -> (MeanShift, Clusters) {
    (MeanShift::new(0.6, true).expect("a usable bandwidth"), Clusters::default())
}

fn cases() -> Vec<Case> {
    let root = std::env::var_os("INSTANTON_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let Ok(entries) = std::fs::read_dir(root.join("golden")) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let is_case = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("ms") && name.ends_with(".npz")
    };
    paths.into_iter().filter(is_case).map(read_case).collect()
}

fn read_case(path: PathBuf) -> Case {
    let mut archive = npyz::npz::NpzArchive::open(&path).expect("readable archive");
    let array = archive.by_name("embeddings").expect("readable array").expect("embeddings");
    let size = array.shape()[1] as usize;
    let embeddings = array.into_vec().expect("f32 embeddings");
    Case { name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), path, embeddings, size }
}

/// What follows mean-shift, for a block whose points were all labelled before.
fn merging(criterion: &mut Criterion, case: &Case) {
    let (mut mean_shift, mut clusters) = workspace();
    mean_shift.run(&case.embeddings, case.size, &mut clusters).expect("whole rows");
    let points = clusters.label.len();
    let class: Vec<u16> = (0..points).map(|point| (point % 13) as u16).collect();

    let (mut vote, mut cluster_class) = (ClassVote::default(), Vec::new());
    // Once outside of the benchmark: a filter may leave it out.
    vote.mode(&clusters.label, &class, clusters.count(), 13, &mut cluster_class);
    criterion.bench_function("class vote", |bencher| {
        bencher.iter(|| vote.mode(&clusters.label, &class, clusters.count(), 13, &mut cluster_class));
    });

    let mut fringe = Fringe::new(30, 1.2);
    let mut absorbed = clusters.clone();
    criterion.bench_function("fringe", |bencher| {
        bencher.iter(|| {
            absorbed.clone_from(&clusters);
            fringe.absorb(&case.embeddings, &mut absorbed)
        });
    });

    let mut merger = LiveMerger::new(LiveMergeRules::default());
    let mut assigned = Vec::new();
    merger
        .merge_block(&clusters.label, &cluster_class, &vec![0; points], &mut assigned)
        .expect("columns of one length");
    let current: Vec<u32> = clusters.label.iter().map(|&label| assigned[label as usize]).collect();
    criterion.bench_function("live merge", |bencher| {
        bencher.iter(|| merger.merge_block(&clusters.label, &cluster_class, &current, &mut assigned));
    });

    let room: Vec<[f64; 3]> = (0..points).map(|i| [i % 200, i / 200, i % 7].map(|at| at as f64 * 0.005)).collect();
    let cluster: Vec<i32> = clusters.label.iter().map(|&label| (label % 100) as i32).collect();
    let class: Vec<i32> = cluster_class.iter().map(|&class| i32::from(class)).collect();
    let (mut merger, mut label) = (ReferenceMerger::new(ReferenceMerger::GAP), Vec::new());
    criterion.bench_function("reference merge", |bencher| {
        bencher.iter(|| merger.merge_block(RoomPoints::Double(&room), &cluster, &class, &mut label));
    });
}

fn compare(cases: &[Case]) {
    let python = std::env::var_os("INSTANTON_PYTHON").unwrap_or_else(|| "python3".into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/grouping/time_scikit_learn.py");
    let output = Command::new(&python)
        .arg(script)
        .arg(SKLEARN_RUNS)
        .args(cases.iter().map(|case| &case.path))
        .envs([("OMP_NUM_THREADS", "1"), ("OPENBLAS_NUM_THREADS", "1")])
        .output();
    let text = match output {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
        Ok(output) => {
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            return println!("no ratio: {python:?} failed: {}", error.lines().last().unwrap_or("no message"));
        }
        Err(error) => return println!("no ratio: {python:?}: {error}"),
    };
    println!("| embeddings | points | clusters | means | scikit-learn, ms | here, ms | ratio |");
    println!("|---|---|---|---|---|---|---|");
    for (case, line) in cases.iter().zip(text.lines()) {
        let theirs: f64 = line.rsplit(' ').next().and_then(|seconds| seconds.parse().ok()).unwrap_or(f64::NAN);
        let (clusters, ours) = fastest(case);
        println!(
            "| {} | {} | {} | {} | {:.1} | {:.3} | {:.0}× |",
            case.name,
            clusters.label.len(),
            clusters.count(),
            clusters.means,
            theirs * 1e3,
            ours * 1e3,
            theirs / ours
        );
    }
}

/// Seconds of the fastest of some runs, after one that is not counted.
fn fastest(case: &Case) -> (Clusters, f64) {
    let (mut mean_shift, mut clusters) = workspace();
    let mut best = f64::INFINITY;
    for run in 0..21 {
        let start = Instant::now();
        mean_shift.run(black_box(&case.embeddings), case.size, &mut clusters).expect("whole rows");
        if run > 0 {
            best = best.min(start.elapsed().as_secs_f64());
        }
    }
    (clusters, best)
}
