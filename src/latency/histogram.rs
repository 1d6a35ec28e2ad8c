//! Durations counted in bounded memory.

use std::time::Duration;

use hdrhistogram::Histogram;

/// One microsecond to one hour in three significant digits, sized once.
#[derive(Clone, Debug)]
pub(super) struct Durations(Histogram<u64>);

impl Default for Durations {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, 3_600_000_000, 3).expect("bounds the library allows"))
    }
}

impl Durations {
    pub(super) fn record(&mut self, time: Duration) {
        self.0.saturating_record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    pub(super) fn count(&self) -> u64 {
        self.0.len()
    }

    /// Milliseconds that this share of the durations do not exceed.
    pub(super) fn quantile(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1e3
    }

    /// Milliseconds of the longest.
    pub(super) fn max(&self) -> f64 {
        self.0.max() as f64 / 1e3
    }
}
