//! Recordings: topics, counts, rates, damage.

use std::fmt;
use std::path::Path;

use super::{Content, InspectError, bytes_in_words};
use crate::transport::{CloudTopics, open_bag, select_topics};

/// A silence this many times longer than usual is worth a word.
const LONG_SILENCE: f64 = 10.0;

/// What is in a recording.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct BagReport {
    /// Messages that can be read.
    pub messages: u64,
    /// Bytes of them, uncompressed.
    pub bytes: u64,
    /// First log time, nanoseconds since 1970.
    pub start: Option<u64>,
    /// From the first to the last log time, seconds.
    pub duration: f64,
    /// Topics in the order of the recording.
    pub topics: Vec<TopicReport>,
    /// Topics that a cloud can be made of, the likeliest first.
    pub clouds: Vec<String>,
}

/// What is on a topic.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct TopicReport {
    /// Full name.
    pub name: String,
    /// Message type.
    pub type_name: String,
    /// Messages that can be read.
    pub messages: u64,
    /// Bytes of them, uncompressed.
    pub bytes: u64,
    /// Messages a second between the first and the last; `None` below two messages.
    pub rate: Option<f64>,
    /// Longest time between two messages, seconds.
    pub longest_gap: f64,
    /// Whether the recording defines the type.
    pub has_definition: bool,
    #[serde(skip)]
    first: u64,
    #[serde(skip)]
    last: u64,
}

/// Reads the recording through.
pub fn inspect(path: &Path) -> Result<(Content, Vec<String>), InspectError> {
    let mut source = open_bag(path)?;
    let mut report =
        BagReport { messages: 0, bytes: 0, start: None, duration: 0.0, topics: Vec::new(), clouds: Vec::new() };
    let mut end = 0;
    let mut stopped = None;
    loop {
        match source.advance() {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                stopped = Some(format!("reading stopped: {error}"));
                break;
            }
        }
        let message = source.current();
        for topic in source.topics().iter().skip(report.topics.len()) {
            report.topics.push(TopicReport::new(&topic.name, &topic.type_name, !topic.schema.is_empty()));
        }
        report.topics[message.topic].add(message.log_time, message.data.len() as u64);
        report.messages += 1;
        report.bytes += message.data.len() as u64;
        report.start = Some(report.start.map_or(message.log_time, |start| start.min(message.log_time)));
        end = end.max(message.log_time);
    }
    for topic in source.topics().iter().skip(report.topics.len()) {
        report.topics.push(TopicReport::new(&topic.name, &topic.type_name, !topic.schema.is_empty()));
    }
    // A definition may come with a later file.
    for (topic, known) in report.topics.iter_mut().zip(source.topics()) {
        topic.has_definition = !known.schema.is_empty();
        topic.finish();
    }
    report.duration = report.start.map_or(0.0, |start| seconds(end - start));

    let mut findings: Vec<String> = source.damage().iter().map(ToString::to_string).collect();
    findings.extend(stopped);
    let name = |index: usize| source.topics()[index].name.clone();
    match select_topics(source.topics(), None) {
        Ok(CloudTopics::Points(points)) => report.clouds = points.into_iter().map(name).collect(),
        Ok(CloudTopics::Depth(depth)) => report.clouds = depth.into_iter().map(|depth| name(depth.image)).collect(),
        Err(error) => findings.push(format!("no clouds: {error}")),
    }
    findings.extend(judge(&report));
    Ok((Content::Bag(report), findings))
}

fn judge(report: &BagReport) -> Vec<String> {
    let mut findings = Vec::new();
    if report.messages == 0 {
        findings.push("no message can be read".to_owned());
        return findings;
    }
    if !report.topics.iter().any(|topic| topic.type_name == "tf2_msgs/msg/TFMessage" && topic.messages > 0) {
        findings.push(
            "no transforms (/tf, /tf_static): replay needs --upright when the sensor's z axis points up, or --estimate-up"
                .to_owned(),
        );
    }
    for topic in &report.topics {
        if topic.messages == 0 {
            findings.push(format!("topic {} has no message", topic.name));
        }
        if !topic.has_definition {
            findings.push(format!("the type {} of {} is not defined in the recording", topic.type_name, topic.name));
        }
        let Some(rate) = topic.rate else { continue };
        if topic.messages > 10 && topic.longest_gap * rate > LONG_SILENCE {
            findings.push(format!(
                "topic {} is silent for {:.2} s at a rate of {rate:.1} Hz",
                topic.name, topic.longest_gap
            ));
        }
    }
    findings
}

fn seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 * 1e-9
}

impl TopicReport {
    fn new(name: &str, type_name: &str, has_definition: bool) -> Self {
        Self {
            name: name.to_owned(),
            type_name: type_name.to_owned(),
            messages: 0,
            bytes: 0,
            rate: None,
            longest_gap: 0.0,
            has_definition,
            first: 0,
            last: 0,
        }
    }

    fn add(&mut self, time: u64, bytes: u64) {
        if self.messages == 0 {
            (self.first, self.last) = (time, time);
        }
        self.longest_gap = self.longest_gap.max(seconds(time.saturating_sub(self.last)));
        self.last = self.last.max(time);
        self.messages += 1;
        self.bytes += bytes;
    }

    fn finish(&mut self) {
        let span = seconds(self.last - self.first);
        self.rate = (self.messages > 1 && span > 0.0).then(|| (self.messages - 1) as f64 / span);
    }
}

impl fmt::Display for BagReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a bag of {} messages, {}, {:.3} s", self.messages, bytes_in_words(self.bytes), self.duration)?;
        let width = |column: fn(&TopicReport) -> usize| self.topics.iter().map(column).max().unwrap_or(0);
        let (names, types) = (width(|topic| topic.name.len()), width(|topic| topic.type_name.len()));
        for topic in &self.topics {
            let rate = topic.rate.map_or("-".to_owned(), |rate| format!("{rate:.1} Hz"));
            write!(
                f,
                "\n  {:names$}  {:types$}  {:>7} × {:>9}  {rate:>9}",
                topic.name,
                topic.type_name,
                topic.messages,
                bytes_in_words(topic.bytes.checked_div(topic.messages).unwrap_or(0)),
            )?;
        }
        if let Some(first) = self.clouds.first() {
            write!(f, "\nClouds come from {first}")?;
            if self.clouds.len() > 1 {
                write!(f, ", or with --topic from {}", self.clouds[1..].join(", "))?;
            }
            write!(f, ".")?;
        }
        Ok(())
    }
}
