//! rosbag2 folders: `metadata.yaml` and the files that it names, read as one recording.
//!
//! rosbag2 splits a long recording into files that follow each other in time. At most two of them
//! are open, and their messages are merged, so that a small overlap does no harm.

use std::collections::VecDeque;
use std::path::{Component, Path, PathBuf};

use super::damage::{Damage, DamageKind, DamageLog, Place};
use super::metadata::Metadata;
use super::topic::find_or_add;
use super::{BagError, RawMessage, Source, Topic, open_file};

/// Files that are read at the same time.
const OPEN_FILES: usize = 2;

/// A reader of a folder.
pub struct FolderSource {
    topics: Vec<Topic>,
    waiting: VecDeque<PathBuf>,
    open: Vec<Part>,
    /// Messages that `metadata.yaml` states.
    expected: Option<u64>,
    delivered: u64,
    /// Findings of the folder itself.
    log: DamageLog,
    /// All findings; those of `log` and of each part are appended as they come.
    damage: Vec<Damage>,
    taken_from_log: usize,
    last_time: u64,
    /// Open file that holds the message just advanced to.
    current: Option<usize>,
    is_finished: bool,
}

/// One file being read.
struct Part {
    source: Box<dyn Source>,
    /// Index into the topics of the folder, per topic of the file.
    topics: Vec<usize>,
    taken_damage: usize,
}

impl FolderSource {
    /// Opens the folder.
    pub fn open(folder: &Path) -> Result<Self, BagError> {
        let yaml = folder.join("metadata.yaml");
        let mut log = DamageLog::new(&yaml);
        let metadata = match Metadata::read(&yaml) {
            Ok(metadata) => metadata,
            Err(reason) => {
                let files = bag_files(folder)?;
                if files.is_empty() {
                    return Err(BagError::NotABagFolder { path: folder.to_owned() });
                }
                let is_missing = !yaml.exists();
                log.note(
                    Place::File,
                    if is_missing { DamageKind::MetadataMissing } else { DamageKind::Metadata { reason } },
                );
                Metadata { files, ..Metadata::default() }
            }
        };
        let names_topics = !metadata.topics.is_empty();
        let waiting: VecDeque<_> = metadata.files.iter().map(|name| locate(folder, name)).collect();
        let mut topics = Vec::new();
        for topic in &metadata.topics {
            find_or_add(&mut topics, topic);
        }
        let mut folder = Self {
            topics,
            waiting,
            open: Vec::new(),
            expected: metadata.message_count,
            delivered: 0,
            log,
            damage: Vec::new(),
            taken_from_log: 0,
            last_time: 0,
            current: None,
            is_finished: false,
        };
        if !names_topics {
            folder.collect_topics();
        }
        folder.fill();
        folder.collect_damage();
        Ok(folder)
    }

    /// Opens every file once for the topics that nobody names.
    fn collect_topics(&mut self) {
        for path in &self.waiting {
            // What cannot be opened is reported when its turn comes.
            let Ok(source) = open_file(path) else { continue };
            for topic in source.topics() {
                let index = find_or_add(&mut self.topics, &Topic { message_count: None, ..topic.clone() });
                let count = &mut self.topics[index].message_count;
                *count = count.unwrap_or(0).checked_add(topic.message_count.unwrap_or(0));
            }
        }
    }

    /// Opens files until enough are open.
    fn fill(&mut self) {
        while self.open.len() < OPEN_FILES {
            let Some(path) = self.waiting.pop_front() else { return };
            let source = match open_file(&path) {
                Ok(source) => source,
                Err(error) => {
                    self.log.note(Place::File, DamageKind::FileMissing { reason: in_words(&error) });
                    continue;
                }
            };
            let topics = source
                .topics()
                .iter()
                .map(|topic| find_or_add(&mut self.topics, &Topic { message_count: None, ..topic.clone() }));
            let topics = topics.collect();
            self.open.push(Part { source, topics, taken_damage: 0 });
        }
    }

    fn collect_damage(&mut self) {
        for part in &mut self.open {
            let list = part.source.damage();
            self.damage.extend_from_slice(&list[part.taken_damage..]);
            part.taken_damage = list.len();
        }
        self.damage.extend_from_slice(&self.log.list()[self.taken_from_log..]);
        self.taken_from_log = self.log.list().len();
    }

    /// Drops files that are read through; answers the time and file of the next message.
    fn next_part(&mut self) -> Result<Option<(u64, usize)>, BagError> {
        loop {
            let mut due: Option<(u64, usize)> = None;
            let mut finished = None;
            for (index, part) in self.open.iter_mut().enumerate() {
                match part.source.next_time()? {
                    Some(time) if due.is_none_or(|(earliest, _)| time < earliest) => due = Some((time, index)),
                    Some(_) => {}
                    None => finished = Some(index),
                }
            }
            self.collect_damage();
            let Some(index) = finished else { return Ok(due) };
            self.current = None;
            self.open.remove(index);
            self.fill();
        }
    }

    fn finish(&mut self) {
        if std::mem::replace(&mut self.is_finished, true) {
            return;
        }
        if let Some(expected) = self.expected.filter(|&expected| expected != self.delivered) {
            self.log.note(Place::File, DamageKind::Count { expected, found: self.delivered });
        }
        self.collect_damage();
    }
}

/// Where a file that `metadata.yaml` names really is. Early versions of rosbag2 put the folder's
/// name before it, and some recorders leave out the ending of a compressed file. Names never lead
/// out of the folder.
fn locate(folder: &Path, name: &str) -> PathBuf {
    let relative = Path::new(name);
    let stays = relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let last = Path::new(relative.file_name().unwrap_or_default());
    let mut candidates = Vec::new();
    for candidate in [stays.then_some(relative), Some(last)].into_iter().flatten() {
        let path = folder.join(candidate);
        for ending in ["", ".zstd", ".zst"] {
            let mut path = path.clone().into_os_string();
            path.push(ending);
            candidates.push(PathBuf::from(path));
        }
    }
    let found = candidates.iter().find(|path| path.is_file());
    found.cloned().unwrap_or_else(|| folder.join(last))
}

/// Names of all bag files in a folder, with numbers in them counted as numbers.
fn bag_files(folder: &Path) -> Result<Vec<String>, BagError> {
    const ENDINGS: [&str; 6] = [".mcap", ".db3", ".mcap.zstd", ".db3.zstd", ".mcap.zst", ".db3.zst"];
    let list = || -> std::io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if ENDINGS.iter().any(|ending| name.ends_with(ending)) {
                names.push(name);
            }
        }
        Ok(names)
    };
    let mut names = list().map_err(|source| BagError::io(folder, "list", source))?;
    names.sort_by_cached_key(|name| natural(name));
    Ok(names)
}

/// Sort key: runs of digits by their value, so that `_10` comes after `_9`.
fn natural(name: &str) -> Vec<(String, u64)> {
    let mut key: Vec<(String, u64)> = vec![(String::new(), 0)];
    let mut in_number = false;
    for letter in name.chars() {
        let part = key.last_mut().expect("never empty");
        match letter.to_digit(10) {
            Some(digit) => {
                part.1 = part.1.saturating_mul(10).saturating_add(u64::from(digit));
                in_number = true;
            }
            None if in_number => {
                key.push((letter.to_string(), 0));
                in_number = false;
            }
            None => part.0.push(letter),
        }
    }
    key
}

/// An error with its causes.
fn in_words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words += &format!(": {error}");
        cause = error.source();
    }
    words
}

impl Source for FolderSource {
    fn topics(&self) -> &[Topic] {
        &self.topics
    }

    fn next_time(&mut self) -> Result<Option<u64>, BagError> {
        Ok(self.next_part()?.map(|(time, _)| time))
    }

    fn advance(&mut self) -> Result<bool, BagError> {
        // A file that promised a message may not be able to unpack it: then the next one is due.
        while let Some((_, index)) = self.next_part()? {
            if !self.open[index].source.advance()? {
                continue;
            }
            let time = self.open[index].source.current().log_time;
            if time < self.last_time {
                self.log.note(Place::File, DamageKind::Order { expected: self.last_time, found: time });
            }
            self.last_time = time;
            self.delivered += 1;
            self.current = Some(index);
            return Ok(true);
        }
        self.finish();
        Ok(false)
    }

    fn current(&self) -> RawMessage<'_> {
        let part = &self.open[self.current.expect("a message was advanced to")];
        let message = part.source.current();
        RawMessage { topic: part.topics[message.topic], ..message }
    }

    fn damage(&self) -> &[Damage] {
        &self.damage
    }

    fn message_count(&self) -> Option<u64> {
        self.expected.or_else(|| self.topics.iter().map(|topic| topic.message_count).sum())
    }
}
