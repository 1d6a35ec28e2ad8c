use proptest::prelude::*;

use super::*;

fn fast(embeddings: &[f32], size: usize, bin_seeding: bool) -> Clusters {
    let mut mean_shift = MeanShift::new(0.6, bin_seeding).unwrap();
    let mut clusters = Clusters::default();
    mean_shift.run(embeddings, size, &mut clusters).unwrap();
    clusters
}

fn assert_same(fast: &Clusters, plain: &Clusters) {
    assert_eq!(fast.label, plain.label);
    let bits = |clusters: &Clusters| clusters.centre.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(fast), bits(plain));
    assert_eq!(fast.iterations, plain.iterations);
    assert!(fast.means <= plain.means);
}

/// Blobs of random width, plus everything that can be wrong with a value.
fn embeddings() -> impl Strategy<Value = (usize, Vec<f32>)> {
    (1_usize..=6).prop_flat_map(|size| {
        let blob = (prop::collection::vec(-3.0_f32..3.0, size), 0.0_f32..0.6);
        let value = prop_oneof![
            40 => (-1.0_f32..1.0).boxed(),
            3 => prop::sample::select(vec![0.0, -0.0, 0.5, -0.5, 1.0]).boxed(),
            1 => prop::sample::select(vec![f32::NAN, f32::INFINITY, 1e30, -1e5, 1e-40, 1e20]).boxed(),
        ];
        (
            prop::collection::vec(blob, 1..6),
            prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec(value, size)), 0..300),
        )
            .prop_map(move |(blobs, points)| {
                let values = points.iter().flat_map(|(which, offset)| {
                    let (centre, width) = which.get(&blobs);
                    centre.iter().zip(offset).map(move |(centre, offset)| centre + offset * width)
                });
                (size, values.collect())
            })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn fast_is_plain((size, values) in embeddings(), bin_seeding: bool) {
        assert_same(&fast(&values, size, bin_seeding), &mean_shift_plain(&values, size, 0.6, bin_seeding).unwrap());
    }

    /// Values on a coarse lattice: ties in every sum, distance and order.
    #[test]
    fn fast_is_plain_with_ties(values in prop::collection::vec(-6_i8..6, 0..200), bin_seeding: bool) {
        let values: Vec<f32> = values.chunks_exact(2).flatten().map(|&value| f32::from(value) * 0.3).collect();
        assert_same(&fast(&values, 2, bin_seeding), &mean_shift_plain(&values, 2, 0.6, bin_seeding).unwrap());
    }

    /// Reusing a workspace leaves no trace.
    #[test]
    fn runs_do_not_see_each_other((size, values) in embeddings(), (other_size, other) in embeddings()) {
        let mut mean_shift = MeanShift::new(0.6, true).unwrap();
        let mut clusters = Clusters::default();
        mean_shift.run(&other, other_size, &mut clusters).unwrap();
        mean_shift.run(&values, size, &mut clusters).unwrap();
        prop_assert_eq!(clusters, fast(&values, size, true));
    }
}

#[test]
fn a_full_block_of_blobs() {
    // 4096 points, three levels of boxes.
    let mut state = 1_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    let values: Vec<f32> = (0..4096)
        .flat_map(|point| {
            let blob = (point % 7) as f32;
            [random() + blob, random() * 0.2 - blob, random(), random() + random(), random() * 0.1]
        })
        .collect();
    let fast = fast(&values, 5, true);
    let plain = mean_shift_plain(&values, 5, 0.6, true).unwrap();
    assert_same(&fast, &plain);
    assert!(fast.work * 2 < plain.work, "{} of {}", fast.work, plain.work);
}

#[test]
fn nothing_in_nothing_out() {
    let none = fast(&[], 5, true);
    assert_eq!((none.count(), none.label.len()), (0, 0));
    let invalid = fast(&[f32::NAN, 0.0, f32::INFINITY, 1.0, 1e38, -1e38], 2, true);
    assert_eq!((invalid.count(), invalid.label.as_slice()), (0, [NO_CLUSTER; 3].as_slice()));
}

#[test]
fn one_point_is_its_own_centre() {
    let one = fast(&[0.31, -2.0, 7.5], 3, true);
    assert_eq!(one.centre, [0.31, -2.0, 7.5]);
    assert_eq!(one.label, [0]);
}

#[test]
fn identical_points_are_one_cluster_even_at_the_corner_of_a_bin() {
    // Five values of 0.29 are 0.65 from the bin's centre at 0: scikit-learn raises here.
    for value in [0.0, 0.29, -7.3, 1e5] {
        let same = fast(&[value; 5 * 4096], 5, true);
        assert_eq!(same.centre, [value; 5]);
        assert_eq!(same.label, [0; 4096]);
    }
}

#[test]
fn a_bad_row_does_not_move_the_others() {
    let good = [0.0, 0.1, 0.1, 0.0, 5.0, 5.0, 5.1, 5.0];
    let mut with_bad = good.to_vec();
    with_bad.splice(4..4, [f32::NAN, 5.0]);
    with_bad.extend([1e30, 1e30]);
    let clean = fast(&good, 2, true);
    let dirty = fast(&with_bad, 2, true);
    assert_eq!(dirty.centre, clean.centre);
    assert_eq!(dirty.label, [1, 1, NO_CLUSTER, 0, 0, NO_CLUSTER]);
}

#[test]
fn bad_arguments_are_named() {
    for bandwidth in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-40] {
        assert!(matches!(MeanShift::new(bandwidth, true), Err(MeanShiftError::Bandwidth(_))));
    }
    let mut mean_shift = MeanShift::new(0.6, true).unwrap();
    let mut clusters = Clusters::default();
    let error = mean_shift.run(&[0.0; 7], 5, &mut clusters).unwrap_err();
    assert_eq!(error.to_string(), "mean-shift input: 7 values are no whole number of rows of 5");
    assert!(mean_shift.run(&[0.0; 7], 0, &mut clusters).is_err());
}
