//! Messages go through RustDDS as they are.
//!
//! RustDDS keeps the encapsulation header apart from what follows it: we take it off when sending and put
//! it on again when receiving. Where a message's size is no multiple of four, whoever sent it in one piece
//! padded it, so that up to three bytes more may come than were written; CDR decoders do not mind.

use rustdds::RepresentationIdentifier;
use rustdds::bytes::Bytes;
use rustdds::no_key::{Decode, DefaultDecoder, DeserializerAdapter, SerializerAdapter};
use std::convert::Infallible;

/// Bytes of the encapsulation header.
const HEADER: usize = 4;
/// What stands in front of little-endian CDR.
const LITTLE_ENDIAN: [u8; 2] = [0, 1];

/// The type of RustDDS's writers and readers here.
pub(super) type Writer = rustdds::no_key::DataWriter<Bytes, Raw>;
/// See [`Writer`].
pub(super) type Reader = rustdds::no_key::SimpleDataReader<Vec<u8>, Raw>;

/// Neither serialises nor deserialises.
pub(super) struct Raw;

/// What a message consists of for RustDDS: the part behind the header.
pub(super) fn body(message: &[u8]) -> Result<Bytes, String> {
    match message.split_at_checked(HEADER) {
        Some((header, body)) if header[..2] == LITTLE_ENDIAN => Ok(Bytes::copy_from_slice(body)),
        Some((header, _)) => {
            Err(format!("expected little-endian CDR (00 01), found {:02x} {:02x}", header[0], header[1]))
        }
        None => Err(format!("expected {HEADER} bytes of encapsulation header, found {}", message.len())),
    }
}

impl SerializerAdapter<Bytes> for Raw {
    type Error = Infallible;

    fn output_encoding() -> RepresentationIdentifier {
        RepresentationIdentifier::CDR_LE
    }

    fn to_bytes(value: &Bytes) -> Result<Bytes, Infallible> {
        Ok(value.clone())
    }
}

impl DeserializerAdapter<Vec<u8>> for Raw {
    type Error = Infallible;
    type Decoded = Vec<u8>;

    fn supported_encodings() -> &'static [RepresentationIdentifier] {
        &[RepresentationIdentifier::CDR_LE, RepresentationIdentifier::CDR_BE]
    }

    fn transform_decoded(decoded: Vec<u8>) -> Vec<u8> {
        decoded
    }
}

impl DefaultDecoder<Vec<u8>> for Raw {
    type Decoder = PutsHeader;
    const DECODER: PutsHeader = PutsHeader;
}

/// Puts the header in front again.
#[derive(Clone)]
pub(super) struct PutsHeader;

impl<'de> Decode<'de, Vec<u8>> for PutsHeader {
    type Error = Infallible;

    fn decode_bytes(self, input: &'de [u8], encoding: RepresentationIdentifier) -> Result<Vec<u8>, Infallible> {
        let little = u8::from(encoding == RepresentationIdentifier::CDR_LE);
        let mut message = Vec::with_capacity(HEADER + input.len());
        message.extend_from_slice(&[0, little, 0, 0]);
        message.extend_from_slice(input);
        Ok(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_keeps_its_byte_order() {
        let message = [0, 1, 0, 0, 7, 8, 9];
        let sent = body(&message).unwrap();
        let decode = |encoding| PutsHeader.decode_bytes(&sent, encoding).unwrap();
        assert_eq!(decode(RepresentationIdentifier::CDR_LE), message);
        assert_eq!(decode(RepresentationIdentifier::CDR_BE), [0, 0, 0, 0, 7, 8, 9]);
    }

    #[test]
    fn only_little_endian_messages_are_sent() {
        for message in [&[][..], &[0, 1, 0], &[0, 0, 0, 0], &[0, 3, 0, 0, 1]] {
            assert!(body(message).is_err(), "{message:?}");
        }
        assert!(body(&[0, 1, 0, 0]).unwrap().is_empty());
    }
}
