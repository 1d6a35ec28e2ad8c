//! Bags, files and live topics: where clouds come from and where labelled clouds go.
//!
//! The problem: recordings come in many containers, were cut off by an empty battery, lay on a
//! dying disk, or are something else than their name says. The contract:
//!
//! * [`bag`]: messages stay CDR bytes. A [`Source`] hands them out in log-time order from a
//!   rosbag2 folder, `.mcap` or `.db3` file, in bounded memory; a [`Sink`] writes them. Nothing
//!   here knows what is inside a message.
//! * [`mod@file`]: clouds and annotated rooms as `.pcd`, `.ply`, `.npy`, `.npz`.
//! * `dds` (feature of the same name): live topics of a ROS 2 network, in pure Rust.
//! * Damage ends neither the program nor the reading: what lies before it (and, where the container
//!   allows, behind it) is delivered, and the damage is told once, as a typed [`Damage`].
//! * No length that a file states is believed before it is checked against the file.
//! * An output appears whole under its name or not at all.

pub mod bag;
#[cfg(feature = "dds")]
pub mod dds;
pub mod file;
mod looks;

pub use bag::{
    BagError, COMPRESSED_DEPTH, CloudTopics, Damage, DamageKind, Definitions, DepthTopics, McapSink, Place, RawMessage,
    SelectionError, Sink, SinkOptions, Source, TRANSIENT_LOCAL_QOS, Topic, TopicMap, Written, open_bag, select_topics,
};
pub use file::{
    Column, FileCloud, FileError, FileFormat, LabelledPoints, ScalarType, area_of, find_rooms, open_cloud, open_room,
    room_bytes, write_cloud, write_room,
};
pub use looks::Looks;
