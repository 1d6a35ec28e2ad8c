//! `instanton calibrate`: a model in 8-bit integers, ranges learned from drives or rooms.

use std::io::{Write, stdout};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

use super::Verdict;
use super::common::orientation;
use crate::network::{Model, ModelMetadata, Precision, check_place, write_parts};
use crate::quantisation::{
    BlockSource, CalibrationOptions, Progress, RangeMethod, Workshop, calibrate, collect_blocks, markdown, rooms_of,
};
use crate::replay::ReplayOptions;

/// Arguments of `instanton calibrate`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  instanton calibrate models/asis-pointnet2 --simulate 1 --out models/asis-pointnet2-int8
  instanton calibrate my-model --bag monday.mcap tuesday.mcap --out my-model-int8
  instanton calibrate my-model --bag kinect.pcd --estimate-up --out my-model-int8 --method entropy

A run that was cut off takes up where it stopped (finished steps wait in OUT.partial).
Exit codes: 0 the targets hold; 1 written, but they do not hold; 2 bad input, or a place that cannot be written.")]
#[command(group = clap::ArgGroup::new("source").required(true))]
pub(super) struct Arguments {
    /// The model folder, in fp32.
    model: PathBuf,
    /// Drives (or cloud files) to cut blocks from.
    #[arg(long, value_name = "DRIVE", num_args = 1.., group = "source")]
    bag: Vec<PathBuf>,
    /// Rooms (.npy, .npz), or folders of them, to cut blocks from.
    #[arg(long, value_name = "DIR", num_args = 1.., group = "source")]
    rooms: Vec<PathBuf>,
    /// Cut blocks from simulated rooms, from this seed on.
    #[arg(long, value_name = "SEED", group = "source")]
    simulate: Option<u64>,
    /// Where the quantised model goes.
    #[arg(short, long)]
    out: PathBuf,
    /// How ranges are chosen.
    #[arg(long, value_enum, default_value_t)]
    method: RangeMethod,
    /// Blocks to use, evenly spread over the source; an eighth decides, another one judges.
    #[arg(long, default_value_t = 64)]
    blocks: usize,
    /// Simulated rooms to score before and after (0: none).
    #[arg(long, default_value_t = 4)]
    score_rooms: usize,
    /// Least share of points whose class stays the same.
    #[arg(long, default_value_t = 0.985)]
    agreement: f64,
    /// Largest L1 error of embeddings, of all points but one in a hundred.
    #[arg(long, default_value_t = 0.1)]
    embedding_error: f64,
    /// The sensor's own z is up (as in `replay`).
    #[arg(long, conflicts_with = "estimate_up", requires = "bag")]
    upright: bool,
    /// The floor of each frame says which way is up (as in `replay`).
    #[arg(long, requires = "bag")]
    estimate_up: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Verdict> {
    let model = Model::open(&arguments.model).context("the model")?;
    check_place(&arguments.out)?;
    let (source, source_name) = source(arguments)?;
    let hashes: Vec<&str> = model.manifest().parts.iter().map(|part| part.sha256.as_str()).collect();
    let dependencies = format!("{hashes:?} {source:?} {}", arguments.blocks);
    let workshop = Workshop::new(&arguments.out, &[dependencies.as_bytes()]);

    // Draws nothing where stderr is no terminal.
    let bar = ProgressBar::no_length();
    let style = "{msg:12} {wide_bar} {pos}/{len}  {elapsed} (eta {eta})";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    let mut tell = |progress: Progress| match progress {
        Progress::Step(name, parts) => {
            bar.reset();
            bar.set_length(parts as u64);
            bar.set_message(name);
        }
        Progress::Tick => bar.inc(1),
        Progress::Line(line) => {
            bar.suspend(|| eprintln!("{line}"));
        }
    };
    let length = model.architecture().points() * model.architecture().feature_columns();
    let blocks = match workshop.load_numbers("blocks") {
        Some(numbers) if !numbers.is_empty() && numbers.len().is_multiple_of(length) => {
            tell(Progress::Line("taking up the blocks of a run that was cut off".to_owned()));
            numbers.chunks_exact(length).map(<[f32]>::to_vec).collect()
        }
        _ => {
            bar.set_message("blocks");
            let blocks =
                collect_blocks(&model, &source, arguments.blocks, &mut |name| bar.set_message(name.to_owned()))?;
            workshop.save_numbers("blocks", &blocks.concat())?;
            blocks
        }
    };
    let options = CalibrationOptions {
        method: arguments.method,
        agreement: arguments.agreement,
        embedding_p99: arguments.embedding_error,
        score_rooms: arguments.score_rooms,
    };
    let calibrated = calibrate(&model, blocks, &source_name, &options, Some(&workshop), &mut tell);
    bar.finish_and_clear();
    let calibrated = calibrated?;

    let report = &calibrated.report;
    let text = markdown(report);
    let mut metadata = ModelMetadata::of(model.manifest());
    if let Some(scores) = &report.scores {
        // The scores of the fp32 model are not this one's.
        metadata.scores.clone_from(&scores.after);
    }
    let line =
        format!("instanton calibrate {} ({}, {} blocks)", arguments.model.display(), source_name, arguments.blocks);
    metadata.provenance.insert("quantised".to_owned(), toml::Value::String(line));
    let beside = [("report.json", serde_json::to_vec_pretty(report)?), ("report.md", text.clone().into_bytes())];
    let parts = calibrated.network.parts();
    write_parts(&arguments.out, model.architecture(), parts, Precision::Int8, &metadata, &beside)?;
    workshop.clear();
    writeln!(stdout().lock(), "{text}")?;
    Ok(if report.targets_hold { Verdict::Passed } else { Verdict::Failed })
}

fn source(arguments: &Arguments) -> anyhow::Result<(BlockSource, String)> {
    let names = |paths: &[PathBuf]| paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    if let Some(seed) = arguments.simulate {
        return Ok((BlockSource::Simulated(seed), format!("simulated rooms from seed {seed}")));
    }
    if !arguments.rooms.is_empty() {
        let mut rooms = Vec::new();
        for place in &arguments.rooms {
            rooms.extend(rooms_of(place)?);
        }
        return Ok((BlockSource::Rooms(rooms), names(&arguments.rooms)));
    }
    let orientation = orientation(arguments.upright, arguments.estimate_up);
    let options = ReplayOptions { orientation, ..ReplayOptions::default() };
    Ok((BlockSource::Drives(arguments.bag.clone(), Box::new(options)), names(&arguments.bag)))
}
