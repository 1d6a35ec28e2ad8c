//! Receiving.

use std::sync::{Arc, Mutex, PoisonError};

use instanton::recurring::Recurring;
use instanton::ros::{Mismatch, OnMessage, Received, Subscription};
use rclrs::{RclPrimitive, RclPrimitiveHandle, WorkerSubscription};

use crate::callback::Callback;
use crate::peers::Peers;
use crate::raw_message::RawMessage;
use crate::rcl::CdrBuffer;
use crate::runtime::Taker;

/// Listens to one topic.
pub(crate) struct RclrsSubscription {
    pub(crate) topic: String,
    pub(crate) callback: Arc<Callback<OnMessage>>,
    /// Wakes its worker when it is dropped, which lets go of it and ends.
    pub(crate) _subscription: WorkerSubscription<RawMessage, Taker>,
    /// Has the node, which must be dropped after it.
    pub(crate) peers: Peers,
}

impl Subscription for RclrsSubscription {
    fn publishers(&self) -> usize {
        self.peers.count()
    }

    fn mismatched(&self) -> Option<Mismatch> {
        self.peers.mismatch()
    }
}

impl Drop for RclrsSubscription {
    fn drop(&mut self) {
        self.callback.end(&self.topic);
    }
}

/// What its worker does: takes one message at a time and hands it on. Between two, the middleware's history keeps the
/// newest ones.
pub(crate) fn taker(topic: &str, callback: &Arc<Callback<OnMessage>>) -> Result<Taker, String> {
    let (topic, callback) = (topic.to_owned(), Arc::clone(callback));
    let state = Mutex::new((CdrBuffer::new()?, Recurring::default()));
    Ok(Taker(Box::new(move |primitive: &mut dyn RclPrimitive| {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let (buffer, failures) = &mut *state;
        let RclPrimitiveHandle::Subscription(handle) = primitive.handle() else { return };
        // SAFETY: the handle is locked.
        let taken = unsafe { buffer.take(std::ptr::from_ref(&*handle).cast()) };
        drop(handle);
        match taken {
            Ok(Some(publisher)) => {
                callback.call(&topic, |on_message| on_message(Received { bytes: buffer.bytes(), publisher }));
            }
            Ok(None) => {}
            Err(reason) => {
                if let Some(count) = failures.happened() {
                    log::warn!("{topic}: {count} message(s) were not taken, the last one: {reason}");
                }
            }
        }
    })))
}
