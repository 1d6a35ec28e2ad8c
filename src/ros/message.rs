//! What every ROS message type can say of itself.

use super::Element;
use super::cdr::{CdrError, CdrReader, CdrWriter};

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
pub trait Message<'a>: Element<'a> {
    /// The type's name, schema and hash.
    const TYPE: MessageType;

    /// Decodes CDR bytes, encapsulation header included, of either byte order. Bytes behind the
    /// last field are allowed: writers pad.
    ///
    /// # Errors
    /// [`CdrError`] where the bytes are not such a message. Whether the values make sense is for
    /// [`crate::cloud`] to say.
    fn decode(message: &'a [u8]) -> Result<Self, CdrError> {
        Self::read(&mut CdrReader::new(message)?, Self::TYPE.name)
    }

    /// Encodes into `out`, which is cleared first, as little-endian CDR.
    ///
    /// # Errors
    /// [`CdrError::TooMany`] if a length does not fit 32 bits.
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), CdrError> {
        self.write(&mut CdrWriter::new(out), Self::TYPE.name)
    }
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
    use crate::ros::interfaces::*;
    use crate::ros::{CameraInfo, CompressedImageView, ImageView, PointCloud2View, ServiceType, TfMessage};
    use sha2::{Digest, Sha256};
    use std::collections::BTreeMap;

    /// Types by name, each a list of (field name, field type), as a `ros2msg` definition says.
    type Types = BTreeMap<String, Vec<(String, String)>>;

    const PRIMITIVES: [(&str, u32); 13] = [
        ("int8", 2),
        ("uint8", 3),
        ("int16", 4),
        ("uint16", 5),
        ("int32", 6),
        ("uint32", 7),
        ("int64", 8),
        ("uint64", 9),
        ("float32", 10),
        ("float64", 11),
        ("bool", 15),
        ("byte", 16),
        ("string", 17),
    ];

    fn full_name(name: &str) -> String {
        if name.matches('/').count() > 1 { name.to_owned() } else { name.replace('/', "/msg/") }
    }

    fn parse(name: &str, definition: &str) -> Types {
        let mut types = Types::new();
        let mut current = name.to_owned();
        types.insert(current.clone(), Vec::new());
        for line in definition.lines().filter(|line| !line.starts_with("====")) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["MSG:", name] => {
                    current = full_name(name);
                    types.insert(current.clone(), Vec::new());
                }
                [_, constant] if constant.contains('=') => {}
                [kind, field, ..] => types.get_mut(&current).unwrap().push((field.to_owned(), kind.to_owned())),
                _ => panic!("{name}: {line:?}"),
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
                    Some((base, count)) => match count.strip_prefix("<=") {
                        None => (base, 48, count.parse().unwrap()),
                        Some(bound) => (base, 96, bound.parse().unwrap()),
                    },
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

    fn hash(name: &str, types: &Types) -> String {
        let referenced: Vec<String> =
            types.keys().filter(|other| *other != name).map(|other| describe(other, types)).collect();
        let json = format!(
            "{{\"type_description\": {}, \"referenced_type_descriptions\": [{}]}}",
            describe(name, types),
            referenced.join(", ")
        );
        let digest = Sha256::digest(json.as_bytes());
        digest.iter().fold("RIHS01_".to_owned(), |text, byte| format!("{text}{byte:02x}"))
    }

    fn check_message<'a, M: Message<'a>>() {
        let MessageType { name, definition, hash: expected } = M::TYPE;
        assert_eq!(hash(name, &parse(name, definition)), expected, "{name}");
    }

    /// A service is described by its two messages and a third for introspection (REP-2012).
    fn check_service<S: ServiceCall>() {
        check_message::<S::Request<'static>>();
        check_message::<S::Response<'static>>();
        let ServiceType { name, hash: expected } = S::TYPE;
        let (request, response) = (S::Request::TYPE, S::Response::TYPE);
        let mut types = parse(
            name,
            &format!(
                "{name}_Request request_message\n{name}_Response response_message\n{name}_Event event_message\n\
                 MSG: {name}_Event\nservice_msgs/ServiceEventInfo info\n{name}_Request[<=1] request\n\
                 {name}_Response[<=1] response\n\
                 MSG: service_msgs/ServiceEventInfo\nuint8 event_type\nbuiltin_interfaces/Time stamp\n\
                 uint8[16] client_gid\nint64 sequence_number\n\
                 MSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n"
            ),
        );
        types.extend(parse(request.name, request.definition));
        types.extend(parse(response.name, response.definition));
        assert_eq!(hash(name, &types), expected, "{name}");
    }

    /// Ties each schema text to the hash that ROS itself computes of the type.
    #[test]
    fn definitions_have_their_ros_hashes() {
        check_message::<PointCloud2View<'_>>();
        check_message::<ImageView<'_>>();
        check_message::<CompressedImageView<'_>>();
        check_message::<CameraInfo<'_>>();
        check_message::<TfMessage<'_>>();
        check_message::<Detection3DArray<'_>>();
        check_message::<MarkerArray<'_>>();
        check_message::<DiagnosticArray<'_>>();
        check_message::<Clock>();
        check_message::<Log<'_>>();
        check_message::<ParameterEvent<'_>>();
        check_message::<TransitionEvent<'_>>();
        check_service::<ChangeState>();
        check_service::<GetState>();
        check_service::<GetAvailableStates>();
        check_service::<GetAvailableTransitions>();
        check_service::<GetParameters>();
        check_service::<SetParameters>();
        check_service::<SetParametersAtomically>();
        check_service::<ListParameters>();
        check_service::<DescribeParameters>();
        check_service::<GetParameterTypes>();
    }
}
