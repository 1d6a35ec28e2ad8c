//! How a node fares: the numbers that diagnostics are made of.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::live::LiveCounts;
use crate::ros::Mismatch;

/// How much a new period weighs against all before it.
const WEIGHT: f64 = 1.0 / 8.0;

/// How often what has happened.
pub(super) type Tally = BTreeMap<&'static str, u64>;

/// How a node fares.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Health {
    /// What came in and what became of it.
    pub counts: LiveCounts,
    /// Clouds that were dropped, by reason ([`DropReason::kind`](crate::replay::DropReason::kind)).
    pub dropped: Tally,
    /// Clouds without a transform, by what became of it
    /// ([`TransformError::gap`](crate::ros::TransformError::gap)).
    pub transform_gaps: Tally,
    /// Messages of `/tf` and `/tf_static` that could not be read.
    pub unreadable_transforms: u64,
    /// Messages that could not be sent.
    pub unsent: u64,
    /// Time since the last cloud came; `None` before the first.
    pub input_age: Option<Duration>,
    /// Time between clouds on average; `None` before the second.
    pub input_period: Option<Duration>,
    /// The topics that the node hears, the sensor's first.
    pub inputs: Vec<InputTopic>,
    /// The fixed frame, once it is known.
    pub fixed_frame: Option<String>,
    /// Outputs that were older than the deadline.
    pub misses: u64,
}

/// Who publishes what the node hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputTopic {
    /// Its name.
    pub topic: String,
    /// Publishers that are heard.
    pub publishers: usize,
    /// Publishers from which nothing will come.
    pub mismatched: Option<Mismatch>,
}

#[derive(Debug, Default)]
struct Counted {
    dropped: Tally,
    transform_gaps: Tally,
    unreadable_transforms: u64,
    unsent: u64,
    last_input: Option<Instant>,
    /// Seconds.
    period: Option<f64>,
}

fn one_more(count: &mut u64) -> u64 {
    *count += 1;
    *count
}

/// What the callbacks and threads of a node count.
#[derive(Debug, Default)]
pub(super) struct Counters(Mutex<Counted>);

impl Counters {
    fn change<T>(&self, change: impl FnOnce(&mut Counted) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
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

    /// The sensor is listened to from now on: what was before says nothing of its period.
    pub(super) fn begin(&self) {
        self.change(|counted| (counted.last_input, counted.period) = (None, None));
    }

    /// A cloud was dropped; how many for this reason so far.
    pub(super) fn dropped(&self, reason: &'static str) -> u64 {
        self.change(|counted| one_more(counted.dropped.entry(reason).or_default()))
    }

    /// A cloud has no transform.
    pub(super) fn transform_gap(&self, kind: &'static str) {
        self.change(|counted| one_more(counted.transform_gaps.entry(kind).or_default()));
    }

    /// A message of transforms could not be read; how many so far.
    pub(super) fn unreadable_transforms(&self) -> u64 {
        self.change(|counted| one_more(&mut counted.unreadable_transforms))
    }

    /// A message could not be sent; how many so far.
    pub(super) fn unsent(&self) -> u64 {
        self.change(|counted| one_more(&mut counted.unsent))
    }

    /// What was counted so far.
    pub(super) fn health(&self) -> Health {
        let counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Health {
            dropped: counted.dropped.clone(),
            transform_gaps: counted.transform_gaps.clone(),
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
    fn what_happens_is_counted_by_reason() {
        let counters = Counters::default();
        counters.input();
        counters.input();
        assert_eq!([counters.dropped("no transform"), counters.dropped("no transform")], [1, 2]);
        counters.dropped("malformed cloud");
        assert_eq!(counters.unsent(), 1);
        let health = counters.health();
        assert_eq!(health.dropped, BTreeMap::from([("malformed cloud", 1), ("no transform", 2)]));
        assert_eq!((health.unsent, health.unreadable_transforms), (1, 0));
        assert!(health.input_age.is_some() && health.input_period.is_some());
        counters.begin();
        let health = counters.health();
        assert_eq!((health.input_age, health.input_period, health.unsent), (None, None, 1));
    }
}
