//! Who is matched with whom, by what RustDDS tells of it.
//!
//! Each writer and reader of RustDDS has a status channel, but of four places: on a robot where ten peers
//! come at once the rest would be lost and the counts wrong for ever. The participant's channel has 2048,
//! and says the same of all of them.

use super::quality::hindrance;
use crate::ros::{CallbackThread, Mismatch, Stop};
use rustdds::{
    DomainParticipant, DomainParticipantStatusEvent as Event, DomainParticipantStatusListener, GUID, QosPolicies,
    StatusEvented, mio1,
};
use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Default)]
struct Peers {
    /// The type of the messages, in the words of DDS.
    kind: String,
    matched: HashSet<GUID>,
    /// Met, but their quality of service does not.
    refused: HashSet<GUID>,
    mismatch: Option<Mismatch>,
}

#[derive(Default)]
struct Table {
    /// Peers of each writer and reader that we have.
    ours: HashMap<GUID, Peers>,
    /// The type of every writer and reader of others. RustDDS matches by the name of the topic alone; those of
    /// another type are strangers all the same.
    kinds: HashMap<GUID, String>,
}

impl Table {
    /// Peers that are matched and speak of the same.
    fn matched(&self, id: GUID) -> impl Iterator<Item = &GUID> {
        let peers = self.ours.get(&id);
        peers.into_iter().flat_map(|peers| peers.matched.iter().filter(|peer| !self.are_strangers(peers, peer)))
    }

    fn are_strangers(&self, ours: &Peers, theirs: &GUID) -> bool {
        self.kinds.get(theirs).is_some_and(|kind| *kind != ours.kind)
    }
}

/// Who is matched with each writer and reader that we have.
#[derive(Default)]
pub(super) struct Matches {
    table: Mutex<Table>,
    changed: Condvar,
}

impl Matches {
    /// Makes a writer or reader and begins to count its peers. Nothing is missed: events wait meanwhile.
    pub(super) fn begin<T, E>(&self, kind: &str, make: impl FnOnce() -> Result<(GUID, T), E>) -> Result<T, E> {
        let mut table = self.lock();
        let (id, made) = make()?;
        table.ours.insert(id, Peers { kind: kind.to_owned(), ..Peers::default() });
        Ok(made)
    }

    pub(super) fn end(&self, id: GUID) {
        self.lock().ours.remove(&id);
    }

    pub(super) fn count(&self, id: GUID) -> usize {
        self.lock().matched(id).count()
    }

    pub(super) fn mismatch(&self, id: GUID) -> Option<Mismatch> {
        self.lock().ours.get(&id).and_then(|peers| peers.mismatch)
    }

    /// Whether a peer is known to send something else than the reader expects.
    pub(super) fn is_stranger(&self, reader: GUID, peer: GUID) -> bool {
        let table = self.lock();
        table.ours.get(&reader).is_some_and(|ours| table.are_strangers(ours, &peer))
    }

    /// Whether one of the matched peers is of this kind.
    pub(super) fn any(&self, id: GUID, is_it: impl Fn(&GUID) -> bool) -> bool {
        self.lock().matched(id).any(is_it)
    }

    /// Waits until a peer of this kind is matched, for at most `patience`; says whether one is.
    pub(super) fn wait(&self, id: GUID, patience: Duration, is_it: impl Fn(&GUID) -> bool) -> bool {
        let missing = |table: &mut Table| table.ours.contains_key(&id) && !table.matched(id).any(&is_it);
        let waited = self.changed.wait_timeout_while(self.lock(), patience, missing);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn matched(&self, local: GUID, remote: GUID) {
        if let Some(peers) = self.lock().ours.get_mut(&local) {
            peers.refused.remove(&remote);
            peers.matched.insert(remote);
        }
    }

    fn refused(&self, local: GUID, remote: GUID, offered: &QosPolicies, requested: &QosPolicies) {
        let mut table = self.lock();
        let Table { ours, kinds } = &mut *table;
        if let Some(peers) = ours.get_mut(&local)
            && kinds.get(&remote).is_none_or(|kind| *kind == peers.kind)
        {
            peers.matched.remove(&remote);
            // Told again each time that the peer announces itself; it counts once.
            if peers.refused.insert(remote) {
                let count = peers.mismatch.map_or(0, |mismatch| mismatch.count) + 1;
                peers.mismatch = Some(Mismatch { count, policy: hindrance(offered, requested) });
            }
        }
    }

    fn lost(&self, is_lost: impl Fn(&GUID) -> bool) {
        let mut table = self.lock();
        table.kinds.retain(|id, _| !is_lost(id));
        for peers in table.ours.values_mut() {
            peers.matched.retain(|id| !is_lost(id));
            peers.refused.retain(|id| !is_lost(id));
        }
    }

    fn note(&self, event: &Event) {
        match event {
            Event::RemoteReaderMatched { local_writer, remote_reader } => self.matched(*local_writer, *remote_reader),
            Event::RemoteWriterMatched { local_reader, remote_writer } => self.matched(*local_reader, *remote_writer),
            Event::RemoteReaderQosIncompatible { local_writer, remote_reader, requested_qos, offered_qos } => {
                self.refused(*local_writer, *remote_reader, offered_qos, requested_qos);
            }
            Event::RemoteWriterQosIncompatible { local_reader, remote_writer, requested_qos, offered_qos } => {
                self.refused(*local_reader, *remote_writer, offered_qos, requested_qos);
            }
            Event::ReaderDetected { reader: peer } | Event::WriterDetected { writer: peer } => {
                self.lock().kinds.insert(peer.guid, peer.type_name.clone());
            }
            Event::ReaderLost { guid, .. } | Event::WriterLost { guid, .. } => self.lost(|id| id == guid),
            Event::ParticipantLost { id, .. } => self.lost(|guid| guid.prefix == *id),
            _ => return,
        }
        self.changed.notify_all();
    }
}

/// Keeps `matches` up to date until the thread is dropped.
pub(super) fn watch(participant: &DomainParticipant, matches: Arc<Matches>) -> io::Result<CallbackThread> {
    let mut listener = participant.status_listener();
    let mut poll = mio1::Poll::new()?;
    poll.registry().register(listener.as_status_source_mio1(), mio1::Token(0), mio1::Interest::READABLE)?;
    let waker = mio1::Waker::new(poll.registry(), mio1::Token(1))?;
    let wake = move || waker.wake().unwrap_or_else(|error| log::error!("waking the watch on peers: {error}"));
    CallbackThread::spawn("dds peers", wake, move |stop| follow(&mut poll, &listener, &matches, stop))
}

fn follow(poll: &mut mio1::Poll, listener: &DomainParticipantStatusListener, matches: &Matches, stop: &Stop) {
    let mut events = mio1::Events::with_capacity(2);
    while !stop.is_wanted() {
        while let Some(event) = listener.try_recv_status() {
            matches.note(&event);
        }
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                log::error!("watching peers ends: {error}");
                return;
            }
            _ => {}
        }
    }
}
