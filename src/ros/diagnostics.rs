//! How the node is, as `/diagnostics` says it: plain numbers in, a level with a reason out.

use super::interfaces::{DiagnosticArray, DiagnosticStatus, KeyValue, level};
use super::lifecycle::State;
use super::{Header, MessageWriter, SendError, Sequence, Time};
use std::time::Duration;

/// From where on something is worth a warning or an error. Shares are of the frames of the report.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Periods of the sensor without input until the state is STALE.
    pub stale_periods: f64,
    /// Time without input until the state is STALE where the period is not known yet.
    pub stale_at_first: Duration,
    /// Share of frames later than the deadline from which on it is a WARN.
    pub misses_warn: f64,
    /// The same for an ERROR.
    pub misses_error: f64,
    /// Share of frames that were dropped from which on it is a WARN.
    pub drops_warn: f64,
    /// The same for an ERROR.
    pub drops_error: f64,
}

impl Default for Thresholds {
    /// STALE after 3 periods (2 s where none is known); WARN from 1 % misses or 5 % drops; ERROR from 10 % misses or
    /// 50 % drops.
    fn default() -> Self {
        Self {
            stale_periods: 3.0,
            stale_at_first: Duration::from_secs(2),
            misses_warn: 0.01,
            misses_error: 0.1,
            drops_warn: 0.05,
            drops_error: 0.5,
        }
    }
}

/// What was measured since the last report.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DiagnosticsReport<'a> {
    /// Where the node is.
    pub state: State,
    /// Frames that were labelled, per second.
    pub rate: f64,
    /// Frames that were labelled.
    pub labelled: u64,
    /// Of those, later than the deadline.
    pub missed: u64,
    /// Frames that came and were not labelled, by reason. Must not hold frames that gave way to newer ones on purpose,
    /// unless they are to count as trouble.
    pub drops: &'a [(&'a str, u64)],
    /// Longest time that a frame may take.
    pub deadline: Duration,
    /// Time from a frame's arrival to its labels: half of them took no longer.
    pub latency_p50: Duration,
    /// The same for 99 of 100.
    pub latency_p99: Duration,
    /// Who computes.
    pub engine: &'a str,
    /// The model's name.
    pub model: &'a str,
    /// Time since a frame came; `None` if none ever has.
    pub sensor_age: Option<Duration>,
    /// Time since the node was activated.
    pub active_for: Duration,
    /// Usual time between frames; `None` while it is not known.
    pub sensor_period: Option<Duration>,
    /// Frames whose transform was not there in time, by what became of it
    /// ([`TransformError::gap`](super::TransformError::gap)).
    pub transform_gaps: &'a [(&'a str, u64)],
    /// How often the clock was set back.
    pub clock_resets: u64,
    /// Frames that gave way to newer ones on purpose: the node is slower than the sensor.
    pub replaced: u64,
    /// What else is wrong and does not show in the numbers, such as topics whose quality of service hinders them.
    pub warnings: &'a [String],
}

/// A level, why, and the numbers behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// One of [`level`].
    pub level: u8,
    /// In a few words.
    pub message: String,
    /// The numbers, as people read them.
    pub values: Vec<(String, String)>,
}

impl DiagnosticsReport<'_> {
    /// Judges. The worst thing gives the level; all that is wrong is in the message, worst first: ERROR, then STALE
    /// (which outranks a WARN: without input nothing else is known), then WARN.
    ///
    /// A node that is not active is OK, with its state as the message, unless an error has led it there.
    pub fn diagnose(&self, thresholds: &Thresholds) -> Diagnosis {
        let mut findings: Vec<(u8, String)> = self.warnings.iter().map(|text| (level::WARN, text.clone())).collect();
        match self.state {
            State::Active => self.judge(thresholds, &mut findings),
            State::ErrorProcessing | State::Finalized => findings.push((level::ERROR, self.state.to_string())),
            _ => {}
        }
        let rank = |level| match level {
            level::ERROR => 0,
            level::STALE => 1,
            _ => 2,
        };
        findings.sort_by_key(|(level, _)| rank(*level));
        let level = findings.first().map_or(level::OK, |(level, _)| *level);
        let message = match (&findings[..], self.state) {
            ([], State::Active) => "labelling".to_owned(),
            ([], state) => state.to_string(),
            (findings, _) => findings.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("; "),
        };
        Diagnosis { level, message, values: self.values() }
    }

    fn gaps(&self) -> u64 {
        self.transform_gaps.iter().map(|(_, count)| count).sum()
    }

    fn dropped(&self) -> u64 {
        self.drops.iter().map(|(_, count)| count).sum()
    }

    fn judge(&self, thresholds: &Thresholds, findings: &mut Vec<(u8, String)>) {
        let patience = match self.sensor_period {
            Some(period) => period.mul_f64(thresholds.stale_periods),
            None => thresholds.stale_at_first,
        };
        match self.sensor_age {
            None if self.active_for > patience => findings.push((level::STALE, "no frame has come".into())),
            Some(age) if age > patience => {
                findings.push((level::STALE, format!("no frame for {:.1} s", age.as_secs_f64())));
            }
            _ => {}
        }
        let mut share = |part: u64, whole: u64, warn: f64, error: f64, text: &str| {
            let share = part as f64 / whole.max(1) as f64;
            let level = if part == 0 || share < warn {
                return;
            } else if share < error {
                level::WARN
            } else {
                level::ERROR
            };
            findings.push((level, format!("{part} of {whole} frames {text}")));
        };
        share(self.missed, self.labelled, thresholds.misses_warn, thresholds.misses_error, "missed the deadline");
        let dropped = self.dropped();
        share(dropped, self.labelled + dropped, thresholds.drops_warn, thresholds.drops_error, "were dropped");
        let gaps = self.gaps();
        if gaps > 0 {
            findings.push((level::WARN, format!("{gaps} frames without a transform")));
        }
    }

    fn values(&self) -> Vec<(String, String)> {
        let seconds =
            |time: Option<Duration>| time.map_or("none".to_owned(), |time| format!("{:.3}", time.as_secs_f64()));
        let milliseconds = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1e3);
        let mut values = vec![
            ("state".to_owned(), self.state.to_string()),
            ("rate (Hz)".to_owned(), format!("{:.2}", self.rate)),
            ("deadline (ms)".to_owned(), milliseconds(self.deadline)),
            ("latency p50 (ms)".to_owned(), milliseconds(self.latency_p50)),
            ("latency p99 (ms)".to_owned(), milliseconds(self.latency_p99)),
            ("frames labelled".to_owned(), self.labelled.to_string()),
            ("deadline misses".to_owned(), self.missed.to_string()),
            ("frames replaced by newer ones".to_owned(), self.replaced.to_string()),
            ("frames dropped".to_owned(), self.dropped().to_string()),
        ];
        values.extend(self.drops.iter().map(|(reason, count)| (format!("dropped: {reason}"), count.to_string())));
        values.push(("transform gaps".to_owned(), self.gaps().to_string()));
        let gaps = self.transform_gaps.iter();
        values.extend(gaps.map(|(kind, count)| (format!("transform gaps: {kind}"), count.to_string())));
        values.extend([
            ("clock resets".to_owned(), self.clock_resets.to_string()),
            ("sensor age (s)".to_owned(), seconds(self.sensor_age)),
            ("sensor period (s)".to_owned(), seconds(self.sensor_period)),
            ("engine".to_owned(), self.engine.to_owned()),
            ("model".to_owned(), self.model.to_owned()),
        ]);
        values
    }
}

impl Diagnosis {
    /// Sends it on `/diagnostics`: `name` is by convention `node: component`, `hardware_id` names the sensor.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn send(
        &self,
        writer: &mut MessageWriter,
        stamp: Time,
        name: &str,
        hardware_id: &str,
    ) -> Result<(), SendError> {
        let values: Vec<_> = self.values.iter().map(|(key, value)| KeyValue { key, value }).collect();
        let status = DiagnosticStatus {
            level: self.level,
            name,
            message: &self.message,
            hardware_id,
            values: Sequence::listed(&values),
        };
        let header = Header { stamp, frame_id: "" };
        writer.send(&DiagnosticArray { header, status: Sequence::listed(&[status]) })
    }
}
