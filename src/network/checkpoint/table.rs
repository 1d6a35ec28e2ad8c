//! Sorted string tables, the file format of LevelDB in which TensorFlow keeps a check-point's index.
//!
//! ```text
//!  data blocks … │ meta index block │ index block │ footer (48 bytes): handles of both, magic number
//!  block = entries, restart offsets (u32 each), their number (u32) │ compression (u8) │ masked CRC-32C
//!  entry = shared, unshared, value length (varints), the unshared rest of the key, the value
//! ```
//! The whole table is read in order; nobody looks up single keys here. The crates that read such tables
//! end the process on a damaged one (assertions, unbounded allocation), hence this short reader of our
//! own, which bounds every length before it believes it. Source: LevelDB's `doc/table_format.md`.

/// Length of the footer.
const FOOTER: usize = 48;
/// What the last eight bytes of every table say, little-endian.
const MAGIC: u64 = 0xdb47_7524_8b80_fb57;
/// Compression tag and checksum behind every block.
const TRAILER: usize = 5;
/// No table of variables holds more than this, unpacked.
const LARGEST_CONTENT: usize = 64 << 20;

/// Key and value.
pub(super) type Entry = (Vec<u8>, Vec<u8>);

/// Why bytes are not a table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// Fewer bytes than a footer has, or another magic number at the end.
    #[error("expected a table that ends in the magic number {MAGIC:#x}, found {actual} (cut off, or another format)")]
    Footer {
        /// What is there instead.
        actual: String,
    },
    /// A block reaches beyond the file.
    #[error("block at byte {offset}: expected {length} bytes within the file's {available}")]
    Outside {
        /// Where the block begins.
        offset: u64,
        /// Its length.
        length: u64,
        /// Bytes of the file.
        available: usize,
    },
    /// A block is not what was written.
    #[error("block at byte {offset}: expected the checksum {expected:#010x}, found {actual:#010x}: it is damaged")]
    Checksum {
        /// Where the block begins.
        offset: u64,
        /// The stored checksum.
        expected: u32,
        /// That of the bytes.
        actual: u32,
    },
    /// A block is packed in a way that is not known here.
    #[error("block at byte {offset}: expected compression 0 (none) or 1 (snappy), found {actual}")]
    Compression {
        /// Where the block begins.
        offset: u64,
        /// The compression's number.
        actual: u8,
    },
    /// A block's content makes no sense.
    #[error("block at byte {offset}: expected {expected}, found {actual}")]
    Content {
        /// Where the block begins.
        offset: u64,
        /// What should be there.
        expected: &'static str,
        /// What is there.
        actual: String,
    },
}

/// Where a block lies.
#[derive(Clone, Copy)]
struct Handle {
    offset: u64,
    length: u64,
}

/// Whether bytes end as a table does.
pub(super) fn is_table(end: &[u8]) -> bool {
    end.last_chunk().is_some_and(|magic| u64::from_le_bytes(*magic) == MAGIC)
}

/// Every entry of a table, in order.
///
/// # Errors
/// [`TableError`] naming the first block that is damaged.
pub(super) fn entries(table: &[u8]) -> Result<Vec<Entry>, TableError> {
    if table.len() < FOOTER || !is_table(table) {
        let actual = match table.last_chunk() {
            Some(magic) if table.len() >= FOOTER => format!("{:#x}", u64::from_le_bytes(*magic)),
            _ => format!("{} bytes", table.len()),
        };
        return Err(TableError::Footer { actual });
    }
    let (blocks, footer) = table.split_at(table.len() - FOOTER);
    let at = blocks.len() as u64;
    let mut footer = &footer[..FOOTER - 8];
    handle(&mut footer, at)?;
    let index = handle(&mut footer, at)?;
    let mut content = 0;
    let mut all = Vec::new();
    for (_, value) in block_entries(blocks, index, &mut content)? {
        let data = handle(&mut value.as_slice(), index.offset)?;
        all.append(&mut block_entries(blocks, data, &mut content)?);
    }
    if let Some(pair) = all.windows(2).find(|pair| pair[0].0 >= pair[1].0) {
        let actual = format!("{:?} after {:?}", text(&pair[1].0), text(&pair[0].0));
        return Err(TableError::Content { offset: 0, expected: "keys in rising order", actual });
    }
    Ok(all)
}

fn text(key: &[u8]) -> String {
    String::from_utf8_lossy(key).into_owned()
}

fn handle(bytes: &mut &[u8], block: u64) -> Result<Handle, TableError> {
    let mut next = || {
        varint(bytes).ok_or(TableError::Content {
            offset: block,
            expected: "place and length of a block",
            actual: "something else".to_owned(),
        })
    };
    Ok(Handle { offset: next()?, length: next()? })
}

/// A number in groups of seven bits, lowest first.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// The entries of one block; `content` counts what all blocks together unpack to.
fn block_entries(table: &[u8], place: Handle, content: &mut usize) -> Result<Vec<Entry>, TableError> {
    let Handle { offset, length } = place;
    let outside = TableError::Outside { offset, length, available: table.len() };
    let range = usize::try_from(offset).ok().zip(usize::try_from(length).ok());
    let Some((stored, trailer)) = range.and_then(|(start, length)| {
        let stored = table.get(start..start.checked_add(length)?)?;
        Some((stored, table.get(start + length..start.checked_add(length)?.checked_add(TRAILER)?)?))
    }) else {
        return Err(outside);
    };
    let expected = unmask(u32::from_le_bytes([trailer[1], trailer[2], trailer[3], trailer[4]]));
    let actual = crc32c::crc32c_append(crc32c::crc32c(stored), &trailer[..1]);
    if actual != expected {
        return Err(TableError::Checksum { offset, expected, actual });
    }
    let refuse = |expected: &'static str, actual: String| Err(TableError::Content { offset, expected, actual });
    let unpacked;
    let block = match trailer[0] {
        0 => stored,
        1 => {
            // The claimed length comes first, so that nothing is allocated on the file's word alone.
            match snap::raw::decompress_len(stored) {
                Ok(claimed) if claimed <= LARGEST_CONTENT - *content => {}
                claimed => return refuse("snappy of at most 64 MiB", format!("{claimed:?}")),
            }
            unpacked = match snap::raw::Decoder::new().decompress_vec(stored) {
                Ok(unpacked) => unpacked,
                Err(error) => return refuse("snappy", error.to_string()),
            };
            &unpacked
        }
        actual => return Err(TableError::Compression { offset, actual }),
    };
    *content += block.len();
    if *content > LARGEST_CONTENT {
        return refuse("at most 64 MiB in all blocks", format!("{content} bytes"));
    }
    let Some((body, restarts)) = block.split_last_chunk().and_then(|(rest, count)| {
        let restarts = usize::try_from(u32::from_le_bytes(*count)).ok()?.checked_mul(4)?;
        rest.split_at_checked(rest.len().checked_sub(restarts)?)
    }) else {
        return refuse("a list of restarts", format!("{} bytes", block.len()));
    };
    debug_assert!(restarts.len().is_multiple_of(4));
    parse(body).map_or_else(|at| refuse("an entry", format!("something else at its byte {at}")), Ok)
}

/// The entries of a block's body, or where they end to make sense.
fn parse(body: &[u8]) -> Result<Vec<Entry>, usize> {
    let mut rest = body;
    let mut entries: Vec<Entry> = Vec::new();
    while !rest.is_empty() {
        let at = body.len() - rest.len();
        let mut next = || varint(&mut rest).and_then(|value| usize::try_from(value).ok()).ok_or(at);
        let (shared, unshared, length) = (next()?, next()?, next()?);
        let before = entries.last().map_or(&[][..], |(key, _)| key);
        let mut key = before.get(..shared).ok_or(at)?.to_vec();
        let (more, after) = rest.split_at_checked(unshared).ok_or(at)?;
        key.extend_from_slice(more);
        let (value, after) = after.split_at_checked(length).ok_or(at)?;
        rest = after;
        entries.push((key, value.to_vec()));
    }
    Ok(entries)
}

/// Checksums are stored rotated and shifted, so that a checksum of data that holds checksums stays sound.
pub(super) fn unmask(masked: u32) -> u32 {
    masked.wrapping_sub(0xa282_ead8).rotate_left(15)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn number(mut value: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while value >= 0x80 {
            bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
        bytes
    }

    fn mask(sum: u32) -> u32 {
        sum.rotate_right(15).wrapping_add(0xa282_ead8)
    }

    fn append(file: &mut Vec<u8>, entries: &[(&[u8], &[u8])], compression: u8) -> Vec<u8> {
        let mut block = Vec::new();
        let mut before: &[u8] = &[];
        for (key, value) in entries {
            let shared = key.iter().zip(before).take_while(|(one, other)| one == other).count();
            for value in [shared, key.len() - shared, value.len()] {
                block.extend(number(value));
            }
            block.extend_from_slice(&key[shared..]);
            block.extend_from_slice(value);
            before = key;
        }
        block.extend([0; 4]);
        block.extend(1u32.to_le_bytes());
        if compression == 1 {
            block = snap::raw::Encoder::new().compress_vec(&block).unwrap();
        }
        let handle = [number(file.len()), number(block.len())].concat();
        file.extend_from_slice(&block);
        file.push(compression);
        let sum = crc32c::crc32c_append(crc32c::crc32c(&block), &[compression]);
        file.extend(mask(sum).to_le_bytes());
        handle
    }

    /// A table of two data blocks.
    pub fn table(entries: &[(&[u8], &[u8])], compression: u8) -> Vec<u8> {
        let mut file = Vec::new();
        let (first, second) = entries.split_at(entries.len() / 2);
        let handles = [append(&mut file, first, compression), append(&mut file, second, compression)];
        let meta = append(&mut file, &[], 0);
        let index = append(&mut file, &[(b"m", &handles[0]), (b"z", &handles[1])], compression);
        let mut footer = [meta, index].concat();
        footer.resize(FOOTER - 8, 0);
        file.extend(footer);
        file.extend(MAGIC.to_le_bytes());
        file
    }

    const ENTRIES: [(&[u8], &[u8]); 4] = [(b"", b"head"), (b"layer1", b"a"), (b"layer10", b"bc"), (b"layer2", b"")];

    #[test]
    fn what_is_written_is_read() {
        for compression in [0, 1] {
            let read = entries(&table(&ENTRIES, compression)).unwrap();
            let read: Vec<(&[u8], &[u8])> =
                read.iter().map(|(key, value)| (key.as_slice(), value.as_slice())).collect();
            assert_eq!(read, ENTRIES, "compression {compression}");
        }
        assert!(matches!(entries(&table(&ENTRIES, 4)), Err(TableError::Compression { actual: 4, .. })));
        assert!(matches!(entries(b"no table"), Err(TableError::Footer { .. })));
        let swapped = [ENTRIES[2], ENTRIES[3], ENTRIES[0], ENTRIES[1]];
        assert!(matches!(entries(&table(&swapped, 0)), Err(TableError::Content { .. })));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        for compression in [0, 1] {
            let good = table(&ENTRIES, compression);
            let padding = |at: usize| (good.len() - FOOTER..good.len() - 8).contains(&at);
            for position in 0..good.len() {
                let mut bad = good.clone();
                bad[position] ^= 0x10;
                // The handle of the empty meta index and the footer's padding say nothing of variables.
                assert!(entries(&bad).is_err() || padding(position) || is_meta(&good, position), "{position}");
                assert!(entries(&good[..position]).is_err());
            }
        }
    }

    fn is_meta(table: &[u8], position: usize) -> bool {
        let mut footer = &table[table.len() - FOOTER..];
        let meta = handle(&mut footer, 0).unwrap_or(Handle { offset: 0, length: 0 });
        let start = meta.offset as usize;
        (start..start + meta.length as usize + TRAILER).contains(&position)
    }
}
