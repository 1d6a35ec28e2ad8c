//! Every duration of a run, in segments of time: enough to tell how far a percentile strays.
//!
//! Frames that follow each other see the same room, the same neighbours on the machine and the same
//! clocks; resampling them one by one would take a lucky minute for evidence. So a series keeps its
//! durations in up to [`SEGMENTS`] stretches of equal length, and a comparison draws stretches.

use serde::{Deserialize, Serialize};

/// Most segments of a run.
pub const SEGMENTS: usize = 20;

/// Durations of one stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// Stage, `frame` (wall time of its processing) or `age` (arrival to output).
    pub stage: String,
    /// Median (ms).
    pub p50: f64,
    /// 90th percentile (ms).
    pub p90: f64,
    /// 99th percentile (ms).
    pub p99: f64,
    /// 99.9th percentile (ms).
    #[serde(rename = "p99.9")]
    pub p999: f64,
    /// Longest (ms).
    pub max: f64,
    /// By segment: pairs of a duration (µs) and how often it was, durations rising.
    pub segments: Vec<Vec<(u32, u32)>>,
}

impl Series {
    /// Of durations (µs) in the order in which they came.
    pub fn new(stage: &str, durations: &[u32]) -> Self {
        let length = durations.len().div_ceil(SEGMENTS).max(1);
        let segments: Vec<_> = durations.chunks(length).map(counted).collect();
        let mut series = Self { stage: stage.to_owned(), p50: 0.0, p90: 0.0, p99: 0.0, p999: 0.0, max: 0.0, segments };
        let all = series.counts();
        let milliseconds = |share| quantile(&all, share).map_or(0.0, |value| f64::from(value) / 1e3);
        (series.p50, series.p90, series.p99) = (milliseconds(0.5), milliseconds(0.9), milliseconds(0.99));
        (series.p999, series.max) = (milliseconds(0.999), milliseconds(1.0));
        series
    }

    /// How many durations there are.
    pub fn len(&self) -> u64 {
        self.segments.iter().flatten().map(|&(_, count)| u64::from(count)).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All segments together.
    pub fn counts(&self) -> Vec<(u32, u32)> {
        let mut all: Vec<(u32, u32)> = self.segments.iter().flatten().copied().collect();
        all.sort_unstable();
        merged(all)
    }
}

/// Durations → how often each was, rising.
fn counted(durations: &[u32]) -> Vec<(u32, u32)> {
    let mut sorted: Vec<(u32, u32)> = durations.iter().map(|&duration| (duration, 1)).collect();
    sorted.sort_unstable();
    merged(sorted)
}

/// One entry a duration; `sorted` rises.
fn merged(mut sorted: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    sorted.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 = kept.1.saturating_add(next.1);
        }
        same
    });
    sorted
}

/// The smallest duration that this share of all do not exceed; `None` of none.
pub(super) fn quantile(counts: &[(u32, u32)], share: f64) -> Option<u32> {
    let total: u64 = counts.iter().map(|&(_, count)| u64::from(count)).sum();
    let rank = ((share * total as f64).ceil() as u64).clamp(1, total.max(1));
    let mut seen = 0;
    counts.iter().find_map(|&(duration, count)| {
        seen += u64::from(count);
        (seen >= rank).then_some(duration)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_durations() {
        let durations: Vec<u32> = (1..=10_000).rev().collect();
        let series = Series::new("network", &durations);
        assert_eq!((series.p50, series.p90, series.p99, series.p999, series.max), (5.0, 9.0, 9.9, 9.99, 10.0));
        assert_eq!((series.len(), series.segments.len()), (10_000, SEGMENTS));
        assert!(series.segments.iter().all(|segment| segment.is_sorted()));
        assert_eq!(series.counts().len(), 10_000);
    }

    #[test]
    fn segments_follow_time_and_count() {
        let series = Series::new("map", &[7, 7, 9, 1]);
        assert_eq!(series.segments, [vec![(7, 1)], vec![(7, 1)], vec![(9, 1)], vec![(1, 1)]]);
        assert_eq!(series.counts(), [(1, 1), (7, 2), (9, 1)]);
        let empty = Series::new("map", &[]);
        assert!(empty.is_empty() && empty.segments.is_empty() && empty.p50 == 0.0);
        assert_eq!(quantile(&[], 0.5), None);
    }
}
