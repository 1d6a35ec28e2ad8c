//! A thread that calls callbacks until it is told to stop, and is gone when its owner is dropped.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long the owner waits for a callback that is running when it is dropped.
const PATIENCE: Duration = Duration::from_secs(1);

/// Told to the thread: whether it is to end.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    wanted: AtomicBool,
    ended: Mutex<bool>,
    has_ended: Condvar,
}

impl Stop {
    /// Whether nothing may be called any more.
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Acquire)
    }

    fn end(&self) {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.has_ended.notify_all();
    }

    fn wait(&self, patience: Duration) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.has_ended.wait_timeout_while(ended, patience, |ended| !*ended);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Says that the thread has ended, however it ended.
struct EndsWith(Arc<Stop>);

impl Drop for EndsWith {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The thread's owner. Dropping it stops the thread and waits for it, one second at most: a callback
/// that takes longer is left alone and is the last one. From within the callback itself nothing is
/// waited for.
pub(crate) struct CallbackThread {
    stop: Arc<Stop>,
    wake: Box<dyn Fn() + Send + Sync>,
    thread: Option<JoinHandle<()>>,
}

impl CallbackThread {
    /// Runs `body`, which is to return soon after `wake` was called with [`Stop::is_wanted`].
    ///
    /// # Errors
    /// What the system says if it has no thread to give.
    pub(crate) fn spawn(
        name: &str,
        wake: impl Fn() + Send + Sync + 'static,
        body: impl FnOnce(&Stop) + Send + 'static,
    ) -> std::io::Result<Self> {
        let stop = Arc::new(Stop::default());
        let ends = EndsWith(Arc::clone(&stop));
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let ends = ends;
            body(&ends.0);
        })?;
        Ok(Self { stop, wake: Box::new(wake), thread: Some(thread) })
    }
}

impl Drop for CallbackThread {
    fn drop(&mut self) {
        self.stop.wanted.store(true, Ordering::Release);
        (self.wake)();
        let Some(thread) = self.thread.take() else { return };
        if thread.thread().id() == std::thread::current().id() {
            return;
        }
        if self.stop.wait(PATIENCE) {
            // Reported where it happened, if it panicked.
            let _ = thread.join();
        } else {
            let name = thread.thread().name().unwrap_or_default();
            log::warn!("{name}: a callback is still running after {PATIENCE:?}; it is the last one");
        }
    }
}

/// Calls a callback. If it panics, this is reported, and there is no answer.
pub(crate) fn guarded<T>(what: &str, call: impl FnOnce() -> T) -> Option<T> {
    let outcome = catch_unwind(AssertUnwindSafe(call));
    outcome.map_err(|reason| log::error!("{what}: the callback panicked: {}", said(&*reason))).ok()
}

fn said(reason: &(dyn Any + Send)) -> &str {
    let text = reason.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| reason.downcast_ref::<&str>().copied()).unwrap_or("no text")
}
