//! A mailbox for one: the newest wins.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossbeam::queue::ArrayQueue;
use crossbeam::sync::{Parker, Unparker};

struct Slot<T> {
    newest: ArrayQueue<T>,
    offered: AtomicU64,
    dropped: AtomicU64,
    closed: AtomicBool,
}

/// Where items are offered. Clones offer to the same box.
pub struct Mailbox<T> {
    slot: Arc<Slot<T>>,
    reader: Unparker,
}

impl<T> Clone for Mailbox<T> {
    fn clone(&self) -> Self {
        Self { slot: Arc::clone(&self.slot), reader: self.reader.clone() }
    }
}

/// Where the newest item is taken. There is one.
pub struct Reader<T> {
    slot: Arc<Slot<T>>,
    parker: Parker,
}

/// An empty mailbox, and its reader.
///
/// It holds one item. Whoever offers never waits: an item that nobody has taken yet is replaced, given
/// back and counted as dropped. So a reader that is slow never has a backlog before it, and what it takes
/// is the newest there is.
pub fn mailbox<T>() -> (Mailbox<T>, Reader<T>) {
    let parker = Parker::new();
    let slot = Arc::new(Slot {
        newest: ArrayQueue::new(1),
        offered: AtomicU64::new(0),
        dropped: AtomicU64::new(0),
        closed: AtomicBool::new(false),
    });
    (Mailbox { slot: Arc::clone(&slot), reader: parker.unparker().clone() }, Reader { slot, parker })
}

impl<T> Mailbox<T> {
    /// Puts an item in. Gives back the one that it replaces, which is dropped; or the item itself once
    /// the box is closed.
    pub fn offer(&self, item: T) -> Option<T> {
        self.slot.offered.fetch_add(1, Ordering::AcqRel);
        let displaced = match self.slot.closed.load(Ordering::Acquire) {
            true => Some(item),
            false => self.slot.newest.force_push(item),
        };
        self.slot.dropped.fetch_add(u64::from(displaced.is_some()), Ordering::AcqRel);
        self.reader.unpark();
        displaced
    }

    /// Lets the reader go once it has taken what is in the box.
    pub fn close(&self) {
        self.slot.closed.store(true, Ordering::Release);
        self.reader.unpark();
    }

    /// Items offered so far.
    pub fn offered(&self) -> u64 {
        self.slot.offered.load(Ordering::Acquire)
    }

    /// Items dropped so far.
    pub fn dropped(&self) -> u64 {
        self.slot.dropped.load(Ordering::Acquire)
    }
}

impl<T> Reader<T> {
    /// Takes the item, if there is one.
    pub fn try_take(&self) -> Option<T> {
        self.slot.newest.pop()
    }

    /// Waits for an item; `None` once the box is closed and empty.
    pub fn take(&self) -> Option<T> {
        loop {
            // Closed first: what was offered before is then seen.
            let closed = self.slot.closed.load(Ordering::Acquire);
            if let Some(item) = self.try_take() {
                return Some(item);
            }
            if closed {
                return None;
            }
            self.parker.park();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_newest_is_served_and_counts_add_up(steps in prop::collection::vec(any::<bool>(), 0..200)) {
            let (mailbox, reader) = mailbox();
            let (mut next, mut newest, mut taken) = (0_u64, None, 0);
            for offers in steps {
                if offers {
                    prop_assert_eq!(mailbox.offer(next), newest);
                    newest = Some(next);
                    next += 1;
                } else {
                    let item = reader.try_take();
                    prop_assert_eq!(item, newest.take());
                    taken += u64::from(item.is_some());
                }
                prop_assert_eq!(mailbox.offered(), taken + mailbox.dropped() + u64::from(newest.is_some()));
            }
            mailbox.close();
            prop_assert_eq!(reader.take(), newest);
            prop_assert_eq!(reader.take(), None);
            prop_assert_eq!(mailbox.offer(next), Some(next), "closed");
        }
    }

    #[test]
    fn threads_see_ascending_items_and_the_very_last() {
        const COUNT: u64 = 100_000;
        let (mailbox, reader) = mailbox();
        let producer = std::thread::spawn({
            let mailbox = mailbox.clone();
            move || {
                for item in 0..COUNT {
                    mailbox.offer(item);
                }
                mailbox.close();
            }
        });
        let (mut last, mut taken) = (None, 0);
        while let Some(item) = reader.take() {
            assert!(last < Some(item));
            last = Some(item);
            taken += 1;
        }
        producer.join().expect("no panic");
        assert_eq!(last, Some(COUNT - 1));
        assert_eq!((mailbox.offered(), taken + mailbox.dropped()), (COUNT, COUNT));
    }
}
