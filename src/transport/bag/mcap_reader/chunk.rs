//! From a stretch of the file to messages that can be handed out.

use std::io::Read;

use zstd::zstd_safe::{DCtx, ResetDirective};

use super::record::{ChunkHeader, Fields, MESSAGE_HEADER, op, records};
use super::walk::{Extent, ExtentKind};
use crate::transport::bag::LONGEST;
use crate::transport::bag::damage::DamageKind;

/// One message within unpacked bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Log time, nanoseconds.
    pub log_time: u64,
    /// Publish time, nanoseconds.
    pub publish_time: u64,
    /// Channel number.
    pub channel: u16,
    /// First byte of the data.
    pub begin: usize,
    /// One past its last byte.
    pub end: usize,
}

/// Unpacks chunks; keeps the decoder between them.
pub struct Unpacker {
    zstd: DCtx<'static>,
}

impl Unpacker {
    pub fn new() -> Self {
        Self { zstd: DCtx::create() }
    }

    /// Unpacks `content` of `extent` into `records`.
    ///
    /// `Ok(Some(damage))`: what is in `records` is good, but not all that there was.
    /// `Err(damage)`: nothing can be used.
    pub fn unpack(
        &mut self,
        extent: &Extent,
        content: &[u8],
        records: &mut Vec<u8>,
    ) -> Result<Option<DamageKind>, DamageKind> {
        records.clear();
        let ExtentKind::Chunk { cut_off } = extent.kind else {
            records.extend_from_slice(content);
            return Ok(None);
        };
        let Some((header, packed)) = ChunkHeader::parse(content) else {
            return Err(DamageKind::Record { reason: "a chunk does not fit its length" });
        };
        if header.unpacked_size > LONGEST {
            return Err(DamageKind::Record { reason: "a chunk states an impossible size" });
        }
        let packed_size = usize::try_from(header.packed_size).unwrap_or(usize::MAX);
        if packed_size > packed.len() && !cut_off {
            return Err(DamageKind::Record { reason: "a chunk states more bytes than it has" });
        }
        let packed = &packed[..packed_size.min(packed.len())];
        let reason = self.decode(&header, packed, records);
        let is_whole = records.len() as u64 == header.unpacked_size;
        if is_whole && header.checksum != 0 {
            let found = crc32fast::hash(records);
            if found != header.checksum {
                return Err(DamageKind::Checksum { what: "a chunk", expected: header.checksum, found });
            }
        }
        match reason {
            _ if is_whole => Ok(None),
            // The walk has told already that the file ends here.
            _ if cut_off => Ok(None),
            // Nobody can tell which of the unpacked bytes are right when the checksum cannot be met.
            Some(reason) if header.checksum != 0 || records.is_empty() => {
                Err(DamageKind::Compression { what: "a chunk", reason })
            }
            Some(reason) => Ok(Some(DamageKind::Compression { what: "the end of a chunk", reason })),
            None => Err(DamageKind::Record { reason: "a chunk unpacks to less than it states" }),
        }
    }

    /// Decodes at most the stated size; answers why it stopped before that.
    fn decode(&mut self, header: &ChunkHeader, packed: &[u8], records: &mut Vec<u8>) -> Option<String> {
        let read = |reader: &mut dyn Read, records: &mut Vec<u8>| {
            // Grows with what really comes: the stated size is only a limit.
            reader.take(header.unpacked_size).read_to_end(records).err().map(|error| error.to_string())
        };
        match header.compression.as_str() {
            "" => read(&mut &packed[..], records),
            "zstd" => {
                if self.zstd.reset(ResetDirective::SessionOnly).is_err() {
                    self.zstd = DCtx::create();
                }
                read(&mut zstd::stream::read::Decoder::with_context(packed, &mut self.zstd), records)
            }
            "lz4" => match lz4::Decoder::new(packed) {
                Ok(mut decoder) => read(&mut decoder, records),
                Err(error) => Some(error.to_string()),
            },
            other => Some(format!("unknown compression {other:?}")),
        }
    }
}

/// Finds the messages among the records, sorted by log time, then by place.
///
/// `other` is called with every other record. Answers damage where a record does not fit.
pub fn entries(bytes: &[u8], found: &mut Vec<Entry>, mut other: impl FnMut(u8, &[u8])) -> Option<DamageKind> {
    found.clear();
    let mut short = false;
    let broken = records(bytes, |code, offset, content| {
        if code != op::MESSAGE {
            return other(code, content);
        }
        let mut fields = Fields(content);
        let header = (|| Some((fields.u16()?, fields.u32()?, fields.u64()?, fields.u64()?)))();
        let Some((channel, _, log_time, publish_time)) = header else {
            short = true;
            return;
        };
        let (begin, end) = (offset + MESSAGE_HEADER, offset + content.len());
        found.push(Entry { log_time, publish_time, channel, begin, end });
    });
    found.sort_by_key(|entry| entry.log_time);
    match broken {
        Err(_) => Some(DamageKind::Record { reason: "the records of a chunk do not fit" }),
        Ok(()) if short => Some(DamageKind::Record { reason: "a message is shorter than its header" }),
        Ok(()) => None,
    }
}
