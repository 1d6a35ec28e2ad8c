//! Topics and messages as every container holds them.

/// Quality of service of a latched topic such as `/tf_static`, in rosbag2's words.
pub const TRANSIENT_LOCAL_QOS: &str = "- history: 1\n  depth: 1\n  reliability: 1\n  durability: 1\n  deadline:\n    \
     sec: 9223372036\n    nsec: 854775807\n  lifespan:\n    sec: 9223372036\n    nsec: 854775807\n  liveliness: 1\n  \
     liveliness_lease_duration:\n    sec: 9223372036\n    nsec: 854775807\n  avoid_ros_namespace_conventions: false";

/// A named stream of messages of one type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topic {
    /// Full name, for example `/camera/depth/points`.
    pub name: String,
    /// Message type, for example `sensor_msgs/msg/PointCloud2`.
    pub type_name: String,
    /// How messages are encoded: `cdr` in all of ROS 2.
    pub serialization: String,
    /// Language of [`schema`](Self::schema): `ros2msg`, `ros2idl`, or empty when there is none.
    pub schema_encoding: String,
    /// Definition of the type with all that it contains; empty when the recording lacks it.
    pub schema: Vec<u8>,
    /// Quality of service that the publishers offered, as rosbag2's YAML text; may be empty.
    pub offered_qos: String,
    /// Hash of the type description (`RIHS01_…`), or empty.
    pub type_hash: String,
    /// Messages in the recording, where known without reading it through.
    pub message_count: Option<u64>,
}

impl Topic {
    /// A topic of CDR messages, its definition and quality of service not stated.
    pub fn new(name: &str, type_name: &str) -> Self {
        Self { name: name.into(), type_name: type_name.into(), serialization: "cdr".into(), ..Self::default() }
    }

    /// Whether both speak of the same stream.
    pub fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.type_name == other.type_name && self.serialization == other.serialization
    }
}

/// One message, its bytes lent by the source until the next one is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawMessage<'a> {
    /// Index into the topics of the source or sink.
    pub topic: usize,
    /// When it was recorded, nanoseconds since 1970.
    pub log_time: u64,
    /// When it was published, nanoseconds since 1970; the log time where the container has none.
    pub publish_time: u64,
    /// The encoded message.
    pub data: &'a [u8],
}

/// Finds the topic or appends it; merges what either side knows.
pub(super) fn find_or_add(topics: &mut Vec<Topic>, topic: &Topic) -> usize {
    if let Some(index) = topics.iter().position(|known| known.is_same(topic)) {
        let known = &mut topics[index];
        if known.schema.is_empty() && !topic.schema.is_empty() {
            known.schema.clone_from(&topic.schema);
            known.schema_encoding.clone_from(&topic.schema_encoding);
        }
        if known.offered_qos.is_empty() {
            known.offered_qos.clone_from(&topic.offered_qos);
        }
        if known.type_hash.is_empty() {
            known.type_hash.clone_from(&topic.type_hash);
        }
        return index;
    }
    topics.push(topic.clone());
    topics.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latched_quality_of_service_is_what_rosbag2_reads() {
        let tree: serde_yaml_ng::Value = serde_yaml_ng::from_str(TRANSIENT_LOCAL_QOS).unwrap();
        let profile = &tree[0];
        assert_eq!((profile["durability"].as_u64(), profile["reliability"].as_u64()), (Some(1), Some(1)));
        assert_eq!(profile["lifespan"]["nsec"].as_u64(), Some(854_775_807));
        assert_eq!(profile["avoid_ros_namespace_conventions"].as_bool(), Some(false));
    }

    #[test]
    fn what_either_side_knows_is_kept() {
        let mut topics = vec![Topic { offered_qos: "- depth: 1".into(), ..Topic::new("/a", "t/msg/A") }];
        let defined =
            Topic { schema: b"int8 x".to_vec(), schema_encoding: "ros2msg".into(), ..Topic::new("/a", "t/msg/A") };
        assert_eq!(find_or_add(&mut topics, &defined), 0);
        assert_eq!((topics[0].schema.as_slice(), topics[0].offered_qos.as_str()), (&b"int8 x"[..], "- depth: 1"));
        assert_eq!(find_or_add(&mut topics, &Topic::new("/a", "t/msg/B")), 1);
    }
}
