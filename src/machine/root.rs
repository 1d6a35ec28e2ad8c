//! Small text files under a root, read with distrust.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// No file of `/proc` or `/sys` that is asked for is longer; what is, is cut.
const MOST_BYTES: u64 = 1 << 20;
/// No folder that is asked for holds more.
const MOST_ENTRIES: usize = 4096;

/// Where `/proc`, `/sys` and `/etc` are.
pub(super) struct Root<'r> {
    path: &'r Path,
}

impl<'r> Root<'r> {
    pub fn new(path: &'r Path) -> Self {
        Self { path }
    }

    /// Content of a plain file; bytes that are no UTF-8 become `\u{fffd}`.
    pub fn text(&self, file: impl AsRef<Path>) -> Option<String> {
        let path = self.path.join(file);
        // A pipe would keep us waiting.
        if !std::fs::metadata(&path).ok()?.is_file() {
            return None;
        }
        let mut bytes = Vec::new();
        File::open(path).ok()?.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The first line as words that can be shown; `None` if that leaves nothing. Strings of a device tree end in NUL.
    pub fn line(&self, file: impl AsRef<Path>) -> Option<String> {
        self.text(file)?.lines().next().and_then(shown)
    }

    /// The number that is all of the file.
    pub fn number(&self, file: impl AsRef<Path>) -> Option<i64> {
        self.line(file)?.parse().ok()
    }

    /// A value of a table such as `MemTotal:  24000 kB`.
    pub fn kibibytes(&self, file: &str, key: &str) -> Option<u64> {
        let text = self.text(file)?;
        let line = text.lines().find(|line| line.starts_with(key))?;
        line[key.len()..].split_whitespace().next()?.parse().ok()
    }

    /// Names in a folder that begin with `prefix`, those with numbers in the order of the numbers.
    pub fn entries(&self, folder: &str, prefix: &str) -> Vec<PathBuf> {
        let Ok(found) = std::fs::read_dir(self.path.join(folder)) else { return Vec::new() };
        let names = found.take(MOST_ENTRIES).filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| name.starts_with(prefix)).collect();
        names.sort_by_cached_key(|name| (name[prefix.len()..].parse::<u64>().unwrap_or(u64::MAX), name.clone()));
        names.into_iter().map(|name| Path::new(folder).join(name)).collect()
    }
}

/// Text without control characters and without space around it; `None` if nothing is left.
pub(super) fn shown(text: &str) -> Option<String> {
    let text: String = text.chars().filter(|letter| !letter.is_control() && *letter != '\u{fffd}').take(200).collect();
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}
