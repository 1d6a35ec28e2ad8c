//! What `ros2 node list` and `ros2 node info` know of us: the topic `ros_discovery_info`.
//!
//! DDS knows participants, ROS 2 knows nodes: each participant says which of its writers and readers
//! belong to which node, and says so again whenever that changes ("Node to Participant mapping",
//! design.ros2.org).

use super::payload::{Writer, body};
use super::publisher::write;
use crate::ros::{Qos, cdr::CdrError, cdr::CdrWriter};
use rustdds::GUID;
use std::sync::{Mutex, PoisonError};

/// The topic, which has no prefix.
pub(super) const TOPIC: &str = "ros_discovery_info";
/// Its type.
pub(super) const TYPE: &str = "rmw_dds_common::msg::dds_::ParticipantEntitiesInfo_";

/// How many bytes of identifier this release of ROS 2 has on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IdentifierSize {
    /// Iron and later.
    Sixteen,
    /// Humble and earlier, where eight zeros follow.
    TwentyFour,
}

impl IdentifierSize {
    /// By `ROS_DISTRO`; without it, what the releases in support have, except Humble.
    pub(super) fn of_distribution(name: Option<&str>) -> Self {
        match name {
            Some("foxy" | "galactic" | "humble") => Self::TwentyFour,
            _ => Self::Sixteen,
        }
    }

    fn padding(self) -> usize {
        match self {
            Self::Sixteen => 0,
            Self::TwentyFour => 8,
        }
    }
}

/// Announces the node.
pub(super) struct Graph {
    writer: Writer,
    participant: GUID,
    namespace: String,
    name: String,
    size: IdentifierSize,
    entities: Mutex<Entities>,
}

#[derive(Default)]
struct Entities {
    readers: Vec<GUID>,
    writers: Vec<GUID>,
    left: bool,
}

impl Graph {
    pub(super) fn new(writer: Writer, participant: GUID, namespace: &str, name: &str, size: IdentifierSize) -> Self {
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        let graph = Self { writer, participant, namespace, name, size, entities: Mutex::default() };
        graph.change(|_| {});
        graph
    }

    pub(super) fn add_reader(&self, id: GUID) {
        self.change(|entities| entities.readers.push(id));
    }

    pub(super) fn add_writer(&self, id: GUID) {
        self.change(|entities| entities.writers.push(id));
    }

    pub(super) fn remove(&self, ids: &[GUID]) {
        self.change(|entities| {
            entities.readers.retain(|id| !ids.contains(id));
            entities.writers.retain(|id| !ids.contains(id));
        });
    }

    /// Takes the node off the graph, whatever still lives.
    pub(super) fn leave(&self) {
        self.change(|entities| entities.left = true);
    }

    fn change(&self, change: impl FnOnce(&mut Entities)) {
        let mut entities = self.entities.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut entities);
        let mut message = Vec::new();
        let sent = self
            .encode(&entities, &mut message)
            .map_err(|error| error.to_string())
            .and_then(|()| body(&message))
            .and_then(|body| write(&self.writer, body, Qos::LATCHED.reliability, None).map(drop));
        if let Err(reason) = sent {
            log::warn!("{TOPIC}: the node's list of topics was not announced: {reason}");
        }
    }

    fn encode(&self, entities: &Entities, out: &mut Vec<u8>) -> Result<(), CdrError> {
        let mut writer = CdrWriter::new(out);
        self.identifier(&mut writer, self.participant);
        if entities.left {
            return writer.length("node_entities_info_seq", 0);
        }
        writer.length("node_entities_info_seq", 1)?;
        writer.text("node_namespace", &self.namespace)?;
        writer.text("node_name", &self.name)?;
        for (field, list) in [("reader_gid_seq", &entities.readers), ("writer_gid_seq", &entities.writers)] {
            writer.length(field, list.len())?;
            list.iter().for_each(|id| self.identifier(&mut writer, *id));
        }
        Ok(())
    }

    fn identifier(&self, writer: &mut CdrWriter<'_>, id: GUID) {
        writer.buffer().extend_from_slice(&id.to_bytes());
        writer.buffer().extend(std::iter::repeat_n(0, self.size.padding()));
    }
}
