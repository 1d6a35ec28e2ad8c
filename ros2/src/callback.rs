//! A callback that is called from another thread until its owner is dropped.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

/// How long the owner waits for a call that is under way when it is dropped.
const PATIENCE: Duration = Duration::from_secs(1);

/// Holds a callback (or the state and the callback that belong together) and calls it one at a time.
pub(crate) struct Callback<F> {
    state: Mutex<State<F>>,
    changed: Condvar,
}

struct State<F> {
    /// Not here while it runs, and never again once it has ended.
    callback: Option<F>,
    running: Option<ThreadId>,
    ended: bool,
}

impl<F> Callback<F> {
    pub(crate) fn new(callback: F) -> Arc<Self> {
        let state = State { callback: Some(callback), running: None, ended: false };
        Arc::new(Self { state: Mutex::new(state), changed: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State<F>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets `call` call it, unless it has ended. A panic is reported.
    pub(crate) fn call(&self, what: &str, call: impl FnOnce(&mut F)) {
        let mut state = self.lock();
        let Some(mut callback) = state.callback.take() else { return };
        state.running = Some(std::thread::current().id());
        drop(state);
        if let Err(reason) = catch_unwind(AssertUnwindSafe(|| call(&mut callback))) {
            log::error!("{what}: the callback panicked: {}", said(&*reason));
        }
        let mut state = self.lock();
        if state.ended {
            // Gone before the owner is told that nothing runs. Unlocked: what it holds may be this callback's owner.
            drop(state);
            drop(callback);
            state = self.lock();
        } else {
            state.callback = Some(callback);
        }
        state.running = None;
        self.changed.notify_all();
    }

    /// From now on nothing is called. Waits for a call under way, one second at most; within the call itself, not at all.
    pub(crate) fn end(&self, what: &str) {
        let mut state = self.lock();
        state.ended = true;
        let callback = state.callback.take();
        let own = state.running == Some(std::thread::current().id());
        drop(state);
        drop(callback);
        if own {
            return;
        }
        let waited = self.changed.wait_timeout_while(self.lock(), PATIENCE, |state| state.running.is_some());
        if waited.unwrap_or_else(PoisonError::into_inner).1.timed_out() {
            log::warn!("{what}: a callback is still running after {PATIENCE:?}; it is the last one");
        }
    }
}

fn said(reason: &(dyn Any + Send)) -> &str {
    let text = reason.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| reason.downcast_ref::<&str>().copied()).unwrap_or("no text")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn nothing_is_called_after_the_end_and_panics_do_not_end_it() {
        let (said, heard) = channel();
        let callback = Callback::new(move |number: u32| {
            assert_ne!(number, 1, "a panic that belongs to the test");
            said.send(number).unwrap();
        });
        (0..3).for_each(|number| callback.call("test", |call| call(number)));
        callback.end("test");
        callback.call("test", |call| call(3));
        assert_eq!(heard.iter().collect::<Vec<_>>(), [0, 2], "the sender, and so the callback, is gone");
    }

    #[test]
    fn the_end_waits_for_a_call_under_way_but_not_for_its_own() {
        let (entered, enters) = channel();
        let callback = Callback::new(move || entered.send(()).unwrap());
        let other = Arc::clone(&callback);
        let running = std::thread::spawn(move || {
            other.call("test", |call| {
                call();
                std::thread::sleep(Duration::from_millis(200));
            });
        });
        enters.recv().unwrap();
        callback.end("test");
        assert!(callback.lock().running.is_none());
        running.join().unwrap();
        let own = Callback::new(());
        own.call("test", |()| own.end("test"));
        assert!(own.lock().callback.is_none());
    }
}
