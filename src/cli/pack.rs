//! `instanton pack`: trained weights become a model folder.
//!
//! The weights come by variable name, as the trainer and the seeds' own check-points have them. What
//! the folder says of itself (provenance, scores, mean instance sizes) may also be rewritten later,
//! from the folder alone: the numbers of the network stay as they are.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::Verdict;
use crate::network::asis;
use crate::network::zoo::{self, Sizes};
use crate::network::{Architecture, Model, ModelMetadata, Parameters, Weights, write_model};

/// No text file that is read here is longer than this.
const LONGEST_TEXT: u64 = 1 << 20;

/// Arguments of `instanton pack`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  instanton pack weights.npz --out models/asis --provenance provenance.toml
  instanton eval rooms --json > scores.json
  instanton pack --from-model models/asis --out models/asis --scores scores.json")]
pub(super) struct Arguments {
    /// Weights: an .npz archive with one array per variable, named as in TensorFlow (`:0` or not).
    #[arg(required_unless_present = "from_model")]
    weights: Option<PathBuf>,
    /// The model folder to write. One that is there already is replaced.
    #[arg(long)]
    out: PathBuf,
    /// Take network and description from this model folder instead of weights.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["weights", "architecture", "classes"])]
    from_model: Option<PathBuf>,
    /// The network that the weights are for.
    #[arg(long, default_value = asis::NAME)]
    architecture: String,
    /// The classes that the network tells apart.
    #[arg(long, default_value = "s3dis", value_parser = ["s3dis"])]
    classes: String,
    /// Where the model comes from: a TOML file (data, command, commit, licence…).
    #[arg(long, value_name = "FILE.toml")]
    provenance: Option<PathBuf>,
    /// Scores on data that the model has not seen: a JSON object of numbers, or what `eval --json` printed.
    #[arg(long, value_name = "FILE.json")]
    scores: Option<PathBuf>,
    /// Mean points per instance by class (numbers in class order, as the seeds' mean_ins_size.txt), or `none`.
    #[arg(long, value_name = "FILE|none")]
    mean_instance_size: Option<PathBuf>,
}

/// Why a description could not be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum PackError {
    /// A file could not be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is longer than any real one.
    #[error("{}: expected at most {LONGEST_TEXT} bytes, found {length}", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its length.
        length: u64,
    },
    /// A file is not what was expected.
    #[error("{}: expected {expected}, found {actual}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What it should be.
        expected: &'static str,
        /// What the parser said, or the offending value.
        actual: String,
    },
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Verdict> {
    let (architecture, parameters, mut metadata) = network(arguments)?;
    if let Some(path) = &arguments.provenance {
        metadata.provenance = read_provenance(path)?;
    }
    if let Some(path) = &arguments.scores {
        metadata.scores = read_scores(path)?;
    }
    match &arguments.mean_instance_size {
        Some(path) if path.as_os_str() == "none" => metadata.mean_instance_size = None,
        Some(path) => metadata.mean_instance_size = Some(read_numbers(path)?),
        None => {}
    }
    let model = write_model(&arguments.out, &architecture, &parameters, &metadata)?;
    let manifest = model.manifest();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{}: {}, {} classes, blocks of {} points",
        model.folder().display(),
        manifest.architecture,
        manifest.classes.len(),
        manifest.block.points
    )?;
    for part in &manifest.parts {
        let length = model.part(part.role).map_or(0, <[u8]>::len);
        writeln!(out, "  {}  {length} B  sha256 {}", part.file, part.sha256)?;
    }
    for (name, score) in &manifest.scores {
        writeln!(out, "  {name} = {score}")?;
    }
    Ok(Verdict::Passed)
}

fn network(arguments: &Arguments) -> anyhow::Result<(Architecture, Parameters, ModelMetadata)> {
    if let Some(folder) = &arguments.from_model {
        let model = Model::open(folder)?;
        return Ok((model.architecture().clone(), model.parameters()?, ModelMetadata::of(model.manifest())));
    }
    // One class list so far: the parser has checked its name.
    let metadata = ModelMetadata::s3dis();
    let published = Sizes::published(&arguments.architecture)?;
    // Part variants have columns and classes of their own, which no class list here names.
    let sizes = Sizes { classes: metadata.classes.len(), feature_columns: metadata.feature_columns.len(), ..published };
    let architecture = zoo::by_name(&arguments.architecture, &sizes)?;
    let weights = arguments.weights.as_deref().unwrap_or(Path::new(""));
    let parameters = Weights::read_npz(weights, &architecture)?.fold(&architecture)?;
    Ok((architecture, parameters, metadata))
}

fn read_text(path: &Path) -> Result<String, PackError> {
    let refuse = |source| PackError::Read { path: path.to_owned(), source };
    let length = std::fs::metadata(path).map_err(refuse)?.len();
    if length > LONGEST_TEXT {
        return Err(PackError::TooLong { path: path.to_owned(), length });
    }
    std::fs::read_to_string(path).map_err(refuse)
}

pub(super) fn read_provenance(path: &Path) -> Result<toml::Table, PackError> {
    toml::from_str(&read_text(path)?).map_err(|error| PackError::Content {
        path: path.to_owned(),
        expected: "TOML",
        actual: error.to_string(),
    })
}

/// A JSON object of numbers, or one with such an object under `summary`.
fn read_scores(path: &Path) -> Result<BTreeMap<String, f64>, PackError> {
    let refuse = |actual: String| PackError::Content {
        path: path.to_owned(),
        expected: "a JSON object of numbers, or the output of `instanton eval --json`",
        actual,
    };
    let text = read_text(path)?;
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| refuse(error.to_string()))?;
    let scores = value.get("summary").unwrap_or(&value);
    let scores = scores.as_object().ok_or_else(|| refuse(scores.to_string()))?;
    // A score without a value (null) is not a score.
    let present = scores.iter().filter(|(_, score)| !score.is_null());
    present
        .map(|(name, score)| Ok((name.clone(), score.as_f64().ok_or_else(|| refuse(format!("{name} = {score}")))?)))
        .collect()
}

/// Numbers apart by blanks, line ends or commas, with or without brackets around them.
pub(super) fn read_numbers(path: &Path) -> Result<Vec<f64>, PackError> {
    let text = read_text(path)?;
    let words = text.split(|c: char| c.is_whitespace() || ",[]".contains(c)).filter(|word| !word.is_empty());
    words
        .map(|word| {
            word.parse().map_err(|_| PackError::Content {
                path: path.to_owned(),
                expected: "numbers, one per class",
                actual: format!("{word:?}"),
            })
        })
        .collect()
}
