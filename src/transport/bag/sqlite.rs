//! `.db3` files: rosbag2's SQLite container, whole or damaged, in log-time order.
//!
//! Tables `topics(id, name, type, serialization_format[, offered_qos_profiles[,
//! type_description_hash]])`, `messages(id, topic_id, timestamp, data)` and, in newer files,
//! `message_definitions(topic_type, encoding, encoded_message_definition, …)`.
//!
//! The table of messages is scanned once for its times (its index may be absent or damaged); the
//! messages themselves are fetched one by one. In memory: 16 bytes per message, and one message.

use std::io::Read;
use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use tempfile::TempPath;

use super::damage::{Damage, DamageKind, DamageLog, Place};
use super::unpack::MessageUnpacker;
use super::{BagError, RawMessage, Source, Topic};

/// Fewest bytes that a row of `messages` takes in the file; bounds the rows a damaged tree may state.
const SHORTEST_ROW: u64 = 6;

/// A reader of one database.
pub struct SqliteSource {
    // Dropped (closed) before the copy is removed.
    database: Connection,
    _copy: Option<TempPath>,
    topics: Vec<Topic>,
    /// Key of each topic in the database.
    topic_ids: Vec<i64>,
    /// Log time and row of every message, sorted.
    order: Vec<(i64, i64)>,
    next: usize,
    current: Option<Current>,
    buffer: Vec<u8>,
    messages: MessageUnpacker,
    log: DamageLog,
}

/// The message just advanced to; its bytes are in one of the buffers.
struct Current {
    topic: usize,
    time: u64,
    is_packed: bool,
}

impl SqliteSource {
    /// Opens `path`; errors and damage name the file of `log`.
    pub fn open(path: &Path, mut log: DamageLog) -> Result<Self, BagError> {
        let unreadable = |source| BagError::io(log.file(), "read", source);
        let shortness = shortness(path).map_err(unreadable)?;
        let copy = match shortness {
            Shortness::TornPage { good } => Some(copy_good(path, good).map_err(unreadable)?),
            Shortness::LacksPages | Shortness::Whole => None,
        };
        let path = copy.as_deref().unwrap_or(path);
        let size = std::fs::metadata(path).map_err(unreadable)?.len();
        let failed = |reason: String| BagError::Database { path: log.file().to_owned(), reason };
        let database = connect(path).map_err(|error| failed(error.to_string()))?;
        let (topics, topic_ids) = read_topics(&database).map_err(|error| failed(error.to_string()))?;
        // Fails here when the table is no rosbag2 table at all.
        database
            .prepare("SELECT id, topic_id, timestamp, data FROM messages")
            .map_err(|error| failed(error.to_string()))?;
        if !matches!(shortness, Shortness::Whole) {
            log.note(Place::File, DamageKind::Truncated { expected: "the last page that its header states" });
        }
        let mut source = Self {
            database,
            _copy: copy,
            topics,
            topic_ids,
            order: Vec::new(),
            next: 0,
            current: None,
            buffer: Vec::new(),
            messages: MessageUnpacker::new(),
            log,
        };
        source.read_definitions();
        source.scan(size / SHORTEST_ROW);
        Ok(source)
    }

    /// Definitions of the types, where the file has them; many have an empty table or none.
    fn read_definitions(&mut self) {
        let query = "SELECT topic_type, encoding, encoded_message_definition FROM message_definitions";
        let Ok(mut statement) = self.database.prepare(query) else { return };
        let Ok(mut rows) = statement.query([]) else { return };
        while let Ok(Some(row)) = rows.next() {
            let cell = |index| row.get_ref(index).map(text).unwrap_or_default();
            let (type_name, encoding, definition) = (cell(0), cell(1), cell(2));
            for topic in self.topics.iter_mut().filter(|topic| topic.type_name == type_name) {
                topic.schema_encoding.clone_from(&encoding);
                topic.schema = definition.clone().into_bytes();
            }
        }
    }

    /// Notes time and row of every message that can be reached.
    fn scan(&mut self, most_rows: u64) {
        let mut counts = vec![0_u64; self.topics.len()];
        let result = (|| -> rusqlite::Result<()> {
            let mut statement = self.database.prepare("SELECT id, topic_id, timestamp FROM messages NOT INDEXED")?;
            let mut rows = statement.query([])?;
            let mut last = i64::MIN;
            while let Some(row) = rows.next()? {
                let (Ok(id), Ok(topic), Ok(time)) = (row.get::<_, i64>(0), row.get::<_, i64>(1), row.get::<_, i64>(2))
                else {
                    self.log.note(
                        Place::File,
                        DamageKind::Record { reason: "a row has no numbers for its topic and time" },
                    );
                    continue;
                };
                // Rows come by ascending key: a damaged tree that leads back is left here.
                if (id <= last && !self.order.is_empty()) || self.order.len() as u64 >= most_rows {
                    self.log.note(
                        Place::Row(id),
                        DamageKind::Database { reason: "the table of messages contradicts itself".into() },
                    );
                    break;
                }
                last = id;
                match self.topic_ids.iter().position(|&known| known == topic) {
                    Some(index) => {
                        counts[index] += 1;
                        self.order.push((time, id));
                    }
                    None => self.log.note(Place::Row(id), DamageKind::UnknownChannel { channel: topic }),
                }
            }
            Ok(())
        })();
        if let Err(error) = result {
            let place = self.order.last().map_or(Place::File, |&(_, id)| Place::Row(id));
            self.log.note(place, DamageKind::Database { reason: error.to_string() });
        }
        for (topic, count) in self.topics.iter_mut().zip(counts) {
            topic.message_count = Some(count);
        }
        self.order.sort_unstable();
    }

    /// Copies the data of a row to the buffer; answers its topic.
    fn fetch(&mut self, id: i64) -> rusqlite::Result<Option<usize>> {
        let mut statement = self.database.prepare_cached("SELECT topic_id, data FROM messages WHERE id = ?1")?;
        let mut rows = statement.query([id])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let topic: i64 = row.get(0)?;
        self.buffer.clear();
        match row.get_ref(1)? {
            ValueRef::Blob(bytes) | ValueRef::Text(bytes) => self.buffer.extend_from_slice(bytes),
            _ => return Ok(None),
        }
        Ok(self.topic_ids.iter().position(|&known| known == topic))
    }
}

/// How a database file falls short of what its header states.
enum Shortness {
    Whole,
    /// Pages are missing at the end.
    LacksPages,
    /// The last page is incomplete; so many bytes before it are good.
    TornPage {
        good: u64,
    },
}

fn shortness(path: &Path) -> std::io::Result<Shortness> {
    let mut header = Vec::new();
    let file = std::fs::File::open(path)?;
    let size = file.metadata()?.len();
    file.take(100).read_to_end(&mut header)?;
    let Some(header) = header.first_chunk::<100>() else { return Ok(Shortness::LacksPages) };
    let page = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65536,
        other => u64::from(other),
    };
    let pages = u32::from_be_bytes([header[28], header[29], header[30], header[31]]);
    let torn = size % page.max(512);
    if torn != 0 {
        return Ok(Shortness::TornPage { good: size - torn });
    }
    // The number of pages is only kept when both counters of changes agree.
    let is_kept = header[24..28] == header[92..96];
    Ok(if is_kept && size < page * u64::from(pages) { Shortness::LacksPages } else { Shortness::Whole })
}

/// Copies the good pages of a torn file: SQLite would fill up the last page with zeros and pass
/// them for data.
fn copy_good(path: &Path, good: u64) -> std::io::Result<TempPath> {
    let mut copy = tempfile::NamedTempFile::new()?;
    std::io::copy(&mut std::fs::File::open(path)?.take(good), copy.as_file_mut())?;
    Ok(copy.into_temp_path())
}

/// Opens the database for reading.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(path, flags)?;
    database.pragma_update(None, "trusted_schema", false)?;
    database.pragma_update(None, "cell_size_check", true)?;
    let probe = |database: &Connection| {
        database.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
    };
    let first = match probe(&database) {
        Ok(_) => return Ok(database),
        Err(error) => error,
    };
    if first.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen) {
        // A write-ahead log on a read-only medium: the state before the log is better than nothing.
        let name = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        let uri = format!("file:{name}?immutable=1");
        let database = Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)?;
        probe(&database)?;
        return Ok(database);
    }
    // SQLite refuses a file that lacks pages, unless it is told that its content may be irregular.
    database.pragma_update(None, "writable_schema", true)?;
    probe(&database).map_err(|_| first)?;
    Ok(database)
}

fn read_topics(database: &Connection) -> rusqlite::Result<(Vec<Topic>, Vec<i64>)> {
    let mut statement = database.prepare("SELECT * FROM topics ORDER BY id")?;
    let column = |name: &str| statement.column_index(name);
    let (id, name, type_name) = (column("id")?, column("name")?, column("type")?);
    let serialization = column("serialization_format")?;
    let (offered_qos, type_hash) = (column("offered_qos_profiles").ok(), column("type_description_hash").ok());
    let mut rows = statement.query([])?;
    let (mut topics, mut ids) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let cell = |index: usize| row.get_ref(index).map(text).unwrap_or_default();
        let Ok(id) = row.get(id) else { continue };
        ids.push(id);
        topics.push(Topic {
            name: cell(name),
            type_name: cell(type_name),
            serialization: cell(serialization),
            offered_qos: offered_qos.map(cell).unwrap_or_default(),
            type_hash: type_hash.map(cell).unwrap_or_default(),
            ..Topic::default()
        });
    }
    Ok((topics, ids))
}

fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    }
}

impl Source for SqliteSource {
    fn topics(&self) -> &[Topic] {
        &self.topics
    }

    fn next_time(&mut self) -> Result<Option<u64>, BagError> {
        Ok(self.order.get(self.next).map(|&(time, _)| time.max(0) as u64))
    }

    fn advance(&mut self) -> Result<bool, BagError> {
        while let Some(&(time, id)) = self.order.get(self.next) {
            self.next += 1;
            let topic = match self.fetch(id) {
                Ok(Some(topic)) => topic,
                Ok(None) => {
                    self.log.note(Place::Row(id), DamageKind::Record { reason: "its data is gone" });
                    continue;
                }
                Err(error) => {
                    self.log.note(Place::Row(id), DamageKind::Database { reason: error.to_string() });
                    continue;
                }
            };
            let is_packed = MessageUnpacker::is_packed(&self.topics[topic], &self.buffer);
            if is_packed && let Err(damage) = self.messages.unpack(&self.buffer) {
                self.log.note(Place::Row(id), damage);
                continue;
            }
            self.current = Some(Current { topic, time: time.max(0) as u64, is_packed });
            return Ok(true);
        }
        Ok(false)
    }

    fn current(&self) -> RawMessage<'_> {
        let &Current { topic, time, is_packed } = self.current.as_ref().expect("a message was advanced to");
        let data = if is_packed { self.messages.unpacked() } else { &self.buffer };
        RawMessage { topic, log_time: time, publish_time: time, data }
    }

    fn damage(&self) -> &[Damage] {
        self.log.list()
    }
}
