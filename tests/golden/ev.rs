//! Golden files `ev*.npz`: the figures that the seeds' `eval_iou_accuracy.py` prints.

use instanton::metrics::{Evaluation, Protocol, RoomResult, Scores};

use crate::support::{self, Archive};

const CLASSES: [&str; 13] = [
    "ceiling", "floor", "wall", "beam", "column", "window", "door", "table", "chair", "sofa", "bookcase", "board",
    "clutter",
];

#[test]
fn reference_scores() {
    support::for_each("ev", |name, archive| {
        let mut evaluation = Evaluation::new(Protocol::Reference, CLASSES.map(String::from).to_vec());
        for room in 0..archive.scalar::<i32>("n_rooms") {
            let mut class = |column: &str| -> Vec<u8> {
                let values = archive.values::<i32>(&format!("{column}{room}"));
                values.iter().map(|&class| u8::try_from(class).expect("a class")).collect()
            };
            let (predicted_class, true_class) = (class("pred_sem"), class("gt_sem"));
            let predicted_instance = archive.values::<i32>(&format!("pred_ins{room}"));
            let true_instance = archive.values::<i32>(&format!("gt_ins{room}"));
            evaluation
                .add_room(&RoomResult {
                    predicted_class: &predicted_class,
                    predicted_instance: &predicted_instance,
                    true_class: &true_class,
                    true_instance: &true_instance,
                })
                .expect("columns that fit");
        }
        check(name, archive, &evaluation.finish());
    });
}

fn check(name: &str, archive: &mut Archive, scores: &Scores) {
    let means = [
        ("mMUCov", scores.mean_coverage),
        ("mMWCov", scores.mean_weighted_coverage),
        ("mPrecision", scores.mean_precision),
        ("mRecall", scores.mean_recall),
        ("mIoU", scores.mean_iou),
        ("mAcc", scores.mean_accuracy),
        ("oAcc", scores.overall_accuracy),
    ];
    for (key, score) in means {
        assert_equal(name, key, &[score], &[archive.scalar::<f64>(key)]);
    }
    let per_class = &scores.per_class;
    assert_equal(name, "MUCov", &each(per_class, |class| class.coverage), &archive.values("MUCov"));
    assert_equal(name, "MWCov", &each(per_class, |class| class.weighted_coverage), &archive.values("MWCov"));
    assert_equal(name, "precision", &each(per_class, |class| class.precision), &archive.values("precision"));
    assert_equal(name, "recall", &each(per_class, |class| class.recall), &archive.values("recall"));
    assert_equal(name, "iou", &each(per_class, |class| class.iou), &archive.values("iou"));
    let counts = [
        ("true_positive_classes", each(per_class, |class| class.correct_points)),
        ("positive_classes", each(per_class, |class| class.predicted_points)),
        ("gt_classes", each(per_class, |class| class.true_points)),
        ("total_gt_ins", each(per_class, |class| class.true_instances)),
        ("n_tp", each(per_class, |class| class.matched_instances)),
        ("n_pred", each(per_class, |class| class.predicted_instances)),
    ];
    for (key, counts) in counts {
        assert_eq!(counts, whole_numbers(name, key), "{name}: {key}");
    }
}

fn each<T>(classes: &[instanton::metrics::ClassScores], score: fn(&instanton::metrics::ClassScores) -> T) -> Vec<T> {
    classes.iter().map(score).collect()
}

/// Counts are stored as binary64 in some files and as int64 in others.
fn whole_numbers(name: &str, key: &str) -> Vec<u64> {
    let path = support::shared().expect("the folder that held the archive").join(format!("golden/{name}.npz"));
    let mut archive = npyz::npz::NpzArchive::open(path).expect("readable archive");
    let array = archive.by_name(key).expect("readable array").unwrap_or_else(|| panic!("no array {key}"));
    let values: Vec<f64> = match array.try_data::<f64>() {
        Ok(values) => values.map(|value| value.expect("a value")).collect(),
        Err(array) => array.into_vec::<i64>().expect("int64").into_iter().map(|value| value as f64).collect(),
    };
    assert!(values.iter().all(|value| value.fract() == 0.0), "{name}: {key}");
    values.into_iter().map(|value| value as u64).collect()
}

/// Bit for bit; the script's NaN is our `None`.
fn assert_equal(name: &str, key: &str, actual: &[Option<f64>], expected: &[f64]) {
    assert_eq!(actual.len(), expected.len(), "{name}: {key}");
    for (class, (&actual, &expected)) in actual.iter().zip(expected).enumerate() {
        let expected = Some(expected).filter(|value| !value.is_nan());
        assert_eq!(actual, expected, "{name}: {key}[{class}]");
    }
}
