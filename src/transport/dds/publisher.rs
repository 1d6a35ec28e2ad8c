//! Sending.

use super::node::Node;
use super::payload::{Writer, body};
use super::quality::SEND_PATIENCE;
use crate::ros::{MiddlewareError, Mismatch, Publisher, Reliability};
use rustdds::bytes::Bytes;
use rustdds::dds::WriteError;
use rustdds::rpc::SampleIdentity;
use rustdds::{GUID, Timestamp, WriteOptions, WriteOptionsBuilder};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// Messages from this size on (bytes) are sent when the one before has come: repairs of one and fragments of the next
/// would take each other's place in the reader's socket.
const LARGE: usize = 256 * 1024;

/// Sends to one topic.
pub(super) struct DdsPublisher {
    pub(super) node: Arc<Node>,
    pub(super) writer: Writer,
    pub(super) id: GUID,
    pub(super) topic: String,
    pub(super) reliability: Reliability,
    /// Messages that a reader which does not keep up may still get.
    pub(super) kept: usize,
    /// The same for large messages.
    pub(super) large_kept: usize,
    /// There was no room in time when it was last waited for: a reader that has gone without a word is waited for once,
    /// not with each message.
    pub(super) is_stalled: AtomicBool,
}

impl DdsPublisher {
    /// Waits for room, a bounded time; what is still not acknowledged then gives way, oldest first.
    fn give(&self, body: Bytes) -> Result<(), String> {
        let options = options(self.reliability, None);
        if self.reliability == Reliability::Reliable && body.len() >= LARGE {
            // Whether they have come or not: this one is newer.
            let _ = self.writer.wait_for_acknowledgments(SEND_PATIENCE);
            return self.give_now(body, options, self.large_kept);
        }
        let patience = if self.is_stalled.load(Ordering::Relaxed) { Duration::ZERO } else { SEND_PATIENCE };
        let taken = attempt(&self.writer, body.clone(), options.clone().build(), patience);
        self.is_stalled.store(taken.is_none(), Ordering::Relaxed);
        taken.map_or_else(|| self.give_now(body, options, self.kept), |taken| taken.map(drop))
    }

    fn give_now(&self, body: Bytes, options: WriteOptionsBuilder, kept: usize) -> Result<(), String> {
        let taken = attempt(&self.writer, body, options.retain_at_most(kept).build(), SEND_PATIENCE);
        taken.unwrap_or_else(|| Err("no room".to_owned())).map(drop)
    }
}

impl Publisher for DdsPublisher {
    fn send(&self, message: &[u8]) -> Result<(), MiddlewareError> {
        body(message).and_then(|body| self.give(body)).map_err(|reason| MiddlewareError::Send {
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
pub(super) fn write(
    writer: &Writer,
    body: Bytes,
    reliability: Reliability,
    related: Option<SampleIdentity>,
) -> Result<SampleIdentity, String> {
    attempt(writer, body, options(reliability, related).build(), SEND_PATIENCE)
        .unwrap_or_else(|| Err(format!("a reader has not acknowledged earlier ones within {SEND_PATIENCE:?}")))
}

/// Best-effort messages wait for room too. RustDDS would otherwise cut off whatever does not fit into the socket's
/// buffer at once, which with usual limits is every cloud above some 400 kB on a real network.
fn options(reliability: Reliability, related: Option<SampleIdentity>) -> WriteOptionsBuilder {
    WriteOptionsBuilder::new()
        .source_timestamp(Timestamp::now())
        .related_sample_identity_opt(related)
        .best_effort_may_block(reliability == Reliability::BestEffort)
}

/// `None` where there was no room within a time.
fn attempt(
    writer: &Writer,
    body: Bytes,
    options: WriteOptions,
    patience: Duration,
) -> Option<Result<SampleIdentity, String>> {
    // The asynchronous call, because the blocking one has no limit for best-effort messages.
    match wait_at_most(writer.async_write_with_options(body, options), patience) {
        None | Some(Err(WriteError::WouldBlock { .. })) => None,
        Some(Ok(identity)) => Some(Ok(identity)),
        Some(Err(WriteError::Serialization { reason, .. } | WriteError::Poisoned { reason, .. })) => Some(Err(reason)),
        Some(Err(WriteError::Io(error))) => Some(Err(error.to_string())),
        Some(Err(WriteError::Internal { reason })) => Some(Err(reason)),
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn wait_at_most<F: Future>(future: F, patience: Duration) -> Option<F::Output> {
    let end = Instant::now() + patience;
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
