//! Threads that compete for the processor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// Numbers of a thread's table: 8 MiB, more than a core's own caches hold.
const TABLE: usize = 1 << 20;

/// Threads that burn until this is dropped. They run at usual priority wherever the system puts them.
pub struct Burners {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<u64>>,
}

impl Burners {
    /// Starts so many.
    ///
    /// # Errors
    /// When the system starts no more threads.
    pub fn start(count: usize) -> std::io::Result<Self> {
        let mut burners = Self { stop: Arc::new(AtomicBool::new(false)), threads: Vec::with_capacity(count) };
        for number in 0..count {
            let stop = Arc::clone(&burners.stop);
            let thread = std::thread::Builder::new().name(format!("load {number}"));
            burners.threads.push(thread.spawn(move || burn(number as u64 + 1, &stop))?);
        }
        Ok(burners)
    }
}

impl Drop for Burners {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // What it computed is nobody's concern, but it must not be computed away.
            std::hint::black_box(thread.join().ok());
        }
    }
}

/// Arithmetic, and memory read and written out of order.
fn burn(seed: u64, stop: &AtomicBool) -> u64 {
    let mut table = vec![seed; TABLE];
    let mut state = seed;
    while !stop.load(Ordering::Relaxed) {
        for _ in 0..4096 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let place = &mut table[state as usize % TABLE];
            *place = place.wrapping_mul(state | 1).wrapping_add(state);
        }
    }
    table[state as usize % TABLE]
}
