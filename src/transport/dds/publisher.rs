//! Sending.

use super::node::Node;
use super::payload::{Writer, body};
use super::quality::SEND_PATIENCE;
use crate::ros::{MiddlewareError, Mismatch, Publisher, Reliability};
use rustdds::bytes::Bytes;
use rustdds::dds::WriteError;
use rustdds::rpc::SampleIdentity;
use rustdds::{GUID, Timestamp, WriteOptionsBuilder};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};
use std::thread::Thread;
use std::time::Instant;

/// Sends to one topic.
pub(super) struct DdsPublisher {
    pub(super) node: Arc<Node>,
    pub(super) writer: Writer,
    pub(super) id: GUID,
    pub(super) topic: String,
    pub(super) reliability: Reliability,
}

impl Publisher for DdsPublisher {
    fn send(&self, message: &[u8]) -> Result<(), MiddlewareError> {
        let sent = body(message).and_then(|body| write(&self.writer, body, self.reliability, None));
        sent.map(drop).map_err(|reason| MiddlewareError::Send {
            topic: self.topic.clone(),
            bytes: message.len(),
            reason,
        })
    }

    fn subscriptions(&self) -> usize {
        self.node.matches.count(self.id)
    }

    fn mismatched(&self) -> Option<Mismatch> {
        self.node.matches.mismatch(self.id)
    }
}

impl Drop for DdsPublisher {
    fn drop(&mut self) {
        self.node.forget(&[self.id]);
    }
}

/// Hands a message to RustDDS and waits at most [`SEND_PATIENCE`] until it is taken.
///
/// Best-effort messages wait too. RustDDS would otherwise cut off whatever does not fit into the socket's
/// buffer at once, which with usual limits is every cloud above some 400 kB on a real network.
pub(super) fn write(
    writer: &Writer,
    body: Bytes,
    reliability: Reliability,
    related: Option<SampleIdentity>,
) -> Result<SampleIdentity, String> {
    let options = WriteOptionsBuilder::new()
        .source_timestamp(Timestamp::now())
        .related_sample_identity_opt(related)
        .best_effort_may_block(reliability == Reliability::BestEffort)
        .build();
    // The asynchronous call, because the blocking one has no limit for best-effort messages.
    let outcome = wait_at_most(writer.async_write_with_options(body, options));
    let full = || match reliability {
        Reliability::Reliable => format!("a reader has not acknowledged earlier ones within {SEND_PATIENCE:?}"),
        Reliability::BestEffort => format!("the network has not taken earlier ones within {SEND_PATIENCE:?}"),
    };
    match outcome {
        Some(Ok(identity)) => Ok(identity),
        None | Some(Err(WriteError::WouldBlock { .. })) => Err(full()),
        Some(Err(WriteError::Serialization { reason, .. } | WriteError::Poisoned { reason, .. })) => Err(reason),
        Some(Err(WriteError::Io(error))) => Err(error.to_string()),
        Some(Err(WriteError::Internal { reason })) => Err(reason),
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn wait_at_most<F: Future>(future: F) -> Option<F::Output> {
    let end = Instant::now() + SEND_PATIENCE;
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        let rest = end.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            return None;
        }
        std::thread::park_timeout(rest);
    }
}
