//! CDR, the wire format of ROS 2 (OMG DDS-XTYPES, "plain CDR", encoding version 1).
//!
//! A message is four bytes of encapsulation header and then its fields, each number aligned to its
//! own size counted from after that header. The crate `cdr-encoding` does the same through serde,
//! but it hands texts out as temporaries, so that every frame would allocate its frame id and field
//! names, and its errors do not say where the damage is. This reader borrows, is told the name of
//! each field, and checks every length against the bytes that are there; the crate is its oracle
//! in the tests.

/// Why bytes are not the message that they are said to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CdrError {
    /// The four bytes in front are not those of plain CDR.
    #[error("CDR encapsulation: expected 00 00 or 00 01, found {0:02x} {1:02x}", actual[0], actual[1])]
    Encapsulation {
        /// The first two bytes.
        actual: [u8; 2],
    },
    /// The message ends inside a field, or a length field promises more than is there.
    #[error("{field} at byte {offset}: needs {needed} bytes, {available} are left")]
    Truncated {
        /// Which field was being read.
        field: &'static str,
        /// Where the field's content begins, in bytes from the start of the message.
        offset: usize,
        /// Bytes that it needs.
        needed: u64,
        /// Bytes that are left.
        available: usize,
    },
    /// A text that is not UTF-8 or lacks its final NUL.
    #[error("{field} at byte {offset}: expected {expected}")]
    Text {
        /// Which field was being read.
        field: &'static str,
        /// Where the text begins, in bytes from the start of the message.
        offset: usize,
        /// What the text should have been.
        expected: &'static str,
    },
    /// A truth value other than 0 and 1.
    #[error("{field} at byte {offset}: expected 0 or 1, found {actual}")]
    Boolean {
        /// Which field was being read.
        field: &'static str,
        /// Where, in bytes from the start of the message.
        offset: usize,
        /// What was there.
        actual: u8,
    },
    /// More elements than the field can mean.
    #[error("{field}: expected at most {maximum} elements, found {actual}")]
    TooMany {
        /// Which field.
        field: &'static str,
        /// Most elements that have a meaning.
        maximum: u64,
        /// Elements that came.
        actual: u64,
    },
}

/// Bytes of the encapsulation header.
const HEADER: usize = 4;

/// Reads the fields of one message in order, borrowing from its bytes.
#[derive(Clone, Copy, Debug)]
pub struct CdrReader<'a> {
    message: &'a [u8],
    position: usize,
    big_endian: bool,
}

macro_rules! read_number {
    ($($kind:ident)*) => {
        $(
            /// Reads one number, aligned to its size.
            ///
            /// # Errors
            /// [`CdrError::Truncated`].
            #[inline]
            pub fn $kind(&mut self, field: &'static str) -> Result<$kind, CdrError> {
                self.align(size_of::<$kind>());
                let bytes = self.take(field, size_of::<$kind>())?;
                let bytes = bytes.try_into().unwrap_or_default();
                Ok(if self.big_endian { $kind::from_be_bytes(bytes) } else { $kind::from_le_bytes(bytes) })
            }
        )*
    };
}

macro_rules! write_number {
    ($($kind:ident)*) => {
        $(
            /// Writes one number, aligned to its size.
            pub fn $kind(&mut self, value: $kind) {
                self.number(&value.to_le_bytes());
            }
        )*
    };
}

impl<'a> CdrReader<'a> {
    /// Starts behind the encapsulation header, which says the byte order.
    ///
    /// # Errors
    /// [`CdrError::Truncated`] below four bytes; [`CdrError::Encapsulation`] for anything but
    /// plain CDR (parameter lists and XCDR2 are not what ROS 2 puts into bags).
    pub fn new(message: &'a [u8]) -> Result<Self, CdrError> {
        let mut reader = Self { message, position: 0, big_endian: false };
        let header = reader.take("CDR encapsulation", HEADER)?;
        reader.big_endian = match [header[0], header[1]] {
            [0, 0] => true,
            [0, 1] => false,
            actual => return Err(CdrError::Encapsulation { actual }),
        };
        Ok(reader)
    }

    read_number!(i8 i16 u16 i32 u32 i64 u64 f32 f64);

    /// Reads one byte.
    ///
    /// # Errors
    /// [`CdrError::Truncated`].
    pub fn u8(&mut self, field: &'static str) -> Result<u8, CdrError> {
        Ok(self.take(field, 1)?[0])
    }

    /// Reads one truth value.
    ///
    /// # Errors
    /// [`CdrError::Truncated`], or [`CdrError::Boolean`] for a byte above 1.
    pub fn bool(&mut self, field: &'static str) -> Result<bool, CdrError> {
        let offset = self.position;
        match self.u8(field)? {
            0 => Ok(false),
            1 => Ok(true),
            actual => Err(CdrError::Boolean { field, offset, actual }),
        }
    }

    /// Reads a `uint8[]`: a length and that many bytes.
    ///
    /// # Errors
    /// [`CdrError::Truncated`].
    pub fn bytes(&mut self, field: &'static str) -> Result<&'a [u8], CdrError> {
        let length = self.u32(field)?;
        self.take(field, length as usize)
    }

    /// Reads a text. Its length counts the final NUL; length 0 (which some writers use for an
    /// empty text) is accepted.
    ///
    /// # Errors
    /// [`CdrError::Truncated`]; [`CdrError::Text`] if the NUL is missing or it is not UTF-8.
    pub fn text(&mut self, field: &'static str) -> Result<&'a str, CdrError> {
        let bytes = self.bytes(field)?;
        let offset = self.position - bytes.len();
        match bytes.split_last() {
            None => Ok(""),
            Some((0, text)) => {
                std::str::from_utf8(text).map_err(|_| CdrError::Text { field, offset, expected: "UTF-8" })
            }
            Some(_) => Err(CdrError::Text { field, offset, expected: "a NUL at the end" }),
        }
    }

    /// Reads the length of a sequence whose elements take at least `smallest` bytes each, and
    /// refuses lengths that cannot be true.
    ///
    /// # Errors
    /// [`CdrError::Truncated`].
    pub fn sequence_length(&mut self, field: &'static str, smallest: usize) -> Result<u32, CdrError> {
        let count = self.u32(field)?;
        let needed = u64::from(count) * smallest as u64;
        let available = self.message.len() - self.position;
        if needed > available as u64 {
            return Err(CdrError::Truncated { field, offset: self.position, needed, available });
        }
        Ok(count)
    }

    /// Moves to the next multiple of `size`. May move past the end; the read that follows reports it.
    fn align(&mut self, size: usize) {
        self.position += (size - (self.position - HEADER) % size) % size;
    }

    fn take(&mut self, field: &'static str, count: usize) -> Result<&'a [u8], CdrError> {
        let rest = self.message.get(self.position..).unwrap_or_default();
        match rest.get(..count) {
            Some(bytes) => {
                self.position += count;
                Ok(bytes)
            }
            None => {
                Err(CdrError::Truncated { field, offset: self.position, needed: count as u64, available: rest.len() })
            }
        }
    }
}

/// Writes the fields of one message in order, as little-endian plain CDR.
#[derive(Debug)]
pub struct CdrWriter<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> CdrWriter<'a> {
    /// Clears `out` and writes the encapsulation header.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        out.clear();
        out.extend_from_slice(&[0, 1, 0, 0]);
        Self { out }
    }

    /// Writes one byte.
    pub fn u8(&mut self, value: u8) {
        self.out.push(value);
    }

    /// Writes one truth value.
    pub fn bool(&mut self, value: bool) {
        self.out.push(u8::from(value));
    }

    write_number!(i8 i16 u16 i32 u32 i64 u64 f32 f64);

    /// Writes the length of a sequence or text.
    ///
    /// # Errors
    /// [`CdrError::TooMany`] beyond what 32 bits can say.
    pub fn length(&mut self, field: &'static str, length: usize) -> Result<(), CdrError> {
        let value = u32::try_from(length).map_err(|_| CdrError::TooMany {
            field,
            maximum: u64::from(u32::MAX),
            actual: length as u64,
        })?;
        self.u32(value);
        Ok(())
    }

    /// Writes a `uint8[]`.
    ///
    /// # Errors
    /// [`CdrError::TooMany`] beyond 4 GiB.
    pub fn bytes(&mut self, field: &'static str, bytes: &[u8]) -> Result<(), CdrError> {
        self.length(field, bytes.len())?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    /// Writes a text and its final NUL.
    ///
    /// # Errors
    /// [`CdrError::TooMany`] beyond 4 GiB.
    pub fn text(&mut self, field: &'static str, text: &str) -> Result<(), CdrError> {
        self.length(field, text.len() + 1)?;
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(0);
        Ok(())
    }

    /// The buffer itself, for those who write the elements of a `uint8[]` in place after
    /// [`CdrWriter::length`].
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        self.out
    }

    fn number(&mut self, bytes: &[u8]) {
        let over = (self.out.len() - HEADER) % bytes.len();
        if over != 0 {
            self.out.resize(self.out.len() + bytes.len() - over, 0);
        }
        self.out.extend_from_slice(bytes);
    }
}
