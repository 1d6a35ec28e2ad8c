//! rosbag2's own compression: zstd around each message, or around a whole file.

use std::io::{self, Read, Write};
use std::path::Path;

use tempfile::TempPath;

use super::damage::{Damage, DamageKind, DamageLog, Place};
use super::{BagError, LONGEST, RawMessage, Source, Topic, mcap_reader::McapSource, open_database};
use crate::transport::Looks;

/// First bytes of a zstd frame. No CDR message begins so: its first byte is 0.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Unpacks messages that are zstd frames, into a buffer that is kept.
pub(super) struct MessageUnpacker {
    decoder: zstd::zstd_safe::DCtx<'static>,
    unpacked: Vec<u8>,
}

impl MessageUnpacker {
    pub fn new() -> Self {
        Self { decoder: zstd::zstd_safe::DCtx::create(), unpacked: Vec::new() }
    }

    /// Whether the message is compressed.
    pub fn is_packed(topic: &Topic, data: &[u8]) -> bool {
        topic.serialization == "cdr" && data.starts_with(&ZSTD_MAGIC)
    }

    /// Unpacks `data`.
    pub fn unpack(&mut self, data: &[u8]) -> Result<(), DamageKind> {
        let failed = |reason: String| DamageKind::Compression { what: "a message", reason };
        if self.decoder.reset(zstd::zstd_safe::ResetDirective::SessionOnly).is_err() {
            self.decoder = zstd::zstd_safe::DCtx::create();
        }
        self.unpacked.clear();
        let decoder = zstd::stream::read::Decoder::with_context(data, &mut self.decoder);
        decoder.take(LONGEST + 1).read_to_end(&mut self.unpacked).map_err(|error| failed(error.to_string()))?;
        if self.unpacked.len() as u64 > LONGEST {
            return Err(failed("it unpacks to more than 1 GiB".into()));
        }
        Ok(())
    }

    /// What [`unpack`](Self::unpack) left.
    pub fn unpacked(&self) -> &[u8] {
        &self.unpacked
    }
}

/// Opens a bag file that is compressed as a whole: it is unpacked to a temporary file, which is
/// gone when the source is.
pub(super) fn open_compressed(path: &Path) -> Result<Box<dyn Source>, BagError> {
    let mut log = DamageLog::new(path);
    let mut unpacked = tempfile::NamedTempFile::new().map_err(|source| BagError::io(path, "unpack", source))?;
    let packed = std::fs::File::open(path).map_err(|source| BagError::io(path, "open", source))?;
    let mut decoder =
        zstd::stream::read::Decoder::new(packed).map_err(|source| BagError::io(path, "unpack", source))?;
    let mut buffer = vec![0; 1 << 17];
    loop {
        match decoder.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                let written = unpacked.write_all(&buffer[..count]);
                written.map_err(|source| BagError::io(path, "unpack to the temporary folder", source))?;
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                log.note(Place::File, DamageKind::Truncated { expected: "the end of the compressed file" });
                break;
            }
            Err(error) => {
                log.note(Place::File, DamageKind::Compression { what: "the file", reason: error.to_string() });
                break;
            }
        }
    }
    let temporary = unpacked.into_temp_path();
    let looks = Looks::of(&temporary).map_err(|source| BagError::io(path, "open", source))?;
    let inner: Box<dyn Source> = match looks {
        Looks::Mcap => Box::new(McapSource::open(&temporary, log)?),
        Looks::Sqlite => open_database(&temporary, log)?,
        found => return Err(BagError::NotABag { path: path.to_owned(), found }),
    };
    Ok(Box::new(Unpacked { inner, _temporary: temporary }))
}

/// A source over an unpacked file.
struct Unpacked {
    // Dropped (closed) before the temporary file is removed.
    inner: Box<dyn Source>,
    _temporary: TempPath,
}

impl Source for Unpacked {
    fn topics(&self) -> &[Topic] {
        self.inner.topics()
    }

    fn next_time(&mut self) -> Result<Option<u64>, BagError> {
        self.inner.next_time()
    }

    fn advance(&mut self) -> Result<bool, BagError> {
        self.inner.advance()
    }

    fn current(&self) -> RawMessage<'_> {
        self.inner.current()
    }

    fn damage(&self) -> &[Damage] {
        self.inner.damage()
    }

    fn message_count(&self) -> Option<u64> {
        self.inner.message_count()
    }
}
