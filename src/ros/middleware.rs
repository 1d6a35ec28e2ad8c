//! What a node needs of whatever carries its messages: publishers, subscriptions and services over CDR bytes.
//!
//! Everything that makes a ROS 2 node of it (parameters, lifecycle, tf, diagnostics, the labelling itself)
//! is written against these traits once, and runs over DDS in pure Rust
//! (`transport::dds`), over `rclrs` (the package in `ros2/`), and over a bus within the
//! process in tests.
//!
//! **Names** are whole here: `/camera/points`, not `points`; remapping has been done
//! before. **Bytes** are whole messages with their encapsulation
//! header, of either byte order when received, little-endian when sent. **Callbacks** run on threads of the
//! middleware: one at a time for each subscription or service, in the order of arrival, never after the
//! subscription or service was dropped. They should hand over what they get and return: as long as they run,
//! nothing else may be delivered. A callback that panics is reported and called again.

use super::{MessageType, Qos, QosPolicy};

/// A service type: what a call and its answer are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceType {
    /// For example `lifecycle_msgs/srv/GetState`.
    pub name: &'static str,
    /// `RIHS01_…` (REP-2011).
    pub hash: &'static str,
}

/// A message that has come.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// The message as CDR, encapsulation header included.
    pub bytes: &'a [u8],
    /// Who wrote it: the same for all messages of one publisher, different for different ones.
    pub publisher: PublisherId,
}

/// Tells publishers apart: the GUID that DDS gives them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublisherId(pub [u8; 16]);

/// Called with each message.
pub type OnMessage = Box<dyn FnMut(Received<'_>) + Send>;

/// Called with each request (CDR); writes the answer (CDR) into the buffer, which comes empty. An error is
/// reported and counted, and the caller gets no answer: only a request that cannot be decoded is one.
pub type OnRequest = Box<dyn FnMut(&[u8], &mut Vec<u8>) -> Result<(), super::CdrError> + Send>;

/// What carries the messages of one node. Dropping it takes the node off the graph.
pub trait Middleware: Send + Sync {
    /// For people: which one it is, such as `RustDDS, domain 0`.
    fn describe(&self) -> String;

    /// The name that a topic of this name really gets: another one where rules for remapping lie between.
    fn topic_name(&self, topic: &str) -> String {
        topic.to_owned()
    }

    /// A publisher that is matched with subscriptions from now on.
    ///
    /// # Errors
    /// [`MiddlewareError`] when the name is none or the middleware refuses.
    fn publish(&self, topic: &str, message: MessageType, qos: Qos) -> Result<Box<dyn Publisher>, MiddlewareError>;

    /// A subscription; `on_message` is called until it is dropped.
    ///
    /// # Errors
    /// As [`Middleware::publish`].
    fn subscribe(
        &self,
        topic: &str,
        message: MessageType,
        qos: Qos,
        on_message: OnMessage,
    ) -> Result<Box<dyn Subscription>, MiddlewareError>;

    /// A service that answers until it is dropped.
    ///
    /// # Errors
    /// As [`Middleware::publish`].
    fn serve(
        &self,
        name: &str,
        service: ServiceType,
        on_request: OnRequest,
    ) -> Result<Box<dyn Service>, MiddlewareError>;
}

/// Where messages are sent. Dropping it takes it off the graph.
pub trait Publisher: Send + Sync {
    /// Sends one message. Does not wait for readers; a reliable one may wait, for a bounded time, until the
    /// history has room.
    ///
    /// # Errors
    /// [`MiddlewareError::Send`].
    fn send(&self, message: &[u8]) -> Result<(), MiddlewareError>;

    /// Subscriptions that are matched now. Nothing needs to be computed for none.
    fn subscriptions(&self) -> usize;

    /// Subscriptions to this topic that were met and get nothing, and why the last of them does not.
    fn mismatched(&self) -> Option<Mismatch>;
}

/// Where messages come from. Dropping it ends its callback.
pub trait Subscription: Send + Sync {
    /// Publishers that are matched now.
    fn publishers(&self) -> usize;

    /// Publishers to this topic that were met and from which nothing will come, and why.
    fn mismatched(&self) -> Option<Mismatch>;
}

/// Where requests are answered. Dropping it ends its callback.
pub trait Service: Send + Sync {}

/// Peers of the same topic that hear nothing of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// How many were met so far.
    pub count: u64,
    /// On what the last one differed.
    pub policy: QosPolicy,
}

/// Why a middleware did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MiddlewareError {
    /// The network, the domain or the library refused to begin.
    #[error("starting {what}: {reason}")]
    Start {
        /// What was to be started.
        what: String,
        /// What it said.
        reason: String,
    },
    /// A publisher, subscription or service was refused.
    #[error("{name} ({kind}): {reason}")]
    Create {
        /// Name of the topic or service.
        name: String,
        /// Its type.
        kind: String,
        /// What was said.
        reason: String,
    },
    /// A message was not sent.
    #[error("{topic}: a message of {bytes} bytes was not sent: {reason}")]
    Send {
        /// Name of the topic.
        topic: String,
        /// Size of the message.
        bytes: usize,
        /// What was said.
        reason: String,
    },
}
