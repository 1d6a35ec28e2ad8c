//! CDR, with the crate `cdr-encoding` as the witness.

use crate::ros::cdr::{CdrError, CdrReader, CdrWriter};
use proptest::prelude::*;

#[derive(serde::Serialize, serde::Deserialize, Debug, PartialEq, Clone)]
struct Example {
    flag: bool,
    text: String,
    number: i32,
    #[serde(with = "serde_bytes")]
    data: Vec<u8>,
    byte: u8,
    real: f64,
    count: u32,
    small: i8,
    short: i16,
    port: u16,
    long: i64,
    stamp: u64,
    colour: f32,
}

fn read(message: &[u8]) -> Result<Example, CdrError> {
    let mut reader = CdrReader::new(message)?;
    Ok(Example {
        flag: reader.bool("flag")?,
        text: reader.text("text")?.to_owned(),
        number: reader.i32("number")?,
        data: reader.bytes("data")?.to_vec(),
        byte: reader.u8("byte")?,
        real: reader.f64("real")?,
        count: reader.u32("count")?,
        small: reader.i8("small")?,
        short: reader.i16("short")?,
        port: reader.u16("port")?,
        long: reader.i64("long")?,
        stamp: reader.u64("stamp")?,
        colour: reader.f32("colour")?,
    })
}

fn write(example: &Example) -> Vec<u8> {
    let mut out = vec![99; 7];
    let mut writer = CdrWriter::new(&mut out);
    writer.bool(example.flag);
    writer.text("text", &example.text).unwrap();
    writer.i32(example.number);
    writer.bytes("data", &example.data).unwrap();
    writer.u8(example.byte);
    writer.f64(example.real);
    writer.u32(example.count);
    writer.i8(example.small);
    writer.i16(example.short);
    writer.u16(example.port);
    writer.i64(example.long);
    writer.u64(example.stamp);
    writer.f32(example.colour);
    out
}

proptest! {
    #[test]
    fn agrees_with_cdr_encoding(
        flag: bool, text in "[a-zA-Zäß/_]{0,9}", number: i32,
        data in prop::collection::vec(any::<u8>(), 0..40), byte: u8, real in -1e9..1e9f64, count: u32,
        (small, short, port, long, stamp, colour) in any::<(i8, i16, u16, i64, u64, i16)>(),
    ) {
        let colour = f32::from(colour);
        let example =
            Example { flag, text, number, data, byte, real, count, small, short, port, long, stamp, colour };
        let ours = write(&example);
        let theirs = cdr_encoding::to_vec::<_, byteorder::LittleEndian>(&example).unwrap();
        prop_assert_eq!(&ours[4..], &theirs[..]);
        prop_assert_eq!(&read(&ours).unwrap(), &example);
        let mut big = vec![0, 0, 0, 0];
        big.extend(cdr_encoding::to_vec::<_, byteorder::BigEndian>(&example).unwrap());
        prop_assert_eq!(&read(&big).unwrap(), &example);
    }

    #[test]
    fn damage_never_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..80), plain: bool) {
        if plain && bytes.len() >= 2 {
            bytes[0] = 0;
            bytes[1] &= 1;
        }
        let _ = read(&bytes);
    }
}

#[test]
fn every_cut_is_a_typed_error() {
    let example = Example {
        text: "abc".into(),
        data: vec![1, 2, 3],
        flag: true,
        number: -1,
        byte: 4,
        real: 0.5,
        count: 6,
        small: -7,
        short: -8,
        port: 9,
        long: -10,
        stamp: 11,
        colour: 12.5,
    };
    let whole = write(&example);
    for length in 0..whole.len() {
        assert!(matches!(read(&whole[..length]), Err(CdrError::Truncated { .. })), "cut at {length}");
    }
    let mut long = whole.clone();
    long[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(
        read(&long),
        Err(CdrError::Truncated {
            field: "text",
            offset: 12,
            needed: u64::from(u32::MAX),
            available: whole.len() - 12
        })
    );
    let mut flag = whole.clone();
    flag[4] = 2;
    assert_eq!(read(&flag), Err(CdrError::Boolean { field: "flag", offset: 4, actual: 2 }));
    let mut kind = whole;
    kind[1] = 3;
    assert_eq!(read(&kind), Err(CdrError::Encapsulation { actual: [0, 3] }));
}
