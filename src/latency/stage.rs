//! The stages of a frame, and what each of them took and did.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::Clock;

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

    /// The stages that a block passes on its worker.
    pub const OF_BLOCK: [Stage; 4] = [Stage::Blocks, Stage::Geometry, Stage::Network, Stage::Grouping];

    /// What its work is counted in.
    pub fn unit(self) -> &'static str {
        match self {
            Stage::Decode | Stage::Map | Stage::Labelling | Stage::Encode => "points",
            Stage::Blocks | Stage::Geometry | Stage::Network | Stage::Grouping | Stage::Merging => "blocks",
        }
    }

    /// Its name in small letters.
    pub fn name(self) -> &'static str {
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct StageTimes([Duration; Stage::ALL.len()]);

impl StageTimes {
    /// Runs `work` and adds its time on the machine's clock to `stage`.
    pub fn measure<T>(&mut self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.0[stage as usize] += start.elapsed();
        result
    }

    /// As [`StageTimes::measure`], on another clock.
    pub fn measure_by<T>(&mut self, clock: &Clock, stage: Stage, work: impl FnOnce() -> T) -> T {
        let start = clock.now();
        let result = work();
        self.0[stage as usize] += clock.now().saturating_duration_since(start);
        result
    }

    /// Time of one stage.
    pub fn of(&self, stage: Stage) -> Duration {
        self.0[stage as usize]
    }

    /// Adds time to one stage.
    pub fn note(&mut self, stage: Stage, time: Duration) {
        self.0[stage as usize] += time;
    }

    /// Adds another measurement, stage by stage.
    pub fn add(&mut self, other: &StageTimes) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine += *theirs;
        }
    }
}

/// Work that each stage did in one frame, in its unit ([`Stage::unit`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StageWork([u64; Stage::ALL.len()]);

impl StageWork {
    /// Work of one stage.
    pub fn of(&self, stage: Stage) -> u64 {
        self.0[stage as usize]
    }

    /// Adds work to one stage.
    pub fn note(&mut self, stage: Stage, units: u64) {
        self.0[stage as usize] += units;
    }
}
