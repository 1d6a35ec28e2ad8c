//! `metadata.yaml` of a rosbag2 folder, versions 1 to 9 read, version 8 written.
//!
//! Read as a tree and not as a fixed structure: each version of rosbag2 added keys, and quality of
//! service is a text up to version 8 and a list from version 9 on.

use std::path::Path;

use serde_yaml_ng::Value;

use super::Topic;

/// Longest file that is taken for real.
const LONGEST: u64 = 16 << 20;

/// What the folder says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Files in the order of time, relative to the folder.
    pub files: Vec<String>,
    /// Topics with their counts; definitions are in the files.
    pub topics: Vec<Topic>,
    /// Messages in all files together.
    pub message_count: Option<u64>,
}

impl Metadata {
    /// Reads the file; `Err` with the reason in words.
    pub fn read(path: &Path) -> Result<Self, String> {
        let size = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
        if size > LONGEST {
            return Err(format!("expected at most {LONGEST} bytes, found {size}"));
        }
        let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
        Self::parse(&String::from_utf8_lossy(&bytes))
    }

    /// Parses the text of the file; `Err` with the reason in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let tree: Value = serde_yaml_ng::from_str(text).map_err(|error| error.to_string())?;
        let bag = tree.get("rosbag2_bagfile_information").ok_or("expected the key rosbag2_bagfile_information")?;
        let paths =
            bag.get("relative_file_paths").and_then(Value::as_sequence).ok_or("expected a list relative_file_paths")?;
        let files: Vec<String> = paths.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        if files.is_empty() {
            return Err("relative_file_paths names no file".into());
        }
        let topics = bag.get("topics_with_message_count").and_then(Value::as_sequence);
        let topics = topics.into_iter().flatten().filter_map(parse_topic).collect();
        Ok(Self { files, topics, message_count: bag.get("message_count").and_then(Value::as_u64) })
    }
}

fn parse_topic(entry: &Value) -> Option<Topic> {
    let metadata = entry.get("topic_metadata")?;
    let text = |key: &str| metadata.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let offered_qos = match metadata.get("offered_qos_profiles") {
        Some(Value::String(text)) => text.clone(),
        Some(list @ Value::Sequence(profiles)) if !profiles.is_empty() => {
            serde_yaml_ng::to_string(list).unwrap_or_default().trim_end().to_owned()
        }
        _ => String::new(),
    };
    Some(Topic {
        name: text("name"),
        type_name: text("type"),
        serialization: text("serialization_format"),
        offered_qos,
        type_hash: text("type_description_hash"),
        message_count: entry.get("message_count").and_then(Value::as_u64),
        ..Topic::default()
    })
}

/// Text of a `metadata.yaml` for one MCAP file. Version 8, which releases from Humble on read.
pub fn write(file: &str, topics: &[(Topic, u64)], span: Option<(u64, u64)>) -> Result<String, serde_yaml_ng::Error> {
    use serde::Serialize;
    #[derive(Serialize)]
    struct Root {
        rosbag2_bagfile_information: Bag,
    }
    #[derive(Serialize)]
    struct Bag {
        version: u32,
        storage_identifier: &'static str,
        duration: Duration,
        starting_time: Start,
        message_count: u64,
        topics_with_message_count: Vec<Counted>,
        compression_format: &'static str,
        compression_mode: &'static str,
        relative_file_paths: Vec<String>,
        files: Vec<FileEntry>,
        custom_data: Option<()>,
        ros_distro: &'static str,
    }
    #[derive(Clone, Copy, Serialize)]
    struct Duration {
        nanoseconds: u64,
    }
    #[derive(Clone, Copy, Serialize)]
    struct Start {
        nanoseconds_since_epoch: u64,
    }
    #[derive(Serialize)]
    struct Counted {
        topic_metadata: TopicEntry,
        message_count: u64,
    }
    #[derive(Serialize)]
    struct TopicEntry {
        name: String,
        #[serde(rename = "type")]
        type_name: String,
        serialization_format: String,
        offered_qos_profiles: String,
        type_description_hash: String,
    }
    #[derive(Serialize)]
    struct FileEntry {
        path: String,
        starting_time: Start,
        duration: Duration,
        message_count: u64,
    }
    let (start, end) = span.unwrap_or((0, 0));
    let duration = Duration { nanoseconds: end - start };
    let starting_time = Start { nanoseconds_since_epoch: start };
    let message_count = topics.iter().map(|(_, count)| count).sum();
    let counted = |(topic, count): &(Topic, u64)| Counted {
        topic_metadata: TopicEntry {
            name: topic.name.clone(),
            type_name: topic.type_name.clone(),
            serialization_format: topic.serialization.clone(),
            offered_qos_profiles: topic.offered_qos.clone(),
            type_description_hash: topic.type_hash.clone(),
        },
        message_count: *count,
    };
    serde_yaml_ng::to_string(&Root {
        rosbag2_bagfile_information: Bag {
            version: 8,
            storage_identifier: "mcap",
            duration,
            starting_time,
            message_count,
            topics_with_message_count: topics.iter().map(counted).collect(),
            compression_format: "",
            compression_mode: "",
            relative_file_paths: vec![file.to_owned()],
            files: vec![FileEntry { path: file.to_owned(), starting_time, duration, message_count }],
            custom_data: None,
            ros_distro: "",
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quality_of_service_is_a_text_or_a_list() {
        let bag = |qos: &str| {
            format!(
                "rosbag2_bagfile_information:\n  version: 9\n  message_count: 3\n  relative_file_paths: [a.mcap]\n  \
                 topics_with_message_count:\n  - message_count: 3\n    topic_metadata: {{name: /a, type: t/msg/A, \
                 serialization_format: cdr, offered_qos_profiles: {qos}}}\n"
            )
        };
        let text = Metadata::parse(&bag("\"- depth: 1\"")).unwrap();
        let list = Metadata::parse(&bag("[{depth: 1}]")).unwrap();
        assert_eq!(text.topics[0].offered_qos, "- depth: 1");
        assert_eq!(text, list);
        assert_eq!(Metadata::parse(&bag("[]")).unwrap().topics[0].offered_qos, "");
    }

    #[test]
    fn what_is_written_is_read() {
        let topic = Topic { offered_qos: "- depth: 1".into(), ..Topic::new("/a", "t/msg/A") };
        let text = write("x_0.mcap", &[(topic.clone(), 4)], Some((10, 30))).unwrap();
        let read = Metadata::parse(&text).unwrap();
        assert_eq!(read.files, ["x_0.mcap"]);
        assert_eq!(read.message_count, Some(4));
        assert_eq!(read.topics, [Topic { message_count: Some(4), ..topic }]);
    }

    #[test]
    fn nonsense_is_refused_with_a_reason() {
        for text in
            ["", "a: [", "rosbag2_bagfile_information: {}", "rosbag2_bagfile_information: {relative_file_paths: []}"]
        {
            assert!(!Metadata::parse(text).unwrap_err().is_empty(), "{text}");
        }
    }
}
