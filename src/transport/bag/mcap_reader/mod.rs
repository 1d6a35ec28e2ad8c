//! MCAP files, whole or damaged, in log-time order.
//!
//! The file is walked once for its extents (chunks, or stretches of bare messages); an extent is
//! read when the first of its messages is due and dropped after its last one. In memory: one index
//! entry of 40 bytes per extent, and the extents that overlap in time, at most [`OPEN_BYTES`] where
//! a file overlaps itself more than that (then the order suffers, and the damage list says so).

mod chunk;
mod record;
mod walk;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::damage::{Damage, DamageKind, DamageLog, Place};
use super::topic::find_or_add;
use super::unpack::MessageUnpacker;
use super::{BagError, LONGEST, RawMessage, Source, Topic};
use chunk::{Entry, Unpacker};
use record::{Catalogue, Channel, Schema, op};
use walk::{Extent, ExtentKind, walk};

/// Unpacked bytes that may be held for the sake of order.
const OPEN_BYTES: usize = 256 << 20;

/// Buffers kept for the next extents.
const SPARE_BUFFERS: usize = 4;

/// A reader of one MCAP file.
pub struct McapSource {
    file: File,
    topics: Vec<Topic>,
    /// Topic of each channel.
    topic_of: BTreeMap<u16, usize>,
    /// By first log time, then by place.
    extents: Vec<Extent>,
    next_extent: usize,
    open: Vec<Option<OpenExtent>>,
    open_bytes: usize,
    /// The next message of every open extent: time, place of the extent in the file, slot in `open`.
    due: BinaryHeap<Reverse<(u64, u64, usize)>>,
    spare: Vec<OpenExtent>,
    /// Slot whose last message was just handed out.
    exhausted: Option<usize>,
    current: Option<Current>,
    content: Vec<u8>,
    unpacker: Unpacker,
    messages: MessageUnpacker,
    last_time: u64,
    delivered: u64,
    log: DamageLog,
}

/// An extent whose messages are being handed out.
#[derive(Default)]
struct OpenExtent {
    offset: u64,
    records: Vec<u8>,
    entries: Vec<Entry>,
    next: usize,
}

/// The message just advanced to.
struct Current {
    topic: usize,
    slot: usize,
    entry: Entry,
    /// Its bytes are in the unpacker, not in the extent.
    is_packed: bool,
}

impl McapSource {
    /// Opens `path`; errors and damage name the file of `log`.
    pub fn open(path: &Path, mut log: DamageLog) -> Result<Self, BagError> {
        let file = File::open(path).map_err(|source| BagError::io(log.file(), "open", source))?;
        let found = walk(&file, &mut log).map_err(|source| BagError::io(log.file(), "read", source))?;
        let mut source = Self {
            file,
            topics: Vec::new(),
            topic_of: BTreeMap::new(),
            extents: found.extents,
            next_extent: 0,
            open: Vec::new(),
            open_bytes: 0,
            due: BinaryHeap::new(),
            spare: Vec::new(),
            exhausted: None,
            current: None,
            content: Vec::new(),
            unpacker: Unpacker::new(),
            messages: MessageUnpacker::new(),
            last_time: 0,
            delivered: 0,
            log,
        };
        let mut catalogue = found.catalogue;
        let mut counts = found.counts;
        if !found.is_complete {
            counts = Some(source.read_definitions(&mut catalogue)?);
        }
        source.name_topics(&catalogue, counts.as_ref());
        source.extents.sort_by_key(|extent| (extent.start, extent.offset));
        Ok(source)
    }

    /// Reads every chunk for the channels that it defines; answers the messages per channel.
    fn read_definitions(&mut self, catalogue: &mut Catalogue) -> Result<BTreeMap<u16, u64>, BagError> {
        let mut counts = BTreeMap::new();
        let mut open = OpenExtent::default();
        for index in 0..self.extents.len() {
            let extent = self.extents[index];
            let mut conflict = None;
            self.load(&extent, &mut open, |code, content| match code {
                op::SCHEMA => Schema::parse(content).into_iter().for_each(|schema| catalogue.add_schema(schema)),
                op::CHANNEL => {
                    if let Some(Err(channel)) = Channel::parse(content).map(|channel| catalogue.add_channel(channel)) {
                        conflict = Some(channel);
                    }
                }
                _ => {}
            })?;
            if let Some(channel) = conflict {
                self.log.note(Place::Byte(extent.offset), DamageKind::ChannelConflict { channel });
            }
            for entry in &open.entries {
                *counts.entry(entry.channel).or_insert(0) += 1;
            }
            // What is in the chunk is surer than what its header states.
            if let Some(first) = open.entries.first() {
                self.extents[index].start = first.log_time;
            }
        }
        Ok(counts)
    }

    fn name_topics(&mut self, catalogue: &Catalogue, counts: Option<&BTreeMap<u16, u64>>) {
        for channel in catalogue.channels.values() {
            let schema = catalogue.schemas.get(&channel.schema);
            let metadata = |key: &str| channel.metadata.get(key).cloned().unwrap_or_default();
            let topic = Topic {
                name: channel.topic.clone(),
                type_name: schema.map(|schema| schema.name.clone()).unwrap_or_default(),
                serialization: channel.encoding.clone(),
                schema_encoding: schema.map(|schema| schema.encoding.clone()).unwrap_or_default(),
                schema: schema.map(|schema| schema.data.clone()).unwrap_or_default(),
                offered_qos: metadata("offered_qos_profiles"),
                type_hash: metadata("topic_type_hash"),
                message_count: None,
            };
            let index = find_or_add(&mut self.topics, &topic);
            self.topic_of.insert(channel.id, index);
            if let Some(counts) = counts {
                let here = counts.get(&channel.id).copied().unwrap_or(0);
                let count = &mut self.topics[index].message_count;
                *count = Some(count.unwrap_or(0).saturating_add(here));
            }
        }
    }

    /// Reads and unpacks an extent. Damage is noted; then `open` holds what is good.
    fn load(&mut self, extent: &Extent, open: &mut OpenExtent, other: impl FnMut(u8, &[u8])) -> Result<(), BagError> {
        open.offset = extent.offset;
        open.next = 0;
        open.records.clear();
        open.entries.clear();
        let place = Place::Byte(extent.offset);
        if extent.length > LONGEST {
            self.log.note(place, DamageKind::Record { reason: "a record states an impossible size" });
            return Ok(());
        }
        self.content.clear();
        let content = &mut self.content;
        let mut file = &self.file;
        let read =
            file.seek(SeekFrom::Start(extent.offset)).and_then(|_| file.take(extent.length).read_to_end(content));
        read.map_err(|source| BagError::io(self.log.file(), "read", source))?;
        match self.unpacker.unpack(extent, content, &mut open.records) {
            Ok(None) => {}
            Ok(Some(damage)) => self.log.note(place, damage),
            Err(damage) => {
                self.log.note(place, damage);
                open.records.clear();
            }
        }
        let broken = chunk::entries(&open.records, &mut open.entries, other);
        // The last record of a chunk that was cut off is incomplete, as the walk has told.
        if let Some(damage) = broken
            && extent.kind != (ExtentKind::Chunk { cut_off: true })
        {
            self.log.note(place, damage);
        }
        Ok(())
    }

    /// Tells of messages that are gone when nothing that was found explains it.
    fn compare_counts(&mut self) {
        let expected = self.message_count().unwrap_or(self.delivered);
        if expected != self.delivered && self.log.list().is_empty() {
            self.log.note(Place::File, DamageKind::Count { expected, found: self.delivered });
        }
    }

    /// Opens every extent that may hold the next message.
    fn prepare(&mut self) -> Result<(), BagError> {
        if let Some(slot) = self.exhausted.take()
            && let Some(open) = self.open[slot].take()
        {
            self.open_bytes -= open.records.capacity();
            if self.spare.len() < SPARE_BUFFERS {
                self.spare.push(open);
            }
        }
        while let Some(extent) = self.extents.get(self.next_extent).copied() {
            let due = self.due.peek().map(|Reverse((time, ..))| *time);
            if due.is_some_and(|time| extent.start > time || self.open_bytes > OPEN_BYTES) {
                break;
            }
            self.next_extent += 1;
            let mut open = self.spare.pop().unwrap_or_default();
            self.load(&extent, &mut open, |_, _| {})?;
            let topic_of = &self.topic_of;
            let mut unknown = None;
            open.entries.retain(|entry| {
                let is_known = topic_of.contains_key(&entry.channel);
                if !is_known {
                    unknown = Some(i64::from(entry.channel));
                }
                is_known
            });
            if let Some(channel) = unknown {
                self.log.note(Place::Byte(extent.offset), DamageKind::UnknownChannel { channel });
            }
            let Some(first) = open.entries.first() else {
                self.spare.push(open);
                continue;
            };
            let slot = self.open.iter().position(Option::is_none).unwrap_or(self.open.len());
            if slot == self.open.len() {
                self.open.push(None);
            }
            self.due.push(Reverse((first.log_time, extent.offset, slot)));
            self.open_bytes += open.records.capacity();
            self.open[slot] = Some(open);
        }
        Ok(())
    }
}

impl Source for McapSource {
    fn topics(&self) -> &[Topic] {
        &self.topics
    }

    fn next_time(&mut self) -> Result<Option<u64>, BagError> {
        self.prepare()?;
        Ok(self.due.peek().map(|Reverse((time, ..))| *time))
    }

    fn advance(&mut self) -> Result<bool, BagError> {
        loop {
            self.prepare()?;
            let Some(Reverse((log_time, place, slot))) = self.due.pop() else {
                self.compare_counts();
                return Ok(false);
            };
            if log_time < self.last_time {
                let what = DamageKind::Order { expected: self.last_time, found: log_time };
                self.log.note(Place::Byte(place), what);
            }
            self.last_time = log_time;
            let open = self.open[slot].as_mut().expect("a slot that is due is open");
            let entry = open.entries[open.next];
            open.next += 1;
            match open.entries.get(open.next) {
                Some(next) => self.due.push(Reverse((next.log_time, place, slot))),
                None => self.exhausted = Some(slot),
            }
            let topic = self.topic_of[&entry.channel];
            let data = &open.records[entry.begin..entry.end];
            let is_packed = MessageUnpacker::is_packed(&self.topics[topic], data);
            if is_packed && let Err(damage) = self.messages.unpack(data) {
                self.log.note(Place::Byte(place), damage);
                continue;
            }
            self.current = Some(Current { topic, slot, entry, is_packed });
            self.delivered += 1;
            return Ok(true);
        }
    }

    fn current(&self) -> RawMessage<'_> {
        let &Current { topic, slot, entry, is_packed } = self.current.as_ref().expect("a message was advanced to");
        let open = self.open[slot].as_ref().expect("kept until the next message is asked for");
        let data = if is_packed { self.messages.unpacked() } else { &open.records[entry.begin..entry.end] };
        RawMessage { topic, log_time: entry.log_time, publish_time: entry.publish_time, data }
    }

    fn damage(&self) -> &[Damage] {
        self.log.list()
    }
}
