//! `instanton bench compare`: is B slower than A, or was it the weather?
//!
//! Two runs differ even where nothing changed. How far they would is estimated by drawing segments of
//! each run again and again (a bootstrap over stretches of time, see [`super::series`]); a difference
//! counts when 998 of 1000 such draws put it on the same side of nothing (some twenty figures are compared:
//! with 95 of 100 one of them would cry wolf in every comparison), and when it is large enough to matter. The
//! same two files give the same answer.

use std::fmt;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::report::BenchReport;
use super::series::Series;

/// Draws of the bootstrap.
const DRAWS: usize = 4000;
/// Seed of the draws.
const SEED: u64 = 0x1a57;
/// Part of the draws on each side of an interval.
const TAIL: f64 = 0.001;
/// Differences of less than this (ms) are those of the clock and of a cache, whatever their share.
const RESOLUTION: f64 = 0.02;
/// Differences in the share of missed deadlines of less than this (percentage points) are nobody's concern.
const MISSES: f64 = 0.1;

/// What a difference means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// B is worse beyond the spread.
    Regression,
    /// B is better beyond the spread.
    Improvement,
    /// None that could be told from chance, or too small to matter.
    NoDifference,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Regression => "regression",
            Self::Improvement => "improvement",
            Self::NoDifference => "no difference",
        })
    }
}

/// One figure of both runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Stage, `frame` or `age`.
    pub stage: String,
    /// Which figure of it: `p50`, `p99` (ms), or `misses` (percent of the frames).
    pub figure: &'static str,
    /// In run A.
    pub a: f64,
    /// In run B.
    pub b: f64,
    /// Where B − A lies in 998 of 1000 draws.
    pub interval: [f64; 2],
    /// What it means.
    pub change: Change,
}

/// Two runs, held against each other.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// What makes the comparison less than it seems: other machine, other rate.
    pub warnings: Vec<String>,
    /// Every figure that both have.
    pub differences: Vec<Difference>,
}

/// Compares; differences of less than `threshold` percent of A do not count.
pub fn compare(a: &BenchReport, b: &BenchReport, threshold: f64) -> Comparison {
    let mut differences = Vec::new();
    for before in &a.stages {
        let Some(after) = b.stage(&before.stage) else { continue };
        if before.is_empty() || after.is_empty() {
            continue;
        }
        let mut figures = vec![Figure::Quantile("p50", 0.5), Figure::Quantile("p99", 0.99)];
        if before.stage == "age" && a.setting.deadline_ms == b.setting.deadline_ms {
            figures.extend(a.setting.deadline_ms.map(Figure::Misses));
        }
        differences.extend(differ(before, after, &figures, threshold));
    }
    Comparison { warnings: warnings(a, b), differences }
}

impl Comparison {
    /// Whether something is worse.
    pub fn has_regression(&self) -> bool {
        self.differences.iter().any(|difference| difference.change == Change::Regression)
    }
}

/// What is compared of a series.
#[derive(Clone, Copy)]
enum Figure {
    /// A percentile: name, share.
    Quantile(&'static str, f64),
    /// Percent above this many milliseconds.
    Misses(f64),
}

fn differ(a: &Series, b: &Series, figures: &[Figure], threshold: f64) -> Vec<Difference> {
    let (a_draws, b_draws) = (Draws::new(a), Draws::new(b));
    // Each stage draws anew from the same seed: what it says does not depend on the stages before it.
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let mut drawn: Vec<Vec<f64>> = vec![Vec::with_capacity(DRAWS); figures.len()];
    for _ in 0..DRAWS {
        let (a, b) = (a_draws.draw(&mut random), b_draws.draw(&mut random));
        for (values, &figure) in drawn.iter_mut().zip(figures) {
            values.push(b_draws.figure(&b, figure) - a_draws.figure(&a, figure));
        }
    }
    let whole = |draws: &Draws| vec![1; draws.segments];
    let figures = figures.iter().zip(drawn).map(|(&figure, mut values)| {
        values.sort_unstable_by(f64::total_cmp);
        let cut = (TAIL * DRAWS as f64) as usize;
        let interval = [values[cut], values[DRAWS - 1 - cut]];
        let before = a_draws.figure(&whole(&a_draws), figure);
        let after = b_draws.figure(&whole(&b_draws), figure);
        let (name, least) = match figure {
            Figure::Quantile(name, _) => (name, RESOLUTION.max(before * threshold / 100.0)),
            Figure::Misses(_) => ("misses", MISSES),
        };
        let change = match after - before {
            worse if worse > least && interval[0] > 0.0 => Change::Regression,
            better if better < -least && interval[1] < 0.0 => Change::Improvement,
            _ => Change::NoDifference,
        };
        Difference { stage: a.stage.clone(), figure: name, a: before, b: after, interval, change }
    });
    figures.collect()
}

/// A series, sorted once, whose segments count as often as a draw has them.
struct Draws {
    segments: usize,
    /// Duration (µs), segment, count; durations rising.
    entries: Vec<(u32, usize, u32)>,
    /// Durations of each segment.
    lengths: Vec<u64>,
}

impl Draws {
    fn new(series: &Series) -> Self {
        let mut entries: Vec<_> = (series.segments.iter().enumerate())
            .flat_map(|(segment, counts)| counts.iter().map(move |&(duration, count)| (duration, segment, count)))
            .collect();
        entries.sort_unstable();
        let lengths = series.segments.iter().map(|counts| counts.iter().map(|&(_, count)| u64::from(count)).sum());
        Self { segments: series.segments.len(), entries, lengths: lengths.collect() }
    }

    /// How often each segment is in a draw with replacement.
    fn draw(&self, random: &mut ChaCha8Rng) -> Vec<u32> {
        let mut times = vec![0; self.segments];
        for _ in 0..self.segments {
            times[(random.next_u64() % self.segments as u64) as usize] += 1;
        }
        times
    }

    fn figure(&self, times: &[u32], figure: Figure) -> f64 {
        let total: u64 = self.lengths.iter().zip(times).map(|(&length, &times)| length * u64::from(times)).sum();
        let weight = |&(_, segment, count): &(u32, usize, u32)| u64::from(count) * u64::from(times[segment]);
        match figure {
            Figure::Quantile(_, share) => {
                let rank = ((share * total as f64).ceil() as u64).max(1);
                let mut seen = 0;
                let found = self.entries.iter().find(|entry| {
                    seen += weight(entry);
                    seen >= rank
                });
                found.map_or(0.0, |&(duration, ..)| f64::from(duration) / 1e3)
            }
            Figure::Misses(limit) => {
                let late = self.entries.iter().filter(|(duration, ..)| f64::from(*duration) / 1e3 > limit);
                100.0 * late.map(weight).sum::<u64>() as f64 / total.max(1) as f64
            }
        }
    }
}

/// What makes a comparison less than it seems.
fn warnings(a: &BenchReport, b: &BenchReport) -> Vec<String> {
    let mut warnings = Vec::new();
    if !a.machine.resembles(&b.machine) {
        warnings.push(format!("the machines differ: {}  /  {}", a.machine, b.machine));
    }
    let mut differs = |what: &str, a: &dyn fmt::Display, b: &dyn fmt::Display| {
        let (a, b) = (a.to_string(), b.to_string());
        if a != b {
            warnings.push(format!("{what} differs: {a}  /  {b}"));
        }
    };
    differs("the model", &a.model, &b.model);
    differs("the drive", &a.drive, &b.drive);
    differs("the setting", &a.setting, &b.setting);
    let cores = |report: &BenchReport| report.machine.processor.cores.max(1) as f64;
    let busy = |report: &BenchReport| report.load_before.filter(|load| *load > 0.5 * cores(report));
    for (run, report) in [("A", a), ("B", b)] {
        if let Some(load) = busy(report) {
            warnings.push(format!("others were at work when run {run} began (load {load:.1})"));
        }
        let segments = report.stages.iter().map(|series| series.segments.len()).min().unwrap_or_default();
        if segments < super::series::SEGMENTS / 2 || report.tally.served < 100 {
            warnings.push(format!("run {run} is short ({} frames): its spread is a guess", report.tally.served));
        }
    }
    warnings
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for warning in &self.warnings {
            writeln!(f, "! {warning}")?;
        }
        let [stage, figure, a, b, change, interval] = ["stage", "figure", "A", "B", "B − A", "99.8 % of draws"];
        write!(f, "{stage:<10} {figure:<7} {a:>10} {b:>10} {change:>10}  {interval:>20}")?;
        for Difference { stage, figure, a, b, interval: [low, high], change } in &self.differences {
            let interval = format!("{low:+.2} … {high:+.2}");
            write!(f, "\n{stage:<10} {figure:<7} {a:>10.2} {b:>10.2} {:>+10.2}  {interval:>20}  {change}", b - a)?;
        }
        let of = |kind| self.differences.iter().filter(|difference| difference.change == kind).count();
        let (worse, better) = (of(Change::Regression), of(Change::Improvement));
        write!(f, "\n(ms; misses in % of the frames)  {worse} regressions, {better} improvements")
    }
}
