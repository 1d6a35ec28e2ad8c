//! Bags: every container gives the same messages, damage loses only what it destroyed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use instanton::transport::{
    BagError, Damage, DamageKind, McapSink, RawMessage, Sink, SinkOptions, Topic, TopicMap, open_bag,
};
use proptest::prelude::*;

/// A message with its topic by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Message {
    time: u64,
    topic: String,
    data: Vec<u8>,
}

/// What a bag gave.
struct Reading {
    messages: Vec<Message>,
    topics: Vec<Topic>,
    damage: Vec<Damage>,
}

fn read_all(path: &Path) -> Result<Reading, BagError> {
    let mut source = open_bag(path)?;
    let mut messages = Vec::new();
    loop {
        let promised = source.next_time()?;
        if !source.advance()? {
            break;
        }
        let message = source.current();
        assert!(promised.is_some_and(|time| time <= message.log_time), "a message comes no earlier than promised");
        let topic = source.topics()[message.topic].name.clone();
        messages.push(Message { time: message.log_time, topic, data: message.data.to_vec() });
    }
    assert_eq!(source.next_time()?, None);
    Ok(Reading { messages, topics: source.topics().to_vec(), damage: source.damage().to_vec() })
}

fn words(damage: &[Damage]) -> String {
    damage.iter().map(|damage| format!("{damage}\n")).collect()
}

/// Messages with a CDR header, some noisy and some that compress, not quite in order of time, as
/// several publishers write them.
fn sample() -> Vec<Message> {
    let mut state = 7_u64;
    let mut noise = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as u8
    };
    let message = |index: u64| {
        let topic = ["/points", "/tf", "/image"][index as usize % 3].to_owned();
        let length = [700, 40, 2000][index as usize % 3];
        let mut data = vec![0, 1, 0, 0];
        data.extend((0..length).map(|place| if index.is_multiple_of(2) { noise() } else { (place / 16) as u8 }));
        let jitter = if index.is_multiple_of(5) { 25_000 } else { 0 };
        Message { time: 1_000_000_000 + index * 10_000 - jitter, topic, data }
    };
    (3..60).map(message).collect()
}

fn in_order(mut messages: Vec<Message>) -> Vec<Message> {
    messages.sort_by_key(|message| message.time);
    messages
}

/// How an MCAP file of the tests is made.
#[derive(Clone, Copy, Debug)]
struct Make {
    compression: Option<mcap::Compression>,
    chunks: bool,
    summary: bool,
    checksums: bool,
}

const PLAIN: Make = Make { compression: None, chunks: true, summary: true, checksums: true };

fn variants() -> Vec<(&'static str, Make)> {
    let zstd = Some(mcap::Compression::Zstd);
    let lz4 = Some(mcap::Compression::Lz4);
    vec![
        ("plain", PLAIN),
        ("zstd", Make { compression: zstd, ..PLAIN }),
        ("lz4", Make { compression: lz4, ..PLAIN }),
        ("without chunks", Make { chunks: false, ..PLAIN }),
        ("without chunks or summary", Make { chunks: false, summary: false, ..PLAIN }),
        ("plain without summary", Make { summary: false, ..PLAIN }),
        ("zstd without summary", Make { compression: zstd, summary: false, ..PLAIN }),
        ("zstd without checksums", Make { compression: zstd, checksums: false, ..PLAIN }),
        ("lz4 without summary or checksums", Make { compression: lz4, summary: false, checksums: false, ..PLAIN }),
    ]
}

fn mcap_bytes(messages: &[Message], make: Make) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut options = mcap::WriteOptions::new()
        .profile("ros2")
        .compression(make.compression)
        .compression_threads(0)
        .use_chunks(make.chunks)
        .chunk_size(Some(4096))
        .calculate_chunk_crcs(make.checksums)
        .calculate_summary_section_crc(make.checksums);
    if !make.summary {
        options = options.emit_summary_records(false).emit_summary_offsets(false).emit_message_indexes(false);
    }
    let mut writer = options.create(Cursor::new(&mut bytes)).unwrap();
    let mut channels = BTreeMap::new();
    for (sequence, message) in messages.iter().enumerate() {
        let channel = *channels.entry(message.topic.clone()).or_insert_with(|| {
            let schema = writer.add_schema(&type_of(&message.topic), "ros2msg", b"uint8[] data").unwrap();
            let metadata = BTreeMap::from([("offered_qos_profiles".to_owned(), "- depth: 3".to_owned())]);
            writer.add_channel(schema, &message.topic, "cdr", &metadata).unwrap()
        });
        let header = mcap::records::MessageHeader {
            channel_id: channel,
            sequence: sequence as u32,
            log_time: message.time,
            publish_time: message.time,
        };
        writer.write_to_known_channel(&header, &message.data).unwrap();
    }
    writer.finish().unwrap();
    drop(writer);
    bytes
}

fn type_of(topic: &str) -> String {
    format!("test_msgs/msg/{}", topic.trim_start_matches('/').to_uppercase())
}

fn write_db3(path: &Path, messages: &[Message], compress: bool) {
    let database = rusqlite::Connection::open(path).unwrap();
    database
        .execute_batch(
            "CREATE TABLE schema(schema_version INTEGER PRIMARY KEY, ros_distro TEXT NOT NULL);
             CREATE TABLE metadata(id INTEGER PRIMARY KEY, metadata_version INTEGER NOT NULL, metadata TEXT NOT NULL);
             CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL,
                serialization_format TEXT NOT NULL, offered_qos_profiles TEXT NOT NULL, type_description_hash TEXT NOT NULL);
             CREATE TABLE message_definitions(id INTEGER PRIMARY KEY, topic_type TEXT NOT NULL, encoding TEXT NOT NULL,
                encoded_message_definition TEXT NOT NULL, type_description_hash TEXT NOT NULL);
             CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, timestamp INTEGER NOT NULL, data BLOB NOT NULL);
             CREATE INDEX timestamp_idx ON messages (timestamp ASC);
             BEGIN;",
        )
        .unwrap();
    let mut ids: Vec<String> = Vec::new();
    for message in messages {
        let id = ids.iter().position(|known| *known == message.topic).unwrap_or_else(|| {
            ids.push(message.topic.clone());
            let row = (ids.len() as i64, &message.topic, type_of(&message.topic));
            let insert = "INSERT INTO topics VALUES (?1, ?2, ?3, 'cdr', '- depth: 3', 'RIHS01_00')";
            database.execute(insert, row).unwrap();
            ids.len() - 1
        });
        let data = if compress { zstd::bulk::compress(&message.data, 3).unwrap() } else { message.data.clone() };
        let insert = "INSERT INTO messages(topic_id, timestamp, data) VALUES (?1, ?2, ?3)";
        database.execute(insert, (id as i64 + 1, message.time as i64, data)).unwrap();
    }
    database.execute_batch("COMMIT").unwrap();
}

/// Folder of recordings that are no part of the project, or `None` and a word about it.
fn recordings() -> Option<PathBuf> {
    let root = std::env::var_os("INSTANTON_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let folder = root.join("data/bags");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no {} (set INSTANTON_SHARED)", folder.display());
    None
}

#[test]
fn every_container_gives_the_same_messages() {
    let folder = tempfile::tempdir().unwrap();
    let expected = in_order(sample());
    for (name, make) in variants() {
        let path = folder.path().join("x.mcap");
        std::fs::write(&path, mcap_bytes(&sample(), make)).unwrap();
        let found = read_all(&path).unwrap();
        assert_eq!(found.damage, [], "{name}: {}", words(&found.damage));
        assert_eq!(found.messages, expected, "{name}");
        for topic in &found.topics {
            assert_eq!(topic.type_name, type_of(&topic.name));
            assert_eq!((topic.schema_encoding.as_str(), topic.offered_qos.as_str()), ("ros2msg", "- depth: 3"));
            assert_eq!(topic.schema, b"uint8[] data");
            let count = expected.iter().filter(|message| message.topic == topic.name).count();
            assert_eq!(topic.message_count, Some(count as u64), "{name}");
        }
    }
    for compress in [false, true] {
        let path = folder.path().join(format!("x{compress}.db3"));
        write_db3(&path, &sample(), compress);
        let found = read_all(&path).unwrap();
        assert_eq!(found.damage, [], "{}", words(&found.damage));
        assert_eq!(found.messages, expected, "db3");
        assert_eq!(found.topics[0].type_hash, "RIHS01_00");
        assert_eq!(found.topics[0].offered_qos, "- depth: 3");
    }
    // Files compressed as a whole, plain or with compressed messages within.
    for (inner, outer) in [("xfalse.db3", "y.db3.zstd"), ("xtrue.db3", "z.db3.zstd"), ("x.mcap", "y.mcap.zstd")] {
        let bytes = std::fs::read(folder.path().join(inner)).unwrap();
        let path = folder.path().join(outer);
        std::fs::write(&path, zstd::bulk::compress(&bytes, 3).unwrap()).unwrap();
        let found = read_all(&path).unwrap();
        assert_eq!(found.messages, expected, "{outer}");
        assert_eq!(found.damage, [], "{outer}");
        let cut = &std::fs::read(&path).unwrap()[..bytes.len() / 8];
        std::fs::write(&path, cut).unwrap();
        if let Ok(found) = read_all(&path) {
            assert!(!found.damage.is_empty(), "{outer}");
        }
    }
}

#[test]
fn mcap_messages_may_be_compressed_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let packed = |message: Message| Message { data: zstd::bulk::compress(&message.data, 1).unwrap(), ..message };
    let path = folder.path().join("x.mcap");
    std::fs::write(&path, mcap_bytes(&sample().into_iter().map(packed).collect::<Vec<_>>(), PLAIN)).unwrap();
    assert_eq!(read_all(&path).unwrap().messages, in_order(sample()));
}

/// `part` is what a reader may deliver of `whole`: some of it, in order.
fn is_subsequence(part: &[Message], whole: &[Message]) -> bool {
    let mut rest = whole.iter();
    part.iter().all(|message| rest.any(|candidate| candidate == message))
}

#[test]
fn a_file_cut_off_anywhere_gives_what_lies_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.mcap");
    for (name, make) in variants() {
        let bytes = mcap_bytes(&sample(), make);
        let mut most = 0;
        for length in (0..bytes.len()).step_by(131).chain([bytes.len() - 1]) {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let Ok(found) = read_all(&path) else {
                assert!(length < 8, "{name} cut at {length} is still an MCAP file");
                continue;
            };
            assert!(!found.damage.is_empty(), "{name} cut at {length}: damage must be told");
            assert!(is_subsequence(&found.messages, &in_order(sample())), "{name} cut at {length}");
            assert!(found.messages.len() >= most, "{name} cut at {length}: more bytes, fewer messages");
            most = found.messages.len();
        }
        assert_eq!(most, sample().len(), "{name}: cut in its summary, all messages are there");
    }
}

#[test]
fn a_cut_chunk_gives_its_first_messages() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.mcap");
    let bytes = mcap_bytes(&sample(), PLAIN);
    // Within the first chunk: 4096 bytes of it hold the first messages.
    std::fs::write(&path, &bytes[..3500]).unwrap();
    let found = read_all(&path).unwrap();
    assert!(found.messages.len() >= 2, "{}", found.messages.len());
    assert_eq!(found.damage.len(), 1, "told once: {}", words(&found.damage));
    assert!(matches!(found.damage[0].what, DamageKind::Truncated { .. }));
}

#[test]
fn a_flipped_byte_is_told_and_never_passes_for_data() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.mcap");
    let whole: BTreeSet<Message> = sample().into_iter().collect();
    for (name, make) in variants() {
        let bytes = mcap_bytes(&sample(), make);
        for place in (0..bytes.len()).step_by(151) {
            for flip in [0x01, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[place] ^= flip;
                std::fs::write(&path, &damaged).unwrap();
                let Ok(found) = read_all(&path) else {
                    assert!(place < 8, "{name}, byte {place}");
                    continue;
                };
                assert!(found.messages.len() <= whole.len() + 1, "{name}, byte {place}");
                if !(make.checksums && make.chunks) {
                    continue;
                }
                for message in &found.messages {
                    assert!(whole.contains(message), "{name}, byte {place}: a message that was never there");
                }
                assert!(
                    found.messages.len() == whole.len() || !found.damage.is_empty(),
                    "{name}, byte {place}, flip {flip}: messages lost in silence"
                );
            }
        }
    }
}

#[test]
fn messages_behind_a_broken_chunk_are_delivered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.mcap");
    let mut bytes = mcap_bytes(&sample(), Make { compression: Some(mcap::Compression::Zstd), ..PLAIN });
    // The chain of records is cut by an impossible length of the first chunk.
    let chunk = (8..bytes.len()).find(|&at| bytes[at] == 6 && bytes[at + 4..at + 9] == [0; 5]).unwrap();
    bytes[chunk + 8] = 0x7f;
    std::fs::write(&path, &bytes).unwrap();
    let found = read_all(&path).unwrap();
    assert!(found.messages.len() > sample().len() / 2, "{} messages", found.messages.len());
    assert!(
        found.damage.iter().any(|damage| matches!(damage.what, DamageKind::Record { .. })),
        "{}",
        words(&found.damage)
    );
}

#[test]
fn stated_lengths_are_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.mcap");
    let record = |code: u8, content: &[u8]| {
        let mut record = vec![code];
        record.extend((content.len() as u64).to_le_bytes());
        record.extend(content);
        record
    };
    let mut bomb = vec![0; 16];
    let packed = zstd::bulk::compress(&vec![0; 200 << 20], 1).unwrap();
    bomb.extend(100_u64.to_le_bytes());
    bomb.extend([0; 4]);
    bomb.extend(4_u32.to_le_bytes());
    bomb.extend(b"zstd");
    bomb.extend((packed.len() as u64).to_le_bytes());
    bomb.extend(&packed);
    let mut huge = bomb.clone();
    huge[16..24].copy_from_slice(&u64::MAX.to_le_bytes());
    let mut long_name = bomb.clone();
    long_name[28..32].copy_from_slice(&u32::MAX.to_le_bytes());
    let long_schema = [&[1, 0][..], &u32::MAX.to_le_bytes(), b"abc"].concat();
    for content in
        [record(6, &bomb), record(6, &huge), record(6, &long_name), record(3, &long_schema), record(4, &long_schema)]
    {
        let bytes = [&b"\x89MCAP0\r\n"[..], &content].concat();
        std::fs::write(&path, bytes).unwrap();
        let found = read_all(&path).unwrap();
        assert!(found.messages.is_empty());
        assert!(!found.damage.is_empty());
    }
}

#[test]
fn a_damaged_database_gives_what_can_be_reached() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db3");
    let whole: Vec<Message> = (0..20).flat_map(|_| sample()).collect();
    write_db3(&path, &whole, false);
    let bytes = std::fs::read(&path).unwrap();
    let cut_path = folder.path().join("cut.db3");
    let expected: BTreeSet<_> = whole.iter().cloned().collect();
    let mut best = 0;
    for part in 1..40 {
        let length = bytes.len() * part / 40;
        std::fs::write(&cut_path, &bytes[..length]).unwrap();
        match read_all(&cut_path) {
            Ok(found) => {
                assert!(!found.damage.is_empty(), "cut at {length}: {} messages", found.messages.len());
                assert!(found.messages.iter().all(|message| expected.contains(message)), "cut at {length}");
                best = best.max(found.messages.len());
            }
            Err(error) => assert!(matches!(error, BagError::Database { .. } | BagError::NotABag { .. }), "{error}"),
        }
    }
    assert!(best > whole.len() / 2, "the longest cut still gives most: {best} of {}", whole.len());
    for place in (0..bytes.len()).step_by(1499) {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0xff;
        std::fs::write(&cut_path, &damaged).unwrap();
        if let Ok(found) = read_all(&cut_path) {
            assert!(found.messages.len() <= whole.len(), "byte {place}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn noise_in_any_container_never_panics(
        variant in 0_usize..9,
        flips in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..20),
        cut in proptest::option::of(any::<proptest::sample::Index>()),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.mcap");
        let mut bytes = mcap_bytes(&sample(), variants()[variant].1);
        for (place, value) in flips {
            let place = 8 + place.index(bytes.len() - 8);
            bytes[place] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(8 + cut.index(bytes.len() - 8));
        }
        std::fs::write(&path, &bytes).unwrap();
        prop_assert!(read_all(&path).is_ok());
    }
}

/// A folder of two parts whose times overlap a little.
fn write_folder(folder: &Path, compress: bool) -> Vec<Message> {
    let messages = sample();
    let (first, second) = messages.split_at(messages.len() / 2);
    let mut listed = Vec::new();
    for (index, part) in [first, second].into_iter().enumerate() {
        let name = format!("x_{index}.mcap");
        let bytes = mcap_bytes(part, PLAIN);
        let (name, bytes) =
            if compress { (format!("{name}.zstd"), zstd::bulk::compress(&bytes, 1).unwrap()) } else { (name, bytes) };
        std::fs::write(folder.join(&name), bytes).unwrap();
        listed.push(name);
    }
    let yaml = format!(
        "rosbag2_bagfile_information:\n  version: 5\n  storage_identifier: mcap\n  message_count: {}\n  \
         topics_with_message_count: []\n  compression_format: {}\n  compression_mode: {}\n  relative_file_paths:\n  - {}\n  - some/{}\n",
        messages.len(),
        if compress { "zstd" } else { "''" },
        if compress { "FILE" } else { "''" },
        listed[0],
        listed[1]
    );
    std::fs::write(folder.join("metadata.yaml"), yaml).unwrap();
    in_order(messages)
}

#[test]
fn a_folder_is_one_recording() {
    for compress in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let expected = write_folder(folder.path(), compress);
        let found = read_all(folder.path()).unwrap();
        assert_eq!(found.damage, [], "{}", words(&found.damage));
        assert_eq!(found.messages, expected);
        assert_eq!(found.topics.iter().map(|topic| topic.message_count.unwrap()).sum::<u64>(), expected.len() as u64);

        std::fs::write(folder.path().join("metadata.yaml"), "rosbag2_bagfile_information: [").unwrap();
        let found = read_all(folder.path()).unwrap();
        assert_eq!(found.messages, expected);
        assert!(
            matches!(found.damage[..], [Damage { what: DamageKind::Metadata { .. }, .. }]),
            "{}",
            words(&found.damage)
        );

        std::fs::remove_file(folder.path().join("metadata.yaml")).unwrap();
        let found = read_all(folder.path()).unwrap();
        assert_eq!(found.messages, expected);
        assert!(matches!(found.damage[..], [Damage { what: DamageKind::MetadataMissing, .. }]));
    }
}

#[test]
fn a_folder_that_lacks_a_file_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let expected = write_folder(folder.path(), false);
    std::fs::remove_file(folder.path().join("x_0.mcap")).unwrap();
    let found = read_all(folder.path()).unwrap();
    assert!(is_subsequence(&found.messages, &expected) && !found.messages.is_empty());
    let kinds: Vec<_> = found.damage.iter().map(|damage| &damage.what).collect();
    assert!(
        matches!(kinds[..], [DamageKind::FileMissing { .. }, DamageKind::Count { .. }]),
        "{}",
        words(&found.damage)
    );
}

#[test]
fn what_is_no_bag_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.bag");
    for (bytes, named) in [
        (&b"#ROSBAG V2.0\nblah"[..], "ROS 1 bag"),
        (b"# .PCD v0.7\n", "PCD"),
        (b"hello\n", "text file"),
        (b"", "empty file"),
        (b"\x00\x01\x02\x03", "nothing known"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let error = read_all(&path).err().expect("no bag").to_string();
        assert!(error.contains(named) && error.contains("x.bag"), "{error}");
    }
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(read_all(empty.path()), Err(BagError::NotABagFolder { .. })));
    assert!(matches!(read_all(&empty.path().join("nothing.mcap")), Err(BagError::Io { .. })));
    let database = folder.path().join("other.db3");
    rusqlite::Connection::open(&database).unwrap().execute_batch("CREATE TABLE a(b)").unwrap();
    assert!(matches!(read_all(&database), Err(BagError::Database { .. })));
}

/// Copies a bag through the sink, with one topic more.
fn copy(from: &Path, mut sink: Box<dyn Sink>) -> Result<(), BagError> {
    let mut source = open_bag(from)?;
    let mut map = TopicMap::new();
    map.add_all(&*source, &mut *sink)?;
    let extra = sink.add_topic(&Topic::new("/labelled", "sensor_msgs/msg/PointCloud2"))?;
    while source.advance()? {
        map.forward(&*source, &mut *sink)?;
        let time = source.current().log_time;
        if source.topics()[source.current().topic].name == "/points" {
            sink.write(RawMessage { topic: extra, log_time: time, publish_time: time, data: b"\0\x01\0\0labels" })?;
        }
    }
    sink.finish().map(|_| ())
}

fn definitions(type_name: &str) -> Option<&'static str> {
    (type_name == "sensor_msgs/msg/PointCloud2").then_some("uint32 height")
}

#[test]
fn a_copy_holds_the_input_and_more() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in.mcap");
    std::fs::write(&input, mcap_bytes(&sample(), PLAIN)).unwrap();
    let output = folder.path().join("out.mcap");
    let options = SinkOptions::with_definitions(definitions);
    copy(&input, Box::new(McapSink::create(&output, options).unwrap())).unwrap();
    let found = read_all(&output).unwrap();
    assert_eq!(found.damage, []);
    let passed: Vec<_> = found.messages.iter().filter(|message| message.topic != "/labelled").cloned().collect();
    assert_eq!(passed, in_order(sample()));
    let before = read_all(&input).unwrap().topics;
    assert_eq!(found.topics[..before.len()], before);
    assert_eq!(found.topics.last().unwrap().schema, b"uint32 height");
    assert_eq!(found.topics.last().unwrap().message_count, Some(19));

    // Same input, same bytes; and a file that was there is replaced.
    let first = std::fs::read(&output).unwrap();
    copy(&input, Box::new(McapSink::create(&output, options).unwrap())).unwrap();
    assert_eq!(std::fs::read(&output).unwrap(), first);
    // What rosbag2 and Foxglove look for, by the eyes of another reader.
    let summary = mcap::Summary::read(&first).unwrap().expect("a summary");
    assert_eq!(summary.stats.unwrap().message_count as usize, found.messages.len());
    assert!(summary.channels.values().all(|channel| channel.message_encoding == "cdr"));
    assert!(first[17..].starts_with(b"\x04\0\0\0ros2"), "profile");

    let bag = folder.path().join("bag");
    copy(&input, Box::new(McapSink::create_folder(&bag, options).unwrap())).unwrap();
    let again = read_all(&bag).unwrap();
    assert_eq!((again.messages, again.damage), (found.messages, vec![]));
    assert!(bag.join("bag_0.mcap").is_file());
    assert!(matches!(McapSink::create_folder(&bag, options), Err(BagError::Occupied { .. })));
    let left: BTreeSet<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["bag", "in.mcap", "out.mcap"].into_iter().map(Into::into).collect());
}

#[test]
fn an_unfinished_output_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for whole_folder in [false, true] {
        let path = folder.path().join("out");
        let mut sink = if whole_folder {
            McapSink::create_folder(&path, SinkOptions::default()).unwrap()
        } else {
            McapSink::create(&path, SinkOptions::default()).unwrap()
        };
        let topic = sink.add_topic(&Topic::new("/a", "test_msgs/msg/A")).unwrap();
        sink.write(RawMessage { topic, log_time: 1, publish_time: 1, data: &[0; 100] }).unwrap();
        drop(sink);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_place_that_cannot_be_written_is_a_typed_error() {
    let folder = tempfile::tempdir().unwrap();
    let options = SinkOptions::default();
    assert!(matches!(McapSink::create(&folder.path().join("no/x.mcap"), options), Err(BagError::Io { .. })));
    assert!(matches!(McapSink::create_folder(&folder.path().join("no/x"), options), Err(BagError::Io { .. })));
    assert!(matches!(McapSink::create(folder.path(), options), Err(BagError::Io { .. })));
    #[cfg(target_os = "linux")]
    {
        assert!(matches!(McapSink::create(Path::new("/proc/x.mcap"), options), Err(BagError::Io { .. })));
        assert!(matches!(McapSink::create(Path::new("/dev/full"), options), Err(BagError::Io { .. })));
    }
}

#[test]
fn every_recording_reads() {
    let Some(folder) = recordings() else { return };
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_dir() {
            continue;
        }
        let mut source = open_bag(&path).unwrap();
        let expected = source.message_count().expect("metadata.yaml states it");
        let (mut count, mut last) = (0, 0);
        while let Some(message) = source.next_message().unwrap() {
            assert!(message.log_time >= last, "{}", path.display());
            last = message.log_time;
            count += 1;
            assert!(message.data.starts_with(&[0, 1, 0, 0]), "little-endian CDR");
        }
        assert_eq!(count, expected, "{}", path.display());
        assert_eq!(source.damage(), [], "{}", path.display());
        println!("{}: {count} messages", path.display());
        seen += 1;
    }
    assert!(seen >= 4, "{seen} recordings in {}", folder.display());
    // The same recording in two containers.
    let [mcap, db3] =
        ["kinect_rgbd_3frames_mcap", "kinect_rgbd_3frames_db3"].map(|name| read_all(&folder.join(name)).unwrap());
    let [mcap, db3]: [BTreeSet<_>; 2] = [mcap, db3].map(|reading| reading.messages.into_iter().collect());
    assert_eq!(mcap, db3);
}

#[test]
fn the_long_recording_reads() {
    let Some(folder) = recordings() else { return };
    let archive = folder.join("d435_like_sim.mcap.tar.xz");
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let unpacked = std::process::Command::new("tar").arg("-xJf").arg(&archive).arg("-C").arg(place.path()).status();
    if !unpacked.is_ok_and(|status| status.success()) {
        println!("skipped: tar cannot unpack {}", archive.display());
        return;
    }
    let mut pending = vec![place.path().to_owned()];
    let mut bag = None;
    while let Some(path) = pending.pop() {
        for entry in std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                pending.push(entry);
            } else if entry.extension().is_some_and(|ending| ending == "mcap") {
                bag = Some(entry);
            }
        }
    }
    let bag = bag.expect("an .mcap file in the archive");
    let mut source = open_bag(&bag).unwrap();
    let mut count = 0;
    while source.advance().unwrap() {
        count += 1;
    }
    assert_eq!(count, 263);
    assert_eq!(source.damage(), []);

    // Cut in the middle: half of it is there.
    let length = std::fs::metadata(&bag).unwrap().len();
    std::fs::OpenOptions::new().write(true).open(&bag).unwrap().set_len(length / 2).unwrap();
    let mut source = open_bag(&bag).unwrap();
    let mut count = 0;
    while source.advance().unwrap() {
        count += 1;
    }
    assert!((120..=140).contains(&count), "{count}");
    assert_eq!(source.damage().len(), 1, "{}", words(source.damage()));
    std::io::stdout().flush().unwrap();
}
