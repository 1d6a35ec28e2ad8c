//! `instanton bench`: how long frames take on this machine, and whether that changed.
//!
//! ```text
//! drive ─► frames in memory ─► offered at a rate ─► live runner ─► durations ─► table, .json, .svg/.png
//!                                   burners compete ┘                             └► compare A B
//! ```

pub mod compare;
mod load;
pub mod plot;
pub mod report;
pub mod runner;
pub mod series;
#[cfg(test)]
mod tests;

use std::io::{Write, stdout};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;

use super::common::{LabellingArguments, SchedulingArguments};
use super::demo;
use super::simulate::progress;
use super::{Verdict, model_folder};
use crate::machine::Condition;
use crate::network::Model;
use crate::recording::topic;
use crate::replay::{LoadOptions, LoadedDrive, Orientation, load_frames};
use report::{BenchReport, DriveFacts};
use runner::{BenchOptions, bench};

/// Arguments of `instanton bench`.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  instanton bench --duration 60 --json before.json --plot before.svg    # a simulated drive, 10 Hz, 100 ms
  instanton bench drive.mcap --rate 30 --deadline-ms 33 --threads 4     # your own recording, again and again
  instanton bench --load 2 --cores 0,1 --realtime 50 --lock-memory      # beside two busy threads
  instanton bench compare before.json after.json                        # what became slower, and is that chance?

Exit codes: 0 measured (or no regression); 1 blocks or frames failed (or something became slower beyond its spread);
2 bad input, or what the system forbids."
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    run: RunArguments,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Hold two runs against each other.
    Compare(CompareArguments),
}

#[derive(Debug, clap::Args)]
struct CompareArguments {
    /// What `bench --json` wrote before.
    before: PathBuf,
    /// What it wrote after.
    after: PathBuf,
    /// Differences of less than so many percent do not count.
    #[arg(long, default_value_t = 5.0)]
    threshold: f64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct RunArguments {
    /// A recording: rosbag2 folder, .mcap or .db3 [default: a simulated drive].
    drive: Option<PathBuf>,
    #[command(flatten)]
    labelling: LabellingArguments,
    /// Frames offered a second.
    #[arg(long, default_value_t = 10.0)]
    rate: f64,
    /// Time from a frame's arrival to its output (ms); 0: none [default: the configuration's].
    #[arg(long)]
    deadline_ms: Option<f64>,
    /// Threads that compete for the processor.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=1024))]
    load: u32,
    /// How long frames are offered (s).
    #[arg(long, default_value_t = 60.0)]
    duration: f64,
    #[command(flatten)]
    scheduling: SchedulingArguments,
    /// Seed of the simulated room and drive.
    #[arg(long, default_value_t = 45, conflicts_with = "drive", value_parser = clap::value_parser!(u64).range(..1 << 62))]
    seed: u64,
    /// Frames of the drive that are kept in memory and driven to and fro.
    #[arg(long, default_value_t = 150, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    frames: u32,
    /// Topic of the recording's clouds or depth images [default: found].
    #[arg(long, requires = "drive")]
    topic: Option<String>,
    /// The recording's sensor has its z up; transforms are not used.
    #[arg(long, requires = "drive")]
    upright: bool,
    /// Write the report, for `compare`.
    #[arg(long, value_name = "OUT.json")]
    json: Option<PathBuf>,
    /// Draw histogram and distribution of every stage.
    #[arg(long, value_name = "OUT.svg|OUT.png")]
    plot: Option<PathBuf>,
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// A value that no run could mean.
    #[error("{what}: expected {expected}, found {actual}")]
    Value {
        /// Which.
        what: &'static str,
        /// What would be right.
        expected: &'static str,
        /// What came.
        actual: f64,
    },
    /// The recording has no frame that can be labelled.
    #[error("{}: no frame has a cloud and a pose{}", path.display(), reason.as_ref().map_or(String::new(), |it| format!("; the first: {it}")))]
    NoFrames {
        /// The recording.
        path: PathBuf,
        /// Why the first frame was dropped.
        reason: Option<String>,
    },
    /// There is no such folder to write into.
    #[error("{}: there is no such folder to write into", path.display())]
    NoFolder {
        /// The output.
        path: PathBuf,
    },
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Verdict> {
    match &arguments.action {
        Some(Action::Compare(arguments)) => compare_files(arguments),
        None => measure(&arguments.run),
    }
}

fn compare_files(arguments: &CompareArguments) -> anyhow::Result<Verdict> {
    let threshold = arguments.threshold;
    check("threshold", threshold, 0.0..=1000.0, "0 to 1000")?;
    let (before, after) = (BenchReport::open(&arguments.before)?, BenchReport::open(&arguments.after)?);
    let comparison = compare::compare(&before, &after, threshold);
    let mut out = stdout().lock();
    match arguments.json {
        true => writeln!(out, "{}", serde_json::to_string_pretty(&comparison)?)?,
        false => writeln!(out, "{comparison}")?,
    }
    Ok(if comparison.has_regression() { Verdict::Failed } else { Verdict::Passed })
}

fn measure(arguments: &RunArguments) -> anyhow::Result<Verdict> {
    // Before we make any load ourselves.
    let load_before = Condition::now().load;
    // Everything that can be refused is refused before the work.
    check("--rate", arguments.rate, 0.01..=1000.0, "0.01 to 1000")?;
    check("--duration", arguments.duration, 0.1..=604_800.0, "0.1 to 604800 (a week)")?;
    if let Some(path) = &arguments.plot {
        plot::PlotFormat::of(path)?;
    }
    for path in arguments.json.iter().chain(&arguments.plot) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if folder.is_some_and(|folder| !folder.is_dir()) {
            return Err(BenchError::NoFolder { path: path.clone() }.into());
        }
    }
    let labelling = &arguments.labelling;
    let mut config = labelling.config()?;
    if let Some(deadline) = arguments.deadline_ms {
        config.latency.deadline_ms = deadline;
        config.latency.margin_ms = config.latency.margin_ms.min(deadline);
    }
    config.check()?;
    let model = Model::open(&model_folder(labelling.model.as_deref())?).context("the model")?;
    let scheduling = arguments.scheduling.rehearsed()?;

    let (drive, facts) = frames(arguments)?;
    let options = BenchOptions {
        engine: labelling.engine,
        config,
        rate: arguments.rate,
        duration: Duration::from_secs_f64(arguments.duration),
        load: arguments.load as usize,
        scheduling,
    };
    let bar = progress(arguments.duration.ceil() as u64, "s").with_message("measuring");
    let mut report = bench(&model, drive.frames, facts, &options, &mut |second| bar.set_position(second))?;
    bar.finish_and_clear();
    report.load_before = load_before;
    // Whatever becomes of the files: the figures are seen.
    writeln!(stdout(), "{report}")?;
    if let Some(path) = &arguments.json {
        report.save(path).with_context(|| path.display().to_string())?;
    }
    if let Some(path) = &arguments.plot {
        plot::plot(&report, path)?;
    }
    Ok(if report.is_failure() { Verdict::Failed } else { Verdict::Passed })
}

fn check(
    what: &'static str,
    actual: f64,
    range: std::ops::RangeInclusive<f64>,
    expected: &'static str,
) -> Result<(), BenchError> {
    if range.contains(&actual) {
        return Ok(());
    }
    Err(BenchError::Value { what, expected, actual })
}

/// The frames, made or read before any clock runs.
fn frames(arguments: &RunArguments) -> anyhow::Result<(LoadedDrive, DriveFacts)> {
    let most = arguments.frames as usize;
    let mut options = LoadOptions {
        topic: arguments.topic.clone(),
        orientation: Orientation::Transforms,
        fixed_frame: String::new(),
        most,
    };
    let drive = match &arguments.drive {
        Some(path) => {
            if arguments.upright {
                options.orientation = Orientation::Upright;
            }
            load_frames(path, &options)?
        }
        None => {
            let folder = tempfile::tempdir()?;
            let path = folder.path().join("drive.mcap");
            let bar = progress(most as u64, "frames");
            demo::record_drive(arguments.seed, most, arguments.rate, &path, &mut |done| bar.set_position(done as u64))?;
            bar.finish_and_clear();
            // The images are what a camera's driver sends, and a quarter of the clouds' size.
            options.topic = Some(topic::DEPTH.to_owned());
            load_frames(&path, &options)?
        }
    };
    if drive.frames.is_empty() {
        let path = arguments.drive.clone().unwrap_or_default();
        return Err(BenchError::NoFrames { path, reason: drive.first_reason.map(|it| it.to_string()) }.into());
    }
    if drive.dropped > 0 {
        log::warn!("{} frames of the recording cannot be labelled and are left out", drive.dropped);
    }
    let points: usize = drive.frames.iter().map(|frame| frame.points).sum();
    let facts = DriveFacts {
        recording: arguments.drive.clone(),
        seed: arguments.drive.is_none().then_some(arguments.seed),
        frames: drive.frames.len(),
        points: points / drive.frames.len(),
    };
    Ok((drive, facts))
}
