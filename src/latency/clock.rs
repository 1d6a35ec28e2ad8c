//! The clock that deadlines are on, and deadlines.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A monotonic clock: the machine's, or one that a test turns by hand.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's.
    #[default]
    System,
    /// Turned by hand.
    Manual(Arc<ManualClock>),
}

impl Clock {
    /// What time it is.
    pub fn now(&self) -> Instant {
        match self {
            Self::System => Instant::now(),
            Self::Manual(clock) => clock.now(),
        }
    }

    /// A clock turned by hand, and the hand.
    pub fn manual() -> (Self, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock { start: Instant::now(), passed: AtomicU64::new(0) });
        (Self::Manual(Arc::clone(&clock)), clock)
    }
}

/// A clock that stands still until it is told otherwise.
#[derive(Debug)]
pub struct ManualClock {
    start: Instant,
    /// Nanoseconds since the start.
    passed: AtomicU64,
}

impl ManualClock {
    /// What time it is.
    pub fn now(&self) -> Instant {
        self.start + Duration::from_nanos(self.passed.load(Ordering::Acquire))
    }

    /// Lets time pass.
    pub fn advance(&self, time: Duration) {
        self.passed.fetch_add(time.as_nanos() as u64, Ordering::AcqRel);
    }
}

/// When a frame must be out; possibly never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// All the time in the world: work is bounded by counts alone.
    pub const NONE: Self = Self(None);

    /// At a moment.
    pub fn at(moment: Instant) -> Self {
        Self(Some(moment))
    }

    /// The moment, if there is one.
    pub fn moment(self) -> Option<Instant> {
        self.0
    }

    /// Whether there is none.
    pub fn is_none(self) -> bool {
        self.0.is_none()
    }

    /// Time left; none once it has passed, [`Duration::MAX`] without a deadline.
    pub fn left(self, now: Instant) -> Duration {
        self.0.map_or(Duration::MAX, |moment| moment.saturating_duration_since(now))
    }

    /// A deadline that leaves `reserve` until this one.
    pub fn earlier_by(self, reserve: Duration) -> Self {
        Self(self.0.map(|moment| moment.checked_sub(reserve).unwrap_or(moment)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_counts_down_and_stops_at_nothing() {
        let (clock, hand) = Clock::manual();
        let deadline = Deadline::at(clock.now() + Duration::from_millis(100));
        hand.advance(Duration::from_millis(30));
        assert_eq!(deadline.left(clock.now()), Duration::from_millis(70));
        assert_eq!(deadline.earlier_by(Duration::from_millis(20)).left(clock.now()), Duration::from_millis(50));
        hand.advance(Duration::from_millis(90));
        assert_eq!(deadline.left(clock.now()), Duration::ZERO);
        assert_eq!(Deadline::NONE.earlier_by(Duration::from_secs(9)).left(clock.now()), Duration::MAX);
    }
}
