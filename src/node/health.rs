//! How a node fares: the numbers that diagnostics are made of.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::live::LiveCounts;
use crate::ros::Mismatch;

/// How much a new period weighs against all before it.
const WEIGHT: f64 = 1.0 / 8.0;

/// How a node fares.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Health {
    /// What came in and what became of it.
    pub counts: LiveCounts,
    /// Clouds that were dropped, by reason ([`DropReason::kind`](crate::replay::DropReason::kind)).
    pub dropped: BTreeMap<&'static str, u64>,
    /// Messages of `/tf` and `/tf_static` that could not be read.
    pub unreadable_transforms: u64,
    /// Messages that could not be sent.
    pub unsent: u64,
    /// Time since the last cloud came; `None` before the first.
    pub input_age: Option<Duration>,
    /// Time between clouds on average; `None` before the second.
    pub input_period: Option<Duration>,
    /// Publishers of clouds that are heard, and those from which nothing will come.
    pub publishers: (usize, Option<Mismatch>),
    /// The fixed frame, once it is known.
    pub fixed_frame: Option<String>,
    /// Median, 99th percentile of the output's age (ms).
    pub age: [f64; 2],
    /// Outputs that were older than the deadline.
    pub misses: u64,
}

impl Health {
    /// Whether nothing came for as long as three clouds take.
    pub fn is_stale(&self) -> bool {
        match (self.input_age, self.input_period) {
            (Some(age), Some(period)) => age > 3 * period,
            _ => false,
        }
    }
}

#[derive(Debug, Default)]
struct Counted {
    dropped: BTreeMap<&'static str, u64>,
    unreadable_transforms: u64,
    unsent: u64,
    last_input: Option<Instant>,
    /// Seconds.
    period: Option<f64>,
}

/// What the callbacks and threads of a node count.
#[derive(Debug, Default)]
pub(super) struct Counters(Mutex<Counted>);

impl Counters {
    fn change(&self, change: impl FnOnce(&mut Counted)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// A cloud came.
    pub(super) fn input(&self) {
        let now = Instant::now();
        self.change(|counted| {
            if let Some(last) = counted.last_input.replace(now) {
                let seconds = now.saturating_duration_since(last).as_secs_f64();
                counted.period = Some(counted.period.map_or(seconds, |mean| mean + WEIGHT * (seconds - mean)));
            }
        });
    }

    /// A cloud was dropped.
    pub(super) fn dropped(&self, reason: &'static str) {
        self.change(|counted| *counted.dropped.entry(reason).or_default() += 1);
    }

    /// A message of transforms could not be read.
    pub(super) fn unreadable_transforms(&self) {
        self.change(|counted| counted.unreadable_transforms += 1);
    }

    /// A message could not be sent.
    pub(super) fn unsent(&self) {
        self.change(|counted| counted.unsent += 1);
    }

    /// What was counted so far.
    pub(super) fn health(&self) -> Health {
        let counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Health {
            dropped: counted.dropped.clone(),
            unreadable_transforms: counted.unreadable_transforms,
            unsent: counted.unsent,
            input_age: counted.last_input.map(|last| last.elapsed()),
            input_period: counted.period.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            ..Health::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_periods_without_a_cloud_are_stale() {
        let health = |age: u64, period| Health {
            input_age: Some(Duration::from_millis(age)),
            input_period: period,
            ..Health::default()
        };
        let period = Some(Duration::from_millis(100));
        assert!(!health(300, period).is_stale() && health(301, period).is_stale());
        assert!(!health(10_000, None).is_stale(), "one cloud tells no period");
        assert!(!Health::default().is_stale());
    }

    #[test]
    fn what_happens_is_counted_by_reason() {
        let counters = Counters::default();
        counters.input();
        counters.input();
        counters.dropped("no transform");
        counters.dropped("no transform");
        counters.dropped("malformed cloud");
        counters.unsent();
        let health = counters.health();
        assert_eq!(health.dropped, BTreeMap::from([("malformed cloud", 1), ("no transform", 2)]));
        assert_eq!((health.unsent, health.unreadable_transforms), (1, 0));
        assert!(health.input_age.is_some() && health.input_period.is_some());
    }
}
