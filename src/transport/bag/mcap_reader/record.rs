//! Records of the MCAP format (<https://mcap.dev/spec>), parsed without trusting a length.
//!
//! The crate `mcap` has parsers too, but they reserve up to 4 GiB for a damaged string length and
//! panic on a short attachment and on an uncompressed chunk whose last record is too long, so that
//! only its writer is used here.

use std::collections::BTreeMap;

/// Codes of the records that are looked at.
pub mod op {
    pub const FOOTER: u8 = 0x02;
    pub const SCHEMA: u8 = 0x03;
    pub const CHANNEL: u8 = 0x04;
    pub const MESSAGE: u8 = 0x05;
    pub const CHUNK: u8 = 0x06;
    pub const CHUNK_INDEX: u8 = 0x08;
    pub const STATISTICS: u8 = 0x0B;
    pub const DATA_END: u8 = 0x0F;
}

/// First and last bytes of a file.
pub const MAGIC: [u8; 8] = *b"\x89MCAP0\r\n";

/// Bytes before the content of a record: code and length.
pub const RECORD_HEADER: u64 = 9;

/// Bytes before the data of a message: channel, sequence, two times.
pub const MESSAGE_HEADER: usize = 22;

/// What is left of a record.
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()?;
        self.take(length as usize)
    }

    pub fn text(&mut self) -> Option<String> {
        self.bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }
}

/// A message type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    pub id: u16,
    pub name: String,
    pub encoding: String,
    pub data: Vec<u8>,
}

impl Schema {
    pub fn parse(content: &[u8]) -> Option<Self> {
        let mut fields = Fields(content);
        Some(Self { id: fields.u16()?, name: fields.text()?, encoding: fields.text()?, data: fields.bytes()?.to_vec() })
    }
}

/// A stream of messages of one publisher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    pub id: u16,
    pub schema: u16,
    pub topic: String,
    pub encoding: String,
    pub metadata: BTreeMap<String, String>,
}

impl Channel {
    pub fn parse(content: &[u8]) -> Option<Self> {
        let mut fields = Fields(content);
        let (id, schema, topic, encoding) = (fields.u16()?, fields.u16()?, fields.text()?, fields.text()?);
        let mut entries = Fields(fields.bytes()?);
        let mut metadata = BTreeMap::new();
        while !entries.0.is_empty() {
            metadata.insert(entries.text()?, entries.text()?);
        }
        Some(Self { id, schema, topic, encoding, metadata })
    }
}

/// Messages per channel, as the summary states them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    pub channels: u32,
    pub messages: BTreeMap<u16, u64>,
}

impl Statistics {
    pub fn parse(content: &[u8]) -> Option<Self> {
        let mut fields = Fields(content);
        fields.take(8 + 2)?;
        let channels = fields.u32()?;
        fields.take(4 + 4 + 4 + 8 + 8)?;
        let mut entries = Fields(fields.bytes()?);
        let mut messages = BTreeMap::new();
        while !entries.0.is_empty() {
            messages.insert(entries.u16()?, entries.u64()?);
        }
        Some(Self { channels, messages })
    }
}

/// What stands before the records of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkHeader {
    pub start: u64,
    pub end: u64,
    pub unpacked_size: u64,
    pub checksum: u32,
    pub compression: String,
    pub packed_size: u64,
}

impl ChunkHeader {
    /// The header, and the bytes behind it.
    pub fn parse(content: &[u8]) -> Option<(Self, &[u8])> {
        let mut fields = Fields(content);
        let header = Self {
            start: fields.u64()?,
            end: fields.u64()?,
            unpacked_size: fields.u64()?,
            checksum: fields.u32()?,
            compression: fields.text()?,
            packed_size: fields.u64()?,
        };
        Some((header, fields.0))
    }
}

/// What the file says of the meaning of channel numbers.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    pub schemas: BTreeMap<u16, Schema>,
    pub channels: BTreeMap<u16, Channel>,
}

impl Catalogue {
    /// Adds a definition; `Err` with the channel when it contradicts an earlier one.
    pub fn add_channel(&mut self, channel: Channel) -> Result<(), u16> {
        match self.channels.get(&channel.id) {
            Some(known) if *known != channel => Err(channel.id),
            Some(_) => Ok(()),
            None => {
                self.channels.insert(channel.id, channel);
                Ok(())
            }
        }
    }

    /// Adds a definition; number 0 means "no schema" and is ignored.
    pub fn add_schema(&mut self, schema: Schema) {
        if schema.id != 0 {
            self.schemas.entry(schema.id).or_insert(schema);
        }
    }
}

/// Splits records laid end to end; `Err` with the offset of the first that does not fit.
pub fn records(mut bytes: &[u8], mut each: impl FnMut(u8, usize, &[u8])) -> Result<(), usize> {
    let mut offset = 0;
    while !bytes.is_empty() {
        let mut fields = Fields(bytes);
        let content = fields.take(1).and_then(|code| {
            let length = usize::try_from(fields.u64()?).ok()?;
            Some((code[0], fields.take(length)?))
        });
        let Some((code, content)) = content else { return Err(offset) };
        each(code, offset + RECORD_HEADER as usize, content);
        offset += RECORD_HEADER as usize + content.len();
        bytes = fields.0;
    }
    Ok(())
}
