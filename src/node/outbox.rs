//! A publisher that never holds up the frame.
//!
//! Sending may take its time: a large cloud leaves in pieces, and a reliable reader that does not keep up is waited for.
//! So each output has a thread of its own and a mailbox of one before it: who is slow gets fewer messages, the newest
//! ones, and costs neither the frame nor the other outputs anything.

use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use crossbeam::queue::ArrayQueue;

use super::health::Counters;
use crate::live::{Mailbox, Reader, mailbox};
use crate::recurring::Recurring;
use crate::ros::{MiddlewareError, Publisher};

/// Messages that go round: one is being written, one waits, one is being sent.
const LETTERS: usize = 3;

/// Where an output's messages are put. Dropping it sends what still waits and ends its thread.
pub(super) struct Outbox {
    topic: String,
    publisher: Arc<dyn Publisher>,
    letters: Mailbox<Vec<u8>>,
    spares: Arc<ArrayQueue<Vec<u8>>>,
    counters: Arc<Counters>,
    replaced: Recurring,
    sender: Option<JoinHandle<()>>,
}

impl Outbox {
    /// `counters` learn of what is not sent.
    pub(super) fn new(
        topic: &str,
        publisher: Box<dyn Publisher>,
        counters: &Arc<Counters>,
    ) -> Result<Self, MiddlewareError> {
        let publisher: Arc<dyn Publisher> = publisher.into();
        let spares = Arc::new(ArrayQueue::new(LETTERS));
        let (letters, reader) = mailbox();
        let sending = Sending {
            topic: topic.to_owned(),
            publisher: Arc::clone(&publisher),
            reader,
            spares: Arc::clone(&spares),
            counters: Arc::clone(counters),
        };
        let sender = Builder::new()
            .name("output".to_owned())
            .spawn(move || sending.run())
            .map_err(|error| MiddlewareError::Start { what: topic.to_owned(), reason: error.to_string() })?;
        Ok(Self {
            topic: topic.to_owned(),
            publisher,
            letters,
            spares,
            counters: Arc::clone(counters),
            replaced: Recurring::default(),
            sender: Some(sender),
        })
    }

    /// Whether anybody listens. Nothing needs to be made for no one.
    pub(super) fn is_heard(&self) -> bool {
        self.publisher.subscriptions() > 0
    }

    /// Has `write` write a message (CDR) into a buffer, and sends it from the output's own thread. Never waits. A message
    /// that was not taken up yet is replaced, and counted.
    pub(super) fn post<E>(&self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        let mut letter = self.spares.pop().unwrap_or_default();
        letter.clear();
        let written = write(&mut letter);
        let unused = match &written {
            Ok(()) => self.letters.offer(letter),
            Err(_) => Some(letter),
        };
        if let Some(letter) = unused {
            let _ = self.spares.push(letter);
            if written.is_ok() {
                self.counters.unsent();
                if let Some(count) = self.replaced.happened() {
                    log::warn!("{}: listeners do not keep up, {count} messages were left out so far", self.topic);
                }
            }
        }
        written
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.letters.close();
        if let Some(sender) = self.sender.take()
            && sender.join().is_err()
        {
            log::error!("{}: the sending thread panicked", self.topic);
        }
    }
}

struct Sending {
    topic: String,
    publisher: Arc<dyn Publisher>,
    reader: Reader<Vec<u8>>,
    spares: Arc<ArrayQueue<Vec<u8>>>,
    counters: Arc<Counters>,
}

impl Sending {
    fn run(self) {
        let failed = Recurring::default();
        while let Some(letter) = self.reader.take() {
            if let Err(error) = self.publisher.send(&letter) {
                self.counters.unsent();
                if let Some(count) = failed.happened() {
                    log::warn!("{}: {error} ({count} so far)", self.topic);
                }
            }
            let _ = self.spares.push(letter);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;
    use crate::ros::{CdrError, Mismatch};

    /// Sends one message for each word that it hears, and says which.
    struct Slow {
        go: Mutex<Receiver<()>>,
        sent: Sender<Vec<u8>>,
    }

    impl Publisher for Slow {
        fn send(&self, message: &[u8]) -> Result<(), MiddlewareError> {
            self.sent.send(message.to_vec()).expect("the test listens");
            let _ = self.go.lock().expect("no panic").recv();
            match message {
                [9, ..] => {
                    Err(MiddlewareError::Send { topic: "/t".into(), bytes: message.len(), reason: "nine".into() })
                }
                _ => Ok(()),
            }
        }

        fn subscriptions(&self) -> usize {
            1
        }

        fn mismatched(&self) -> Option<Mismatch> {
            None
        }
    }

    fn letter(number: u8) -> impl FnOnce(&mut Vec<u8>) -> Result<(), CdrError> {
        move |out| {
            out.extend([number; 4]);
            Ok(())
        }
    }

    #[test]
    fn whoever_posts_never_waits_and_the_newest_is_sent() {
        let (go, going) = channel();
        let (sent, sends) = channel();
        let counters = Arc::new(Counters::default());
        let slow = Box::new(Slow { go: Mutex::new(going), sent });
        let outbox = Outbox::new("/t", slow, &counters).expect("a thread");
        assert!(outbox.is_heard());
        outbox.post(letter(1)).expect("written");
        assert_eq!(sends.recv().expect("sending"), [1; 4]);
        // The first is still under way.
        for number in 2..=8 {
            outbox.post(letter(number)).expect("written");
        }
        let failed = outbox.post(|out| {
            out.push(0);
            Err(CdrError::TooMany { field: "points", maximum: 1, actual: 2 })
        });
        assert!(failed.is_err());
        assert_eq!(counters.health().unsent, 6);
        go.send(()).expect("it waits");
        assert_eq!(sends.recv().expect("sending"), [8; 4], "the newest, and not the one that failed");
        go.send(()).expect("it waits");
        outbox.post(letter(9)).expect("written");
        drop(go);
        drop(outbox);
        assert_eq!(sends.try_iter().collect::<Vec<_>>(), [[9; 4]], "what waited was sent");
        assert_eq!(counters.health().unsent, 7, "one failed");
    }
}
