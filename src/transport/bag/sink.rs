//! Writing recordings: `.mcap` as rosbag2 writes it, alone or in a folder with `metadata.yaml`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use mcap::records::MessageHeader;
use tempfile::TempPath;

use super::metadata;
use super::topic::{RawMessage, Topic};
use super::{BagError, Source};
use crate::whole_file::WholeFile;

/// Gives the full definition (`ros2msg`) of a message type that the input lacks.
pub type Definitions = fn(&str) -> Option<&'static str>;

/// Where a recording goes.
pub trait Sink: Send {
    /// Adds a topic, or finds it; answers the index for [`RawMessage::topic`].
    ///
    /// # Errors
    /// When the container cannot take it: a full disk, more than 65535 topics.
    fn add_topic(&mut self, topic: &Topic) -> Result<usize, BagError>;

    /// Writes a message; [`RawMessage::topic`] is an index of this sink.
    ///
    /// # Errors
    /// When there is no such topic or the container cannot take it.
    fn write(&mut self, message: RawMessage<'_>) -> Result<(), BagError>;

    /// Completes the recording and gives it its name. A sink dropped before leaves nothing behind.
    ///
    /// # Errors
    /// When the last bytes cannot be written or the name cannot be given.
    fn finish(self: Box<Self>) -> Result<Written, BagError>;
}

/// What a sink has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The file or folder.
    pub path: PathBuf,
    /// Topics with their messages.
    pub topics: Vec<(Topic, u64)>,
    /// First and last log time, nanoseconds.
    pub span: Option<(u64, u64)>,
}

/// How a recording is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct SinkOptions {
    /// Definitions for topics that come without.
    pub definitions: Option<Definitions>,
    /// Leave the chunks uncompressed; zstd otherwise.
    pub uncompressed: bool,
}

impl SinkOptions {
    /// Options with definitions for the types that this program knows.
    pub fn with_definitions(definitions: Definitions) -> Self {
        Self { definitions: Some(definitions), ..Self::default() }
    }
}

/// What becomes of the bytes when all are written.
enum Ending {
    /// One file.
    File((TempPath, PathBuf)),
    /// A folder that is renamed as a whole.
    Folder { temporary: tempfile::TempDir, name: String, target: PathBuf },
}

/// Writer of MCAP recordings: profile `ros2`, schema encoding `ros2msg`, quality of service and
/// type hash in the channel's metadata, chunks of about 1 MiB.
pub struct McapSink {
    container: Container<BufWriter<File>>,
    ending: Ending,
    target: PathBuf,
}

impl McapSink {
    /// Begins a file called `path`. A file of that name stays as it is until
    /// [`finish`](Sink::finish) replaces it.
    ///
    /// # Errors
    /// When the place is not there or not writable.
    pub fn create(path: &Path, options: SinkOptions) -> Result<Self, BagError> {
        let whole = WholeFile::create(path).map_err(|source| BagError::io(path, "write here", source))?;
        let (writer, rest) = whole.into_parts();
        let container = Container::new(writer, path, options)?;
        Ok(Self { container, ending: Ending::File(rest), target: path.to_owned() })
    }

    /// Begins a rosbag2 folder called `path`: one file and `metadata.yaml`.
    ///
    /// # Errors
    /// When the place is not writable, or `path` is there and is no empty folder.
    pub fn create_folder(path: &Path, options: SinkOptions) -> Result<Self, BagError> {
        let failed = |source| BagError::io(path, "write here", source);
        if path.exists() {
            let is_empty = path.is_dir() && std::fs::read_dir(path).map_err(failed)?.next().is_none();
            if !is_empty {
                return Err(BagError::Occupied { path: path.to_owned() });
            }
        }
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".instanton-").suffix(".part");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o777));
        }
        let temporary = builder.tempdir_in(parent).map_err(failed)?;
        let name = format!("{}_0.mcap", path.file_name().unwrap_or_default().to_string_lossy());
        let file = File::create(temporary.path().join(&name)).map_err(failed)?;
        let container = Container::new(BufWriter::with_capacity(1 << 16, file), path, options)?;
        Ok(Self {
            container,
            ending: Ending::Folder { temporary, name, target: path.to_owned() },
            target: path.to_owned(),
        })
    }
}

impl Sink for McapSink {
    fn add_topic(&mut self, topic: &Topic) -> Result<usize, BagError> {
        self.container.add_topic(topic)
    }

    fn write(&mut self, message: RawMessage<'_>) -> Result<(), BagError> {
        self.container.write(message)
    }

    fn finish(self: Box<Self>) -> Result<Written, BagError> {
        let Self { container, ending, target } = *self;
        let failed = |source| BagError::io(&target, "complete the bag", source);
        let (mut writer, topics, span) = container.finish()?;
        match ending {
            Ending::File(rest) => WholeFile::commit_parts(writer, rest).map_err(failed)?,
            Ending::Folder { temporary, name, target } => {
                writer.flush().map_err(failed)?;
                writer.get_ref().sync_all().map_err(failed)?;
                let text =
                    metadata::write(&name, &topics, span).map_err(|error| failed(std::io::Error::other(error)))?;
                std::fs::write(temporary.path().join("metadata.yaml"), text).map_err(failed)?;
                std::fs::rename(temporary.path(), &target).map_err(failed)?;
                // The folder has its final name: there is nothing left to remove.
                let _ = temporary.keep();
            }
        }
        Ok(Written { path: target, topics, span })
    }
}

/// The container itself, whatever it is written to.
struct Container<W: Write + Seek> {
    writer: mcap::Writer<W>,
    topics: Vec<Stream>,
    definitions: Option<Definitions>,
    span: Option<(u64, u64)>,
    target: PathBuf,
}

/// A topic that was added.
struct Stream {
    topic: Topic,
    channel: u16,
    count: u64,
}

impl<W: Write + Seek> Container<W> {
    fn new(writer: W, target: &Path, options: SinkOptions) -> Result<Self, BagError> {
        let compression = (!options.uncompressed).then_some(mcap::Compression::Zstd);
        let options_of_container = mcap::WriteOptions::new()
            .profile("ros2")
            .library(concat!("instanton ", env!("CARGO_PKG_VERSION")))
            .compression(compression)
            // Worker threads would split a chunk differently: same input, same bytes.
            .compression_threads(0);
        let target = target.to_owned();
        let writer = options_of_container.create(writer);
        let writer = writer.map_err(|source| BagError::Write { path: target.clone(), source })?;
        Ok(Self { writer, topics: Vec::new(), definitions: options.definitions, span: None, target })
    }

    fn add_topic(&mut self, topic: &Topic) -> Result<usize, BagError> {
        if let Some(index) = self.topics.iter().position(|known| known.topic.is_same(topic)) {
            return Ok(index);
        }
        let mut topic = topic.clone();
        topic.message_count = None;
        if topic.schema.is_empty()
            && let Some(definition) = self.definitions.and_then(|definitions| definitions(&topic.type_name))
        {
            topic.schema = definition.as_bytes().to_vec();
            topic.schema_encoding = "ros2msg".into();
        }
        let failed = |source| BagError::Write { path: self.target.clone(), source };
        // The type's name lives in the schema, so that one without a definition is written too.
        let schema = if topic.type_name.is_empty() && topic.schema.is_empty() {
            0
        } else {
            self.writer.add_schema(&topic.type_name, &topic.schema_encoding, &topic.schema).map_err(failed)?
        };
        let metadata = BTreeMap::from([
            ("offered_qos_profiles".to_owned(), topic.offered_qos.clone()),
            ("topic_type_hash".to_owned(), topic.type_hash.clone()),
        ]);
        let failed = |source| BagError::Write { path: self.target.clone(), source };
        let channel = self.writer.add_channel(schema, &topic.name, &topic.serialization, &metadata).map_err(failed)?;
        self.topics.push(Stream { topic, channel, count: 0 });
        Ok(self.topics.len() - 1)
    }

    fn write(&mut self, message: RawMessage<'_>) -> Result<(), BagError> {
        let count = self.topics.len();
        let Some(written) = self.topics.get_mut(message.topic) else {
            return Err(BagError::NoSuchTopic { topic: message.topic, count });
        };
        let header = MessageHeader {
            channel_id: written.channel,
            sequence: written.count as u32,
            log_time: message.log_time,
            publish_time: message.publish_time,
        };
        let result = self.writer.write_to_known_channel(&header, message.data);
        result.map_err(|source| BagError::Write { path: self.target.clone(), source })?;
        written.count += 1;
        let time = message.log_time;
        self.span = Some(self.span.map_or((time, time), |(start, end)| (start.min(time), end.max(time))));
        Ok(())
    }

    #[allow(clippy::type_complexity)]
    fn finish(mut self) -> Result<(W, Vec<(Topic, u64)>, Option<(u64, u64)>), BagError> {
        let result = self.writer.finish();
        result.map_err(|source| BagError::Write { path: self.target.clone(), source })?;
        let topics = self.topics.into_iter().map(|written| (written.topic, written.count)).collect();
        Ok((self.writer.into_inner(), topics, self.span))
    }
}

/// Passes messages of a source on to a sink, topics with their definitions included.
#[derive(Clone, Debug, Default)]
pub struct TopicMap {
    to: Vec<Option<usize>>,
}

impl TopicMap {
    /// Nothing passed on yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds every topic of the source to the sink, also those that will stay empty.
    ///
    /// # Errors
    /// As [`Sink::add_topic`].
    pub fn add_all(&mut self, source: &dyn Source, sink: &mut dyn Sink) -> Result<(), BagError> {
        for (index, topic) in source.topics().iter().enumerate() {
            self.index(index, topic, sink)?;
        }
        Ok(())
    }

    /// Writes the current message of the source.
    ///
    /// # Errors
    /// As [`Sink::add_topic`] and [`Sink::write`].
    pub fn forward(&mut self, source: &dyn Source, sink: &mut dyn Sink) -> Result<(), BagError> {
        let message = source.current();
        let topic = self.index(message.topic, &source.topics()[message.topic], sink)?;
        sink.write(RawMessage { topic, ..message })
    }

    fn index(&mut self, index: usize, topic: &Topic, sink: &mut dyn Sink) -> Result<usize, BagError> {
        if self.to.len() <= index {
            self.to.resize(index + 1, None);
        }
        if let Some(known) = self.to[index] {
            return Ok(known);
        }
        let added = sink.add_topic(topic)?;
        self.to[index] = Some(added);
        Ok(added)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_a_typed_error() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has /dev/full");
        let writer = BufWriter::with_capacity(1 << 16, full);
        let result = (|| {
            let mut container = Container::new(writer, Path::new("/dev/full"), SinkOptions::default())?;
            let topic = container.add_topic(&Topic::new("/a", "t/msg/A"))?;
            let mut state = 1_u64;
            for time in 0..64 {
                // Noise, so that compression does not keep it in the buffer.
                let data: Vec<u8> = (0..1 << 16)
                    .map(|_| {
                        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                        (state >> 33) as u8
                    })
                    .collect();
                container.write(RawMessage { topic, log_time: time, publish_time: time, data: &data })?;
            }
            container.finish().map(|_| ())
        })();
        assert!(matches!(result, Err(BagError::Write { .. })), "{result:?}");
    }

    #[test]
    fn a_topic_that_was_not_added_is_refused() {
        let mut container =
            Container::new(std::io::Cursor::new(Vec::new()), Path::new("memory"), SinkOptions::default()).unwrap();
        let result = container.write(RawMessage { topic: 0, log_time: 0, publish_time: 0, data: &[] });
        assert!(matches!(result, Err(BagError::NoSuchTopic { topic: 0, count: 0 })));
    }
}
