//! What goes through the live runner.

use std::time::{Duration, Instant};

use nalgebra::Isometry3;
use serde::Serialize;

use crate::cloud::{Cloud, Labels};
use crate::latency::{FrameLedger, LatencyLedger};
use crate::pipeline::FrameReport;

/// A decoded frame.
#[derive(Clone, Debug)]
pub struct LiveFrame {
    /// Points in the sensor's frame (m).
    pub cloud: Cloud,
    /// Sensor frame → gravity-aligned fixed frame.
    pub pose: Isometry3<f64>,
    /// When it was taken (ns, the sensor's clock).
    pub stamp: i64,
    /// The message that it was made of, for whoever makes the output; empty where nobody needs it.
    pub message: Vec<u8>,
}

impl Default for LiveFrame {
    fn default() -> Self {
        Self { cloud: Cloud::default(), pose: Isometry3::identity(), stamp: 0, message: Vec::new() }
    }
}

/// Why a message became no frame, in words.
pub type DecodeError = Box<dyn std::error::Error + Send + Sync>;

/// Makes a frame of a message; `frame` is an old one whose buffers are there to be used. Runs on a thread
/// of its own, beside the frame before.
pub type Decoder<M> = Box<dyn FnMut(&mut M, &mut LiveFrame) -> Result<(), DecodeError> + Send>;

/// A frame and what the runtime says of it.
#[derive(Clone, Copy, Debug)]
pub struct LiveOutput<'a> {
    /// The frame.
    pub frame: &'a LiveFrame,
    /// One label for each point; unknown ones where [`FrameOutcome::Panicked`](crate::latency::FrameOutcome)
    /// is the outcome.
    pub labels: &'a Labels,
    /// What was done.
    pub report: &'a FrameReport,
    /// Its account up to here: what becomes of the output is not in it yet.
    pub ledger: &'a FrameLedger,
    /// Time since the frame arrived.
    pub age: Duration,
}

/// Takes the labelled frames; runs on the frame's thread, and its time counts as encoding.
pub type OutputSink = Box<dyn FnMut(LiveOutput<'_>) + Send>;

/// What came in and what became of it. `offered = dropped + undecoded + served`, and at most two on
/// their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LiveCounts {
    /// Messages that came.
    pub offered: u64,
    /// Messages and decoded frames that a newer one replaced, or that came after the end.
    pub dropped: u64,
    /// Messages of which no frame could be made.
    pub undecoded: u64,
    /// Frames that were answered, failed ones included.
    pub served: u64,
    /// Times that the sensor's clock jumped back and the map was forgotten.
    pub clock_jumps: u64,
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct LiveSummary {
    /// Frames.
    pub counts: LiveCounts,
    /// Their times; misses are frames whose output was older than the deadline.
    pub latency: LatencyLedger,
}

/// A message or frame on its way, and when it arrived.
pub(super) struct Arrived<T> {
    pub(super) what: T,
    pub(super) at: Instant,
    /// Time that decoding took.
    pub(super) decoding: Duration,
}
