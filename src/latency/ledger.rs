//! Where the time of many frames went: distributions and sums.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::histogram::Durations;
use super::{FrameLedger, FrameOutcome, Stage, StageTimes};

/// Sums over frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LatencyTotals {
    /// Frames.
    pub frames: u64,
    /// Frames that ended after their deadline.
    pub misses: u64,
    /// Frames of which a block failed.
    pub block_failed: u64,
    /// Frames that panicked.
    pub panicked: u64,
    /// Windows that asked to be labelled.
    pub wanted: u64,
    /// Blocks merged.
    pub merged: u64,
    /// Blocks that failed.
    pub failed: u64,
    /// Blocks whose answer was no number.
    pub not_finite: u64,
    /// Blocks whose mean-shift was cut short.
    pub grouping_cut: u64,
    /// Blocks that were not ready for their frame.
    pub late: u64,
    /// Blocks started ahead of the next frame.
    pub ahead: u64,
    /// Windows put off for want of time.
    pub put_off_time: u64,
    /// Windows put off for want of a worker.
    pub put_off_busy: u64,
    /// Windows put off by the bound on blocks of one frame.
    pub put_off_count: u64,
    /// Engines that gave their place to the next one.
    pub fallbacks: u64,
    /// Age of the oldest labels of a window that was put off.
    pub oldest_put_off: Duration,
}

/// Latency distributions over many frames: every stage, the whole frame on the wall clock, and the age
/// of the output. Recording costs a few dozen nanoseconds a row and allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct LatencyLedger {
    stages: [Durations; Stage::ALL.len()],
    frame: Durations,
    age: Durations,
    totals: LatencyTotals,
}

/// Percentiles of one row of the ledger, in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LatencyRow {
    /// Stage name, `frame`, or `age`.
    pub stage: &'static str,
    /// Median (ms).
    pub p50: f64,
    /// 90th percentile (ms).
    pub p90: f64,
    /// 99th percentile (ms).
    pub p99: f64,
    /// 99.9th percentile (ms).
    #[serde(rename = "p99.9")]
    pub p999: f64,
    /// Largest (ms).
    pub max: f64,
}

impl LatencyRow {
    /// The heading over rows, as wide as they are.
    pub fn heading() -> impl fmt::Display {
        format!("{:<10} {:>10} {:>10} {:>10} {:>10} {:>10}", "stage", "p50", "p90", "p99", "p99.9", "max")
    }
}

impl fmt::Display for LatencyRow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stage, p50, p90, p99, p999, max } = self;
        write!(formatter, "{stage:<10} {p50:>10.2} {p90:>10.2} {p99:>10.2} {p999:>10.2} {max:>10.2}")
    }
}

impl LatencyLedger {
    /// Notes one frame that had all the time it wanted.
    pub fn record(&mut self, times: &StageTimes, frame: Duration) {
        for (histogram, stage) in self.stages.iter_mut().zip(Stage::ALL) {
            histogram.record(times.of(stage));
        }
        self.frame.record(frame);
        self.totals.frames += 1;
    }

    /// Notes one frame that arrived with a deadline `deadline` after its arrival (`None`: without one).
    /// [`FrameLedger::age`] is final.
    pub fn record_frame(&mut self, frame: &FrameLedger, deadline: Option<Duration>) {
        self.record(&frame.times, frame.took);
        self.age.record(frame.age);
        let (totals, blocks) = (&mut self.totals, &frame.blocks);
        totals.misses += u64::from(deadline.is_some_and(|deadline| frame.age > deadline));
        totals.block_failed += u64::from(frame.outcome == FrameOutcome::BlockFailed);
        totals.panicked += u64::from(frame.outcome == FrameOutcome::Panicked);
        for (total, count) in [
            (&mut totals.wanted, blocks.wanted),
            (&mut totals.merged, blocks.merged()),
            (&mut totals.failed, blocks.failed()),
            (&mut totals.not_finite, blocks.not_finite()),
            (&mut totals.grouping_cut, blocks.own.grouping_cut + blocks.earlier.grouping_cut),
            (&mut totals.late, blocks.late),
            (&mut totals.ahead, blocks.ahead),
            (&mut totals.put_off_time, blocks.put_off_time),
            (&mut totals.put_off_busy, blocks.put_off_busy),
            (&mut totals.put_off_count, blocks.put_off_count),
            (&mut totals.fallbacks, blocks.fallbacks),
        ] {
            *total += u64::from(count);
        }
        totals.oldest_put_off = totals.oldest_put_off.max(frame.oldest_put_off);
    }

    /// Sums over the frames.
    pub fn totals(&self) -> &LatencyTotals {
        &self.totals
    }

    /// Percentiles of every stage, then of the whole frame, then, where frames arrived, of the age of
    /// the output.
    pub fn rows(&self) -> Vec<LatencyRow> {
        let row = |stage, durations: &Durations| LatencyRow {
            stage,
            p50: durations.quantile(0.5),
            p90: durations.quantile(0.9),
            p99: durations.quantile(0.99),
            p999: durations.quantile(0.999),
            max: durations.max(),
        };
        let stages = Stage::ALL.iter().zip(&self.stages).map(|(stage, durations)| row(stage.name(), durations));
        let age = (self.age.count() > 0).then(|| row("age", &self.age));
        stages.chain([row("frame", &self.frame)]).chain(age).collect()
    }
}

impl fmt::Display for LatencyLedger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}   (ms)", LatencyRow::heading())?;
        for row in self.rows() {
            write!(formatter, "\n{row}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::{BlockCounts, BlockResults};

    #[test]
    fn percentiles_are_those_of_what_was_recorded() {
        let mut ledger = LatencyLedger::default();
        for millisecond in 1..=1000 {
            let mut times = StageTimes::default();
            times.note(Stage::Network, Duration::from_millis(millisecond));
            ledger.record(&times, Duration::from_millis(2 * millisecond));
        }
        let rows = ledger.rows();
        let network = &rows[Stage::Network as usize];
        assert_eq!((network.stage, rows.len()), ("network", Stage::ALL.len() + 1));
        let close = |value: f64, expected: f64| (value / expected - 1.0).abs() < 2e-3;
        assert!(close(network.p50, 500.0) && close(network.p90, 900.0) && close(network.p99, 990.0), "{network}");
        let frame = rows.last().expect("a frame row");
        assert!(close(frame.p999, 1998.0) && close(frame.max, 2000.0), "{frame}");
    }

    #[test]
    fn sums_and_misses_are_those_of_the_frames() {
        let mut ledger = LatencyLedger::default();
        let deadline = Some(Duration::from_millis(100));
        let own = BlockResults { merged: 3, failed: 1, not_finite: 2, grouping_cut: 1 };
        let earlier = BlockResults { merged: 1, failed: 1, ..BlockResults::default() };
        let blocks = BlockCounts { wanted: 9, own, late: 1, put_off_time: 2, earlier, ..BlockCounts::default() };
        let age = |millis| Duration::from_millis(millis);
        let frame = FrameLedger { blocks, outcome: FrameOutcome::BlockFailed, age: age(101), ..FrameLedger::default() };
        ledger.record_frame(&frame, deadline);
        ledger.record_frame(&FrameLedger { age: age(100), ..FrameLedger::default() }, deadline);
        ledger.record_frame(&FrameLedger { age: age(999), ..FrameLedger::default() }, None);
        let expected = LatencyTotals {
            frames: 3,
            misses: 1,
            block_failed: 1,
            wanted: 9,
            merged: 4,
            failed: 2,
            not_finite: 2,
            grouping_cut: 1,
            late: 1,
            put_off_time: 2,
            ..LatencyTotals::default()
        };
        assert_eq!(*ledger.totals(), expected);
        assert_eq!(ledger.rows().last().map(|row| row.stage), Some("age"));
    }
}
