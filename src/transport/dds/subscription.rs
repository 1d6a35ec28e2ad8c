//! Receiving.

use super::node::Node;
use crate::ros::{CallbackThread, Mismatch, Subscription};
use rustdds::GUID;
use std::sync::Arc;

/// Listens to one topic.
pub(super) struct DdsSubscription {
    pub(super) node: Arc<Node>,
    pub(super) id: GUID,
    /// Ends before the node may.
    pub(super) thread: Option<CallbackThread>,
}

impl Subscription for DdsSubscription {
    fn publishers(&self) -> usize {
        self.node.matches.count(self.id)
    }

    fn mismatched(&self) -> Option<Mismatch> {
        self.node.matches.mismatch(self.id)
    }
}

impl Drop for DdsSubscription {
    fn drop(&mut self) {
        drop(self.thread.take());
        self.node.forget(&[self.id]);
    }
}
