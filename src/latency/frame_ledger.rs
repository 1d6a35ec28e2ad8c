//! What one frame was given, what was done with it, and what was not.

use std::time::Duration;

use serde::Serialize;

use super::{StageTimes, StageWork};

/// How a frame ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FrameOutcome {
    /// Every stage that ran, ran through. (Blocks may have been put off.)
    #[default]
    Whole,
    /// A block of it failed: an engine refused or gave up, or a stage of the block panicked. The other
    /// blocks are in the labels.
    BlockFailed,
    /// A stage of the frame itself panicked: the frame has no labels, and the map begins anew.
    Panicked,
}

/// What became of blocks that ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BlockResults {
    /// Merged into the map.
    pub merged: u32,
    /// Failed: their windows keep their labels.
    pub failed: u32,
    /// The network's answer was no number: their windows are unknown now.
    pub not_finite: u32,
    /// Among those merged, blocks whose mean-shift was cut short by its budget.
    pub grouping_cut: u32,
}

impl BlockResults {
    /// Blocks that ran.
    pub fn total(&self) -> u32 {
        self.merged + self.failed + self.not_finite
    }
}

/// What became of the windows that asked to be labelled. Every one of [`wanted`](Self::wanted) is counted
/// once, in `own`, `late`, `ahead` or one of the `put_off`s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BlockCounts {
    /// Windows that asked.
    pub wanted: u32,
    /// Blocks of this frame that ran to their end in it.
    pub own: BlockResults,
    /// Blocks that were still running when the frame had to be answered; a later frame merges them.
    pub late: u32,
    /// Blocks started after the labels were made, for the next frame.
    pub ahead: u32,
    /// Windows put off because no further block would have been ready in time.
    pub put_off_time: u32,
    /// Windows put off because every worker was still busy with blocks of earlier frames.
    pub put_off_busy: u32,
    /// Windows put off because of the bound on blocks of one frame (`blocks.maximum_per_frame`).
    pub put_off_count: u32,
    /// Blocks of earlier frames that came in during this one.
    pub earlier: BlockResults,
    /// Engines that gave their place to the next one.
    pub fallbacks: u32,
}

impl BlockCounts {
    /// Windows that keep their labels for now, whatever the reason.
    pub fn put_off(&self) -> u32 {
        self.put_off_time + self.put_off_busy + self.put_off_count
    }

    /// Blocks that failed in this frame, whichever frame they were of.
    pub fn failed(&self) -> u32 {
        self.own.failed + self.earlier.failed
    }

    /// Blocks whose answer was no number, whichever frame they were of.
    pub fn not_finite(&self) -> u32 {
        self.own.not_finite + self.earlier.not_finite
    }

    /// Blocks merged in this frame, whichever frame they were of.
    pub fn merged(&self) -> u32 {
        self.own.merged + self.earlier.merged
    }
}

/// One frame's account. It is plain data and is overwritten from frame to frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct FrameLedger {
    /// When the frame was taken (ns, the sensor's clock).
    pub stamp: i64,
    /// Time between the start of its processing and its deadline; `None` without a deadline.
    pub allowed: Option<Duration>,
    /// Time that its processing took on the wall clock, without decoding and encoding.
    pub took: Duration,
    /// Time between its arrival and its output; 0 where frames do not arrive but are read.
    pub age: Duration,
    /// Time that each stage took.
    pub times: StageTimes,
    /// Time that each stage was given: what the cost model holds it to be very likely done in. Empty
    /// without a deadline.
    pub budgets: StageTimes,
    /// Work that each stage did.
    pub work: StageWork,
    /// What became of the windows.
    pub blocks: BlockCounts,
    /// Age of the oldest labels among the windows that were put off, on the sensor's clock.
    pub oldest_put_off: Duration,
    /// How it ended.
    pub outcome: FrameOutcome,
}
