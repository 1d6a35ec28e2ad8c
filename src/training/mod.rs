//! Training data: rooms, simulated or from disk, cut into blocks, with their geometry plans.
//!
//! The trainer (`models/training/`, PyTorch) reads ready blocks from this crate, so sampling,
//! features and geometry have one implementation, in training as in the field. The bytes go
//! through a pipe: no binding to build, no file to clean up, and the same on every machine.

mod augment;
mod error;
mod feed;
mod lane;
mod mix;
mod network_plan;
mod record;
mod recorded;
mod source;
mod window_choice;

pub use augment::{Augmentation, augment};
pub use error::FeedError;
pub use feed::{BlockProtocol, Feed, FeedOptions, Split};
pub use mix::{Mixing, mix};
pub use network_plan::network_plan;
pub use record::{Header, write_record};
pub use recorded::{RecordedRooms, fold_areas};
pub use source::RoomSource;
pub use window_choice::{ClassBalance, WindowChoice};
