//! The figures, and how they are printed.

use std::fmt;

use super::Protocol;

/// Scores of one class. `None` where there is nothing to divide by (the script prints NaN).
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct ClassScores {
    /// Name of the class.
    pub name: String,
    /// Points in both prediction and truth / points in either.
    pub iou: Option<f64>,
    /// Share of the true points that were predicted right.
    pub accuracy: Option<f64>,
    /// Best IoU of each true instance with a predicted one of the same class; mean over the
    /// instances of a room, then over the rooms that contain the class.
    pub coverage: Option<f64>,
    /// The same with each instance weighted by its points.
    pub weighted_coverage: Option<f64>,
    /// Share of the predicted instances that have IoU ≥ 0.5 with a true one.
    pub precision: Option<f64>,
    /// Such predictions per true instance.
    pub recall: Option<f64>,
    /// Points of this class in the truth.
    pub true_points: u64,
    /// Points of this class in the prediction.
    pub predicted_points: u64,
    /// Points of this class in both.
    pub correct_points: u64,
    /// Instances in the truth.
    pub true_instances: u64,
    /// Instances in the prediction.
    pub predicted_instances: u64,
    /// Predicted instances with IoU ≥ 0.5.
    pub matched_instances: u64,
}

/// Scores over all rooms. Means are over classes; `None` = undefined (the script prints NaN).
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Scores {
    /// Which rules hold.
    pub protocol: Protocol,
    /// Rooms that were scored.
    pub rooms: usize,
    /// Points that were scored.
    pub points: u64,
    /// mCov.
    pub mean_coverage: Option<f64>,
    /// mWCov.
    pub mean_weighted_coverage: Option<f64>,
    /// mPrec.
    pub mean_precision: Option<f64>,
    /// mRec.
    pub mean_recall: Option<f64>,
    /// mIoU.
    pub mean_iou: Option<f64>,
    /// mAcc.
    pub mean_accuracy: Option<f64>,
    /// oAcc: share of all points that were predicted right.
    pub overall_accuracy: Option<f64>,
    /// One entry per class, in class order.
    pub per_class: Vec<ClassScores>,
}

/// `part / whole`; nothing where NumPy has 0/0.
pub(super) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Mean by adding from left to right (Python's `sum`).
pub(super) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Mean with NumPy's pairwise sum, so that the last bit agrees too.
pub(super) fn numpy_mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| pairwise_sum(values) / values.len() as f64)
}

/// NumPy's `add.reduce`: eight partial sums up to 128 values, halves beyond.
fn pairwise_sum(values: &[f64]) -> f64 {
    if values.len() < 8 {
        return values.iter().fold(0.0, |sum, value| sum + value);
    }
    if values.len() > 128 {
        let half = values.len() / 2;
        let (left, right) = values.split_at(half - half % 8);
        return pairwise_sum(left) + pairwise_sum(right);
    }
    let (groups, rest) = values.split_at(values.len() - values.len() % 8);
    let mut partial = [0.0; 8];
    for group in groups.chunks_exact(8) {
        partial.iter_mut().zip(group).for_each(|(sum, value)| *sum += value);
    }
    let [a, b, c, d, e, f, g, h] = partial;
    rest.iter().fold(((a + b) + (c + d)) + ((e + f) + (g + h)), |sum, value| sum + value)
}

impl fmt::Display for Scores {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let width = self.per_class.iter().map(|class| class.name.chars().count()).max().unwrap_or(0).max(5);
        let percent = |score: Option<f64>| score.map_or("–".to_string(), |score| format!("{:.1}", 100.0 * score));
        writeln!(
            f,
            "{:width$}  {:>6} {:>6} {:>6} {:>6} {:>6} {:>6}  {:>9} {:>9}",
            "class", "IoU", "Acc", "Cov", "WCov", "Prec", "Rec", "instances", "points"
        )?;
        let mut row = |name: &str, scores: [Option<f64>; 6], instances: String, points: u64| {
            write!(f, "{name:width$} ")?;
            scores.iter().try_for_each(|&score| write!(f, " {:>6}", percent(score)))?;
            writeln!(f, "  {instances:>9} {points:>9}")
        };
        let (mut found, mut real) = (0, 0);
        for class in &self.per_class {
            (found, real) = (found + class.matched_instances, real + class.true_instances);
            row(
                &class.name,
                [class.iou, class.accuracy, class.coverage, class.weighted_coverage, class.precision, class.recall],
                format!("{}/{}", class.matched_instances, class.true_instances),
                class.true_points,
            )?;
        }
        let means = [
            self.mean_iou,
            self.mean_accuracy,
            self.mean_coverage,
            self.mean_weighted_coverage,
            self.mean_precision,
            self.mean_recall,
        ];
        row("mean", means, format!("{found}/{real}"), self.points)?;
        let protocol = match self.protocol {
            Protocol::Reference => "reference",
            Protocol::Live => "live",
        };
        write!(
            f,
            "oAcc {} over {} points of {} {} ({protocol} protocol; percent; instances found/true)",
            percent(self.overall_accuracy),
            self.points,
            self.rooms,
            if self.rooms == 1 { "room" } else { "rooms" },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairwise_sums_group_as_numpy_does() {
        // 1 is lost beside 1e16, unless it is first added to another 1.
        let mut values = vec![0.0; 13];
        (values[0], values[2], values[3]) = (1.0e16, 1.0, 1.0);
        assert_eq!(pairwise_sum(&values), 1.0e16 + 2.0);
        assert_eq!(values.iter().sum::<f64>(), 1.0e16);
        let ones = vec![1.0; 1000];
        assert_eq!(pairwise_sum(&ones), 1000.0);
        assert_eq!((numpy_mean(&[]), mean(&[])), (None, None));
    }
}
