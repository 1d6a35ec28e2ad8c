//! Training data: simulated rooms, augmented, cut into blocks, with their geometry plans.
//!
//! The trainer (`models/training/`, PyTorch) reads ready blocks from this crate, so sampling,
//! features and geometry have one implementation, in training as in the field. The bytes go
//! through a pipe: no binding to build, no file to clean up, and the same on every machine.

mod augment;
mod feed;
mod record;
mod window_choice;

pub use augment::{Augmentation, augment};
pub use feed::{Feed, FeedError, FeedOptions, Split};
pub use record::{header, write_record};
pub use window_choice::{ClassBalance, WindowChoice};
