//! Who is on which topic, and what late readers still get.

use super::queue::{Parcel, Queue};
use crate::ros::{Durability, Mismatch, Qos};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

/// One end of a topic: it is of a type, and has its quality of service.
pub(super) struct End {
    pub(super) kind: &'static str,
    pub(super) qos: Qos,
    mismatch: Option<Mismatch>,
}

impl End {
    pub(super) fn new(kind: &'static str, qos: Qos) -> Self {
        Self { kind, qos, mismatch: None }
    }

    fn differs(&mut self, policy: crate::ros::QosPolicy) {
        let count = self.mismatch.map_or(0, |mismatch| mismatch.count) + 1;
        self.mismatch = Some(Mismatch { count, policy });
    }
}

struct Writer {
    end: End,
    /// Kept for late readers, if any may come.
    history: VecDeque<Parcel>,
}

struct Reader {
    end: End,
    queue: Arc<Queue<Parcel>>,
}

#[derive(Default)]
struct Topic {
    writers: BTreeMap<u64, Writer>,
    readers: BTreeMap<u64, Reader>,
}

/// All topics of a bus. The caller makes sure that identifiers are not used twice.
#[derive(Default)]
pub(super) struct Topics(HashMap<String, Topic>);

impl Topics {
    pub(super) fn add_writer(&mut self, topic: &str, id: u64, mut end: End) {
        let entry = self.0.entry(topic.to_owned()).or_default();
        let kind = end.kind;
        for reader in entry.readers.values_mut().filter(|reader| reader.end.kind == kind) {
            if let Some(policy) = end.qos.hindrance(&reader.end.qos) {
                end.differs(policy);
                reader.end.differs(policy);
            }
        }
        entry.writers.insert(id, Writer { end, history: VecDeque::new() });
    }

    pub(super) fn add_reader(&mut self, topic: &str, id: u64, mut end: End, queue: Arc<Queue<Parcel>>) {
        let entry = self.0.entry(topic.to_owned()).or_default();
        let kind = end.kind;
        for writer in entry.writers.values_mut().filter(|writer| writer.end.kind == kind) {
            match writer.end.qos.hindrance(&end.qos) {
                Some(policy) => {
                    end.differs(policy);
                    writer.end.differs(policy);
                }
                None if end.qos.durability == Durability::TransientLocal => {
                    writer.history.iter().for_each(|message| queue.push(message.clone()));
                }
                None => {}
            }
        }
        entry.readers.insert(id, Reader { end, queue });
    }

    pub(super) fn remove(&mut self, topic: &str, id: u64) {
        let Some(entry) = self.0.get_mut(topic) else { return };
        entry.writers.remove(&id);
        entry.readers.remove(&id);
        if entry.writers.is_empty() && entry.readers.is_empty() {
            self.0.remove(topic);
        }
    }

    pub(super) fn send(&mut self, topic: &str, id: u64, message: Parcel) {
        let Some(entry) = self.0.get_mut(topic) else { return };
        let Some(writer) = entry.writers.get_mut(&id) else { return };
        for reader in entry.readers.values().filter(|reader| meet(&writer.end, &reader.end)) {
            reader.queue.push(message.clone());
        }
        if writer.end.qos.durability == Durability::TransientLocal {
            writer.history.push_back(message);
            while writer.history.len() > writer.end.qos.depth.max(1) {
                writer.history.pop_front();
            }
        }
    }

    /// How many are matched with the writer or reader of this identifier, and how many are not.
    pub(super) fn peers(&self, topic: &str, id: u64) -> (usize, Option<Mismatch>) {
        let Some(entry) = self.0.get(topic) else { return (0, None) };
        if let Some(writer) = entry.writers.get(&id) {
            let matched = entry.readers.values().filter(|reader| meet(&writer.end, &reader.end));
            return (matched.count(), writer.end.mismatch);
        }
        entry.readers.get(&id).map_or((0, None), |reader| {
            let matched = entry.writers.values().filter(|writer| meet(&writer.end, &reader.end));
            (matched.count(), reader.end.mismatch)
        })
    }
}

fn meet(writer: &End, reader: &End) -> bool {
    writer.kind == reader.kind && writer.qos.hindrance(&reader.qos).is_none()
}
