//! How the instances of prediction and truth overlap in one room.
//!
//! The reference compares every pair of instances point by point, O(instances² · points). Here
//! points are counted once: sort the pairs, count the runs, O(points · log points).

use super::UNLABELLED_INSTANCE;

/// The instances of one side.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Instances {
    /// Ids, ascending.
    pub id: Vec<i32>,
    /// Points of each.
    pub size: Vec<u64>,
    /// Most frequent class of each; the smallest among equals (`scipy.stats.mode`).
    pub class: Vec<u8>,
}

impl Instances {
    /// Groups points by id. Points of instance −1 belong to none where `unlabelled` says so.
    pub fn of(id: &[i32], class: &[u8], unlabelled: bool) -> Self {
        let mut pairs: Vec<(i32, u8)> = id
            .iter()
            .copied()
            .zip(class.iter().copied())
            .filter(|&(id, _)| !unlabelled || id != UNLABELLED_INSTANCE)
            .collect();
        pairs.sort_unstable();
        let mut instances = Self { id: Vec::new(), size: Vec::new(), class: Vec::new() };
        let mut most = 0;
        for run in pairs.chunk_by(|a, b| a == b) {
            let ((id, class), count) = (run[0], run.len() as u64);
            if instances.id.last() != Some(&id) {
                instances.id.push(id);
                instances.size.push(0);
                instances.class.push(class);
                most = 0;
            }
            let last = instances.id.len() - 1;
            instances.size[last] += count;
            if count > most {
                (most, instances.class[last]) = (count, class);
            }
        }
        instances
    }

    fn rank(&self, id: i32) -> Option<u32> {
        self.id.binary_search(&id).ok().map(|rank| rank as u32)
    }
}

/// Largest IoU of each instance with one of the same class on the other side; 0 where none
/// overlaps. First the true instances', then the predicted ones'.
pub(super) fn best_overlaps(
    truth: &Instances,
    prediction: &Instances,
    true_id: &[i32],
    predicted_id: &[i32],
) -> (Vec<f64>, Vec<f64>) {
    let mut pairs: Vec<(u32, u32)> = true_id
        .iter()
        .zip(predicted_id)
        .filter_map(|(&true_id, &predicted_id)| Some((truth.rank(true_id)?, prediction.rank(predicted_id)?)))
        .collect();
    pairs.sort_unstable();
    let mut best = (vec![0.0_f64; truth.id.len()], vec![0.0_f64; prediction.id.len()]);
    for run in pairs.chunk_by(|a, b| a == b) {
        let (t, p) = (run[0].0 as usize, run[0].1 as usize);
        if truth.class[t] == prediction.class[p] {
            let both = run.len() as u64;
            let iou = both as f64 / (truth.size[t] + prediction.size[p] - both) as f64;
            best.0[t] = best.0[t].max(iou);
            best.1[p] = best.1[p].max(iou);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The reference's way: a mask per instance.
    fn plain(truth: &Instances, prediction: &Instances, true_id: &[i32], predicted_id: &[i32]) -> Vec<f64> {
        let iou = |t: usize, p: usize| {
            let (mut both, mut either) = (0, 0);
            for (&a, &b) in true_id.iter().zip(predicted_id) {
                let (a, b) = (a == truth.id[t], b == prediction.id[p]);
                both += u32::from(a && b);
                either += u32::from(a || b);
            }
            f64::from(both) / f64::from(either)
        };
        (0..truth.id.len())
            .map(|t| {
                (0..prediction.id.len())
                    .filter(|&p| truth.class[t] == prediction.class[p])
                    .map(|p| iou(t, p))
                    .fold(0.0, f64::max)
            })
            .collect()
    }

    #[test]
    fn class_is_the_mode_and_the_smallest_among_equals() {
        let instances = Instances::of(&[5, 5, 5, 2, 2, -1], &[3, 1, 1, 9, 4, 0], true);
        assert_eq!(instances, Instances { id: vec![2, 5], size: vec![2, 3], class: vec![4, 1] });
        assert_eq!(Instances::of(&[-1, -1], &[7, 7], false).class, [7]);
    }

    proptest! {
        #[test]
        fn counting_runs_equals_comparing_masks(
            points in prop::collection::vec((-1_i32..6, 0_u8..3, -1_i32..6, 0_u8..3), 0..200),
        ) {
            let column = |f: fn(&(i32, u8, i32, u8)) -> i32| points.iter().map(f).collect::<Vec<_>>();
            let (true_id, predicted_id) = (column(|row| row.0), column(|row| row.2));
            let true_class: Vec<u8> = points.iter().map(|row| row.1).collect();
            let predicted_class: Vec<u8> = points.iter().map(|row| row.3).collect();
            let truth = Instances::of(&true_id, &true_class, false);
            let prediction = Instances::of(&predicted_id, &predicted_class, true);
            let (of_truth, of_prediction) = best_overlaps(&truth, &prediction, &true_id, &predicted_id);
            prop_assert_eq!(of_truth, plain(&truth, &prediction, &true_id, &predicted_id));
            prop_assert_eq!(of_prediction, plain(&prediction, &truth, &predicted_id, &true_id));
        }
    }
}
