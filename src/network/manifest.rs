//! `model.toml`: what a model is, in words and numbers.
//!
//! Reading is strict: an unknown key, a value out of range or a newer format is an error that names the
//! field. The one thing not checked here is whether the parts fit; that is [`super::Model::open`].

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::asis::{self, Asis};
use super::{Architecture, ArchitectureError, Operation};
use crate::geometry::LevelSpecification;

/// The format that this version writes, and the newest that it reads.
pub const FORMAT_VERSION: u32 = 1;

/// In which numbers the products of a network are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Single precision.
    #[default]
    Fp32,
    /// Half precision.
    Fp16,
    /// 8-bit integers where [`crate::quantisation`] put them, single precision elsewhere.
    Int8,
}

impl Precision {
    /// Whether it need not be written.
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fp32 => "fp32",
            Self::Fp16 => "fp16",
            Self::Int8 => "int8",
        })
    }
}

/// A column of a block's features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeatureColumn {
    /// x minus the block's smallest x and half a block size, metres.
    BlockX,
    /// y likewise.
    BlockY,
    /// z above the room's (or map window's) lowest point, metres.
    Height,
    /// Red, 0..=1.
    Red,
    /// Green, 0..=1.
    Green,
    /// Blue, 0..=1.
    Blue,
    /// x over the extent of the room (or map window), 0..=1.
    RoomX,
    /// y likewise.
    RoomY,
    /// z likewise.
    RoomZ,
}

impl FeatureColumn {
    /// The nine columns of the reference, in its order.
    pub const REFERENCE: [Self; 9] = [
        Self::BlockX,
        Self::BlockY,
        Self::Height,
        Self::Red,
        Self::Green,
        Self::Blue,
        Self::RoomX,
        Self::RoomY,
        Self::RoomZ,
    ];
}

/// A semantic class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// Its colour in pictures and clouds: red, green, blue.
    pub colour: [u8; 3],
}

impl Class {
    /// The thirteen classes of S3DIS in the order of the reference, in its colours.
    pub fn s3dis() -> Vec<Self> {
        let classes: [(&str, [u8; 3]); 13] = [
            ("ceiling", [0, 255, 0]),
            ("floor", [0, 0, 255]),
            ("wall", [0, 255, 255]),
            ("beam", [255, 255, 0]),
            ("column", [255, 0, 255]),
            ("window", [100, 100, 255]),
            ("door", [200, 200, 100]),
            ("table", [170, 120, 200]),
            ("chair", [255, 0, 0]),
            ("sofa", [200, 100, 100]),
            ("bookcase", [10, 200, 100]),
            ("board", [200, 200, 200]),
            ("clutter", [50, 50, 50]),
        ];
        classes.into_iter().map(|(name, colour)| Self { name: name.to_owned(), colour }).collect()
    }
}

/// How blocks are cut.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockGeometry {
    /// Side of a block in metres (its height is unlimited).
    pub size: f64,
    /// Distance between neighbouring blocks in metres.
    pub stride: f64,
    /// Points per block.
    pub points: usize,
}

/// The instance fusion of the network, where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fusion {
    /// At most this many neighbours, the point itself included.
    pub neighbours: usize,
    /// Largest L1 distance of a neighbour, inclusive.
    pub radius: f32,
}

/// Which part of a network a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartRole {
    /// Everything up to the instance fusion, or the whole network where it has none.
    Body,
    /// Everything after the instance fusion.
    Head,
}

impl fmt::Display for PartRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Body => "body",
            Self::Head => "head",
        })
    }
}

/// A file of the model folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// What it holds.
    pub role: PartRole,
    /// Its name in the folder: a plain file name.
    pub file: String,
    /// SHA-256 of its content, 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// The content of `model.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format: [`FORMAT_VERSION`] or older.
    pub format: u32,
    /// Name of the architecture, for example `asis-pointnet2`.
    pub architecture: String,
    /// In which numbers its products are computed; single precision where nothing is said.
    #[serde(default, skip_serializing_if = "Precision::is_default")]
    pub precision: Precision,
    /// Columns of a block's features, in order; the first three are the coordinates.
    pub feature_columns: Vec<FeatureColumn>,
    /// Values per instance embedding.
    pub embedding_size: usize,
    /// Bandwidth of the mean-shift over embeddings.
    pub bandwidth: f64,
    /// Mean number of points of an instance, by class, in the blocks that the model was trained on
    /// (overlapping windows, repeats included): the reference protocol drops instances that are small
    /// against it (`design/networks.md` §6). Absent where nobody measured it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_instance_size: Option<Vec<f64>>,
    /// How blocks are cut.
    pub block: BlockGeometry,
    /// The instance fusion, where the architecture has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fusion: Option<Fusion>,
    /// Levels of the encoder, finest first, without the block itself.
    pub levels: Vec<LevelEntry>,
    /// Semantic classes; a label is an index into this list.
    pub classes: Vec<Class>,
    /// Files of the folder.
    pub parts: Vec<Part>,
    /// Where the model comes from: data, command, commit, licence… Free text for people.
    #[serde(default)]
    pub provenance: toml::Table,
    /// Scores on data that the model was not trained on, by name.
    #[serde(default)]
    pub scores: BTreeMap<String, f64>,
}

/// A level of the encoder as `model.toml` writes it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelEntry {
    /// Points that farthest-point sampling keeps.
    pub points: usize,
    /// Ball radius in metres.
    pub radius: f32,
    /// Neighbour slots per point.
    pub slots: usize,
}

/// Why a `model.toml` is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Not TOML, or a key that is unknown, missing or of the wrong type.
    #[error("{reason}")]
    Syntax {
        /// What the parser said, with line and key.
        reason: String,
    },
    /// Written by a newer version.
    #[error("format: this version reads up to {FORMAT_VERSION}, the model has {actual}")]
    Newer {
        /// The model's format.
        actual: i64,
    },
    /// A value that makes no sense.
    #[error("{field}: expected {expected}, found {actual}")]
    Field {
        /// The key, dotted, with a position in lists.
        field: String,
        /// What it should be.
        expected: String,
        /// What it is.
        actual: String,
    },
    /// The sizes do not make a network.
    #[error("architecture: {0}")]
    Architecture(#[from] ArchitectureError),
}

impl Manifest {
    /// Reads and checks the text of a `model.toml`.
    ///
    /// # Errors
    /// [`ManifestError`] naming the first field that is wrong.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let syntax = |error: toml::de::Error| ManifestError::Syntax { reason: error.to_string() };
        // The format comes first: of a newer model, unknown keys are to be expected.
        let table: toml::Table = toml::from_str(text).map_err(syntax)?;
        match table.get("format") {
            Some(toml::Value::Integer(format)) if *format > i64::from(FORMAT_VERSION) => {
                return Err(ManifestError::Newer { actual: *format });
            }
            _ => {}
        }
        let manifest: Self = toml::from_str(text).map_err(syntax)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The text of a `model.toml`.
    ///
    /// # Errors
    /// [`ManifestError`] as [`Manifest::parse`]: what is written can be read.
    pub fn to_text(&self) -> Result<String, ManifestError> {
        self.check()?;
        toml::to_string(self).map_err(|error| ManifestError::Syntax { reason: error.to_string() })
    }

    /// The network that the manifest describes.
    ///
    /// # Errors
    /// [`ArchitectureError`] for an unknown name or sizes that make no network.
    pub fn network(&self) -> Result<Architecture, ArchitectureError> {
        if self.architecture != asis::NAME {
            let (name, known) = (self.architecture.clone(), asis::NAME.to_owned());
            return Err(ArchitectureError::Unknown { name, known });
        }
        let fusion = self.fusion.unwrap_or(Fusion { neighbours: 0, radius: 0.0 });
        let level =
            |entry: &LevelEntry| LevelSpecification { points: entry.points, radius: entry.radius, slots: entry.slots };
        Asis {
            points: self.block.points,
            feature_columns: self.feature_columns.len(),
            classes: self.classes.len(),
            embedding_size: self.embedding_size,
            levels: self.levels.iter().map(level).collect(),
            fusion_neighbours: fusion.neighbours,
            fusion_radius: fusion.radius,
        }
        .architecture()
    }

    fn check(&self) -> Result<(), ManifestError> {
        let refuse = |field: &str, expected: &str, actual: String| {
            Err(ManifestError::Field { field: field.to_owned(), expected: expected.to_owned(), actual })
        };
        if !(1..=FORMAT_VERSION).contains(&self.format) {
            return refuse("format", &format!("1 to {FORMAT_VERSION}"), self.format.to_string());
        }
        for (field, value) in
            [("bandwidth", self.bandwidth), ("block.size", self.block.size), ("block.stride", self.block.stride)]
        {
            if !(value.is_finite() && value > 0.0) {
                return refuse(field, "a positive finite number", value.to_string());
            }
        }
        if self.block.stride > self.block.size {
            return refuse("block.stride", "at most block.size", self.block.stride.to_string());
        }
        if self.feature_columns.get(..3) != Some(&FeatureColumn::REFERENCE[..3]) {
            let actual = format!("{:?}", self.feature_columns);
            return refuse("feature_columns", "block-x, block-y, height first", actual);
        }
        for (index, column) in self.feature_columns.iter().enumerate() {
            if self.feature_columns[..index].contains(column) {
                return refuse(&format!("feature_columns[{index}]"), "each column once", format!("{column:?} again"));
            }
        }
        if self.fusion.is_none() {
            return refuse("fusion", "neighbours and radius", "nothing".to_owned());
        }
        for (index, class) in self.classes.iter().enumerate() {
            let again = self.classes[..index].iter().any(|earlier| earlier.name == class.name);
            if class.name.is_empty() || again {
                return refuse(&format!("classes[{index}].name"), "a name of its own", format!("{:?}", class.name));
            }
        }
        if let Some(sizes) = &self.mean_instance_size {
            if sizes.len() != self.classes.len() {
                let expected = format!("{} entries, one per class", self.classes.len());
                return refuse("mean_instance_size", &expected, sizes.len().to_string());
            }
            if let Some((class, size)) = sizes.iter().enumerate().find(|(_, size)| !(size.is_finite() && **size >= 0.0))
            {
                return refuse(&format!("mean_instance_size[{class}]"), "a finite number, 0 or more", size.to_string());
            }
        }
        if let Some((name, value)) = self.scores.iter().find(|(_, value)| !value.is_finite()) {
            return refuse(&format!("scores.{name}"), "a finite number", value.to_string());
        }
        self.check_parts()?;
        self.network()?;
        Ok(())
    }

    fn check_parts(&self) -> Result<(), ManifestError> {
        for (index, part) in self.parts.iter().enumerate() {
            let refuse = |field: &str, expected: &str, actual: &str| {
                let field = format!("parts[{index}].{field}");
                Err(ManifestError::Field { field, expected: expected.to_owned(), actual: format!("{actual:?}") })
            };
            let earlier = &self.parts[..index];
            if earlier.iter().any(|other| other.role == part.role) {
                return refuse("role", "each role once", &part.role.to_string());
            }
            let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            if part.file.is_empty() || part.file.starts_with('.') || !part.file.chars().all(plain) {
                return refuse(
                    "file",
                    "a plain file name inside the folder (letters, digits, '.', '_', '-')",
                    &part.file,
                );
            }
            if part.file == "model.toml" || earlier.iter().any(|other| other.file == part.file) {
                return refuse("file", "a file of its own", &part.file);
            }
            let hexadecimal = |c: char| matches!(c, '0'..='9' | 'a'..='f');
            if part.sha256.len() != 64 || !part.sha256.chars().all(hexadecimal) {
                return refuse("sha256", "64 lower-case hexadecimal digits", &part.sha256);
            }
        }
        // Every architecture of this format has a fusion, hence a body and a head.
        for role in [PartRole::Body, PartRole::Head] {
            if !self.parts.iter().any(|part| part.role == role) {
                let (field, expected) = ("parts".to_owned(), format!("a part with role {role}"));
                return Err(ManifestError::Field { field, expected, actual: "none".to_owned() });
            }
        }
        Ok(())
    }
}

impl Fusion {
    /// The instance fusion of an architecture, where it has one.
    pub fn of(architecture: &Architecture) -> Option<Self> {
        match architecture.layers()[architecture.fusion()?].operation {
            Operation::InstanceFusion { neighbours, radius } => Some(Self { neighbours, radius }),
            _ => None,
        }
    }
}
