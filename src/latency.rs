//! Where a frame's time goes: one histogram per stage.

use std::fmt;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;

/// The stages of a frame, in the order of the pipeline's picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Sensor message to cloud.
    Decode,
    /// Cloud into the rolling map, choice of the windows to label.
    Map,
    /// Sampling and features of the blocks.
    Blocks,
    /// Geometry plans of the blocks.
    Geometry,
    /// The network, embedding neighbours included.
    Network,
    /// Mean-shift over the embeddings.
    Grouping,
    /// Merging blocks into the map, votes.
    Merging,
    /// Labels of every input point.
    Labelling,
    /// Labelled cloud to message.
    Encode,
}

impl Stage {
    /// All stages in order.
    pub const ALL: [Stage; 9] = [
        Stage::Decode,
        Stage::Map,
        Stage::Blocks,
        Stage::Geometry,
        Stage::Network,
        Stage::Grouping,
        Stage::Merging,
        Stage::Labelling,
        Stage::Encode,
    ];

    fn name(self) -> &'static str {
        match self {
            Stage::Decode => "decode",
            Stage::Map => "map",
            Stage::Blocks => "blocks",
            Stage::Geometry => "geometry",
            Stage::Network => "network",
            Stage::Grouping => "grouping",
            Stage::Merging => "merging",
            Stage::Labelling => "labelling",
            Stage::Encode => "encode",
        }
    }
}

/// Time that each stage took in one frame, summed over its blocks (processor time of that stage,
/// not wall time: blocks run side by side).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StageTimes([Duration; Stage::ALL.len()]);

impl StageTimes {
    /// Runs `work` and adds its time to `stage`.
    pub fn measure<T>(&mut self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.0[stage as usize] += start.elapsed();
        result
    }

    /// Time of one stage.
    pub fn of(&self, stage: Stage) -> Duration {
        self.0[stage as usize]
    }

    /// Adds another measurement, stage by stage.
    pub fn add(&mut self, other: &StageTimes) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine += *theirs;
        }
    }
}

/// Latency histograms over many frames: every stage, and the whole frame on the wall clock.
#[derive(Clone, Debug)]
pub struct LatencyLedger {
    stages: Vec<Histogram<u64>>,
    frame: Histogram<u64>,
}

impl Default for LatencyLedger {
    fn default() -> Self {
        // One microsecond to one hour in three significant digits, sized once.
        let histogram = || Histogram::new_with_bounds(1, 3_600_000_000, 3).expect("bounds the library allows");
        Self { stages: Stage::ALL.iter().map(|_| histogram()).collect(), frame: histogram() }
    }
}

/// Percentiles of one row of the ledger, in milliseconds.
#[derive(Clone, Debug, Serialize)]
pub struct LatencyRow {
    /// Stage name, or `frame`.
    pub stage: &'static str,
    /// Median (ms).
    pub p50: f64,
    /// 99th percentile (ms).
    pub p99: f64,
    /// Largest (ms).
    pub max: f64,
}

impl LatencyLedger {
    /// Notes one frame.
    pub fn record(&mut self, times: &StageTimes, frame: Duration) {
        for (histogram, stage) in self.stages.iter_mut().zip(Stage::ALL) {
            histogram.saturating_record(times.of(stage).as_micros() as u64);
        }
        self.frame.saturating_record(frame.as_micros() as u64);
    }

    /// Percentiles of every stage, then of the whole frame.
    pub fn rows(&self) -> Vec<LatencyRow> {
        let row = |stage, histogram: &Histogram<u64>| LatencyRow {
            stage,
            p50: histogram.value_at_quantile(0.5) as f64 / 1e3,
            p99: histogram.value_at_quantile(0.99) as f64 / 1e3,
            max: histogram.max() as f64 / 1e3,
        };
        let stages = Stage::ALL.iter().zip(&self.stages).map(|(stage, histogram)| row(stage.name(), histogram));
        stages.chain([row("frame", &self.frame)]).collect()
    }
}

impl fmt::Display for LatencyLedger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{:<10} {:>10} {:>10} {:>10}   (ms)", "stage", "p50", "p99", "max")?;
        for LatencyRow { stage, p50, p99, max } in self.rows() {
            writeln!(formatter, "{stage:<10} {p50:>10.2} {p99:>10.2} {max:>10.2}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_what_was_recorded() {
        let mut ledger = LatencyLedger::default();
        for millisecond in 1..=100 {
            let mut times = StageTimes::default();
            times.0[Stage::Network as usize] = Duration::from_millis(millisecond);
            ledger.record(&times, Duration::from_millis(2 * millisecond));
        }
        let rows = ledger.rows();
        let network = &rows[Stage::Network as usize];
        assert_eq!(network.stage, "network");
        assert!((network.p50 - 50.0).abs() < 0.1 && (network.p99 - 99.0).abs() < 0.2);
        let frame = rows.last().expect("a frame row");
        assert!((frame.max - 200.0).abs() < 0.3);
    }
}
