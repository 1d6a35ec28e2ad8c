//! What was measured of a model, and where it is kept.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ScoreError;
use crate::latency::{Stage, StageTimes};
use crate::metrics::Scores;
use crate::network::{ManifestError, Model, Precision};
use crate::whole_file::WholeFile;

/// Raised when what is measured changes, so that older results are measured anew.
const METHOD: u32 = 2;

/// How rooms are labelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum ProtocolName {
    /// Exactly as the papers' test code does.
    Reference,
    /// As the robot does.
    Live,
}

/// Scores of one class, 0 to 1; nothing where there is nothing to divide by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ClassRecord {
    pub name: String,
    pub iou: Option<f64>,
    pub accuracy: Option<f64>,
    pub coverage: Option<f64>,
    pub weighted_coverage: Option<f64>,
    pub precision: Option<f64>,
    pub recall: Option<f64>,
}

/// One model under one protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Name of its folder.
    pub model: String,
    pub architecture: String,
    pub precision: Precision,
    pub protocol: ProtocolName,
    /// Digest of the rooms and of what draws blocks from them: records with another one are not comparable.
    pub rooms: String,
    pub parameters: usize,
    /// Multiply-accumulates of a block as the papers write the layers.
    pub published_macs: u64,
    /// ... and as the exported parts compute them.
    pub rewritten_macs: u64,
    /// Processor time of a block in the network alone, milliseconds.
    pub network_milliseconds: f64,
    /// ... and from sampling to merging.
    pub milliseconds: f64,
    pub blocks: usize,
    pub failed_blocks: usize,
    /// The means by their usual names.
    pub summary: BTreeMap<String, Option<f64>>,
    pub classes: Vec<ClassRecord>,
}

/// What an evaluation gave.
pub(super) struct Measured<'a> {
    pub scores: &'a Scores,
    pub times: &'a StageTimes,
    pub blocks: usize,
    pub failed_blocks: usize,
}

impl Record {
    /// Puts a measurement together.
    pub fn new(
        name: &str,
        model: &Model,
        protocol: ProtocolName,
        rooms: &str,
        Measured { scores, times, blocks, failed_blocks }: Measured<'_>,
    ) -> Self {
        let per_block = |stage| 1000.0 * times.of(stage).as_secs_f64() / blocks.max(1) as f64;
        let stages = [Stage::Blocks, Stage::Geometry, Stage::Network, Stage::Grouping, Stage::Merging];
        let cost = model.architecture().cost();
        let summary = [
            ("mAcc", scores.mean_accuracy),
            ("oAcc", scores.overall_accuracy),
            ("mIoU", scores.mean_iou),
            ("mCov", scores.mean_coverage),
            ("mWCov", scores.mean_weighted_coverage),
            ("mPrec", scores.mean_precision),
            ("mRec", scores.mean_recall),
        ];
        let classes = scores.per_class.iter().map(|class| ClassRecord {
            name: class.name.clone(),
            iou: class.iou,
            accuracy: class.accuracy,
            coverage: class.coverage,
            weighted_coverage: class.weighted_coverage,
            precision: class.precision,
            recall: class.recall,
        });
        Self {
            model: name.to_owned(),
            architecture: model.manifest().architecture.clone(),
            precision: model.manifest().precision,
            protocol,
            rooms: rooms.to_owned(),
            parameters: model.architecture().parameter_count(),
            published_macs: cost.published,
            rewritten_macs: cost.rewritten,
            network_milliseconds: per_block(Stage::Network),
            milliseconds: stages.into_iter().map(per_block).sum(),
            blocks,
            failed_blocks,
            summary: summary.into_iter().map(|(name, score)| (name.to_owned(), score)).collect(),
            classes: classes.collect(),
        }
    }
}

/// A digest of the rooms, by their hashes, and of the seed that draws blocks from them.
pub(super) fn rooms_digest(seed: u64, rooms: &[String]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(format!("{METHOD} {seed}\n"));
    rooms.iter().for_each(|room| hasher.update(room));
    hexadecimal(hasher)
}

/// A hash of everything that decides a result: the model but for its words and scores, the rooms, the way.
///
/// # Errors
/// [`ManifestError`]: none for a model that was opened.
pub(super) fn key(model: &Model, protocol: ProtocolName, rooms: &str) -> Result<String, ManifestError> {
    let mut manifest = model.manifest().clone();
    manifest.scores.clear();
    manifest.provenance.clear();
    let mut hasher = Sha256::new();
    hasher.update(format!("{METHOD} {} {protocol:?} {rooms}\n", env!("CARGO_PKG_VERSION")));
    hasher.update(manifest.to_text()?);
    Ok(hexadecimal(hasher))
}

fn hexadecimal(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Results by key, one small file each.
pub(super) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Opens `folder`, or `$XDG_CACHE_HOME/instanton/scores`, `~/.cache/instanton/scores`.
    ///
    /// # Errors
    /// [`ScoreError::File`] where it cannot be made.
    pub fn open(folder: Option<PathBuf>) -> Result<Self, ScoreError> {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = || variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
        let folder = folder.unwrap_or_else(|| home().unwrap_or_else(std::env::temp_dir).join("instanton/scores"));
        std::fs::create_dir_all(&folder).map_err(|source| ScoreError::File { path: folder.clone(), source })?;
        Ok(Self { folder })
    }

    /// A result that was kept. One that cannot be read is as good as none.
    pub fn find(&self, key: &str) -> Option<Record> {
        let text = std::fs::read_to_string(self.folder.join(format!("{key}.json"))).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Keeps a result.
    ///
    /// # Errors
    /// [`ScoreError::File`].
    pub fn keep(&self, key: &str, record: &Record) -> anyhow::Result<()> {
        let path = self.folder.join(format!("{key}.json"));
        let text = serde_json::to_string_pretty(record)?;
        Ok(WholeFile::write_all_of(&path, text.as_bytes()).map_err(|source| ScoreError::File { path, source })?)
    }
}
