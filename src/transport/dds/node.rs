//! The participant, and what its writers and readers share.

use super::delivery::Terms;
use super::environment::DiscoveryRange;
use super::graph::{self, Graph, IdentifierSize};
use super::matches::{self, Matches};
use super::payload::{Raw, Reader, Writer};
use super::quality;
use crate::ros::{CallbackThread, Qos};
use rustdds::{DomainParticipant, DomainParticipantBuilder, GUID, QosPolicies, RTPSEntity, Timestamp, TopicKind};
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Alive as long as the node or one of its writers and readers is. The fields go in this order: the watch
/// holds the participant, and the graph's writer needs it.
pub(super) struct Node {
    pub(super) graph: Graph,
    _watch: CallbackThread,
    pub(super) matches: Arc<Matches>,
    publisher: rustdds::Publisher,
    subscriber: rustdds::Subscriber,
    participant: DomainParticipant,
}

impl Node {
    pub(super) fn new(
        domain: u16,
        range: DiscoveryRange,
        namespace: &str,
        name: &str,
        size: IdentifierSize,
    ) -> Result<Self, String> {
        let builder = match range {
            DiscoveryRange::Subnet => DomainParticipantBuilder::new(domain),
            DiscoveryRange::Localhost => {
                DomainParticipantBuilder::new(domain).with_only_networks([Ipv4Addr::LOCALHOST])
            }
        };
        let participant = builder.build().map_err(said)?;
        let nothing = QosPolicies::qos_none();
        let publisher = participant.create_publisher(&nothing).map_err(said)?;
        let subscriber = participant.create_subscriber(&nothing).map_err(said)?;
        let matches = Arc::new(Matches::default());
        let watch = matches::watch(&participant, Arc::clone(&matches)).map_err(said)?;
        let topic = participant
            .create_topic(graph::TOPIC.to_owned(), graph::TYPE.to_owned(), &quality::of_graph(), TopicKind::NoKey)
            .map_err(said)?;
        let announcer = publisher.create_datawriter_no_key::<_, Raw>(&topic, None).map_err(said)?;
        let graph = Graph::new(announcer, participant.guid(), namespace, name, size);
        Ok(Self { graph, _watch: watch, matches, publisher, subscriber, participant })
    }

    /// Makes a writer that is announced and counted.
    pub(super) fn writer(&self, topic: &str, kind: &str, qos: &Qos) -> Result<(GUID, Writer), String> {
        let topic = self.topic(topic, kind, &quality::of_writer(qos))?;
        let (id, writer) = self.matches.begin(kind, || {
            let writer = self.publisher.create_datawriter_no_key::<_, Raw>(&topic, None).map_err(said)?;
            Ok::<_, String>((writer.guid(), (writer.guid(), writer)))
        })?;
        self.graph.add_writer(id);
        Ok((id, writer))
    }

    /// Makes a reader that is announced and counted.
    pub(super) fn reader(&self, topic: &str, kind: &str, qos: &Qos) -> Result<(GUID, Reader), String> {
        let topic = self.topic(topic, kind, &quality::of_reader(qos))?;
        let (id, reader) = self.matches.begin(kind, || {
            let reader = self.subscriber.create_simple_datareader_no_key::<_, Raw>(&topic, None).map_err(said)?;
            Ok::<_, String>((reader.guid(), (reader.guid(), reader)))
        })?;
        self.graph.add_reader(id);
        Ok((id, reader))
    }

    /// On which terms a reader's messages are handed on.
    pub(super) fn terms(&self, reader: GUID, depth: usize, since: Option<Timestamp>) -> Terms {
        Terms { depth, since, reader, matches: Arc::clone(&self.matches) }
    }

    /// Takes writers and readers off the graph, and ends the counting.
    pub(super) fn forget(&self, ids: &[GUID]) {
        self.graph.remove(ids);
        ids.iter().for_each(|id| self.matches.end(*id));
    }

    fn topic(&self, name: &str, kind: &str, qos: &QosPolicies) -> Result<rustdds::Topic, String> {
        self.participant.create_topic(name.to_owned(), kind.to_owned(), qos, TopicKind::NoKey).map_err(said)
    }
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}
