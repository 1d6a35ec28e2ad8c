//! Calling services.

use super::delivery::Sample;
use super::node::Node;
use super::payload::{Writer, body};
use super::publisher::write;
use super::service_header::{Header, puts_header};
use crate::ros::{CallbackThread, MiddlewareError, Reliability};
use rustdds::rpc::SampleIdentity;
use rustdds::{GUID, SequenceNumber};
use std::sync::atomic::{AtomicU64, Ordering};
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
    /// How many requests had a header.
    pub(super) calls: AtomicU64,
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
        let header = matches.any(self.request_writer, |server| puts_header(*server)).then(|| {
            let number = self.calls.fetch_add(1, Ordering::Relaxed);
            Header::new(self.request_writer, number)
        });
        // As Fast DDS does it: says who listens, so that the server can wait until it is heard.
        let listens = header
            .is_none()
            .then_some(SampleIdentity { writer_guid: self.reply_reader, sequence_number: SequenceNumber::UNKNOWN });
        let mut request = request.to_vec();
        if let Some(header) = header {
            header.put_into(&mut request);
        }
        let sent = body(&request)
            .and_then(|body| write(&self.writer, body, Reliability::Reliable, listens))
            .map_err(failed)?;
        loop {
            let answer = answers.recv_timeout(left()).map_err(|error| {
                failed(match error {
                    RecvTimeoutError::Timeout => format!("no answer within {patience:?}"),
                    RecvTimeoutError::Disconnected => "the node has ended".to_owned(),
                })
            })?;
            if let Some(header) = header {
                let mut rest = Vec::new();
                match Header::take_from(&answer.bytes, &mut rest) {
                    Some(found) if found == header => return Ok(rest),
                    _ => continue,
                }
            }
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
