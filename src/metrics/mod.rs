//! The papers' scores.

mod discriminative_loss;

pub use discriminative_loss::DiscriminativeLoss;
