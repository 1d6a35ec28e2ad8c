//! Weights as a NumPy archive: one array per variable, f16, f32 or f64.

use std::io::{Read, Seek};
use std::path::Path;

use npyz::npz::NpzArchive;

use super::architecture::Architecture;
use super::weights::{Weights, WeightsError};

/// No header of a weights array is longer than this.
const LONGEST_HEADER: u64 = 1 << 16;

impl Weights {
    /// Reads an `.npz` archive whose arrays carry the variables' names, with or without
    /// TensorFlow's `:0`.
    ///
    /// # Errors
    /// [`WeightsError`]: an unreadable archive, or the first variable that is missing, misshapen,
    /// of another type, not finite, twice there, or not part of the architecture.
    pub fn read_npz(path: &Path, architecture: &Architecture) -> Result<Self, WeightsError> {
        let unreadable = |error: std::io::Error| WeightsError::Unreadable {
            path: path.display().to_string(),
            reason: error.to_string(),
        };
        let mut archive = NpzArchive::open(path).map_err(unreadable)?;
        Self::from_archive(&mut archive, &path.display().to_string(), architecture)
    }

    fn from_archive<R: Read + Seek>(
        archive: &mut NpzArchive<R>,
        path: &str,
        architecture: &Architecture,
    ) -> Result<Self, WeightsError> {
        let expected = architecture.variables();
        let mut names: Vec<String> = archive.array_names().map(str::to_owned).collect();
        names.sort_unstable();
        let mut variables = Vec::with_capacity(names.len().min(expected.len()));
        for stored in names {
            let name = stored.strip_suffix(":0").unwrap_or(&stored).to_owned();
            let Some(variable) = expected.iter().find(|variable| variable.name == name) else {
                return Err(WeightsError::Unexpected { name, architecture: architecture.name().to_owned() });
            };
            let (shape, data) = read_array(archive, &stored, &name, &variable.shape).map_err(|error| match error {
                ReadError::Variable(error) => error,
                ReadError::Archive(reason) => {
                    WeightsError::Unreadable { path: path.to_owned(), reason: format!("{stored}: {reason}") }
                }
            })?;
            variables.push((name, shape, data));
        }
        Self::new(architecture, variables)
    }
}

pub(super) enum ReadError {
    Variable(WeightsError),
    Archive(String),
}

impl<E: std::error::Error> From<E> for ReadError {
    fn from(error: E) -> Self {
        Self::Archive(error.to_string())
    }
}

/// Reads at most what an array of the expected shape can take, whatever the archive claims.
pub(super) fn read_array<R: Read + Seek>(
    archive: &mut NpzArchive<R>,
    stored: &str,
    name: &str,
    expected: &[usize],
) -> Result<(Vec<usize>, Vec<f32>), ReadError> {
    let count: usize = expected.iter().product();
    let limit = LONGEST_HEADER + 8 * count as u64;
    let mut bytes = Vec::new();
    let file_name = npyz::npz::file_name_from_array_name(stored);
    archive.zip_archive().by_name(&file_name)?.take(limit + 1).read_to_end(&mut bytes)?;
    // The format's version 2 has a 32-bit header length, which the reader would allocate unseen.
    let header = match bytes.get(6..12) {
        Some([1, _, low, high, ..]) => u64::from(u16::from_le_bytes([*low, *high])),
        Some([_, _, length @ ..]) => length.iter().rev().fold(0, |length, &byte| length << 8 | u64::from(byte)),
        _ => return Err(ReadError::Archive("shorter than a NumPy header".to_owned())),
    };
    if header > LONGEST_HEADER.min(bytes.len() as u64) {
        return Err(ReadError::Archive(format!("header of {header} bytes in an array of {}", bytes.len())));
    }
    let array = npyz::NpyFile::new(bytes.as_slice())?;
    let shape: Vec<usize> = array.shape().iter().map(|&size| usize::try_from(size).unwrap_or(usize::MAX)).collect();
    if shape != expected {
        let (name, expected) = (name.to_owned(), expected.to_vec());
        return Err(ReadError::Variable(WeightsError::Shape { name, expected, actual: shape }));
    }
    let description = array.dtype().descr();
    let in_order = array.order() == npyz::Order::C || shape.iter().filter(|&&size| size > 1).count() < 2;
    let data = match description.trim_matches('\'') {
        "<f4" if in_order => array.into_vec::<f32>()?,
        "<f2" if in_order => array.into_vec::<half::f16>()?.into_iter().map(f32::from).collect(),
        "<f8" if in_order => array.into_vec::<f64>()?.into_iter().map(|value| value as f32).collect(),
        _ => {
            let order = if in_order { "" } else { " in Fortran order" };
            let (name, actual) = (name.to_owned(), format!("{description}{order}"));
            return Err(ReadError::Variable(WeightsError::Type { name, actual }));
        }
    };
    Ok((shape, data))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::weights::tests::one_dense_layer;
    use npyz::WriterBuilder;
    use std::io::Cursor;

    fn archive<T: npyz::AutoSerialize>(weights: &Weights, suffix: &str, cast: impl Fn(f32) -> T) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let mut archive = npyz::npz::NpzWriter::new(&mut bytes);
        for variable in one_dense_layer().variables() {
            let shape: Vec<u64> = variable.shape.iter().map(|&size| size as u64).collect();
            let name = format!("{}{suffix}", variable.name);
            let array = archive.array::<T>(&name, Default::default()).unwrap();
            let mut array = array.default_dtype().shape(&shape).begin_nd().unwrap();
            array.extend(weights.variable(&variable.name).unwrap().iter().map(|&value| cast(value))).unwrap();
            array.finish().unwrap();
        }
        drop(archive);
        bytes.into_inner()
    }

    fn read(bytes: Vec<u8>) -> Result<Weights, WeightsError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.npz");
        std::fs::write(&path, bytes).unwrap();
        Weights::read_npz(&path, &one_dense_layer())
    }

    #[test]
    fn half_and_single_precision_with_and_without_suffix() {
        let weights = Weights::untrained(&one_dense_layer(), 1);
        assert_eq!(read(archive(&weights, "", |value| value)).unwrap(), weights);
        assert_eq!(read(archive(&weights, ":0", |value| value)).unwrap(), weights);
        assert_eq!(read(archive(&weights, ":0", f64::from)).unwrap(), weights);
        let half = read(archive(&weights, ":0", half::f16::from_f32)).unwrap();
        let (one, other) = (weights.variable("only/weights").unwrap(), half.variable("only/weights").unwrap());
        assert_ne!(one, other);
        assert!(one.iter().zip(other).all(|(one, other)| half::f16::from_f32(*one).to_f32() == *other));
    }

    #[test]
    fn other_types_and_names_are_refused() {
        let weights = Weights::untrained(&one_dense_layer(), 1);
        assert!(matches!(read(archive(&weights, "", |_| 1i32)), Err(WeightsError::Type { .. })));
        assert!(matches!(read(archive(&weights, ":1", |value| value)), Err(WeightsError::Unexpected { .. })));
        assert!(matches!(read(archive(&weights, "", |_| half::f16::INFINITY)), Err(WeightsError::NotFinite { .. })));
    }

    #[test]
    fn damaged_archives_never_panic() {
        let weights = Weights::untrained(&one_dense_layer(), 1);
        let good = archive(&weights, "", |value| value);
        assert!(matches!(read(Vec::new()), Err(WeightsError::Unreadable { .. })));
        for length in (0..good.len()).step_by(97) {
            assert!(read(good[..length].to_vec()).is_err());
        }
        for position in (0..good.len()).step_by(11) {
            let mut bad = good.clone();
            bad[position] ^= 0xff;
            // A flipped byte in a timestamp is harmless; anything else is an error, never a panic.
            drop(read(bad));
        }
    }
}
