//! Check-points of the published code: a TensorFlow check-point, or an .npz archive with the same
//! variable names, becomes the weights of an architecture.
//!
//! A check-point holds more than a network: optimiser slots, counters, loss bookkeeping. What is left
//! aside goes by rule ([`ignored`]), is listed in the [`Import`], and everything else must be a variable
//! of the architecture. TensorFlow before 1.4 called the batch moments otherwise; those names are
//! understood as well.

mod bundle;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use npyz::npz::NpzArchive;

pub use bundle::CheckpointError;
pub use table::TableError;

use super::architecture::Architecture;
use super::convolution::Variable;
use super::weights::{Weights, WeightsError};
use super::weights_file::{ReadError, read_array};
use bundle::Bundle;

/// What came out of a check-point.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// The weights of the architecture.
    pub weights: Weights,
    /// Stored variables that are no part of a network, and why each was left aside.
    pub ignored: Vec<(String, &'static str)>,
    /// Stored under an older name: (stored, understood as).
    pub renamed: Vec<(String, String)>,
}

/// Why a check-point does not give the weights of an architecture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The check-point itself cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Its variables are not those of the architecture.
    #[error("{}: {source}", path.display())]
    Variable {
        /// The index or archive.
        path: PathBuf,
        /// Which variable, and what is wrong with it.
        source: WeightsError,
    },
}

/// Why a stored variable is no part of any network; `None` where it may be one.
///
/// Names are TensorFlow's: `…/Adam` and `…/Adam_1` are the optimiser's moments, `beta1_power` their
/// schedule, `…/ExponentialMovingAverage/biased` a moving average's bookkeeping, and a counter that nobody
/// named is `Variable`.
pub fn ignored(name: &str) -> Option<&'static str> {
    let last = name.rsplit('/').next().unwrap_or(name);
    let (stem, number) = last.rsplit_once('_').unwrap_or((last, "0"));
    let stem = if number.bytes().all(|digit| digit.is_ascii_digit()) { stem } else { last };
    match (stem, last) {
        ("Adam" | "Momentum" | "RMSProp" | "Adagrad" | "Ftrl", _) => Some("optimiser slot"),
        (_, "beta1_power" | "beta2_power") => Some("optimiser state"),
        (_, "biased" | "local_step") => Some("bookkeeping of a moving average"),
        ("Variable" | "global_step", _) | (_, "global_step" | "batch") => Some("step counter"),
        _ if name.starts_with("save_counter") || name.starts_with("_CHECKPOINTABLE") => Some("bookkeeping of a saver"),
        _ => None,
    }
}

/// The name that a variable has in the published code, whatever TensorFlow it was written by.
fn understood(stored: &str) -> String {
    let name = stored.strip_suffix(":0").unwrap_or(stored);
    for (older, newer) in [
        ("/moments/moments_1/mean/", "/moments/Squeeze/"),
        ("/moments/moments_1/variance/", "/moments/Squeeze_1/"),
        ("/moments/normalize/mean/", "/moments/Squeeze/"),
        ("/moments/normalize/variance/", "/moments/Squeeze_1/"),
    ] {
        if name.contains(older) {
            return name.replace(older, newer);
        }
    }
    name.to_owned()
}

/// A stored variable that an architecture has.
struct Wanted {
    stored: String,
    variable: Variable,
}

/// What there is to read, and what is not.
struct Sorted {
    wanted: Vec<Wanted>,
    ignored: Vec<(String, &'static str)>,
    renamed: Vec<(String, String)>,
}

fn sort<'a>(names: impl Iterator<Item = &'a str>, architecture: &Architecture) -> Result<Sorted, WeightsError> {
    let known: BTreeMap<String, Variable> =
        architecture.variables().into_iter().map(|variable| (variable.name.clone(), variable)).collect();
    let mut sorted = Sorted { wanted: Vec::new(), ignored: Vec::new(), renamed: Vec::new() };
    for stored in names {
        let name = understood(stored);
        if let Some(variable) = known.get(&name) {
            if Some(name.as_str()) != stored.strip_suffix(":0") && name != stored {
                sorted.renamed.push((stored.to_owned(), name));
            }
            sorted.wanted.push(Wanted { stored: stored.to_owned(), variable: variable.clone() });
        } else if let Some(reason) = ignored(&name) {
            sorted.ignored.push((stored.to_owned(), reason));
        } else {
            return Err(WeightsError::Unexpected { name, architecture: architecture.name().to_owned() });
        }
    }
    Ok(sorted)
}

/// Reads the weights of an architecture from a TensorFlow check-point (`path` = its prefix, or one of its
/// files, or a folder with a `checkpoint` file) or from an .npz archive.
///
/// # Errors
/// [`ImportError`] naming the file, and the first variable that is missing, misshapen, damaged, of
/// another type, not finite, twice there, or unknown to the architecture.
pub fn import(path: &Path, architecture: &Architecture) -> Result<Import, ImportError> {
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npz")) {
        return import_npz(path, architecture);
    }
    let bundle = Bundle::open(&latest(path)?)?;
    let refuse = |source| ImportError::Variable { path: bundle.index.clone(), source };
    let sorted = sort(bundle.variables().map(|(name, _)| name), architecture).map_err(refuse)?;
    let stored: BTreeMap<&str, _> = bundle.variables().collect();
    let mut variables = Vec::with_capacity(sorted.wanted.len());
    for Wanted { stored: name, variable } in &sorted.wanted {
        let entry = stored[name.as_str()];
        if entry.shape != variable.shape {
            let (expected, actual) = (variable.shape.clone(), entry.shape.clone());
            return Err(refuse(WeightsError::Shape { name: variable.name.clone(), expected, actual }));
        }
        let Some(values) = bundle.read(name, entry)? else {
            return Err(refuse(WeightsError::Type { name: variable.name.clone(), actual: entry.element() }));
        };
        variables.push((variable.name.clone(), entry.shape.clone(), values));
    }
    let weights = Weights::new(architecture, variables).map_err(refuse)?;
    Ok(Import { weights, ignored: sorted.ignored, renamed: sorted.renamed })
}

/// A folder stands for the check-point that its `checkpoint` file names last.
fn latest(path: &Path) -> Result<PathBuf, CheckpointError> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let list = path.join("checkpoint");
    let text = std::fs::read_to_string(&list).map_err(|_| CheckpointError::NotFound { path: path.to_owned() })?;
    let named = text.lines().find_map(|line| line.strip_prefix("model_checkpoint_path:"));
    let named = named.map(|name| name.trim().trim_matches('"')).filter(|name| !name.is_empty());
    let named = named.ok_or_else(|| CheckpointError::NotFound { path: list.clone() })?;
    // The folder may have moved since: what counts is the name, not where it once was.
    Ok(path.join(Path::new(named).file_name().unwrap_or_default()))
}

fn import_npz(path: &Path, architecture: &Architecture) -> Result<Import, ImportError> {
    let refuse = |source| ImportError::Variable { path: path.to_owned(), source };
    let unreadable = |reason: String| refuse(WeightsError::Unreadable { path: path.display().to_string(), reason });
    let mut archive = NpzArchive::open(path).map_err(|error| unreadable(error.to_string()))?;
    let mut names: Vec<String> = archive.array_names().map(str::to_owned).collect();
    names.sort_unstable();
    let sorted = sort(names.iter().map(String::as_str), architecture).map_err(refuse)?;
    let mut variables = Vec::with_capacity(sorted.wanted.len());
    for Wanted { stored, variable } in &sorted.wanted {
        let read = read_array(&mut archive, stored, &variable.name, &variable.shape);
        let (shape, values) = read.map_err(|error| match error {
            ReadError::Variable(error) => refuse(error),
            ReadError::Archive(reason) => unreadable(format!("{stored}: {reason}")),
        })?;
        variables.push((variable.name.clone(), shape, values));
    }
    let weights = Weights::new(architecture, variables).map_err(refuse)?;
    Ok(Import { weights, ignored: sorted.ignored, renamed: sorted.renamed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_network_is_left_aside_by_rule() {
        for name in [
            "layer1/conv0/weights/Adam",
            "layer1/conv0/weights/Adam_1",
            "fc/weights/Momentum",
            "beta1_power",
            "beta2_power",
            "Variable",
            "Variable_1",
            "global_step",
            "a/bn/a/bn/moments/Squeeze/ExponentialMovingAverage/biased",
            "a/bn/a/bn/moments/Squeeze/ExponentialMovingAverage/local_step",
        ] {
            assert!(ignored(name).is_some(), "{name}");
        }
        for name in
            ["layer1/conv0/weights", "sem_fc1/bn/beta", "Adamant/weights", "Variable/weights", "sem_cache_1/biases"]
        {
            assert!(ignored(name).is_none(), "{name}");
        }
    }

    #[test]
    fn older_names_of_the_moments_are_understood() {
        let newer = "a/bn/a/bn/moments/Squeeze_1/ExponentialMovingAverage";
        assert_eq!(understood("a/bn/a/bn/moments/moments_1/variance/ExponentialMovingAverage"), newer);
        assert_eq!(understood("a/bn/a/bn/moments/normalize/variance/ExponentialMovingAverage:0"), newer);
        assert_eq!(understood(newer), newer);
    }
}
