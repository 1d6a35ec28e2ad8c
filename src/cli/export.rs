//! `instanton export`: a model for other engines.

use std::io::Write;
use std::path::PathBuf;

use super::Verdict;
use crate::network::onnx::{Parts, to_half_precision};
use crate::network::{Model, ModelMetadata, PartRole, Precision, write_parts};
use crate::whole_file::WholeFile;

/// Arguments of `instanton export`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  instanton export models/asis-pointnet2 --out onnx                      # onnx/body.onnx, onnx/head.onnx, model.toml
  instanton export models/asis-pointnet2 --precision fp16 --out onnx-half
  instanton export models/asis-pointnet-vanilla --out network.onnx       # a network of one part, as one file

The files use standard operators only (opset 17): TensorRT, ONNX Runtime and Netron read them as they are. What goes
into each input is said in the docs of instanton::network::onnx. A folder that was written is a model folder too.")]
pub(super) struct Arguments {
    /// The model folder.
    model: PathBuf,
    /// The file format.
    #[arg(long, value_enum, default_value = "onnx")]
    format: Format,
    /// The numbers to compute in; as the model has them where it is not said.
    #[arg(long, value_enum)]
    precision: Option<Precision>,
    /// A folder for all parts and their manifest, or a file (.onnx) for a network of one part.
    #[arg(long, value_name = "DIR|FILE.onnx")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// ONNX, operator set 17.
    Onnx,
}

/// Why a model is not exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum ExportError {
    /// Scales for integers come from data, not from a conversion.
    #[error(
        "{}: expected a model in int8, this one is in {actual}: make one with `instanton calibrate`",
        model.display()
    )]
    NotCalibrated {
        /// The model folder.
        model: PathBuf,
        /// Its precision.
        actual: Precision,
    },
    /// Digits that are gone do not come back.
    #[error("{}: cannot be exported in {wanted}: it is in {actual}, export the fp32 model that it was made from", model.display())]
    Coarser {
        /// The model folder.
        model: PathBuf,
        /// What was asked for.
        wanted: Precision,
        /// Its precision.
        actual: Precision,
    },
    /// One file cannot hold a network that is cut at its instance fusion.
    #[error(
        "{}: expected a folder: {} is in two parts, with the search for neighbours in embedding space between them",
        out.display(),
        model.display()
    )]
    TwoParts {
        /// The model folder.
        model: PathBuf,
        /// Where it should go.
        out: PathBuf,
    },
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Verdict> {
    let Format::Onnx = arguments.format;
    let model = Model::open(&arguments.model)?;
    let actual = model.manifest().precision;
    let wanted = arguments.precision.unwrap_or(actual);
    let folder = || arguments.model.clone();
    match (actual, wanted) {
        (actual, Precision::Int8) if actual != Precision::Int8 => {
            return Err(ExportError::NotCalibrated { model: folder(), actual }.into());
        }
        (actual, wanted) if actual > wanted => {
            return Err(ExportError::Coarser { model: folder(), wanted, actual }.into());
        }
        _ => {}
    }
    let convert = |(role, bytes): (PartRole, &[u8])| {
        let converted = if actual == wanted { Ok(bytes.to_vec()) } else { to_half_precision(role, bytes) };
        converted.map(|bytes| (role, bytes))
    };
    let parts = model.parts().map(convert).collect::<Result<Vec<_>, _>>()?;
    let mut out = std::io::stdout().lock();
    if arguments.out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx")) {
        let [(_, bytes)] = parts.as_slice() else {
            return Err(ExportError::TwoParts { model: folder(), out: arguments.out.clone() }.into());
        };
        let path = &arguments.out;
        WholeFile::write_all_of(path, bytes).map_err(|source| ExportError::Write { path: path.clone(), source })?;
        writeln!(out, "{}: {wanted}, {} B", path.display(), bytes.len())?;
        return Ok(Verdict::Passed);
    }
    let take = |role| parts.iter().find(|(found, _)| *found == role).map(|(_, bytes)| bytes.clone());
    let parts = Parts { body: take(PartRole::Body).unwrap_or_default(), head: take(PartRole::Head) };
    let mut metadata = ModelMetadata::of(model.manifest());
    if actual != wanted {
        // Scores are of the numbers that were scored.
        metadata.scores.clear();
        let from = model.manifest().parts.iter().map(|part| toml::Value::String(part.sha256.clone())).collect();
        metadata.provenance.insert("converted_from_sha256".to_owned(), toml::Value::Array(from));
    }
    let written = write_parts(&arguments.out, model.architecture(), parts, wanted, &metadata, &[])?;
    for part in &written.manifest().parts {
        let length = written.part(part.role).map_or(0, <[u8]>::len);
        writeln!(out, "{}: {wanted}, {length} B", written.folder().join(&part.file).display())?;
    }
    Ok(Verdict::Passed)
}
