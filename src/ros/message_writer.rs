//! Sends messages as structs, through one reused buffer.

use super::{CdrError, Message, MessageType, Middleware, MiddlewareError, Publisher, Qos};

/// Why a message was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// It is too large for CDR.
    #[error(transparent)]
    Encode(#[from] CdrError),
    /// The middleware did not take it.
    #[error(transparent)]
    Middleware(#[from] MiddlewareError),
}

/// A publisher of one message type.
pub struct MessageWriter {
    publisher: Box<dyn Publisher>,
    message: MessageType,
    buffer: Vec<u8>,
}

impl MessageWriter {
    /// Publishes messages of type `message` under a whole name.
    ///
    /// # Errors
    /// [`MiddlewareError::Create`].
    pub fn new(
        middleware: &dyn Middleware,
        topic: &str,
        message: MessageType,
        qos: Qos,
    ) -> Result<Self, MiddlewareError> {
        Ok(Self { publisher: middleware.publish(topic, message, qos)?, message, buffer: Vec::new() })
    }

    /// Sends one message.
    ///
    /// # Errors
    /// [`SendError`].
    ///
    /// # Panics
    /// In debug builds, for a message of another type than the publisher's.
    pub fn send<'m, M: Message<'m>>(&mut self, message: &M) -> Result<(), SendError> {
        debug_assert_eq!(M::TYPE, self.message, "a publisher has one type");
        message.encode(&mut self.buffer)?;
        Ok(self.publisher.send(&self.buffer)?)
    }

    /// The publisher itself, to ask who listens.
    pub fn publisher(&self) -> &dyn Publisher {
        &*self.publisher
    }
}
