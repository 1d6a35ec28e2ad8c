//! Model folders: manifest and parts.

use std::fmt;
use std::io::Read;
use std::path::{Component, Path};

use sha2::{Digest, Sha256};

use super::network::NetworkReport;
use super::{Content, InspectError, bytes_in_words};
use crate::network::{Manifest, Model};

/// What is in a model folder.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ModelReport {
    /// Architecture that the manifest names.
    pub architecture: String,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Parts that the manifest names.
    pub parts: Vec<PartReport>,
    /// The network, where the manifest describes one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkReport>,
}

/// A part of a model.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct PartReport {
    /// File name.
    pub file: String,
    /// SHA-256 of its content; `None` where the file is missing.
    pub sha256: Option<String>,
    /// Bytes; `None` where the file is missing.
    pub bytes: Option<u64>,
    /// Whether its content is what the manifest states.
    pub is_intact: bool,
}

/// Reads the manifest and checks every part.
pub fn inspect(folder: &Path) -> Result<(Content, Vec<String>), InspectError> {
    let path = folder.join("model.toml");
    let text = std::fs::read_to_string(&path).map_err(|source| InspectError::Io { path: path.clone(), source })?;
    let manifest: toml::Table =
        text.parse().map_err(|error: toml::de::Error| InspectError::Manifest { path, reason: error.to_string() })?;
    let mut findings = Vec::new();
    let architecture = manifest.get("architecture").and_then(toml::Value::as_str);
    if architecture.is_none() {
        findings.push("model.toml: expected the key architecture".to_owned());
    }
    let list = |key: &str| manifest.get(key).and_then(toml::Value::as_array).into_iter().flatten();
    let class_name = |class: &toml::Value| {
        let name = class.get("name").unwrap_or(class).as_str();
        name.map(str::to_owned)
    };
    let classes: Vec<String> = list("classes").filter_map(class_name).collect();
    if classes.is_empty() {
        findings.push("model.toml: expected a list of classes".to_owned());
    }
    let mut parts = Vec::new();
    for part in list("parts") {
        let text = |key: &str| part.get(key).and_then(toml::Value::as_str);
        let Some(file) = text("file") else {
            findings.push("model.toml: a part has no key file".to_owned());
            continue;
        };
        parts.push(check_part(folder, file, text("sha256"), &mut findings));
    }
    if parts.is_empty() {
        findings.push("model.toml names no part".to_owned());
    }
    let architecture = architecture.unwrap_or("unknown").to_owned();
    let described = Manifest::parse(&text).ok().and_then(|manifest| Some((manifest.network().ok()?, manifest)));
    let network = described.map(|(architecture, manifest)| NetworkReport::new(&manifest, &architecture));
    if findings.is_empty() {
        // All that an engine will ask for: sizes, types and values of every part.
        findings.extend(Model::open(folder).err().map(|error| error.to_string()));
    }
    Ok((Content::Model(ModelReport { architecture, classes, parts, network }), findings))
}

fn check_part(folder: &Path, file: &str, stated: Option<&str>, findings: &mut Vec<String>) -> PartReport {
    let mut report = PartReport { file: file.to_owned(), sha256: None, bytes: None, is_intact: false };
    if !Path::new(file).components().all(|part| matches!(part, Component::Normal(_))) {
        findings.push(format!("part {file}: expected a name within the folder"));
        return report;
    }
    match hash(&folder.join(file)) {
        Err(error) => findings.push(format!("part {file} cannot be read: {error}")),
        Ok((bytes, found)) => {
            report.bytes = Some(bytes);
            report.is_intact = stated == Some(found.as_str());
            if !report.is_intact {
                findings.push(format!(
                    "part {file}: expected the SHA-256 {}, found {found}",
                    stated.unwrap_or("to be stated")
                ));
            }
            report.sha256 = Some(found);
        }
    }
    report
}

/// Size and SHA-256 of a file.
fn hash(path: &Path) -> std::io::Result<(u64, String)> {
    let mut file = std::fs::File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut size = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            count => {
                hasher.update(&buffer[..count]);
                size += count as u64;
            }
        }
    }
    Ok((size, hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()))
}

impl fmt::Display for ModelReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a model: {}, {} classes", self.architecture, self.classes.len())?;
        if !self.classes.is_empty() {
            write!(f, " ({})", self.classes.join(", "))?;
        }
        for part in &self.parts {
            let size = part.bytes.map_or("missing".to_owned(), bytes_in_words);
            write!(f, "\n  {}  {size}{}", part.file, if part.is_intact { ", intact" } else { "" })?;
            if let Some(sha256) = &part.sha256 {
                write!(f, ", sha256 {sha256}")?;
            }
        }
        self.network.as_ref().map_or(Ok(()), |network| network.fmt(f))
    }
}
