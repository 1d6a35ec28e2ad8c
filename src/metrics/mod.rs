//! The papers' scores.
//!
//! Given what was predicted for each point of some rooms and what is true, [`Evaluation`] counts,
//! and [`Scores`] says how good it was: mean coverage (mCov), coverage weighted by size (mWCov),
//! instance precision and recall at IoU ≥ 0.5 (mPrec, mRec), and the semantic IoU and accuracies
//! (mIoU, mAcc, oAcc), per class and in the mean.
//!
//! The [`Protocol`] decides what happens where a score has no value: the reference lets one class
//! without predictions turn the mean into NaN; the live protocol takes means over the classes that
//! exist. Source: `eval_iou_accuracy.py` (WXinlong/ASIS), `design/networks.md` §7.
//!
//! ```
//! use instanton::metrics::{Evaluation, Protocol, RoomResult};
//!
//! let mut evaluation = Evaluation::new(Protocol::Live, ["floor", "chair"].map(String::from).to_vec());
//! evaluation.add_room(&RoomResult {
//!     predicted_class: &[0, 0, 1, 1],
//!     predicted_instance: &[0, 0, 1, 1],
//!     true_class: &[0, 0, 0, 1],
//!     true_instance: &[0, 0, 0, 1],
//! })?;
//! let scores = evaluation.finish();
//! assert_eq!(scores.overall_accuracy, Some(0.75));
//! println!("{scores}");
//! # Ok::<(), instanton::metrics::MetricsError>(())
//! ```

mod discriminative_loss;
mod evaluation;
mod overlap;
mod scores;

pub use discriminative_loss::DiscriminativeLoss;
pub use evaluation::{Evaluation, MetricsError, RoomResult};
pub use scores::{ClassScores, Scores};

/// Class of a point that no score looks at (truth), or that was given no class (prediction).
pub const IGNORED_CLASS: u8 = 255;

/// Instance of a point that belongs to none.
pub const UNLABELLED_INSTANCE: i32 = -1;

/// Which rules hold where the seeds' script yields NaN or has no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Exactly the seeds' script. A class without predictions or without truth makes the means
    /// that need it undefined; every true instance id counts, −1 as well; a prediction without a
    /// class is an error.
    Reference,
    /// The same formulas without undefined means: they run over the classes that occur in the
    /// truth, and a class of those that was never predicted has precision 0. Points of true
    /// instance −1 take no part in the instance scores; a point that was given no class counts as
    /// wrong.
    Live,
}

/// What to feed into [`RoomResult`] for labels as the runtime gives them: no class and no instance
/// become [`IGNORED_CLASS`] and [`UNLABELLED_INSTANCE`].
pub fn columns_of(labels: &crate::cloud::Labels) -> (Vec<u8>, Vec<i32>) {
    let class = labels.class.iter().map(|&class| u8::try_from(class).unwrap_or(IGNORED_CLASS)).collect();
    // Ids are only compared: those beyond i32 wrap, and the one that would wrap to −1 takes the free 0.
    let instance = labels.instance.iter().map(|&id| match id {
        crate::cloud::NO_INSTANCE => UNLABELLED_INSTANCE,
        u32::MAX => 0,
        id => id as i32,
    });
    let instance = instance.collect();
    (class, instance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::{INVALID_CLASS, Labels};

    #[test]
    fn labels_become_columns_and_ids_stay_apart() {
        let labels = Labels {
            class: vec![3, INVALID_CLASS, 12, 0],
            instance: vec![1, 0, u32::MAX, 0x8000_0000],
            confidence: vec![1.0; 4],
        };
        let (class, instance) = columns_of(&labels);
        assert_eq!(class, [3, IGNORED_CLASS, 12, 0]);
        assert_eq!(instance, [1, UNLABELLED_INSTANCE, 0, i32::MIN]);
    }
}
