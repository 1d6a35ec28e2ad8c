//! What happens again and again is told at the 1st, 2nd, 4th, 8th… time: a log that says everything is read by no one, and
//! whoever causes trouble from outside cannot fill the disk.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts something, and says when it is worth a line in the log.
#[derive(Debug, Default)]
pub struct Recurring(AtomicU64);

impl Recurring {
    /// It happened once more: how often so far, if that is to be told.
    pub fn happened(&self) -> Option<u64> {
        worth_telling(self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// `count`, if it is one of those that are told.
pub fn worth_telling(count: u64) -> Option<u64> {
    count.is_power_of_two().then_some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn told_ever_more_seldom() {
        let recurring = Recurring::default();
        let told: Vec<u64> = (0..1000).filter_map(|_| recurring.happened()).collect();
        assert_eq!(told, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
    }
}
