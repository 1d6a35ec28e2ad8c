//! How well embeddings keep instances apart: the discriminative loss, as both seeds code it.
//!
//! `design/networks.md` §3: L1 norms throughout, δ_v = 0.5, δ_d = 1.5, class-agnostic. The
//! regulariser is ASIS' only; JSNet leaves it out.
//! Source: ASIS `utils/loss.py`, after De Brabandere et al. 2017.

use std::collections::BTreeMap;

/// Distance to the mean below which a point costs nothing.
pub const VARIANCE_MARGIN: f64 = 0.5;
/// Half the distance between two means above which they cost nothing.
pub const DISTANCE_MARGIN: f64 = 1.5;
/// Weight of the regulariser.
pub const REGULARISER_WEIGHT: f64 = 0.001;

/// The terms of the loss, weighted as they are summed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DiscriminativeLoss {
    /// Mean over instances of the mean over their points of `[‖μ − e‖₁ − δ_v]₊²`.
    pub variance: f64,
    /// Mean over ordered pairs of different instances of `[2 δ_d − ‖μ_i − μ_j‖₁]₊²`; 0 for one.
    pub distance: f64,
    /// `0.001 ×` mean over instances of `‖μ‖₁`.
    pub regulariser: f64,
}

impl DiscriminativeLoss {
    /// Loss of one block: `embeddings` is `points × embedding_size`, point-major; `instance` holds
    /// one id per point. Ids may be any numbers; every one of them is an instance. Without points
    /// the loss is 0.
    ///
    /// # Panics
    /// Where `embeddings` is not `embedding_size` values for each entry of `instance`.
    pub fn of_block(embeddings: &[f32], embedding_size: usize, instance: &[i32]) -> Self {
        assert_eq!(embeddings.len(), instance.len() * embedding_size, "embedding values of all points");
        // Points of each instance, by ascending id: a fixed order of sums.
        let mut members: BTreeMap<i32, Vec<&[f32]>> = BTreeMap::new();
        for (point, &id) in instance.iter().enumerate() {
            members.entry(id).or_default().push(&embeddings[point * embedding_size..][..embedding_size]);
        }
        if members.is_empty() {
            return Self::default();
        }
        let count = members.len() as f64;
        let means: Vec<Vec<f64>> = members.values().map(|points| mean(points, embedding_size)).collect();
        let mut loss = Self::default();
        for (points, mean) in members.values().zip(&means) {
            let hinge = |point: &&[f32]| {
                let distance: f64 = mean.iter().zip(*point).map(|(mean, &value)| (mean - f64::from(value)).abs()).sum();
                (distance - VARIANCE_MARGIN).max(0.0).powi(2)
            };
            loss.variance += points.iter().map(hinge).sum::<f64>() / points.len() as f64 / count;
            loss.regulariser += REGULARISER_WEIGHT * mean.iter().map(|value| value.abs()).sum::<f64>() / count;
        }
        let pairs = count * (count - 1.0);
        for (i, a) in means.iter().enumerate() {
            for b in means.iter().skip(i + 1) {
                let distance: f64 = a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum();
                loss.distance += 2.0 * (2.0 * DISTANCE_MARGIN - distance).max(0.0).powi(2) / pairs;
            }
        }
        loss
    }

    /// What training minimises: the sum of the terms.
    pub fn total(&self) -> f64 {
        self.variance + self.distance + self.regulariser
    }
}

fn mean(points: &[&[f32]], embedding_size: usize) -> Vec<f64> {
    let mut mean = vec![0.0; embedding_size];
    for point in points {
        for (sum, &value) in mean.iter_mut().zip(*point) {
            *sum += f64::from(value);
        }
    }
    mean.iter_mut().for_each(|sum| *sum /= points.len() as f64);
    mean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_by_hand() {
        // Two instances on a line, means at 0 and 2, points 1 away from their mean.
        let loss = DiscriminativeLoss::of_block(&[-1.0, 1.0, 1.0, 3.0], 1, &[7, 7, -1, -1]);
        assert_eq!(loss.variance, 0.25);
        assert_eq!(loss.distance, 1.0);
        assert_eq!(loss.regulariser, 0.001);
        assert_eq!(loss.total(), 1.251);
    }

    #[test]
    fn one_instance_has_nobody_to_keep_away_from() {
        let loss = DiscriminativeLoss::of_block(&[0.0, 0.0, 0.25, 0.0], 2, &[3, 3]);
        assert_eq!((loss.variance, loss.distance), (0.0, 0.0));
        assert_eq!(DiscriminativeLoss::of_block(&[], 5, &[]), DiscriminativeLoss::default());
    }
}
