//! `instanton import-checkpoint`: weights of the published code become a model folder.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Verdict;
use super::architecture::{architecture, classes};
use super::pack::{read_numbers, read_provenance};
use crate::network::checkpoint::{Import, ImportError, import};
use crate::network::{Architecture, ModelMetadata, WeightsError, asis, write_model};

/// Arguments of `instanton import-checkpoint`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  instanton import-checkpoint log5/epoch_99.ckpt --architecture asis-pointnet2 --out models/published
  instanton import-checkpoint log5 --architecture jsnet --mean-instance-size mean_ins_size.txt --out models/jsnet5
  instanton import-checkpoint weights.npz --architecture asis-pointnet2 --classes floor,wall,rack --out models/mine

Optimiser slots and step counters are left aside and listed. Everything else must be a variable of the network.")]
pub(super) struct Arguments {
    /// The check-point: PREFIX of PREFIX.index and PREFIX.data-…, a folder with a `checkpoint` file, or an .npz.
    #[arg(value_name = "PREFIX|FOLDER|FILE.npz")]
    checkpoint: PathBuf,
    /// The network that the weights are for.
    #[arg(long, default_value = asis::NAME)]
    architecture: String,
    /// The model folder to write. One that is there already is replaced.
    #[arg(long)]
    out: PathBuf,
    /// The classes in the order of the network's outputs: s3dis, names apart by commas, or a file of names.
    #[arg(long, default_value = "s3dis")]
    classes: String,
    /// Mean points per instance by class (the seeds' mean_ins_size.txt).
    #[arg(long, value_name = "FILE")]
    mean_instance_size: Option<PathBuf>,
    /// Where the weights come from: a TOML file (data, licence, limits…).
    #[arg(long, value_name = "FILE.toml")]
    provenance: Option<PathBuf>,
}

/// The check-point is of a network with another number of classes.
#[derive(Debug, thiserror::Error)]
#[error(
    "{}: variable {variable}: --classes names {expected} classes, the check-point has {actual} outputs",
    path.display()
)]
pub(super) struct ClassCountError {
    path: PathBuf,
    variable: String,
    expected: usize,
    actual: usize,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Verdict> {
    let classes = classes(&arguments.classes)?;
    let architecture = architecture(&arguments.architecture, classes.len())?;
    let imported = match import(&arguments.checkpoint, &architecture) {
        Err(error) => return Err(name_classes(error, &architecture)),
        Ok(imported) => imported,
    };
    let parameters = imported.weights.fold(&architecture)?;
    let mut metadata = ModelMetadata { classes, ..ModelMetadata::s3dis() };
    if let Some(path) = &arguments.provenance {
        metadata.provenance = read_provenance(path)?;
    }
    if let Some(path) = &arguments.mean_instance_size {
        metadata.mean_instance_size = Some(read_numbers(path)?);
    }
    let name = arguments.checkpoint.file_name().unwrap_or_default().to_string_lossy().into_owned();
    metadata.provenance.entry("checkpoint").or_insert(toml::Value::String(name));
    let hash = toml::Value::String(hash(&imported, &architecture));
    metadata.provenance.insert("variables_sha256".to_owned(), hash);
    let model = write_model(&arguments.out, &architecture, &parameters, &metadata)?;
    report(&imported, &architecture, model.folder())?;
    Ok(Verdict::Passed)
}

/// A misshapen last layer means another number of classes; says so.
fn name_classes(error: ImportError, architecture: &Architecture) -> anyhow::Error {
    let scope = &architecture.layers()[architecture.logits()].scope;
    match error {
        ImportError::Variable { path, source: WeightsError::Shape { name, expected, actual } }
            if name.starts_with(&format!("{scope}/"))
                && expected.len() == actual.len()
                && expected.last() != actual.last() =>
        {
            let last = |shape: &[usize]| shape.last().copied().unwrap_or(0);
            let (wanted, found) = (last(&expected), last(&actual));
            ClassCountError { path, variable: name, expected: wanted, actual: found }.into()
        }
        error => error.into(),
    }
}

/// A hash of names and values, the same whatever container they came in.
fn hash(imported: &Import, architecture: &Architecture) -> String {
    let mut hasher = Sha256::new();
    for variable in architecture.variables() {
        hasher.update(variable.name.as_bytes());
        for value in imported.weights.variable(&variable.name).unwrap_or_default() {
            hasher.update(value.to_le_bytes());
        }
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn report(imported: &Import, architecture: &Architecture, folder: &Path) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let taken = architecture.variables().len();
    writeln!(
        out,
        "{}: {}, {} classes, {taken} variables with {} trained parameters",
        folder.display(),
        architecture.name(),
        architecture.classes(),
        architecture.parameter_count()
    )?;
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, reason) in &imported.ignored {
        by_reason.entry(reason).or_default().push(name);
    }
    for (reason, names) in by_reason {
        let more = if names.len() > 3 { format!(" and {} more", names.len() - 3) } else { String::new() };
        writeln!(out, "  left aside as {reason}: {}{more}", names[..names.len().min(3)].join(", "))?;
        names.iter().for_each(|name| log::info!("left aside as {reason}: {name}"));
    }
    if let Some((stored, understood)) = imported.renamed.first() {
        writeln!(out, "  {} under older names, such as {stored} for {understood}", imported.renamed.len())?;
    }
    Ok(())
}
