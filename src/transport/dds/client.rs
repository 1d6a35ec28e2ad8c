//! Calling services.

use super::delivery::Sample;
use super::node::Node;
use super::payload::{Writer, body};
use super::publisher::write;
use crate::ros::{CallbackThread, MiddlewareError, Reliability};
use rustdds::rpc::SampleIdentity;
use rustdds::{GUID, SequenceNumber};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Calls one service. Calls from several threads take turns.
pub struct DdsClient {
    pub(super) node: Arc<Node>,
    pub(super) name: String,
    pub(super) writer: Writer,
    pub(super) request_writer: GUID,
    pub(super) reply_reader: GUID,
    pub(super) answers: Mutex<Receiver<Sample>>,
    pub(super) thread: Option<CallbackThread>,
}

impl DdsClient {
    /// Sends a request (CDR) and waits for its answer (CDR), for `patience` at most, in which a server may
    /// also appear first.
    ///
    /// # Errors
    /// [`MiddlewareError::Send`] if no one serves it, or no answer comes in time.
    pub fn call(&self, request: &[u8], patience: Duration) -> Result<Vec<u8>, MiddlewareError> {
        let failed = |reason: String| MiddlewareError::Send { topic: self.name.clone(), bytes: request.len(), reason };
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let end = Instant::now() + patience;
        let left = || end.saturating_duration_since(Instant::now());
        let matches = &self.node.matches;
        if !matches.wait(self.request_writer, left(), |_| true) || !matches.wait(self.reply_reader, left(), |_| true) {
            return Err(failed(format!("no server within {patience:?}")));
        }
        // As Fast DDS does it: says who listens, so that the server can wait until it is heard.
        let listens = SampleIdentity { writer_guid: self.reply_reader, sequence_number: SequenceNumber::UNKNOWN };
        let sent = body(request)
            .and_then(|body| write(&self.writer, body, Reliability::Reliable, Some(listens)))
            .map_err(failed)?;
        loop {
            let answer = answers.recv_timeout(left()).map_err(|error| {
                failed(match error {
                    RecvTimeoutError::Timeout => format!("no answer within {patience:?}"),
                    RecvTimeoutError::Disconnected => "the node has ended".to_owned(),
                })
            })?;
            let Some(related) = answer.related else { continue };
            let is_ours = related.writer_guid == self.reply_reader || related.writer_guid == self.request_writer;
            if is_ours && related.sequence_number == sent.sequence_number {
                return Ok(answer.bytes);
            }
        }
    }
}

impl Drop for DdsClient {
    fn drop(&mut self) {
        drop(self.thread.take());
        self.node.forget(&[self.request_writer, self.reply_reader]);
    }
}
