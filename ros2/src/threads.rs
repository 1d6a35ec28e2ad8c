//! The threads of a node, and waiting for their end.
//!
//! The problem: a program that ends runs the destructors of the middleware's globals, and crashes, or hangs, if a thread is
//! still giving a subscription back to it. So whoever drops a node waits until all of its threads are gone.

use std::cell::Cell;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

thread_local! {
    static IS_OURS: Cell<bool> = const { Cell::new(false) };
}

/// Those of one node.
#[derive(Default)]
pub(crate) struct Threads {
    running: Mutex<usize>,
    changed: Condvar,
    handles: Mutex<Vec<JoinHandle<()>>>,
}

/// One that runs.
struct Running(Arc<Threads>);

impl Running {
    fn new(threads: &Arc<Threads>) -> Self {
        *threads.lock() += 1;
        Self(Arc::clone(threads))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        *self.0.lock() -= 1;
        self.0.changed.notify_all();
    }
}

impl Threads {
    fn lock(&self) -> MutexGuard<'_, usize> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `body` on a thread of its own; it counts until all that `body` had has been dropped.
    pub(crate) fn spawn(self: &Arc<Self>, name: &str, body: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let running = Running::new(self);
        let counted = move || {
            IS_OURS.set(true);
            // Before the count goes down, and the body with it.
            let running = running;
            body();
            drop(running);
        };
        let handle = std::thread::Builder::new().name(name.to_owned()).spawn(counted)?;
        let mut handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        handles.retain(|handle| !handle.is_finished());
        handles.push(handle);
        Ok(())
    }

    /// Waits until none is left, `patience` at most; not at all on one of them. Whether none is.
    pub(crate) fn wait(&self, patience: Duration) -> bool {
        if IS_OURS.get() {
            return false;
        }
        let waited = self.changed.wait_timeout_while(self.lock(), patience, |running| *running > 0);
        let none = *waited.unwrap_or_else(PoisonError::into_inner).0 == 0;
        if none {
            // What is left of them is what the system and the middleware clean up, which takes no time.
            for handle in self.handles.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
                // Reported where it happened, if it panicked.
                let _ = handle.join();
            }
        }
        none
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn the_wait_ends_with_the_last_thread_and_what_it_had() {
        let threads: Arc<Threads> = Arc::default();
        assert!(threads.wait(Duration::ZERO), "none yet");
        let (release, released) = channel::<()>();
        let had = Arc::new(());
        let its = Arc::clone(&had);
        let body = move || {
            let _its = its;
            let _ = released.recv();
        };
        threads.spawn("test", body).unwrap();
        assert!(!threads.wait(Duration::from_millis(20)));
        drop(release);
        assert!(threads.wait(Duration::from_secs(20)));
        assert_eq!(Arc::strong_count(&had), 1);
        let (said, heard) = channel();
        let own = Arc::clone(&threads);
        threads.spawn("test", move || said.send(own.wait(Duration::from_secs(20))).unwrap()).unwrap();
        assert!(!heard.recv().unwrap(), "not for itself");
    }
}
