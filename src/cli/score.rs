//! `instanton score`: every model on the same rooms, and the tables that say so.
//!
//! One command gives the score table of `models/README.md`, the scores in each `model.toml` and the card
//! beside it. What was scored once is kept, by the hashes of model and rooms, so that a run that was
//! stopped goes on and a new model costs only its own time.

mod hold_out;
mod record;
mod tables;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use indicatif::ProgressBar;

use super::Verdict;
use super::simulate::progress;
use crate::config::Config;
use crate::engine::EngineKind;
use crate::evaluation::{Evaluator, MeanInstanceSize, Procedure};
use crate::network::Model;
use crate::pipeline::windowing;
use crate::whole_file::WholeFile;
use hold_out::{HoldOut, Room};
use record::{Cache, Measured, ProtocolName, Record};

/// Arguments of `instanton score`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  instanton score models/asis-pointnet2 --count 2                        # a first look, nothing is written
  instanton score models/asis* --update models/README.md                 # the table, the manifests and the cards
  instanton score models/asis* --rooms Area_5 --protocol reference --protocol live
  instanton score runs/packed/* --json > variants.json                   # ... and later, with the shipped ones:
  instanton score models/asis* --recorded variants.json --update models/README.md

The hold-out is simulated rooms of seeds that no training draws from, the same for every model. Results are kept by
model and rooms: a run that was stopped goes on where it was.")]
pub(super) struct Arguments {
    /// The model folders.
    #[arg(required = true)]
    models: Vec<PathBuf>,
    /// Score on these rooms (files or a folder of .npy or .npz) instead of simulated ones.
    #[arg(long, value_name = "DIR|FILE", num_args = 1.., conflicts_with_all = ["seed", "count"])]
    rooms: Vec<PathBuf>,
    /// First seed of the simulated hold-out.
    #[arg(long, default_value_t = 100)]
    seed: u64,
    /// Rooms of the simulated hold-out.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// How rooms are labelled; give it twice for both.
    #[arg(long, value_enum, default_value = "reference")]
    protocol: Vec<ProtocolName>,
    /// Rewrite the marked section of this file as tables, the [scores] of every model.toml, and the models' cards.
    #[arg(long, value_name = "FILE.md")]
    update: Option<PathBuf>,
    /// Also put models into the tables that are not here: what an earlier run with --json printed, on the same rooms.
    #[arg(long, value_name = "FILE.json")]
    recorded: Option<PathBuf>,
    /// Where results are kept.
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Threads that run blocks side by side; 0: one per core.
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Why scores are not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum ScoreError {
    /// The file does not say where the tables go.
    #[error("{}: expected the lines {begin:?} and {end:?} in this order, found none such", path.display())]
    NoSection {
        /// The file.
        path: PathBuf,
        /// The first mark.
        begin: &'static str,
        /// The second mark.
        end: &'static str,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of records is none.
    #[error("{}: expected what `instanton score --json` printed: {reason}", path.display())]
    Recorded {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        reason: serde_json::Error,
    },
    /// Rows of one table must be of the same rooms.
    #[error(
        "{}: {model} was scored on other rooms, or with another method: expected rooms {expected}, found {actual}",
        path.display()
    )]
    OtherRooms {
        /// The file of records.
        path: PathBuf,
        /// The record's model.
        model: String,
        /// The digest of this run's rooms.
        expected: String,
        /// That of the record's.
        actual: String,
    },
    /// The same folder name twice would be one line of the table.
    #[error("{}: a model of the same name was given before", path.display())]
    SameName {
        /// The second folder.
        path: PathBuf,
    },
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Verdict> {
    // Everything that can be refused is refused before the long work.
    let models = open(&arguments.models)?;
    let page = arguments.update.as_deref().map(read_page).transpose()?;
    let mut protocols = arguments.protocol.clone();
    protocols.sort_unstable();
    protocols.dedup();
    let rooms = if arguments.rooms.is_empty() {
        HoldOut::simulated(arguments.seed, arguments.count)
    } else {
        HoldOut::files(super::eval::expand(&arguments.rooms)?)
    };
    let digest = record::rooms_digest(arguments.seed, &hash_rooms(&rooms)?);
    let recorded = arguments.recorded.as_deref().map(|path| read_recorded(path, &digest, &protocols, &models));
    let recorded = recorded.transpose()?.unwrap_or_default();
    let cache = Cache::open(arguments.cache.clone())?;
    let mut records = Vec::new();
    for (name, model) in &models {
        for &protocol in &protocols {
            let key = record::key(model, protocol, &digest)?;
            let record = match cache.find(&key) {
                Some(record) => Record { model: name.clone(), ..record },
                None => {
                    let record = score(arguments, name, model, protocol, &rooms, &digest)
                        .with_context(|| model.folder().display().to_string())?;
                    cache.keep(&key, &record)?;
                    record
                }
            };
            records.push(record);
        }
    }
    records.extend(recorded);
    if let (Some(path), Some(page)) = (&arguments.update, page) {
        for (name, model) in &models {
            let own: Vec<&Record> = records.iter().filter(|record| record.model == *name).collect();
            write_scores(model, &own)?;
            write_card(model, &tables::card(name, model, &own, &rooms.to_string()))?;
        }
        let (before, after) = page;
        write(path, &format!("{before}{}{after}", tables::section(&records, &rooms.to_string())))?;
    }
    let mut out = std::io::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&records)?)?;
    } else {
        write!(out, "{}", tables::means(&records))?;
    }
    Ok(if records.iter().all(|record| record.failed_blocks == 0) { Verdict::Passed } else { Verdict::Failed })
}

fn open(folders: &[PathBuf]) -> anyhow::Result<Vec<(String, Model)>> {
    let mut models: Vec<(String, Model)> = Vec::new();
    for folder in folders {
        let model = Model::open(folder)?;
        let real = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        let name = real.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if models.iter().any(|(other, _)| *other == name) {
            return Err(ScoreError::SameName { path: folder.clone() }.into());
        }
        models.push((name, model));
    }
    Ok(models)
}

fn hash_rooms(rooms: &HoldOut) -> anyhow::Result<Vec<String>> {
    let bar = progress(rooms.rooms.len() as u64, "rooms").with_message("looking");
    let hash = |room: &Room| {
        let hash = room.hash().with_context(|| room.to_string());
        bar.inc(1);
        hash
    };
    let hashes = rooms.rooms.iter().map(hash).collect();
    bar.finish_and_clear();
    hashes
}

fn score(
    arguments: &Arguments,
    name: &str,
    model: &Model,
    protocol: ProtocolName,
    rooms: &HoldOut,
    digest: &str,
) -> anyhow::Result<Record> {
    let mut config = Config::default();
    if arguments.threads > 0 {
        config.blocks.threads = arguments.threads;
    }
    let bar: ProgressBar = progress(rooms.rooms.len() as u64, "rooms").with_message(name.to_owned());
    let procedure = match protocol {
        ProtocolName::Live => Procedure::Live,
        ProtocolName::Reference => {
            Procedure::Reference { seed: arguments.seed, mean_instance_size: instance_sizes(arguments, model, rooms)? }
        }
    };
    let engines = EngineKind::default().engines(model, config.blocks.threads)?;
    let mut evaluator = Evaluator::new(model, procedure, &config, engines)?;
    let (mut blocks, mut failed_blocks) = (0, 0);
    for room in &rooms.rooms {
        let report = evaluator.add_room(&room.load()?).with_context(|| room.to_string())?;
        (blocks, failed_blocks) = (blocks + report.blocks, failed_blocks + report.failed);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let (scores, times) = (evaluator.scores(), evaluator.times());
    Ok(Record::new(name, model, protocol, digest, Measured { scores: &scores, times, blocks, failed_blocks }))
}

/// The model's own mean instance sizes, or, if it has none, those of the rooms' truth.
fn instance_sizes(arguments: &Arguments, model: &Model, rooms: &HoldOut) -> anyhow::Result<Vec<f64>> {
    if let Some(points) = &model.manifest().mean_instance_size {
        return Ok(points.clone());
    }
    let mut measured = MeanInstanceSize::new(windowing(model), model.manifest().classes.len(), arguments.seed);
    for room in &rooms.rooms {
        measured.add_room(&room.load()?).with_context(|| room.to_string())?;
    }
    Ok(measured.finish())
}

/// Records of models that are not here, of the protocols that were asked for.
fn read_recorded(
    path: &Path,
    rooms: &str,
    protocols: &[ProtocolName],
    models: &[(String, Model)],
) -> Result<Vec<Record>, ScoreError> {
    let text = std::fs::read_to_string(path).map_err(|source| ScoreError::File { path: path.to_owned(), source })?;
    let refuse = |reason| ScoreError::Recorded { path: path.to_owned(), reason };
    let records: Vec<Record> = serde_json::from_str(&text).map_err(refuse)?;
    for record in &records {
        if record.rooms != rooms {
            let (model, actual) = (record.model.clone(), record.rooms.clone());
            return Err(ScoreError::OtherRooms { path: path.to_owned(), model, expected: rooms.to_owned(), actual });
        }
        if models.iter().any(|(name, _)| *name == record.model) {
            return Err(ScoreError::SameName { path: path.join(&record.model) });
        }
    }
    Ok(records.into_iter().filter(|record| protocols.contains(&record.protocol)).collect())
}

/// A page's text before and after its marked section, marks included.
fn read_page(path: &Path) -> Result<(String, String), ScoreError> {
    let text = std::fs::read_to_string(path).map_err(|source| ScoreError::File { path: path.to_owned(), source })?;
    let (begin, end) = (tables::BEGIN, tables::END);
    let found = text.split_once(begin).and_then(|(before, rest)| Some((before, rest.split_once(end)?.1)));
    match found {
        Some((before, after)) => Ok((format!("{before}{begin}\n"), format!("{end}{after}"))),
        None => Err(ScoreError::NoSection { path: path.to_owned(), begin, end }),
    }
}

fn write(path: &Path, text: &str) -> Result<(), ScoreError> {
    WholeFile::write_all_of(path, text.as_bytes()).map_err(|source| ScoreError::File { path: path.to_owned(), source })
}

/// Rewrites the manifest's scores and nothing else of the folder. The reference protocol has the bare
/// names (`mIoU`), the live one says so (`live mIoU`).
fn write_scores(model: &Model, records: &[&Record]) -> anyhow::Result<()> {
    let mut manifest = model.manifest().clone();
    manifest.scores.clear();
    for record in records {
        let prefix = match record.protocol {
            ProtocolName::Reference => "",
            ProtocolName::Live => "live ",
        };
        for (name, score) in &record.summary {
            if let Some(score) = score {
                manifest.scores.insert(format!("{prefix}{name}"), *score);
            }
        }
    }
    let path = model.folder().join("model.toml");
    let text = manifest.to_text().with_context(|| path.display().to_string())?;
    Ok(write(&path, &text)?)
}

/// Writes the card, unless somebody has written one by hand.
fn write_card(model: &Model, card: &str) -> Result<(), ScoreError> {
    let path = model.folder().join("README.md");
    match std::fs::read_to_string(&path) {
        Ok(there) if !there.starts_with(tables::CARD_MARK) => {
            log::warn!("{}: was not written by `instanton score`, left as it is", path.display());
            Ok(())
        }
        _ => write(&path, card),
    }
}
