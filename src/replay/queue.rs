//! Messages that wait for others, in bounded memory.

use std::collections::VecDeque;

use crate::transport::RawMessage;

/// Most messages that wait in one queue.
const MOST: usize = 64;
/// Most bytes that wait in one queue, unless it is a single message.
const MOST_BYTES: usize = 1 << 30;

/// A message of which we keep a copy.
#[derive(Debug, Default)]
pub struct Kept {
    /// When it was measured (ns).
    pub stamp: i64,
    /// When it was recorded (ns).
    pub log_time: u64,
    /// When it was published (ns).
    pub publish_time: u64,
    /// CDR.
    pub data: Vec<u8>,
}

/// Messages in the order of their arrival; buffers are reused.
#[derive(Debug, Default)]
pub struct Queue {
    kept: VecDeque<Kept>,
    bytes: usize,
    spare: Vec<Kept>,
}

impl Queue {
    /// Keeps a copy.
    pub fn push(&mut self, stamp: i64, message: RawMessage<'_>) {
        let mut kept = self.spare.pop().unwrap_or_default();
        kept.data.clear();
        kept.data.extend_from_slice(message.data);
        (kept.stamp, kept.log_time, kept.publish_time) = (stamp, message.log_time, message.publish_time);
        self.bytes += kept.data.len();
        self.kept.push_back(kept);
    }

    /// Whether the oldest must go before another may come.
    pub fn is_full(&self) -> bool {
        self.kept.len() >= MOST || (self.bytes > MOST_BYTES && self.kept.len() > 1)
    }

    /// The oldest.
    pub fn front(&self) -> Option<&Kept> {
        self.kept.front()
    }

    /// Takes the oldest; [`recycle`](Self::recycle) gives its buffer back.
    pub fn pop(&mut self) -> Option<Kept> {
        let kept = self.kept.pop_front()?;
        self.bytes -= kept.data.len();
        Some(kept)
    }

    /// Takes back a buffer.
    pub fn recycle(&mut self, kept: Kept) {
        if self.spare.len() < 4 {
            self.spare.push(kept);
        }
    }

    /// Drops the oldest until there is room for another.
    pub fn make_room(&mut self) {
        while self.is_full() {
            let Some(kept) = self.pop() else { return };
            self.recycle(kept);
        }
    }

    /// The message whose stamp is nearest (of equals the one that came first), and how far it is (ns).
    pub fn nearest(&self, stamp: i64) -> Option<(&Kept, u64)> {
        self.kept.iter().map(|kept| (kept, kept.stamp.abs_diff(stamp))).min_by_key(|(_, distance)| *distance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(data: &[u8]) -> RawMessage<'_> {
        RawMessage { topic: 0, log_time: 0, publish_time: 0, data }
    }

    #[test]
    fn the_nearest_is_found_and_the_oldest_goes() {
        let mut queue = Queue::default();
        for stamp in 0..100 {
            queue.make_room();
            queue.push(stamp * 10, message(&[stamp as u8]));
        }
        assert_eq!(queue.kept.len(), MOST);
        assert_eq!(queue.front().map(|kept| kept.stamp), Some(360));
        let (kept, distance) = queue.nearest(504).expect("some");
        assert_eq!((kept.stamp, kept.data[0], distance), (500, 50, 4));
        assert_eq!(queue.nearest(i64::MIN).map(|(kept, _)| kept.stamp), Some(360));
        assert!(queue.spare.len() <= 4 && queue.bytes == MOST);
    }
}
