//! How far quantised answers are from those in single precision.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::quantise::{QuantisationPlan, Quantised};
use super::{Blind, CalibrationBlock, GraphNetwork, QuantisationError};
use crate::engine::Prediction;
use crate::pipeline::highest;

/// Difference of two answers over blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Deviation {
    /// Share of points whose most likely class is the same.
    pub agreement: f64,
    /// Mean L1 distance of a point's embeddings.
    pub embedding_mean: f64,
    /// L1 distance of embeddings that 99 of 100 points stay below.
    pub embedding_p99: f64,
}

/// Compares predictions point by point.
pub fn deviation(expected: &[Prediction], actual: &[Prediction], classes: usize, embedding_size: usize) -> Deviation {
    let (mut same, mut distance) = (0_usize, Vec::new());
    for (expected, actual) in expected.iter().zip(actual) {
        let logits = expected.logits.chunks_exact(classes).zip(actual.logits.chunks_exact(classes));
        same += logits.filter(|(one, other)| highest(one) == highest(other)).count();
        let pairs =
            expected.embeddings.chunks_exact(embedding_size).zip(actual.embeddings.chunks_exact(embedding_size));
        distance.extend(
            pairs.map(|(one, other)| {
                one.iter().zip(other).map(|(one, other)| f64::from((one - other).abs())).sum::<f64>()
            }),
        );
    }
    let points = distance.len().max(1);
    distance.sort_by(f64::total_cmp);
    Deviation {
        agreement: same as f64 / points as f64,
        embedding_mean: distance.iter().sum::<f64>() / points as f64,
        embedding_p99: distance.get((points * 99 / 100).min(points - 1)).copied().unwrap_or_default(),
    }
}

/// Runs blocks side by side. `plan` with `only`: that product alone in 8 bits; without: all that are enabled;
/// no plan: single precision.
pub(super) fn predict(
    network: &GraphNetwork,
    plan: Option<(&QuantisationPlan, Option<&str>)>,
    blocks: &[CalibrationBlock],
) -> Result<Vec<Prediction>, QuantisationError> {
    let run = |network: &mut GraphNetwork, block: &CalibrationBlock| {
        let mut prediction = Prediction::default();
        match plan {
            Some((plan, only)) => network.run(block.input(), &mut Quantised { plan, only }, &mut prediction)?,
            None => network.run(block.input(), &mut Blind, &mut prediction)?,
        }
        Ok(prediction)
    };
    blocks.par_iter().map_init(|| network.clone(), run).collect()
}
