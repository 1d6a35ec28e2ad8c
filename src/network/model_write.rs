//! Writing a model folder: whole or not at all.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::architecture::Architecture;
use super::manifest::{
    BlockGeometry, Class, FORMAT_VERSION, FeatureColumn, Fusion, LevelEntry, Manifest, ManifestError, Part, PartRole,
};
use super::model::{MANIFEST, Model, ModelError, sha256};
use super::onnx::{Parts, export};
use super::precision::Precision;
use super::weights::Parameters;

/// What a manifest says beyond the architecture.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelMetadata {
    /// Semantic classes, as many as the architecture has.
    pub classes: Vec<Class>,
    /// Columns of a block's features, as many as the architecture has.
    pub feature_columns: Vec<FeatureColumn>,
    /// Side of a block in metres.
    pub block_size: f64,
    /// Distance between neighbouring blocks in metres.
    pub block_stride: f64,
    /// Bandwidth of the mean-shift over embeddings.
    pub bandwidth: f64,
    /// Mean number of points of an instance, by class, where it was measured: see
    /// [`Manifest::mean_instance_size`].
    pub mean_instance_size: Option<Vec<f64>>,
    /// Where the model comes from, for people.
    pub provenance: toml::Table,
    /// Scores on data that the model was not trained on, by name.
    pub scores: BTreeMap<String, f64>,
}

impl ModelMetadata {
    /// The reference's settings on S3DIS: 1 m blocks every 0.5 m, nine columns, thirteen classes,
    /// bandwidth 0.6; nothing said of provenance and scores.
    pub fn s3dis() -> Self {
        Self {
            classes: Class::s3dis(),
            feature_columns: FeatureColumn::REFERENCE.to_vec(),
            block_size: 1.0,
            block_stride: 0.5,
            bandwidth: 0.6,
            mean_instance_size: None,
            provenance: toml::Table::new(),
            scores: BTreeMap::new(),
        }
    }

    /// What a model that is already there says of itself: to write it again with some of it changed.
    pub fn of(manifest: &Manifest) -> Self {
        Self {
            classes: manifest.classes.clone(),
            feature_columns: manifest.feature_columns.clone(),
            block_size: manifest.block.size,
            block_stride: manifest.block.stride,
            bandwidth: manifest.bandwidth,
            mean_instance_size: manifest.mean_instance_size.clone(),
            provenance: manifest.provenance.clone(),
            scores: manifest.scores.clone(),
        }
    }
}

/// Writes a model folder and opens it again.
///
/// The folder is made beside its final place, checked as [`Model::open`] checks, and then renamed, so
/// nobody ever sees half a model. A model folder that is already there is replaced; anything else that
/// is there is left alone.
///
/// # Errors
/// [`ModelError`]: metadata that does not fit the architecture (naming the field), an architecture
/// that a manifest cannot describe, an occupied place, or the file system's refusal.
pub fn write_model(
    folder: &Path,
    architecture: &Architecture,
    parameters: &Parameters,
    metadata: &ModelMetadata,
) -> Result<Model, ModelError> {
    write_parts(folder, architecture, export(architecture, parameters)?, Precision::Fp32, metadata, &[])
}

/// As [`write_model`], from parts that are ready, with further files (name, content) beside them.
///
/// # Errors
/// As [`write_model`]; a part that does not fit the architecture is [`ModelError::Part`].
pub fn write_parts(
    folder: &Path,
    architecture: &Architecture,
    parts: Parts,
    precision: Precision,
    metadata: &ModelMetadata,
    beside: &[(&str, Vec<u8>)],
) -> Result<Model, ModelError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| ModelError::File { path, source }
    };
    let replaces = check_place(folder)?;
    let manifest_path = folder.join(MANIFEST);
    let files = [(PartRole::Body, "body.onnx", Some(parts.body)), (PartRole::Head, "head.onnx", parts.head)];
    let files: Vec<(PartRole, &str, Vec<u8>)> =
        files.into_iter().filter_map(|(role, file, bytes)| Some((role, file, bytes?))).collect();
    let manifest = manifest(architecture, precision, metadata, &files);
    let text = manifest.to_text().map_err(|source| ModelError::Manifest { path: manifest_path.clone(), source })?;
    fits(architecture, metadata, &manifest, &manifest_path)?;

    let parent = match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    fs::create_dir_all(&parent).map_err(at(&parent))?;
    let workshop = tempfile::Builder::new().prefix(".instanton-model-").tempdir_in(&parent).map_err(at(&parent))?;
    let made = workshop.path().join("new");
    fs::create_dir(&made).map_err(at(&made))?;
    let contents = files.iter().map(|(_, file, bytes)| (*file, bytes.as_slice()));
    let beside = beside.iter().map(|(file, bytes)| (*file, bytes.as_slice()));
    for (file, bytes) in contents.chain([(MANIFEST, text.as_bytes())]).chain(beside) {
        let path = made.join(file);
        let written = File::create_new(&path).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
        written.map_err(at(&path))?;
    }
    Model::open(&made)?;
    // The old folder moves into the workshop, which is removed with everything in it.
    let old = workshop.path().join("old");
    if replaces {
        fs::rename(folder, &old).map_err(at(folder))?;
    }
    if let Err(source) = fs::rename(&made, folder) {
        if replaces {
            // Nothing more can be done if even this fails; the first error is the one to report.
            fs::rename(&old, folder).ok();
        }
        return Err(ModelError::File { path: folder.to_owned(), source });
    }
    Model::open(folder)
}

/// Whether there is something at `folder` that a model would replace: an older model, or an empty folder.
/// Called before long work, so that a place that cannot be taken is said first.
///
/// # Errors
/// [`ModelError::Occupied`] where something else is there.
pub fn check_place(folder: &Path) -> Result<bool, ModelError> {
    let replaces = fs::symlink_metadata(folder).is_ok();
    let is_empty = || fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    if replaces && !folder.join(MANIFEST).is_file() && !is_empty() {
        return Err(ModelError::Occupied { path: folder.to_owned() });
    }
    Ok(replaces)
}

fn manifest(
    architecture: &Architecture,
    precision: Precision,
    metadata: &ModelMetadata,
    files: &[(PartRole, &str, Vec<u8>)],
) -> Manifest {
    let part = |(role, file, bytes): &(PartRole, &str, Vec<u8>)| Part {
        role: *role,
        file: (*file).to_owned(),
        sha256: sha256(bytes),
    };
    Manifest {
        format: FORMAT_VERSION,
        architecture: architecture.name().to_owned(),
        precision,
        feature_columns: metadata.feature_columns.clone(),
        embedding_size: architecture.embedding_size(),
        bandwidth: metadata.bandwidth,
        mean_instance_size: metadata.mean_instance_size.clone(),
        block: BlockGeometry {
            size: metadata.block_size,
            stride: metadata.block_stride,
            points: architecture.points(),
        },
        fusion: Fusion::of(architecture),
        levels: architecture.levels().iter().map(LevelEntry::of).collect(),
        classes: metadata.classes.clone(),
        parts: files.iter().map(part).collect(),
        provenance: metadata.provenance.clone(),
        scores: metadata.scores.clone(),
    }
}

/// Does the manifest describe this architecture, and nothing else?
fn fits(
    architecture: &Architecture,
    metadata: &ModelMetadata,
    manifest: &Manifest,
    path: &Path,
) -> Result<(), ModelError> {
    let counts = [
        ("classes", architecture.classes(), metadata.classes.len()),
        ("feature_columns", architecture.feature_columns(), metadata.feature_columns.len()),
    ];
    for (field, expected, actual) in counts {
        if expected != actual {
            let (field, expected, actual) = (field.to_owned(), format!("{expected} entries"), actual.to_string());
            let source = ManifestError::Field { field, expected, actual };
            return Err(ModelError::Manifest { path: path.to_owned(), source });
        }
    }
    if manifest.network()? != *architecture {
        return Err(ModelError::Undescribed { name: architecture.name().to_owned() });
    }
    Ok(())
}
