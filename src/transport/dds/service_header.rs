//! The header by which `rmw_cyclonedds` knows to which request an answer belongs.

use rustdds::GUID;

/// Bytes of the encapsulation header.
const ENCAPSULATION: usize = 4;
/// A number of the caller and one of the request, eight bytes each. As these are a multiple of the widest alignment,
/// what follows is CDR with and without them.
const SIZE: usize = 16;
/// Eclipse Cyclone DDS among the vendors of RTPS.
const CYCLONE: [u8; 2] = [0x01, 0x10];

/// Whether requests of this writer begin with a header: whether it is Cyclone DDS, whose GUIDs begin with its vendor's
/// number.
pub(super) fn puts_header(writer: GUID) -> bool {
    writer.to_bytes()[..2] == CYCLONE
}

/// Caller and request, as a little-endian message has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header([u8; SIZE]);

impl Header {
    /// Of the caller's request of this number.
    pub(super) fn new(caller: GUID, number: u64) -> Self {
        let mut header = [0; SIZE];
        // The caller means a handle of its own, which nobody else reads: these bytes differ between callers as well.
        header[..8].copy_from_slice(&caller.to_bytes()[8..]);
        header[8..].copy_from_slice(&number.to_le_bytes());
        Self(header)
    }

    /// Writes the message without its header into `rest`; `None` where it is too short to have one.
    pub(super) fn take_from(message: &[u8], rest: &mut Vec<u8>) -> Option<Self> {
        let (encapsulation, body) = message.split_at_checked(ENCAPSULATION)?;
        let (header, body) = body.split_first_chunk::<SIZE>()?;
        let mut header = *header;
        let is_little = encapsulation[1] & 1 == 1;
        if !is_little {
            header.chunks_exact_mut(8).for_each(<[u8]>::reverse);
        }
        rest.clear();
        rest.extend_from_slice(encapsulation);
        rest.extend_from_slice(body);
        Some(Self(header))
    }

    /// Puts the header into a little-endian message.
    pub(super) fn put_into(&self, message: &mut Vec<u8>) {
        let at = ENCAPSULATION.min(message.len());
        message.splice(at..at, self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_begins_as_its_request_did() {
        let header: Vec<u8> = (1..=16).collect();
        let request = [&[0, 1, 0, 0][..], &header, &[77, 78]].concat();
        let mut rest = Vec::new();
        let found = Header::take_from(&request, &mut rest).unwrap();
        assert_eq!(rest, [0, 1, 0, 0, 77, 78]);
        let mut answer = vec![0, 1, 0, 0, 99];
        found.put_into(&mut answer);
        assert_eq!(answer, [&[0, 1, 0, 0][..], &header, &[99]].concat());
    }

    #[test]
    fn a_big_endian_request_is_answered_in_little_endian() {
        let number = |value: u64| value.to_be_bytes();
        let request = [&[0, 0, 0, 0][..], &number(7), &number(300), &[5]].concat();
        let mut rest = Vec::new();
        let header = Header::take_from(&request, &mut rest).unwrap();
        assert_eq!(rest, [0, 0, 0, 0, 5]);
        assert_eq!(header.0, *[7_u64.to_le_bytes(), 300_u64.to_le_bytes()].concat());
    }

    #[test]
    fn what_is_too_short_has_none() {
        for length in 0..20 {
            assert_eq!(Header::take_from(&vec![0; length], &mut Vec::new()), None, "{length} bytes");
        }
    }
}
