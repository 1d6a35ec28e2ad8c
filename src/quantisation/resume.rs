//! What a run that was cut off leaves for the next one.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::QuantisationError;
use crate::whole_file::WholeFile;

/// A folder beside the output that holds finished steps: blocks and ranges. Each file's name carries a
/// digest of all that it depends on, so that nothing stale is ever taken up.
#[derive(Clone, Debug)]
pub struct Workshop {
    folder: PathBuf,
    key: String,
}

impl Workshop {
    /// `<out>.partial`, for work that depends on `parts` (model, sources, options, as text or bytes).
    pub fn new(out: &Path, parts: &[&[u8]]) -> Self {
        let mut digest = Sha256::new();
        for part in parts {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        let key = digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let mut name = out.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        Self { folder: out.with_file_name(name), key }
    }

    fn path(&self, step: &str) -> PathBuf {
        self.folder.join(format!("{step}-{}", self.key))
    }

    /// A step that was finished before; `None` where it was not, or cannot be read.
    pub fn load<T: DeserializeOwned>(&self, step: &str) -> Option<T> {
        serde_json::from_slice(&fs::read(self.path(step)).ok()?).ok()
    }

    /// Numbers that were saved before.
    pub fn load_numbers(&self, step: &str) -> Option<Vec<f32>> {
        let bytes = fs::read(self.path(step)).ok()?;
        let (words, rest) = bytes.as_chunks::<4>();
        rest.is_empty().then(|| words.iter().map(|&word| f32::from_le_bytes(word)).collect())
    }

    /// Keeps a finished step.
    ///
    /// # Errors
    /// [`QuantisationError::File`] where the folder cannot be written.
    pub fn save<T: Serialize>(&self, step: &str, value: &T) -> Result<(), QuantisationError> {
        self.write(step, &serde_json::to_vec(value).unwrap_or_default())
    }

    /// As [`Workshop::save`], for many numbers.
    ///
    /// # Errors
    /// As [`Workshop::save`].
    pub fn save_numbers(&self, step: &str, values: &[f32]) -> Result<(), QuantisationError> {
        self.write(step, &values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
    }

    fn write(&self, step: &str, bytes: &[u8]) -> Result<(), QuantisationError> {
        let path = self.path(step);
        let written = fs::create_dir_all(&self.folder).and_then(|()| WholeFile::write_all_of(&path, bytes));
        written.map_err(|source| QuantisationError::File { path, source })
    }

    /// Removes what was kept: the work is done.
    pub fn clear(&self) {
        // What cannot be removed is only in the way of nobody.
        fs::remove_dir_all(&self.folder).ok();
    }
}
