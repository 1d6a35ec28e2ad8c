//! The node that everything is made of, and its end.

use std::sync::Arc;
use std::time::Duration;

use rclrs::Node;

use crate::runtime::Workers;

/// How long the end waits for threads; callbacks that are still running are left alone after that.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// Owned by the middleware and by all that was made with it, so that it ends last: publishers, subscriptions and services
/// have to be given back before their node, and their node before the context.
pub(crate) struct Home {
    /// There until the end.
    node: Option<Node>,
    workers: Arc<Workers>,
}

impl Home {
    pub(crate) fn new(node: Node, workers: Arc<Workers>) -> Arc<Self> {
        Arc::new(Self { node: Some(node), workers })
    }

    /// The node.
    pub(crate) fn node(&self) -> &Node {
        self.node.as_ref().expect("it is there until the end")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Its own worker is needed no more then, and finds out when it is woken.
        drop(self.node.take());
        if !self.workers.wait(PATIENCE) {
            log::warn!("a callback is still running: its thread is left");
        }
    }
}
