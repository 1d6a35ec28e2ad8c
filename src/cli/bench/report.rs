//! What a run measured, as it is written and read back.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::series::Series;
use crate::machine::{Condition, Machine};
use crate::whole_file::WholeFile;

/// What kind of file it is.
pub const KIND: &str = "instanton-bench";
/// The form that this version writes, and the only one that it reads.
pub const SCHEMA: u32 = 1;

/// A run and all that is needed to believe it, or to repeat it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BenchReport {
    /// [`KIND`].
    pub kind: String,
    /// [`SCHEMA`].
    pub schema: u32,
    /// Version of this program.
    pub version: String,
    /// What was asked for.
    pub setting: Setting,
    /// What was driven.
    pub drive: DriveFacts,
    /// What labelled it.
    pub model: ModelFacts,
    /// Where it ran.
    pub machine: Machine,
    /// Threads of others that ran or wanted to before this program did anything, mean over a minute.
    pub load_before: Option<f64>,
    /// What was counted.
    pub tally: Tally,
    /// How the machine fared: at the start, at every full minute, at the end.
    pub samples: Vec<Sample>,
    /// Durations: every stage, then `frame`, then `age`. All have one entry for each frame served.
    pub stages: Vec<Series>,
}

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// What runs the network.
    pub engine: String,
    /// Threads that run blocks.
    pub threads: usize,
    /// Frames offered a second.
    pub rate: f64,
    /// Time from a frame's arrival to its output (ms); `None`: no deadline.
    pub deadline_ms: Option<f64>,
    /// Threads that compete for the processor.
    pub load: usize,
    /// How long frames were offered (s).
    pub duration: f64,
    /// Cores that the pipeline was held to; empty: any.
    pub cores: Vec<usize>,
    /// Priority in the real-time class.
    pub realtime: Option<u8>,
    /// Whether memory was locked.
    pub lock_memory: bool,
}

/// What was driven.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriveFacts {
    /// The recording; `None`: simulated.
    pub recording: Option<PathBuf>,
    /// Seed of the simulated room and drive.
    pub seed: Option<u64>,
    /// Frames of the drive, which is driven again and again.
    pub frames: usize,
    /// Points of a frame, mean.
    pub points: usize,
}

/// What labelled it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFacts {
    /// Its architecture.
    pub architecture: String,
    /// In which numbers it computes.
    pub precision: String,
    /// SHA-256 of its parts, in their order.
    pub sha256: Vec<String>,
}

/// What was counted. Every frame offered is either served or dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// Frames that arrived.
    pub offered: u64,
    /// Frames labelled.
    pub served: u64,
    /// Frames replaced by a newer one before anyone looked at them.
    pub dropped: u64,
    /// Frames whose output was older than the deadline.
    pub misses: u64,
    /// Frames whose output was older than one period and the time of one frame.
    pub stale: u64,
    /// Windows that asked to be labelled.
    pub wanted: u64,
    /// Blocks merged into the map.
    pub merged: u64,
    /// Windows put off to a later frame.
    pub put_off: u64,
    /// Blocks that were not ready for the frame that began them.
    pub late: u64,
    /// Blocks that failed or whose answer was no number.
    pub failed: u64,
    /// Frames that panicked.
    pub panicked: u64,
}

/// The machine at one moment of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Seconds since the first frame.
    pub second: f64,
    /// How it fares.
    pub condition: Condition,
}

/// Why a report cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is something else.
    #[error("{}: expected what `instanton bench --json` wrote: {reason}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// Another version wrote it.
    #[error("{}: schema: expected {SCHEMA}, found {actual}; measure again with this version", path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// Its schema.
        actual: u64,
    },
}

impl BenchReport {
    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// What the system says.
    pub fn save(&self, path: &Path) -> std::io::Result<()> {
        let mut file = WholeFile::create(path)?;
        serde_json::to_writer(&mut file, self)?;
        file.write_all(b"\n")?;
        file.commit()
    }

    /// Reads one, and checks that it is consistent.
    ///
    /// # Errors
    /// [`ReportError`].
    pub fn open(path: &Path) -> Result<Self, ReportError> {
        let bytes = std::fs::read(path).map_err(|source| ReportError::File { path: path.to_owned(), source })?;
        let refuse = |reason: String| ReportError::Syntax { path: path.to_owned(), reason };
        let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(|error| refuse(error.to_string()))?;
        if value.get("kind").and_then(serde_json::Value::as_str) != Some(KIND) {
            return Err(refuse(format!("kind: expected {KIND:?}")));
        }
        let schema = value.get("schema").and_then(serde_json::Value::as_u64);
        match schema {
            Some(schema) if schema == u64::from(SCHEMA) => {}
            Some(actual) => return Err(ReportError::Schema { path: path.to_owned(), actual }),
            None => return Err(refuse("schema: expected a number".to_owned())),
        }
        let report: Self = serde_json::from_value(value).map_err(|error| refuse(error.to_string()))?;
        report.check().map_err(refuse)?;
        Ok(report)
    }

    /// Whether the counts add up.
    fn check(&self) -> Result<(), String> {
        let Tally { offered, served, dropped, .. } = self.tally;
        if served.checked_add(dropped) != Some(offered) {
            return Err(format!("tally: expected served + dropped = offered, found {served} + {dropped} ≠ {offered}"));
        }
        for series in &self.stages {
            let (stage, durations) = (&series.stage, series.len());
            if durations != served {
                return Err(format!("stage {stage}: expected {served} durations (tally.served), found {durations}"));
            }
            let rises = |segment: &Vec<(u32, u32)>| segment.is_sorted_by(|a, b| a.0 < b.0);
            if !series.segments.iter().all(|segment| !segment.is_empty() && rises(segment)) {
                return Err(format!("stage {stage}: expected segments of rising durations"));
            }
        }
        Ok(())
    }

    /// A stage by its name.
    pub fn stage(&self, name: &str) -> Option<&Series> {
        self.stages.iter().find(|series| series.stage == name)
    }

    /// Whether something broke, as against being late.
    pub fn is_failure(&self) -> bool {
        self.tally.served == 0 || self.tally.failed > 0 || self.tally.panicked > 0
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {} threads, {} Hz", self.engine, self.threads, self.rate)?;
        match self.deadline_ms {
            Some(deadline) => write!(f, ", deadline {deadline} ms")?,
            None => write!(f, ", no deadline")?,
        }
        if self.load > 0 {
            write!(f, ", load of {} threads", self.load)?;
        }
        if !self.cores.is_empty() {
            let cores: Vec<String> = self.cores.iter().map(ToString::to_string).collect();
            write!(f, ", on cores {}", cores.join(","))?;
        }
        self.realtime.map_or(Ok(()), |priority| write!(f, ", real-time priority {priority}"))?;
        write!(f, "{}", if self.lock_memory { ", memory locked" } else { "" })
    }
}

impl fmt::Display for ModelFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.architecture, self.precision)
    }
}

impl fmt::Display for DriveFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.recording, self.seed) {
            (Some(path), _) => write!(f, "{}", path.display())?,
            (None, Some(seed)) => write!(f, "simulated, seed {seed}")?,
            (None, None) => write!(f, "simulated")?,
        }
        write!(f, ": {} frames of {} points, again and again", self.frames, self.points)
    }
}

impl fmt::Display for BenchReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setting, drive, model, machine, tally, .. } = self;
        writeln!(f, "machine   {machine}")?;
        if let Some(load) = self.load_before.filter(|load| *load > 0.5 * machine.processor.cores.max(1) as f64) {
            writeln!(f, "!         others were at work when this began (load {load:.1})")?;
        }
        writeln!(f, "model     {model}, {setting}")?;
        writeln!(f, "drive     {drive}")?;
        writeln!(f)?;
        writeln!(
            f,
            "{:<10} {:>10} {:>10} {:>10} {:>10} {:>10}   (ms; stages summed over threads)",
            "stage", "p50", "p90", "p99", "p99.9", "max"
        )?;
        for Series { stage, p50, p90, p99, p999, max, .. } in &self.stages {
            writeln!(f, "{stage:<10} {p50:>10.2} {p90:>10.2} {p99:>10.2} {p999:>10.2} {max:>10.2}")?;
        }
        let Tally { offered, served, dropped, misses, stale, wanted, merged, put_off, late, failed, panicked } = *tally;
        let share = |part: u64, whole: u64| 100.0 * part as f64 / whole.max(1) as f64;
        let per_frame = |count: u64| count as f64 / served.max(1) as f64;
        writeln!(f)?;
        writeln!(f, "frames    {offered} offered, {served} served, {dropped} replaced by a newer one")?;
        if let Some(deadline) = setting.deadline_ms {
            let missed = share(misses, served);
            writeln!(f, "deadline  {misses} of {served} outputs older than {deadline} ms ({missed:.2} %)")?;
        }
        writeln!(f, "age       {stale} of {served} outputs older than one period and their own frame")?;
        writeln!(
            f,
            "blocks    a frame: {:.2} asked, {:.2} merged, {:.2} put off, {:.2} late; {failed} failed",
            per_frame(wanted),
            per_frame(merged),
            per_frame(put_off),
            per_frame(late)
        )?;
        if panicked > 0 {
            writeln!(f, "!         {panicked} frames panicked")?;
        }
        let resident: Vec<String> =
            self.samples.iter().filter_map(|it| Some(format!("{:.1}", it.condition.resident?))).collect();
        write!(f, "memory    {} MiB resident (start, every minute, end)", resident.join(" → "))?;
        let hottest = self.samples.iter().filter_map(|it| it.condition.hottest()).reduce(f64::max);
        hottest.map_or(Ok(()), |celsius| write!(f, "\nhottest   {celsius:.0} °C"))
    }
}
