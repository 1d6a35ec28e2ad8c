//! `instanton eval`: the papers' scores of a model on rooms with truth.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::common::config_of;
use super::{Verdict, model_folder};
use crate::engine::EngineKind;
use crate::evaluation::{Evaluator, MeanInstanceSize, Procedure, RoomReport};
use crate::latency::{Stage, StageTimes};
use crate::metrics::Scores;
use crate::network::Model;
use crate::pipeline::windowing;
use crate::transport::{FileError, find_rooms, open_room};

/// Arguments of `instanton eval`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  instanton eval rooms/                                  # every room of a folder, as the robot labels it
  instanton eval Area_5_office_1.npy --protocol reference
  instanton eval rooms/ --json > scores.json             # `instanton pack --scores` takes it

Rooms are .npy files (columns x y z r g b class instance) or .npz archives (xyz, rgb, sem with 255 = ignored,
ins with -1 = unlabelled), or rooms of the raw S3DIS data set (folders with Annotations), singly or by Area.")]
pub(super) struct Arguments {
    /// Rooms, or folders of rooms.
    #[arg(required = true)]
    rooms: Vec<PathBuf>,
    /// Label as the robot does, or exactly as the papers' test code does.
    #[arg(long, value_enum, default_value = "live")]
    protocol: ProtocolName,
    /// The model folder; the shipped model where none is named.
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Voxels, windows and grouping of the live protocol; threads of both (TOML).
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Seed of the reference protocol's sampling.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Threads that run blocks side by side; 0: one per core, or what the configuration says.
    #[arg(long, default_value_t = 0)]
    threads: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
enum ProtocolName {
    Live,
    Reference,
}

/// All that is printed.
#[derive(Debug, Serialize)]
struct Report {
    protocol: ProtocolName,
    model: PathBuf,
    /// Only the reference protocol draws at random.
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mean_instance_size: Option<InstanceSizes>,
    rooms: Vec<Room>,
    blocks: usize,
    failed_blocks: usize,
    milliseconds_per_block: BTreeMap<&'static str, f64>,
    /// The means by their usual names: what `instanton pack --scores` takes.
    summary: BTreeMap<&'static str, Option<f64>>,
    scores: Scores,
}

#[derive(Debug, Serialize)]
struct InstanceSizes {
    source: &'static str,
    points: Vec<f64>,
}

#[derive(Debug, Serialize)]
struct Room {
    path: PathBuf,
    #[serde(flatten)]
    report: RoomReport,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Verdict> {
    let rooms = expand(&arguments.rooms)?;
    let folder = model_folder(arguments.model.as_deref())?;
    let model = Model::open(&folder)?;
    let mut config = config_of(arguments.config.as_deref())?;
    if arguments.threads > 0 {
        config.blocks.threads = arguments.threads;
    }
    let sizes = match arguments.protocol {
        ProtocolName::Live => None,
        ProtocolName::Reference => Some(instance_sizes(&model, &rooms, arguments.seed)?),
    };
    let procedure = match &sizes {
        None => Procedure::Live,
        Some(sizes) => Procedure::Reference { seed: arguments.seed, mean_instance_size: sizes.points.clone() },
    };
    let engines = EngineKind::default().engines(&model, config.blocks.threads)?;
    let mut evaluator = Evaluator::new(&model, procedure, &config, engines)?;
    let bar = progress(rooms.len());
    let mut done = Vec::with_capacity(rooms.len());
    for path in rooms {
        bar.set_message(path.display().to_string());
        let room = open_room(&path)?;
        let report = evaluator.add_room(&room).with_context(|| path.display().to_string())?;
        log::info!("{}: {report:?}", path.display());
        done.push(Room { path, report });
        bar.inc(1);
    }
    bar.finish_and_clear();
    let report = report(arguments, &model, sizes, done, &evaluator);
    let mut out = std::io::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        writeln!(out, "{report}")?;
    }
    Ok(if report.failed_blocks == 0 { Verdict::Passed } else { Verdict::Failed })
}

/// Folders become their rooms, in the order of their names.
pub(super) fn expand(places: &[PathBuf]) -> Result<Vec<PathBuf>, FileError> {
    let rooms = places.iter().map(|place| find_rooms(place)).collect::<Result<Vec<_>, _>>()?;
    Ok(rooms.concat())
}

/// The model's own mean instance sizes, or, if it has none, those of the rooms' truth.
fn instance_sizes(model: &Model, rooms: &[PathBuf], seed: u64) -> anyhow::Result<InstanceSizes> {
    if let Some(points) = &model.manifest().mean_instance_size {
        return Ok(InstanceSizes { source: "the model", points: points.clone() });
    }
    let mut measured = MeanInstanceSize::new(windowing(model), model.manifest().classes.len(), seed);
    for path in rooms {
        measured.add_room(&open_room(path)?).with_context(|| path.display().to_string())?;
    }
    Ok(InstanceSizes { source: "measured on these rooms", points: measured.finish() })
}

/// A bar that shows itself on a terminal only.
fn progress(rooms: usize) -> ProgressBar {
    let bar = ProgressBar::new(rooms as u64);
    if let Ok(style) = ProgressStyle::with_template("{spinner} room {pos}/{len} {bar:30} {elapsed}, {eta} to go: {msg}")
    {
        bar.set_style(style);
    }
    if !bar.is_hidden() {
        bar.enable_steady_tick(Duration::from_millis(100));
    }
    bar
}

fn report(
    arguments: &Arguments,
    model: &Model,
    sizes: Option<InstanceSizes>,
    rooms: Vec<Room>,
    evaluator: &Evaluator,
) -> Report {
    let scores = evaluator.scores();
    let blocks = rooms.iter().map(|room| room.report.blocks).sum();
    Report {
        protocol: arguments.protocol,
        model: model.folder().to_owned(),
        seed: sizes.is_some().then_some(arguments.seed),
        mean_instance_size: sizes,
        blocks,
        failed_blocks: rooms.iter().map(|room| room.report.failed).sum(),
        rooms,
        milliseconds_per_block: per_block(evaluator.times(), blocks),
        summary: BTreeMap::from([
            ("mCov", scores.mean_coverage),
            ("mWCov", scores.mean_weighted_coverage),
            ("mPrec", scores.mean_precision),
            ("mRec", scores.mean_recall),
            ("mIoU", scores.mean_iou),
            ("mAcc", scores.mean_accuracy),
            ("oAcc", scores.overall_accuracy),
        ]),
        scores,
    }
}

/// Processor time of one block, by stage.
fn per_block(times: &StageTimes, blocks: usize) -> BTreeMap<&'static str, f64> {
    let stages = [
        ("blocks", Stage::Blocks),
        ("geometry", Stage::Geometry),
        ("network", Stage::Network),
        ("grouping", Stage::Grouping),
        ("merging", Stage::Merging),
    ];
    let mean = |stage| 1000.0 * times.of(stage).as_secs_f64() / blocks.max(1) as f64;
    let mut each: BTreeMap<&'static str, f64> = stages.map(|(name, stage)| (name, mean(stage))).into();
    each.insert("total", each.values().sum());
    each
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.scores)?;
        let points: usize = self.rooms.iter().map(|room| room.report.points).sum();
        write!(f, "{points} points in {} blocks", self.blocks)?;
        if self.failed_blocks > 0 {
            write!(f, ", and {} blocks that failed", self.failed_blocks)?;
        }
        let stage = |name: &str| self.milliseconds_per_block.get(name).copied().unwrap_or_default();
        write!(f, "; {:.1} ms a block (geometry {:.1}, ", stage("total"), stage("geometry"))?;
        write!(
            f,
            "network {:.1}, grouping {:.1}, merging {:.1})",
            stage("network"),
            stage("grouping"),
            stage("merging")
        )?;
        match &self.mean_instance_size {
            Some(sizes) => write!(f, "\nmean instance sizes for the small-instance filter: {}", sizes.source),
            None => Ok(()),
        }
    }
}
