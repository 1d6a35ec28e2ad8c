//! What waits for a callback: at most so many messages, the newest ones.

use crate::ros::PublisherId;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A message on its way.
pub(super) type Parcel = (PublisherId, Arc<[u8]>);

/// Bounded by the depth of its reader: what is too much goes, oldest first.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    depth: usize,
}

struct State<T> {
    waiting: VecDeque<T>,
    closed: bool,
}

impl<T> Queue<T> {
    pub(super) fn new(depth: usize) -> Self {
        let state = Mutex::new(State { waiting: VecDeque::new(), closed: false });
        Self { state, changed: Condvar::new(), depth: depth.max(1) }
    }

    pub(super) fn push(&self, item: T) {
        let mut state = self.lock();
        while state.waiting.len() >= self.depth {
            state.waiting.pop_front();
        }
        state.waiting.push_back(item);
        self.changed.notify_one();
    }

    /// Waits for the next one; `None` once the queue is closed.
    pub(super) fn pop(&self) -> Option<T> {
        let idle = |state: &mut State<T>| state.waiting.is_empty() && !state.closed;
        let state = self.changed.wait_while(self.lock(), idle);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        if state.closed { None } else { state.waiting.pop_front() }
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
