//! Looks after the node about once a second: diagnostics, and a line in the log where something has changed.

use std::time::{Duration, Instant};

use super::health::Tally;
use super::managed::{Labelling, Work};
use super::{Health, InputTopic, NodeSettings};
use crate::ros::diagnostics::{Diagnosis, DiagnosticsReport, Thresholds};
use crate::ros::interfaces::{DiagnosticArray, level};
use crate::ros::lifecycle::State;
use crate::ros::names::NodeName;
use crate::ros::{Message, MessageWriter, Middleware, MiddlewareError, Qos, SendError, Time};

/// Looks at an active node after which it is told that nobody publishes.
const SILENT_LOOKS: u32 = 5;

/// What was seen at the last look.
pub(super) struct Watch {
    diagnostics: MessageWriter,
    /// `node: component`, by convention.
    component: String,
    /// The sensor's topic as it really is called.
    sensor: String,
    last: Health,
    last_look: Instant,
    level: u8,
    mismatches: Vec<(String, u64)>,
    /// Looks at a node that is active.
    looks: u32,
}

impl Watch {
    pub(super) fn new(
        middleware: &dyn Middleware,
        name: &NodeName,
        settings: &NodeSettings,
    ) -> Result<Self, MiddlewareError> {
        Ok(Self {
            diagnostics: MessageWriter::new(middleware, "/diagnostics", DiagnosticArray::TYPE, Qos::DEFAULT)?,
            component: format!("{}: labelling", name.name()),
            sensor: middleware.topic_name(settings.input.topic()),
            last: Health::default(),
            last_look: Instant::now(),
            level: level::OK,
            mismatches: Vec::new(),
            looks: 0,
        })
    }

    /// Says on `/diagnostics` what became of the clouds since the last time.
    pub(super) fn look(&mut self, state: State, work: &Work, now: Time) -> Result<Diagnosis, SendError> {
        let diagnosis = {
            let labelling = work.labelling();
            let health = labelling.as_ref().map(|labelling| labelling.node.health()).unwrap_or_default();
            let diagnosis = self.diagnose(state, labelling.as_ref(), &health);
            self.last = health;
            diagnosis
        };
        self.last_look = Instant::now();
        self.tell(state, &diagnosis);
        diagnosis.send(&mut self.diagnostics, now, &self.component, &self.sensor)?;
        Ok(diagnosis)
    }

    fn diagnose(&self, state: State, labelling: Option<&Labelling>, health: &Health) -> Diagnosis {
        let warnings: Vec<String> = health.inputs.iter().filter_map(mismatch).collect();
        // A node that was configured anew counts from the beginning.
        let since = |now: u64, before: u64| now.checked_sub(before).unwrap_or(now);
        let new = |now: &Tally, before: &Tally| -> Vec<(&'static str, u64)> {
            let new = now.iter().map(|(kind, count)| (*kind, since(*count, before.get(kind).copied().unwrap_or(0))));
            new.filter(|(_, count)| *count > 0).collect()
        };
        let drops = new(&health.dropped, &self.last.dropped);
        let gaps = new(&health.transform_gaps, &self.last.transform_gaps);
        let labelled = since(health.counts.served, self.last.counts.served);
        let settings = labelling.map(|labelling| labelling.node.settings());
        let age = labelling.map_or([Duration::ZERO; 2], |labelling| labelling.node.take_recent_age());
        let report = DiagnosticsReport {
            state,
            rate: labelled as f64 / self.last_look.elapsed().as_secs_f64().max(1e-3),
            labelled,
            missed: since(health.misses, self.last.misses),
            drops: &drops,
            deadline: settings.as_ref().and_then(|it| it.config.latency.deadline()).unwrap_or_default(),
            latency_p50: age[0],
            latency_p99: age[1],
            engine: settings.as_ref().map_or("none", |settings| settings.engine.name()),
            model: labelling.map_or("none", |labelling| &labelling.model),
            sensor_age: health.input_age,
            active_for: labelling.and_then(|labelling| labelling.node.active_for()).unwrap_or_default(),
            sensor_period: health.input_period,
            transform_gaps: &gaps,
            clock_resets: health.counts.clock_jumps,
            replaced: since(health.counts.dropped, self.last.counts.dropped),
            warnings: &warnings,
        };
        report.diagnose(&Thresholds::default())
    }

    /// Says in the log what is wrong, once, when it begins; and that it is over.
    fn tell(&mut self, state: State, diagnosis: &Diagnosis) {
        for input in &self.last.inputs {
            let count = input.mismatched.map_or(0, |mismatch| mismatch.count);
            let known = self.mismatches.iter().position(|(topic, _)| *topic == input.topic).unwrap_or_else(|| {
                self.mismatches.push((input.topic.clone(), 0));
                self.mismatches.len() - 1
            });
            if count > std::mem::replace(&mut self.mismatches[known].1, count)
                && let Some(text) = mismatch(input)
            {
                log::warn!("{text}: nothing will come of it");
            }
        }
        self.looks = if state == State::Active { self.looks.saturating_add(1) } else { 0 };
        let silent = self.last.inputs.first().is_some_and(|sensor| sensor.publishers == 0);
        if self.looks == SILENT_LOOKS && silent {
            log::warn!("{}: nobody publishes it so far (name, type and ROS_DOMAIN_ID right?)", self.sensor);
        }
        let before = std::mem::replace(&mut self.level, diagnosis.level);
        match diagnosis.level {
            level if level == before => {}
            level::OK => log::info!("all is well again: {}", diagnosis.message),
            level::ERROR => log::error!("{}: {}", self.sensor, diagnosis.message),
            _ => log::warn!("{}: {}", self.sensor, diagnosis.message),
        }
        let (last, counts) = (&self.last, self.last.counts);
        log::debug!(
            "{} clouds, {} labelled, {} replaced by newer ones, {} dropped {:?}; {} late, {} messages unsent",
            counts.offered,
            counts.served,
            counts.dropped,
            counts.undecoded,
            last.dropped,
            last.misses,
            last.unsent
        );
    }
}

fn mismatch(input: &InputTopic) -> Option<String> {
    let mismatch = input.mismatched?;
    let (topic, count, policy) = (&input.topic, mismatch.count, mismatch.policy);
    Some(format!("{count} publishers of {topic} offer less {policy} than is asked for"))
}
