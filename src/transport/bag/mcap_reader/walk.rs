//! The first look at a file: which stretches of it hold messages of which times.
//!
//! The index at the end of an MCAP file is absent where the recorder died and wrong where the disk
//! did, so it is never needed: the walk jumps from record to record (one small read per chunk).
//! Where the chain of records is broken, the index helps to find the next chunk.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use super::record::{Catalogue, Channel, Fields, MAGIC, MESSAGE_HEADER, RECORD_HEADER, Schema, Statistics, op};
use crate::transport::bag::damage::{DamageKind, DamageLog, Place};

/// Messages outside chunks are read in stretches of this size.
const STRETCH: u64 = 1 << 20;

/// Longest definition or statistics record that is taken for real.
const LONGEST_DEFINITION: u64 = 16 << 20;

/// Longest summary section that is checked and used.
const LONGEST_SUMMARY: u64 = 1 << 28;

/// A stretch of the file that is read at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// First byte: the content of a chunk record, or the first of several records.
    pub offset: u64,
    /// Bytes in the file.
    pub length: u64,
    /// Earliest log time in it, as stated.
    pub start: u64,
    /// What it is.
    pub kind: ExtentKind,
}

/// How an extent is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtentKind {
    /// A chunk record.
    Chunk {
        /// The file ends within it.
        cut_off: bool,
    },
    /// Records outside any chunk.
    Records,
}

/// What the walk found.
#[derive(Debug, Default)]
pub struct Walk {
    /// Where messages are, in file order.
    pub extents: Vec<Extent>,
    /// Channels and schemas that stand outside chunks.
    pub catalogue: Catalogue,
    /// Whether the catalogue is known to name every channel.
    pub is_complete: bool,
    /// Messages per channel: counted where none is in a chunk, else from a sound summary.
    pub counts: Option<BTreeMap<u16, u64>>,
}

/// Walks the file.
pub fn walk(file: &File, log: &mut DamageLog) -> io::Result<Walk> {
    let length = file.metadata()?.len();
    let summary = Summary::read(file, length, log)?;
    let mut walker = Walker {
        input: BufReader::with_capacity(1 << 13, file),
        length,
        summary,
        log,
        found: Walk::default(),
        run: None,
        counts: BTreeMap::new(),
        lacks_checksums: false,
    };
    walker.go()?;
    let Walker { summary, mut found, run, counts, .. } = walker;
    found.extents.extend(run.map(|run| run.extent));

    let has_chunks = found.extents.iter().any(|extent| extent.kind != ExtentKind::Records);
    found.is_complete = !has_chunks;
    let mut counts = (!has_chunks).then_some(counts);
    if let Some(summary) = summary {
        let stated = summary.statistics.as_ref().map(|statistics| statistics.channels as usize);
        found.is_complete |= stated == Some(summary.catalogue.channels.len()) && stated != Some(0);
        counts = counts.or(summary.statistics.map(|statistics| statistics.messages));
        for schema in summary.catalogue.schemas.into_values() {
            found.catalogue.add_schema(schema);
        }
        for channel in summary.catalogue.channels.into_values() {
            if let Err(channel) = found.catalogue.add_channel(channel) {
                log.note(Place::File, DamageKind::ChannelConflict { channel });
            }
        }
    }
    found.counts = counts;
    Ok(found)
}

/// The sections at the end of a file, when they are there and their checksum is right.
struct Summary {
    start: u64,
    catalogue: Catalogue,
    statistics: Option<Statistics>,
    /// Where the index says that chunks begin, ascending.
    chunks: Vec<u64>,
}

impl Summary {
    fn read(file: &File, length: u64, log: &mut DamageLog) -> io::Result<Option<Self>> {
        const FOOTER: u64 = RECORD_HEADER + 20;
        let Some(footer_at) = length.checked_sub(FOOTER + MAGIC.len() as u64) else { return Ok(None) };
        let mut input = file;
        let mut footer = [0; FOOTER as usize + MAGIC.len()];
        input.seek(SeekFrom::Start(footer_at))?;
        input.read_exact(&mut footer)?;
        let mut fields = Fields(&footer);
        let is_footer = fields.take(1) == Some(&[op::FOOTER]) && fields.u64() == Some(20) && footer.ends_with(&MAGIC);
        let (start, _, checksum) = (fields.u64().unwrap_or(0), fields.u64(), fields.u32().unwrap_or(0));
        if !is_footer || start == 0 {
            return Ok(None);
        }
        if start > footer_at || footer_at - start > LONGEST_SUMMARY {
            log.note(
                Place::Byte(footer_at),
                DamageKind::Record { reason: "the footer states an impossible place of the summary" },
            );
            return Ok(None);
        }
        let mut bytes = Vec::new();
        input.seek(SeekFrom::Start(start))?;
        input.take(footer_at - start).read_to_end(&mut bytes)?;
        if checksum != 0 {
            let mut hasher = crc32fast::Hasher::new();
            hasher.update(&bytes);
            hasher.update(&footer[..FOOTER as usize - 4]);
            let found = hasher.finalize();
            if found != checksum {
                log.note(Place::Byte(start), DamageKind::Checksum { what: "the summary", expected: checksum, found });
                return Ok(None);
            }
        }
        let mut summary = Self { start, catalogue: Catalogue::default(), statistics: None, chunks: Vec::new() };
        // Without a checksum the summary may be broken: what can be parsed is used.
        let _ = super::record::records(&bytes, |code, _, content| match code {
            op::SCHEMA => {
                if let Some(schema) = Schema::parse(content) {
                    summary.catalogue.add_schema(schema);
                }
            }
            op::CHANNEL => {
                if let Some(channel) = Channel::parse(content) {
                    let _ = summary.catalogue.add_channel(channel);
                }
            }
            op::STATISTICS => summary.statistics = Statistics::parse(content),
            op::CHUNK_INDEX => {
                let mut fields = Fields(content);
                if let (Some(_), Some(offset)) = (fields.take(16), fields.u64()) {
                    summary.chunks.push(offset);
                }
            }
            _ => {}
        });
        summary.chunks.sort_unstable();
        Ok(Some(summary))
    }
}

/// Messages outside chunks that will be read together.
struct Run {
    extent: Extent,
}

struct Walker<'a> {
    input: BufReader<&'a File>,
    length: u64,
    summary: Option<Summary>,
    log: &'a mut DamageLog,
    found: Walk,
    run: Option<Run>,
    /// Messages outside chunks, per channel.
    counts: BTreeMap<u16, u64>,
    /// Whether a chunk has no checksum.
    lacks_checksums: bool,
}

impl Walker<'_> {
    fn go(&mut self) -> io::Result<()> {
        let mut offset = MAGIC.len() as u64;
        loop {
            match self.step(offset)? {
                Step::To(next) => match self.resume_after(offset) {
                    // The index knows a chunk within this record.
                    Some(chunk) if chunk < next => {
                        self.log.note(Place::Byte(offset), DamageKind::Record { reason: "its length is wrong" });
                        offset = chunk;
                    }
                    _ => offset = next,
                },
                Step::Broken(reason) => {
                    self.log.note(Place::Byte(offset), DamageKind::Record { reason });
                    match self.resume_after(offset) {
                        Some(next) => offset = next,
                        None => return Ok(()),
                    }
                }
                Step::CutOff(expected) => {
                    // A file with a sound end was not cut off: the length is wrong.
                    if let Some(next) = self.resume_after(offset) {
                        self.log.note(Place::Byte(offset), DamageKind::Record { reason: "its length is impossible" });
                        offset = next;
                    } else {
                        self.log.note(Place::Byte(offset), DamageKind::Truncated { expected });
                        return Ok(());
                    }
                }
                Step::End => return Ok(()),
            }
        }
    }

    /// The next place behind `offset` where a record is known to begin.
    fn resume_after(&self, offset: u64) -> Option<u64> {
        let summary = self.summary.as_ref()?;
        let next = summary.chunks.partition_point(|&chunk| chunk <= offset);
        let next = summary.chunks.get(next).copied().filter(|&chunk| chunk < summary.start);
        next.or((summary.start > offset).then_some(summary.start))
    }

    /// Whether the index states a chunk at `offset`.
    fn expects_chunk(&self, offset: u64) -> bool {
        self.summary.as_ref().is_some_and(|summary| summary.chunks.binary_search(&offset).is_ok())
    }

    /// Looks at the record at `offset`.
    fn step(&mut self, offset: u64) -> io::Result<Step> {
        if self.length < offset.saturating_add(RECORD_HEADER) {
            return Ok(Step::CutOff("the footer"));
        }
        self.seek(offset)?;
        let mut start = [0; RECORD_HEADER as usize];
        self.input.read_exact(&mut start)?;
        let code = start[0];
        let length = Fields(&start[1..]).u64().unwrap_or(u64::MAX);
        let content = offset + RECORD_HEADER;
        let available = self.length - content;
        let cut_off = length > available;
        if code != op::CHUNK && self.expects_chunk(offset) {
            return Ok(Step::Broken("the index states a chunk here"));
        }
        match code {
            0 => return Ok(Step::Broken("its code is 0")),
            op::CHUNK => {
                if length < 40 {
                    return Ok(Step::Broken("a chunk is shorter than its header"));
                }
                if cut_off && self.summary.is_some() {
                    return Ok(Step::CutOff("the end of a chunk"));
                }
                if available >= 28 {
                    let header = self.read(28)?;
                    let mut fields = Fields(&header);
                    let (start, end) = (fields.u64().unwrap_or(0), fields.u64().unwrap_or(0));
                    self.lacks_checksums |= header[24..] == [0; 4];
                    self.found.extents.extend(self.run.take().map(|run| run.extent));
                    let extent = Extent {
                        offset: content,
                        length: length.min(available),
                        start: start.min(end),
                        kind: ExtentKind::Chunk { cut_off },
                    };
                    self.found.extents.push(extent);
                }
                if cut_off {
                    return Ok(Step::CutOff("the end of a chunk"));
                }
            }
            _ if cut_off => return Ok(Step::CutOff("the end of a record")),
            op::MESSAGE => {
                if length < MESSAGE_HEADER as u64 {
                    return Ok(Step::Broken("a message is shorter than its header"));
                }
                let header = self.read(MESSAGE_HEADER)?;
                let time = Fields(&header[6..]).u64().unwrap_or(0);
                *self.counts.entry(Fields(&header).u16().unwrap_or(0)).or_insert(0) += 1;
                self.add_to_run(offset, content + length, time);
            }
            op::SCHEMA | op::CHANNEL if length <= LONGEST_DEFINITION && self.is_data(offset) => {
                let content = self.read(length as usize)?;
                self.define(code, offset, &content);
            }
            op::DATA_END if length == 4 && self.summary.is_none() => {
                let stated = Fields(&self.read(4)?).u32().unwrap_or(0);
                self.check_data(offset, stated)?;
            }
            op::FOOTER => {
                let mut end = [0; MAGIC.len()];
                let is_closed = available == length + MAGIC.len() as u64 && {
                    self.seek(content + length)?;
                    self.input.read_exact(&mut end)?;
                    end == MAGIC
                };
                if !is_closed {
                    self.log
                        .note(Place::Byte(content + length), DamageKind::Truncated { expected: "the closing magic" });
                }
                return Ok(Step::End);
            }
            _ => {}
        }
        Ok(Step::To(content + length))
    }

    /// Checks everything before `end`. Only done where there is no summary: nothing else would tell
    /// that a chunk was taken for something else, and such a file is read as a whole anyway.
    ///
    /// Not believed where a chunk has no checksum: the writer of the crate `mcap` (0.26) leaves the
    /// content of such chunks out of the sum.
    fn check_data(&mut self, end: u64, stated: u32) -> io::Result<()> {
        if stated == 0 || self.lacks_checksums {
            return Ok(());
        }
        let mut hasher = crc32fast::Hasher::new();
        let mut buffer = vec![0; 1 << 16];
        self.input.seek(SeekFrom::Start(0))?;
        let mut left = end;
        while left > 0 {
            let piece = &mut buffer[..left.min(1 << 16) as usize];
            self.input.read_exact(piece)?;
            hasher.update(piece);
            left -= piece.len() as u64;
        }
        let found = hasher.finalize();
        if found != stated {
            let what = DamageKind::Checksum { what: "all that lies before", expected: stated, found };
            self.log.note(Place::Byte(end), what);
        }
        Ok(())
    }

    /// Whether the offset is before a sound summary, which was read already.
    fn is_data(&self, offset: u64) -> bool {
        self.summary.as_ref().is_none_or(|summary| offset < summary.start)
    }

    fn define(&mut self, code: u8, offset: u64, content: &[u8]) {
        let catalogue = &mut self.found.catalogue;
        let place = Place::Byte(offset);
        if code == op::SCHEMA {
            match Schema::parse(content) {
                Some(schema) => catalogue.add_schema(schema),
                None => self.log.note(place, DamageKind::Record { reason: "a schema does not fit its length" }),
            }
            return;
        }
        match Channel::parse(content).map(|channel| catalogue.add_channel(channel)) {
            Some(Ok(())) => {}
            Some(Err(channel)) => self.log.note(place, DamageKind::ChannelConflict { channel }),
            None => self.log.note(place, DamageKind::Record { reason: "a channel does not fit its length" }),
        }
    }

    fn add_to_run(&mut self, begin: u64, end: u64, time: u64) {
        if let Some(run) = &mut self.run
            && end - run.extent.offset <= STRETCH
        {
            run.extent.length = end - run.extent.offset;
            run.extent.start = run.extent.start.min(time);
            return;
        }
        let extent = Extent { offset: begin, length: end - begin, start: time, kind: ExtentKind::Records };
        self.found.extents.extend(self.run.replace(Run { extent }).map(|run| run.extent));
    }

    fn seek(&mut self, offset: u64) -> io::Result<()> {
        let here = self.input.stream_position()?;
        self.input.seek_relative(offset.wrapping_sub(here) as i64)
    }

    fn read(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.input.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

enum Step {
    /// The next record begins there.
    To(u64),
    /// The record makes no sense.
    Broken(&'static str),
    /// The file ends before this.
    CutOff(&'static str),
    /// The footer.
    End,
}
