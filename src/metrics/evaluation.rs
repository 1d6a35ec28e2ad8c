//! Counting over rooms.

use super::overlap::{Instances, best_overlaps};
use super::scores::{mean, numpy_mean, ratio};
use super::{ClassScores, IGNORED_CLASS, Protocol, Scores, UNLABELLED_INSTANCE};

/// IoU from which a predicted instance counts as found (inclusive, as in the reference).
const MATCH: f64 = 0.5;

/// What was predicted and what is true of one room; all columns of the same length.
#[derive(Clone, Copy, Debug)]
pub struct RoomResult<'a> {
    /// Predicted class of each point; [`IGNORED_CLASS`] = none.
    pub predicted_class: &'a [u8],
    /// Predicted instance of each point; −1 = none.
    pub predicted_instance: &'a [i32],
    /// True class of each point; points of [`IGNORED_CLASS`] are left out, predictions included.
    pub true_class: &'a [u8],
    /// True instance of each point; −1 = unlabelled.
    pub true_instance: &'a [i32],
}

/// Why a room cannot be scored. The evaluation is then as before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricsError {
    /// Columns of different lengths.
    #[error("expected {expected} entries in column `{column}`, one per point, but there are {actual}")]
    Length {
        /// Name of the column.
        column: &'static str,
        /// Length of `true_class`.
        expected: usize,
        /// Its length.
        actual: usize,
    },
    /// A class that is not in the list.
    #[error("point {point} has {column} {class}, but there are {classes} classes")]
    Class {
        /// Index of the first such point.
        point: usize,
        /// `true class` or `predicted class`.
        column: &'static str,
        /// The class.
        class: u8,
        /// Number of classes.
        classes: usize,
    },
    /// More points than can be counted in a 32-bit index.
    #[error("a room of {points} points is beyond 32-bit indices")]
    TooManyPoints {
        /// Points of the room.
        points: usize,
    },
}

/// Counts of one class over all rooms so far.
#[derive(Clone, Debug, Default)]
struct ClassCounts {
    true_points: u64,
    predicted_points: u64,
    correct_points: u64,
    true_instances: u64,
    predicted_instances: u64,
    matched_instances: u64,
    /// Mean coverage, plain and weighted, of each room that contains the class.
    coverage: Vec<f64>,
    weighted_coverage: Vec<f64>,
}

/// Collects rooms, then says how good they were.
#[derive(Clone, Debug)]
pub struct Evaluation {
    protocol: Protocol,
    names: Vec<String>,
    counts: Vec<ClassCounts>,
    rooms: usize,
}

impl Evaluation {
    /// An evaluation without rooms. `classes` are the names, in the order of the class indices; at
    /// most 255 of them are used.
    pub fn new(protocol: Protocol, mut classes: Vec<String>) -> Self {
        classes.truncate(usize::from(IGNORED_CLASS));
        Self { protocol, counts: vec![ClassCounts::default(); classes.len()], names: classes, rooms: 0 }
    }

    /// Adds a room.
    ///
    /// Work: O(points · log points), whatever the number of instances.
    ///
    /// # Errors
    /// Columns of different lengths; a class that is not in the list (under
    /// [`Protocol::Reference`] this includes a prediction without class).
    pub fn add_room(&mut self, room: &RoomResult) -> Result<(), MetricsError> {
        self.check(room)?;
        let live = self.protocol == Protocol::Live;
        let points = (0..room.true_class.len()).filter(|&point| room.true_class[point] != IGNORED_CLASS);
        let mut columns = Columns::default();
        for point in points {
            let (truth, prediction) = (room.true_class[point], room.predicted_class[point]);
            self.counts[usize::from(truth)].true_points += 1;
            if let Some(counts) = self.counts.get_mut(usize::from(prediction)) {
                counts.predicted_points += 1;
                counts.correct_points += u64::from(truth == prediction);
            }
            if !(live && room.true_instance[point] == UNLABELLED_INSTANCE) {
                columns.true_class.push(truth);
                columns.true_instance.push(room.true_instance[point]);
                columns.predicted_class.push(prediction);
                columns.predicted_instance.push(room.predicted_instance[point]);
            }
        }
        self.add_instances(&columns);
        self.rooms += 1;
        Ok(())
    }

    fn add_instances(&mut self, columns: &Columns) {
        let truth = Instances::of(&columns.true_instance, &columns.true_class, false);
        let prediction = Instances::of(&columns.predicted_instance, &columns.predicted_class, true);
        let (of_truth, of_prediction) =
            best_overlaps(&truth, &prediction, &columns.true_instance, &columns.predicted_instance);
        for (&class, &iou) in prediction.class.iter().zip(&of_prediction) {
            // An instance of points without a class has no row to count in.
            if let Some(counts) = self.counts.get_mut(usize::from(class)) {
                counts.predicted_instances += 1;
                counts.matched_instances += u64::from(iou >= MATCH);
            }
        }
        for (class, counts) in self.counts.iter_mut().enumerate() {
            let (mut instances, mut points, mut sum, mut weighted) = (0_u64, 0_u64, 0.0, 0.0);
            for instance in (0..truth.id.len()).filter(|&instance| usize::from(truth.class[instance]) == class) {
                instances += 1;
                points += truth.size[instance];
                sum += of_truth[instance];
                weighted += of_truth[instance] * truth.size[instance] as f64;
            }
            if instances > 0 {
                counts.true_instances += instances;
                counts.coverage.push(sum / instances as f64);
                counts.weighted_coverage.push(weighted / points as f64);
            }
        }
    }

    fn check(&self, room: &RoomResult) -> Result<(), MetricsError> {
        let expected = room.true_class.len();
        let lengths = [
            ("predicted_class", room.predicted_class.len()),
            ("predicted_instance", room.predicted_instance.len()),
            ("true_instance", room.true_instance.len()),
        ];
        if let Some(&(column, actual)) = lengths.iter().find(|(_, actual)| *actual != expected) {
            return Err(MetricsError::Length { column, expected, actual });
        }
        if expected > u32::MAX as usize {
            return Err(MetricsError::TooManyPoints { points: expected });
        }
        let classes = self.names.len();
        let unknown = |class: u8| usize::from(class) >= classes;
        for (point, (&truth, &prediction)) in room.true_class.iter().zip(room.predicted_class).enumerate() {
            if truth == IGNORED_CLASS {
                continue;
            }
            if unknown(truth) {
                return Err(MetricsError::Class { point, column: "true class", class: truth, classes });
            }
            if unknown(prediction) && (prediction != IGNORED_CLASS || self.protocol == Protocol::Reference) {
                return Err(MetricsError::Class { point, column: "predicted class", class: prediction, classes });
            }
        }
        Ok(())
    }

    /// The scores of all rooms so far.
    pub fn finish(&self) -> Scores {
        let reference = self.protocol == Protocol::Reference;
        let per_class: Vec<ClassScores> = self
            .names
            .iter()
            .zip(&self.counts)
            .map(|(name, counts)| {
                let union = counts.true_points + counts.predicted_points - counts.correct_points;
                let precision = ratio(counts.matched_instances, counts.predicted_instances);
                let never_predicted = !reference && counts.true_instances > 0 && counts.predicted_instances == 0;
                ClassScores {
                    name: name.clone(),
                    iou: ratio(counts.correct_points, union),
                    accuracy: ratio(counts.correct_points, counts.true_points),
                    coverage: numpy_mean(&counts.coverage),
                    weighted_coverage: numpy_mean(&counts.weighted_coverage),
                    precision: if never_predicted { Some(0.0) } else { precision },
                    recall: ratio(counts.matched_instances, counts.true_instances),
                    true_points: counts.true_points,
                    predicted_points: counts.predicted_points,
                    correct_points: counts.correct_points,
                    true_instances: counts.true_instances,
                    predicted_instances: counts.predicted_instances,
                    matched_instances: counts.matched_instances,
                }
            })
            .collect();

        let over = |present: fn(&ClassScores) -> bool, score: fn(&ClassScores) -> Option<f64>| {
            let scores: Vec<Option<f64>> =
                per_class.iter().filter(|class| reference || present(class)).map(score).collect();
            // One class without a value leaves the reference's mean without a value.
            numpy_mean(&scores.into_iter().collect::<Option<Vec<f64>>>()?)
        };
        let seen = |class: &ClassScores| class.true_points > 0;
        let counted = |class: &ClassScores| class.true_instances > 0;
        let ious: Option<Vec<f64>> =
            per_class.iter().filter(|class| reference || seen(class)).map(|class| class.iou).collect();
        let total = |count: fn(&ClassScores) -> u64| per_class.iter().map(count).sum::<u64>();
        Scores {
            protocol: self.protocol,
            rooms: self.rooms,
            points: total(|class| class.true_points),
            mean_coverage: over(counted, |class| class.coverage),
            mean_weighted_coverage: over(counted, |class| class.weighted_coverage),
            mean_precision: over(counted, |class| class.precision),
            mean_recall: over(counted, |class| class.recall),
            mean_iou: ious.and_then(|ious| mean(&ious)),
            mean_accuracy: over(seen, |class| class.accuracy),
            overall_accuracy: ratio(total(|class| class.correct_points), total(|class| class.true_points)),
            per_class,
        }
    }
}

/// The points that take part in the instance scores.
#[derive(Default)]
struct Columns {
    true_class: Vec<u8>,
    true_instance: Vec<i32>,
    predicted_class: Vec<u8>,
    predicted_instance: Vec<i32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|class| format!("class {class}")).collect()
    }

    fn room<'a>(
        columns: &'a [(u8, i32, u8, i32)],
        space: &'a mut (Vec<u8>, Vec<i32>, Vec<u8>, Vec<i32>),
    ) -> RoomResult<'a> {
        *space = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for &(predicted_class, predicted_instance, true_class, true_instance) in columns {
            space.0.push(predicted_class);
            space.1.push(predicted_instance);
            space.2.push(true_class);
            space.3.push(true_instance);
        }
        RoomResult {
            predicted_class: &space.0,
            predicted_instance: &space.1,
            true_class: &space.2,
            true_instance: &space.3,
        }
    }

    /// Class 0: truth {0,0,0} found as {0,0}; class 1: truth {1,1} found as two halves; class 2
    /// exists but is never predicted; class 3 is predicted but does not exist.
    const MIXED: [(u8, i32, u8, i32); 9] = [
        (0, 0, 0, 0),
        (0, 0, 0, 0),
        (3, 7, 0, 0),
        (1, 1, 1, 1),
        (1, 2, 1, 1),
        (1, -1, 2, 5),
        (255, -1, 2, 5),
        (0, 0, 255, 9),
        (1, 1, 1, -1),
    ];

    #[test]
    fn live_by_hand() {
        let mut evaluation = Evaluation::new(Protocol::Live, names(4));
        evaluation.add_room(&room(&MIXED, &mut Default::default())).unwrap();
        let scores = evaluation.finish();
        let [zero, one, two, three] = &scores.per_class[..] else { panic!("four classes") };
        assert_eq!(
            (zero.iou, zero.coverage, zero.precision, zero.recall),
            (Some(2.0 / 3.0), Some(2.0 / 3.0), Some(1.0), Some(1.0))
        );
        // The point of instance −1 counts for the class, not for the instance: both halves are at 0.5.
        assert_eq!((one.iou, one.coverage), (Some(3.0 / 4.0), Some(0.5)));
        assert_eq!((one.matched_instances, one.predicted_instances, one.true_instances), (2, 2, 1));
        assert_eq!((two.precision, two.recall, two.iou), (Some(0.0), Some(0.0), Some(0.0)));
        assert_eq!((three.precision, three.recall, three.iou, three.accuracy), (Some(0.0), None, Some(0.0), None));
        assert_eq!(scores.points, 8);
        assert_eq!(scores.overall_accuracy, Some(5.0 / 8.0));
        assert_eq!(scores.mean_iou, Some((2.0 / 3.0 + 3.0 / 4.0) / 3.0));
        assert_eq!(scores.mean_precision, Some(2.0 / 3.0));
        let table = scores.to_string();
        assert!(table.contains("class 3") && !table.contains("NaN"), "{table}");
    }

    #[test]
    fn reference_means_need_every_class() {
        let mut evaluation = Evaluation::new(Protocol::Reference, names(4));
        let mut columns = MIXED;
        columns[6].0 = 1;
        evaluation.add_room(&room(&columns, &mut Default::default())).unwrap();
        let scores = evaluation.finish();
        assert_eq!(scores.mean_precision, None, "class 2 was never predicted");
        assert_eq!(scores.mean_recall, None, "class 3 does not exist");
        assert_eq!(scores.mean_iou, Some((2.0 / 3.0 + 3.0 / 5.0) / 4.0));
        // Here −1 is an instance like any other, so the halves are still at 0.5 and 1/2 of it.
        assert_eq!(scores.per_class[1].true_instances, 2);
    }

    #[test]
    fn bad_columns_are_refused_and_leave_no_trace() {
        let mut evaluation = Evaluation::new(Protocol::Live, names(2));
        let short =
            RoomResult { predicted_class: &[0], predicted_instance: &[0], true_class: &[0, 1], true_instance: &[0, 1] };
        assert_eq!(
            evaluation.add_room(&short),
            Err(MetricsError::Length { column: "predicted_class", expected: 2, actual: 1 })
        );
        let mut space = Default::default();
        let error = evaluation.add_room(&room(&[(0, 0, 0, 0), (0, 0, 2, 0)], &mut space));
        assert_eq!(error, Err(MetricsError::Class { point: 1, column: "true class", class: 2, classes: 2 }));
        let error = evaluation.add_room(&room(&[(7, 0, 0, 0)], &mut space));
        assert_eq!(error, Err(MetricsError::Class { point: 0, column: "predicted class", class: 7, classes: 2 }));
        assert_eq!(evaluation.finish(), Evaluation::new(Protocol::Live, names(2)).finish());
    }

    #[test]
    fn nothing_scores_nothing() {
        for protocol in [Protocol::Live, Protocol::Reference] {
            let mut evaluation = Evaluation::new(protocol, names(13));
            evaluation.add_room(&room(&[], &mut Default::default())).unwrap();
            evaluation.add_room(&room(&[(0, 0, 255, 0); 5], &mut Default::default())).unwrap();
            let scores = evaluation.finish();
            assert_eq!((scores.rooms, scores.points, scores.mean_iou, scores.overall_accuracy), (2, 0, None, None));
        }
    }

    #[test]
    fn every_point_its_own_instance() {
        let ids: Vec<i32> = (0..300_000).collect();
        let class = vec![0; ids.len()];
        let mut evaluation = Evaluation::new(Protocol::Live, names(1));
        let room =
            RoomResult { predicted_class: &class, predicted_instance: &ids, true_class: &class, true_instance: &ids };
        evaluation.add_room(&room).unwrap();
        assert_eq!(evaluation.finish().mean_weighted_coverage, Some(1.0));
    }
}
