//! Mean-shift at the default budget: hard inputs, and the embeddings of the shipped models.

use std::collections::HashMap;
use std::hash::Hash;
use std::hint::black_box;

use instanton::grouping::mean_shift::DEFAULT_BUDGET;
use instanton::grouping::{Clusters, NO_CLUSTER};

use rustix::time::{ClockId, clock_gettime};

use super::{Case, adversarial, trained, workspace};

/// Runs of each hard input: p99.9 is then the third-longest.
const RUNS: usize = 3000;

/// Runs of each block of a model; the percentiles are over all its blocks.
const RUNS_OF_A_BLOCK: usize = 200;

/// The hard inputs of the tests, and the hardest golden embeddings.
pub(crate) fn hard_inputs(golden: &[Case]) {
    println!("\nDefault budget {DEFAULT_BUDGET}, {RUNS} runs each:");
    println!("| input | clusters, all | whole answer, ms | median, ms | p99.9, ms | clusters | cut | ARI |");
    println!("|---|---|---|---|---|---|---|---|");
    let hard = adversarial::inputs(adversarial::POINTS);
    let hard = hard.iter().map(|(name, values)| (*name, values.as_slice(), adversarial::SIZE));
    let golden = golden.iter().map(|case| (case.name.as_str(), case.embeddings.as_slice(), case.size));
    for (name, embeddings, size) in hard.chain(golden) {
        let (mut mean_shift, mut full) = workspace();
        mean_shift.run(embeddings, size, &mut full).expect("whole rows");
        let whole = (0..5).map(|_| {
            let start = thread_time();
            mean_shift.run(black_box(embeddings), size, &mut full).expect("whole rows");
            thread_time() - start
        });
        let whole = whole.fold(f64::INFINITY, f64::min);
        let mut clusters = Clusters::default();
        let times = run(RUNS, embeddings, size, &mut clusters);
        println!(
            "| {name} | {} | {whole:.2} | {:.2} | {:.2} | {} | {} | {:.3} |",
            full.count(),
            percentile(&times, 0.5),
            percentile(&times, 0.999),
            clusters.count(),
            if clusters.cut { "yes" } else { "no" },
            adjusted_rand_index(&clusters.label, &full.label)
        );
    }
}

/// What the shipped models say of the blocks of a simulated room.
pub(crate) fn trained_embeddings() {
    println!("\nBlocks of one simulated room, {RUNS_OF_A_BLOCK} runs each:");
    println!(
        "| model | blocks | points | clusters | work, most | median, ms | slowest block, ms | p99.9, ms | same as whole |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for model in ["asis-pointnet2", "asis-pointnet2-int8", "asis-pointnet-int8", "jsnet-int8"] {
        let blocks = trained::blocks(model);
        let (mut times, mut clusters, mut same, mut work) = (Vec::new(), Vec::new(), 0, 0);
        let mut slowest = 0.0_f64;
        for block in &blocks {
            let (mut mean_shift, mut full) = workspace();
            mean_shift.run(&block.embeddings, block.size, &mut full).expect("whole rows");
            let mut found = Clusters::default();
            let block_times = run(RUNS_OF_A_BLOCK, &block.embeddings, block.size, &mut found);
            slowest = slowest.max(percentile(&block_times, 0.5));
            times.extend(block_times);
            clusters.push(found.count());
            work = work.max(full.work);
            same += usize::from(found == full);
        }
        let points = blocks.iter().map(|block| block.embeddings.len() / block.size);
        times.sort_by(f64::total_cmp);
        println!(
            "| {model} | {} | {}–{} | {}–{} | {work} | {:.2} | {slowest:.2} | {:.2} | {same} of {} |",
            blocks.len(),
            points.clone().min().unwrap_or(0),
            points.max().unwrap_or(0),
            clusters.iter().min().unwrap_or(&0),
            clusters.iter().max().unwrap_or(&0),
            percentile(&times, 0.5),
            percentile(&times, 0.999),
            blocks.len()
        );
    }
}

/// Milliseconds that this thread has had of its core. What other programs take of it is not counted:
/// the percentiles are those of the work, also on a shared machine.
fn thread_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 * 1e-6
}

/// Milliseconds of each run at the default budget, shortest first, after some that are not counted.
fn run(runs: usize, embeddings: &[f32], size: usize, clusters: &mut Clusters) -> Vec<f64> {
    let (mut mean_shift, _) = workspace();
    let mut times = Vec::with_capacity(runs);
    for run in 0..runs + 20 {
        let start = thread_time();
        mean_shift.run_within(black_box(embeddings), size, DEFAULT_BUDGET, clusters).expect("whole rows");
        if run >= 20 {
            times.push(thread_time() - start);
        }
    }
    times.sort_by(f64::total_cmp);
    times
}

/// The value below which this share of the sorted values lies.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let at = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(at.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

/// Agreement of two partitions beyond chance: 1 = the same. Points without a cluster are left out.
fn adjusted_rand_index(one: &[u32], other: &[u32]) -> f64 {
    let pairs = || one.iter().zip(other).filter(|(one, other)| **one != NO_CLUSTER && **other != NO_CLUSTER);
    let both = pairs_together(pairs());
    let (first, second) = (pairs_together(pairs().map(|pair| pair.0)), pairs_together(pairs().map(|pair| pair.1)));
    let all = pairs().count() as f64;
    let by_chance = first * second / (all * (all - 1.0) / 2.0).max(1.0);
    let most = (first + second) / 2.0;
    // Two partitions into single points, or both into one cluster.
    if most == by_chance { 1.0 } else { (both - by_chance) / (most - by_chance) }
}

/// Pairs of points with the same key.
fn pairs_together<K: Eq + Hash>(keys: impl Iterator<Item = K>) -> f64 {
    let mut counts = HashMap::<K, u64>::new();
    for key in keys {
        *counts.entry(key).or_default() += 1;
    }
    counts.values().map(|&count| (count * (count - 1)) as f64 / 2.0).sum()
}
