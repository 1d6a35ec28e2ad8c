//! Time: who may spend how much of it, and where it went.
//!
//! ```text
//!  arrival ─────────────────────────────────────────────────────────► deadline
//!  │ decode │ map │ blocks, one after another, as long as they fit │ reserve: │
//!  │        │     │           (the cost model says how long)        │ labels,  │
//!  │        │     │                                                │ encode   │
//! ```
//!
//! A frame has one [`Deadline`] on one [`Clock`]. The [`CostModel`] has learnt how long each stage
//! takes for a unit of its work, and how far it strays; from it the pipeline knows when to stop
//! starting blocks so that the rest of the frame still fits. What was given, what was done and what was
//! put off is written into the frame's [`FrameLedger`]; the [`LatencyLedger`] keeps the distributions.
//!
//! Nothing here knows what the stages do, and nothing here allocates once it is made.

mod clock;
mod cost;
mod frame_ledger;
mod histogram;
mod ledger;
mod stage;

pub use clock::{Clock, Deadline, ManualClock};
pub use cost::{Cost, CostModel};
pub use frame_ledger::{BlockCounts, BlockResults, FrameLedger, FrameOutcome};
pub use ledger::{LatencyLedger, LatencyRow, LatencyTotals};
pub use stage::{Stage, StageTimes, StageWork};
