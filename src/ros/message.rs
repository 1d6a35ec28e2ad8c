//! What every ROS message type can say of itself.

use super::CdrError;

/// Name, schema and hash of a message type, as bags store them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageType {
    /// For example `sensor_msgs/msg/PointCloud2`.
    pub name: &'static str,
    /// The `.msg` text and, after separator lines, that of every type it contains: schema encoding
    /// `ros2msg` (MCAP's registry of well-known encodings).
    pub definition: &'static str,
    /// `RIHS01_…`, the hash of the type's description (REP-2011), which rosbag2 writes into
    /// `metadata.yaml`.
    pub hash: &'static str,
}

/// A message that borrows its long parts from `'a`.
pub trait Message<'a>: Sized {
    /// The type's name, schema and hash.
    const TYPE: MessageType;

    /// Decodes CDR bytes, encapsulation header included, of either byte order. Bytes behind the
    /// last field are allowed: writers pad.
    ///
    /// # Errors
    /// [`CdrError`] where the bytes are not such a message. Whether the values make sense is for
    /// [`crate::cloud`] to say.
    fn decode(message: &'a [u8]) -> Result<Self, CdrError>;

    /// Encodes into `out`, which is cleared first, as little-endian CDR.
    ///
    /// # Errors
    /// [`CdrError::TooMany`] if a length does not fit 32 bits.
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), CdrError>;
}

/// Joins definitions with the separator lines that the encoding `ros2msg` wants.
macro_rules! definition {
    ($main:literal $(, $name:literal: $text:expr)* $(,)?) => {
        concat!(
            $main,
            $("================================================================================\nMSG: ", $name, "\n", $text,)*
        )
    };
}

macro_rules! header_definition {
    () => {
        "builtin_interfaces/Time stamp\nstring frame_id\n"
    };
}

macro_rules! time_definition {
    () => {
        "int32 sec\nuint32 nanosec\n"
    };
}

pub(super) use {definition, header_definition, time_definition};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ros::{CameraInfo, CompressedImageView, ImageView, PointCloud2View, TfMessage};
    use sha2::{Digest, Sha256};
    use std::collections::BTreeMap;

    /// Types by name, each a list of (field name, field type), as a `ros2msg` definition says.
    type Types = BTreeMap<String, Vec<(String, String)>>;

    const PRIMITIVES: [(&str, u32); 11] = [
        ("int8", 2),
        ("uint8", 3),
        ("int16", 4),
        ("uint16", 5),
        ("int32", 6),
        ("uint32", 7),
        ("int64", 8),
        ("uint64", 9),
        ("float64", 11),
        ("bool", 15),
        ("string", 17),
    ];

    fn full_name(name: &str) -> String {
        if name.contains("/msg/") { name.to_owned() } else { name.replace('/', "/msg/") }
    }

    fn parse(message: MessageType) -> Types {
        let mut types = Types::new();
        let mut current = message.name.to_owned();
        types.insert(current.clone(), Vec::new());
        for line in message.definition.lines().filter(|line| !line.starts_with("====")) {
            if let Some(name) = line.strip_prefix("MSG: ") {
                current = full_name(name);
                types.insert(current.clone(), Vec::new());
            } else if !line.contains('=') {
                let (kind, name) = line.split_once(' ').unwrap();
                types.get_mut(&current).unwrap().push((name.to_owned(), kind.to_owned()));
            }
        }
        types
    }

    /// One individual type description of REP-2011, in the spacing of Python's `json.dumps`.
    fn describe(name: &str, types: &Types) -> String {
        let fields: Vec<String> = types[name]
            .iter()
            .map(|(field, kind)| {
                let (base, array, capacity) = match kind.strip_suffix(']').and_then(|kind| kind.split_once('[')) {
                    None => (kind.as_str(), 0, 0),
                    Some((base, "")) => (base, 144, 0),
                    Some((base, count)) => (base, 48, count.parse().unwrap()),
                };
                let primitive = PRIMITIVES.iter().find(|(name, _)| *name == base);
                let nested = if primitive.is_some() { String::new() } else { full_name(base) };
                assert!(primitive.is_some() || types.contains_key(&nested), "{name}: {base} is not defined");
                let id = primitive.map_or(1, |(_, id)| *id) + array;
                format!(
                    "{{\"name\": \"{field}\", \"type\": {{\"type_id\": {id}, \"capacity\": {capacity}, \
                     \"string_capacity\": 0, \"nested_type_name\": \"{nested}\"}}}}"
                )
            })
            .collect();
        format!("{{\"type_name\": \"{name}\", \"fields\": [{}]}}", fields.join(", "))
    }

    fn hash(message: MessageType) -> String {
        let types = parse(message);
        let referenced: Vec<String> =
            types.keys().filter(|name| *name != message.name).map(|name| describe(name, &types)).collect();
        let json = format!(
            "{{\"type_description\": {}, \"referenced_type_descriptions\": [{}]}}",
            describe(message.name, &types),
            referenced.join(", ")
        );
        let digest = Sha256::digest(json.as_bytes());
        digest.iter().fold("RIHS01_".to_owned(), |text, byte| format!("{text}{byte:02x}"))
    }

    /// Ties each schema text to the hash that ROS itself computes of the type.
    #[test]
    fn definitions_have_their_ros_hashes() {
        for message in
            [PointCloud2View::TYPE, ImageView::TYPE, CompressedImageView::TYPE, CameraInfo::TYPE, TfMessage::TYPE]
        {
            assert_eq!(hash(message), message.hash, "{}", message.name);
        }
    }
}
