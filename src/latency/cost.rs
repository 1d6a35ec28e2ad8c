//! What a unit of work costs: learnt while running.

use std::time::Duration;

use super::Stage;

/// How much a new observation weighs against all before it.
const WEIGHT: f64 = 1.0 / 16.0;

/// A bound is this many mean deviations above the mean. Durations have a long tail, and a mean
/// deviation is 0.8 standard deviations of a normal distribution.
const DEVIATIONS: f64 = 4.0;

/// Time that one unit of work takes: exponentially weighted mean and mean deviation.
///
/// An observation above the bound lifts the bound to itself at once, and the bound comes down again by a
/// sixteenth with each that stays below: a surprise is remembered for some dozens of observations.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    mean: f64,
    deviation: f64,
    seen: u64,
}

impl Cost {
    /// Learns that `units` of work took `time`. No work teaches nothing.
    pub fn observe(&mut self, units: u64, time: Duration) {
        if units == 0 {
            return;
        }
        let took = time.as_secs_f64() / units as f64;
        if self.seen == 0 {
            (self.mean, self.deviation) = (took, took / 2.0);
        } else {
            let surprise = (took - self.mean - DEVIATIONS * self.deviation).max(0.0);
            let difference = took - self.mean;
            self.mean += WEIGHT * difference;
            self.deviation += WEIGHT * (difference.abs() - self.deviation);
            if surprise > 0.0 {
                self.deviation = self.deviation.max((took - self.mean) / DEVIATIONS);
            }
        }
        self.seen += 1;
    }

    /// How often it was observed.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Time that `units` of work take on average; `None` before the first observation.
    pub fn expected(&self, units: u64) -> Option<Duration> {
        (self.seen > 0).then(|| seconds(self.mean * units as f64))
    }

    /// Time within which `units` of work are very likely done; `None` before the first observation.
    pub fn bound(&self, units: u64) -> Option<Duration> {
        (self.seen > 0).then(|| seconds((self.mean + DEVIATIONS * self.deviation) * units as f64))
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

/// What the stages of a frame cost on this machine, under the load that it is under.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CostModel {
    stages: [Cost; Stage::ALL.len()],
    /// A block from the moment a worker takes it up until it is ready to be merged.
    pub block: Cost,
}

impl CostModel {
    /// The cost of a unit of a stage's work ([`Stage::unit`]).
    pub fn of(&self, stage: Stage) -> &Cost {
        &self.stages[stage as usize]
    }

    /// Learns that `units` of a stage's work took `time`.
    pub fn observe(&mut self, stage: Stage, units: u64, time: Duration) {
        self.stages[stage as usize].observe(units, time);
    }

    /// Time within which `units` of a stage's work are very likely done; nothing while nothing is known.
    pub fn bound(&self, stage: Stage, units: u64) -> Duration {
        self.of(stage).bound(units).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(time: Option<Duration>) -> f64 {
        time.expect("observed").as_secs_f64() * 1e3
    }

    #[test]
    fn a_steady_cost_is_learnt_and_its_bound_closes_in() {
        let mut cost = Cost::default();
        assert_eq!((cost.expected(1), cost.bound(1)), (None, None));
        cost.observe(2, Duration::from_millis(20));
        assert!((millis(cost.bound(1)) - 30.0).abs() < 1e-6, "the first one may be far off");
        for _ in 0..200 {
            cost.observe(1, Duration::from_millis(10));
        }
        assert!((millis(cost.expected(3)) - 30.0).abs() < 1e-3);
        assert!((millis(cost.bound(3)) - 30.0).abs() < 1e-3);
        cost.observe(0, Duration::from_secs(9));
        assert_eq!(cost.seen(), 201);
    }

    #[test]
    fn a_surprise_lifts_the_bound_to_itself_and_is_forgotten_slowly() {
        let mut cost = Cost::default();
        for _ in 0..200 {
            cost.observe(1, Duration::from_millis(10));
        }
        cost.observe(1, Duration::from_millis(50));
        assert!((millis(cost.bound(1)) - 50.0).abs() < 0.1, "{:?}", cost.bound(1));
        for _ in 0..10 {
            cost.observe(1, Duration::from_millis(10));
        }
        assert!(millis(cost.bound(1)) > 20.0, "{:?}", cost.bound(1));
        for _ in 0..190 {
            cost.observe(1, Duration::from_millis(10));
        }
        assert!(millis(cost.bound(1)) < 10.1, "{:?}", cost.bound(1));
    }

    #[test]
    fn nineteen_of_twenty_values_of_a_spread_lie_below_the_bound() {
        let (mut cost, mut below) = (Cost::default(), 0);
        let values = (0_u64..2000).map(|i| Duration::from_micros(5000 + (i * 7919) % 10_000));
        for (count, value) in values.enumerate() {
            below += usize::from(count > 0 && cost.bound(1).is_some_and(|bound| value <= bound));
            cost.observe(1, value);
        }
        assert!(below > 1900, "{below} of 2000");
        assert!((millis(cost.expected(1)) - 10.0).abs() < 2.5);
    }
}
