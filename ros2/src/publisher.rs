//! Sending.

use instanton::ros::{MiddlewareError, Mismatch, Publisher};

use crate::peers::Peers;
use crate::raw_message::RawMessage;
use crate::rcl::{CMessage, MessageFunctions};

/// Sends to one topic.
///
/// `rclrs` publishes C structs only, so a message is read from CDR into one (`uint8[]`, which is nearly all of a cloud,
/// as one copy) and rcl writes it again. A message that is not of its type is noticed here and not sent.
pub(crate) struct RclrsPublisher {
    pub(crate) publisher: rclrs::Publisher<RawMessage>,
    pub(crate) functions: MessageFunctions,
    pub(crate) topic: String,
    /// Has the node, which must be dropped after the publisher.
    pub(crate) peers: Peers,
}

impl Publisher for RclrsPublisher {
    fn send(&self, message: &[u8]) -> Result<(), MiddlewareError> {
        let sent = CMessage::read(self.functions, message)
            .and_then(|read| self.publisher.publish(RawMessage::of(&read)).map_err(|error| error.to_string()));
        sent.map_err(|reason| MiddlewareError::Send { topic: self.topic.clone(), bytes: message.len(), reason })
    }

    fn subscriptions(&self) -> usize {
        self.publisher.get_subscription_count().unwrap_or_else(|error| {
            log::debug!("{}: who listens: {error}", self.topic);
            0
        })
    }

    fn mismatched(&self) -> Option<Mismatch> {
        self.peers.mismatch()
    }
}
