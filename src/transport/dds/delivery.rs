//! From RustDDS to a callback.
//!
//! Each subscription and each service has a thread of its own. One thread for all would be cheaper by some
//! stack, but a callback that takes its time on a cloud would hold up `/tf` and `/clock`, and the order
//! within a topic, which is all that is promised, needs no common thread.

use super::matches::Matches;
use super::payload::Reader;
use crate::recurring::Recurring;
use crate::ros::{CallbackThread, Stop, guarded};
use rustdds::rpc::SampleIdentity;
use rustdds::{GUID, Timestamp, mio1};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// A message as it came.
pub(super) struct Sample {
    /// CDR with its encapsulation header.
    pub(super) bytes: Vec<u8>,
    /// Who wrote it, as which of its messages, and to which request it belongs.
    pub(super) writer: GUID,
    pub(super) number: i64,
    pub(super) related: Option<SampleIdentity>,
}

/// What is handed on.
pub(super) struct Terms {
    /// How many may wait; the oldest ones go.
    pub(super) depth: usize,
    /// Nothing older. RustDDS keeps one cache for each topic, in which a new reader finds what an earlier
    /// one of the same node was sent.
    pub(super) since: Option<Timestamp>,
    /// Which reader it is, and who its peers are: nothing of another type.
    pub(super) reader: GUID,
    pub(super) matches: Arc<Matches>,
}

impl Terms {
    fn allow(&self, received: Timestamp, writer: GUID) -> bool {
        self.since.is_none_or(|since| received > since) && !self.matches.is_stranger(self.reader, writer)
    }
}

/// Longest time without a look at the reader. Notifications are what wakes the thread; this is for a
/// message that lies behind one that RustDDS passes over without a word.
const LOOK: Duration = Duration::from_secs(1);

/// Calls `handle` with what the reader gets until the thread is dropped, and drops the reader then.
pub(super) fn deliver(
    name: &str,
    mut reader: Reader,
    terms: Terms,
    mut handle: impl FnMut(Sample) + Send + 'static,
) -> io::Result<CallbackThread> {
    let mut poll = mio1::Poll::new()?;
    poll.registry().register(&mut reader, mio1::Token(0), mio1::Interest::READABLE)?;
    let waker = mio1::Waker::new(poll.registry(), mio1::Token(1))?;
    let wake = move || waker.wake().unwrap_or_else(|error| log::error!("waking a subscription: {error}"));
    let what = name.to_owned();
    CallbackThread::spawn(name, wake, move |stop| {
        let mut source = Source { what, reader, terms, refused: Recurring::default(), waiting: VecDeque::new() };
        let mut events = mio1::Events::with_capacity(2);
        while !stop.is_wanted() {
            source.empty(stop, &mut handle);
            match poll.poll(&mut events, Some(LOOK)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    log::error!("{}: nothing is received any more: {error}", source.what);
                    return;
                }
                _ => {}
            }
        }
    })
}

struct Source {
    what: String,
    reader: Reader,
    terms: Terms,
    refused: Recurring,
    waiting: VecDeque<Sample>,
}

impl Source {
    /// Hands on what is there. What came during a callback is taken before the next one, so that the depth
    /// holds between them.
    fn empty(&mut self, stop: &Stop, handle: &mut impl FnMut(Sample)) {
        loop {
            self.take();
            let Some(sample) = self.waiting.pop_front() else { return };
            if stop.is_wanted() {
                return;
            }
            guarded(&self.what, || handle(sample));
        }
    }

    fn take(&mut self) {
        self.reader.drain_read_notifications();
        // A peer that takes the topic for a keyed one sends what RustDDS passes over as nothing; look once more.
        let mut nothings = 0;
        while nothings < 2 {
            match self.reader.try_take_one() {
                Ok(Some(change)) if self.terms.allow(change.receive_instant, change.writer_guid) => {
                    self.waiting.push_back(Sample {
                        writer: change.writer_guid,
                        number: change.sequence_number.into(),
                        related: change.related_sample_identity(),
                        bytes: change.into_value(),
                    });
                    if self.waiting.len() > self.terms.depth.max(1) {
                        self.waiting.pop_front();
                    }
                }
                Ok(Some(_)) => {}
                Ok(None) => nothings += 1,
                Err(error) => self.refuse(&error.to_string()),
            }
        }
    }

    fn refuse(&mut self, reason: &str) {
        if let Some(count) = self.refused.happened() {
            log::warn!("{}: {count} message(s) were no CDR, the last one: {reason}", self.what);
        }
    }
}
