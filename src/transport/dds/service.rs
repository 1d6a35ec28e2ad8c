//! Answering requests: requests and answers are plain messages on two topics.
//!
//! What says which request an answer belongs to differs between middlewares. As `rmw_fastrtps` maps services
//! ("enhanced" in DDS-RPC), the identity of the request stands beside the message; `rmw_cyclonedds` puts a header into
//! both messages ([`Header`]). Each caller is answered in its own way, told by the vendor in its GUID.

use super::delivery::Sample;
use super::node::Node;
use super::payload::{Writer, body};
use super::publisher::write;
use super::service_header::{Header, puts_header};
use crate::recurring::Recurring;
use crate::ros::{CallbackThread, OnRequest, Reliability, Service};
use rustdds::rpc::SampleIdentity;
use rustdds::{GUID, SequenceNumber};
use std::sync::Arc;
use std::time::Duration;

/// How long an answer waits for its caller to be able to hear it. Requests and answers are two topics, and a
/// caller's request may come before it has been discovered as a reader of answers.
const CALLER_PATIENCE: Duration = Duration::from_millis(500);

/// Answers until it is dropped.
pub(super) struct DdsService {
    pub(super) node: Arc<Node>,
    pub(super) request_reader: GUID,
    pub(super) reply_writer: GUID,
    pub(super) thread: Option<CallbackThread>,
}

impl Service for DdsService {}

impl Drop for DdsService {
    fn drop(&mut self) {
        drop(self.thread.take());
        self.node.forget(&[self.request_reader, self.reply_writer]);
    }
}

/// What the service's thread does.
pub(super) struct Answerer {
    pub(super) name: String,
    pub(super) node: Arc<Node>,
    pub(super) writer: Writer,
    pub(super) id: GUID,
    pub(super) on_request: OnRequest,
    /// Requests that were not understood.
    pub(super) refused: Recurring,
}

impl Answerer {
    pub(super) fn answer(&mut self, request: &Sample) {
        let (mut answer, mut stripped) = (Vec::new(), Vec::new());
        let header = if puts_header(request.writer) {
            let Some(header) = Header::take_from(&request.bytes, &mut stripped) else {
                return self.refuse("it is shorter than its header");
            };
            Some(header)
        } else {
            None
        };
        let asked = if header.is_some() { &stripped } else { &request.bytes };
        if let Err(error) = (self.on_request)(asked, &mut answer) {
            return self.refuse(error);
        }
        if let Some(header) = header {
            header.put_into(&mut answer);
        }
        let identity = identity(request);
        let caller = identity.writer_guid;
        let is_caller = |peer: &GUID| {
            if caller.entity_id.kind().is_reader() { *peer == caller } else { peer.prefix == caller.prefix }
        };
        if !self.node.matches.wait(self.id, CALLER_PATIENCE, is_caller) {
            log::warn!("{}: the caller does not listen to answers", self.name);
        }
        let sent = body(&answer).and_then(|body| write(&self.writer, body, Reliability::Reliable, Some(identity)));
        if let Err(reason) = sent {
            log::warn!("{}: an answer was not sent: {reason}", self.name);
        }
    }

    fn refuse(&mut self, reason: impl std::fmt::Display) {
        if let Some(count) = self.refused.happened() {
            log::warn!("{}: {count} request(s) were not understood, the last one: {reason}", self.name);
        }
    }
}

/// What the caller recognises its answer by. Fast DDS says in the request who listens to the answer and
/// leaves the number to the message itself; others say nothing, and mean the message.
fn identity(request: &Sample) -> SampleIdentity {
    let said = request.related.filter(|related| related.writer_guid != GUID::GUID_UNKNOWN);
    // An unknown number is negative.
    let number = said.map(|related| i64::from(related.sequence_number)).filter(|number| *number > 0);
    SampleIdentity {
        writer_guid: said.map_or(request.writer, |related| related.writer_guid),
        sequence_number: SequenceNumber::from(number.unwrap_or(request.number)),
    }
}
