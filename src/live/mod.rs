//! Frames as they come: labelled within a deadline, the newest first, never a backlog.
//!
//! ```text
//!            offer                     decode thread                    frame thread
//!  message ────────► [mailbox of one] ─► decode, pose ─► [mailbox of one] ─► map, blocks…, labels ─► sink
//!                     newest wins                         newest wins          │        ▲
//!                                                                              └workers─┘
//! ```
//!
//! Decoding of the next frame, the blocks on their workers, and the frame's own stages overlap. The
//! deadline runs from the moment a message is offered, whatever waited since; a frame that is taken up late
//! has less time and labels fewer blocks, so lateness does not add up. Buffers go round: a message that was
//! dropped or used comes back to whoever offers ([`LiveRunner::offer`], [`LiveRunner::spare`]).
//!
//! A stage that panics loses its frame and nothing else: the frame is given to the sink as failed, the map
//! begins anew, the next frame runs.

mod frame;
mod mailbox;
mod runner;
#[cfg(test)]
mod tests;

pub use crate::pipeline::{ThreadHook, ThreadRole};
pub use frame::{DecodeError, Decoder, LiveCounts, LiveFrame, LiveOutput, LiveSummary, OutputSink};
pub use mailbox::{Mailbox, Reader, mailbox};
pub use runner::{LiveOptions, LiveRunner};
