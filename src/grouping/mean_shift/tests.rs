use proptest::prelude::*;

use super::adversarial::{POINTS, SIZE, inputs};
use super::*;

fn fast(embeddings: &[f32], size: usize, bin_seeding: bool) -> Clusters {
    let mut mean_shift = MeanShift::new(0.6, bin_seeding).unwrap();
    let mut clusters = Clusters::default();
    mean_shift.run(embeddings, size, &mut clusters).unwrap();
    clusters
}

fn within(embeddings: &[f32], size: usize, bin_seeding: bool, budget: u64) -> Clusters {
    let mut mean_shift = MeanShift::new(0.6, bin_seeding).unwrap();
    let mut clusters = Clusters::default();
    mean_shift.run_within(embeddings, size, budget, &mut clusters).unwrap();
    clusters
}

/// What holds of an answer to `embeddings`, wherever it was cut; `full` is the whole answer.
fn assert_valid(clusters: &Clusters, full: &Clusters, budget: u64) {
    assert_eq!((clusters.label.len(), clusters.size), (full.label.len(), full.size));
    assert!(clusters.centre.iter().all(|value| value.is_finite()));
    for (point, (&label, &in_full)) in clusters.label.iter().zip(&full.label).enumerate() {
        assert_eq!(label == NO_CLUSTER, in_full == NO_CLUSTER, "point {point}");
        assert!(label == NO_CLUSTER || (label as usize) < clusters.count(), "point {point}: {label}");
    }
    let points = full.label.iter().filter(|&&label| label != NO_CLUSTER).count() as u64;
    let limit = budget.saturating_add(OVERDRAFT * (points + 8));
    assert!(clusters.work <= limit, "{} for a budget of {budget} and {points} points", clusters.work);
    if budget >= full.work {
        assert!(!clusters.cut);
    }
    if !clusters.cut {
        assert_eq!(clusters, full);
    }
}

/// Most distances of one search among so many points: see the module's documentation.
fn worst_search(points: u64) -> u64 {
    points + points / 8 + 192
}

/// The documented worst case of a run that did so many means, with as many ends as seeds.
fn worst_case(clusters: &Clusters, points: u64, seeds: u64) -> u64 {
    let centres = clusters.count() as u64;
    let label = points.div_ceil(LEAF as u64) * (worst_search(seeds) + 16 * centres + 1);
    clusters.means * worst_search(points) + centres * worst_search(seeds) + label
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

    /// Valid wherever it is cut, deterministic, within its bound, and whole where the budget suffices.
    #[test]
    fn every_cut_is_valid((size, values) in embeddings(), bin_seeding: bool, share in 0.0_f64..1.1) {
        let full = fast(&values, size, bin_seeding);
        let budget = (full.work as f64 * share) as u64;
        let cut = within(&values, size, bin_seeding, budget);
        assert_valid(&cut, &full, budget);
        assert_valid(&within(&values, size, bin_seeding, full.work), &full, full.work);
        // A workspace that has seen other budgets gives the same bytes.
        let mut mean_shift = MeanShift::new(0.6, bin_seeding).unwrap();
        let mut again = Clusters::default();
        mean_shift.run(&values, size, &mut again).unwrap();
        prop_assert_eq!(&again, &full);
        mean_shift.run_within(&values, size, budget, &mut again).unwrap();
        prop_assert_eq!(again, cut);
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

#[test]
fn hard_inputs_are_plain() {
    for (name, values) in inputs(400) {
        for bin_seeding in [true, false] {
            println!("{name}, bin seeding {bin_seeding}");
            let plain = mean_shift_plain(&values, SIZE, 0.6, bin_seeding).unwrap();
            assert_same(&fast(&values, SIZE, bin_seeding), &plain);
        }
    }
}

#[test]
fn hard_inputs_are_valid_at_every_cut() {
    for (name, values) in inputs(600) {
        for bin_seeding in [true, false] {
            println!("{name}, bin seeding {bin_seeding}");
            let full = fast(&values, SIZE, bin_seeding);
            let budgets = (0..40).chain((0..=40).map(|step| full.work * step / 40)).chain([full.work + 1, u64::MAX]);
            for budget in budgets {
                let cut = within(&values, SIZE, bin_seeding, budget);
                assert_valid(&cut, &full, budget);
                assert_eq!(within(&values, SIZE, bin_seeding, budget), cut);
            }
        }
    }
}

#[test]
fn full_blocks_stay_within_their_bounds() {
    for (name, values) in inputs(POINTS) {
        println!("{name}");
        let full = fast(&values, SIZE, true);
        let points = full.label.iter().filter(|&&label| label != NO_CLUSTER).count() as u64;
        // Bins that are all lost hand over to the points: at most two seeds a point.
        assert!(full.means <= 2 * points * 301);
        assert!(full.work <= worst_case(&full, points, points), "{} for {points} points", full.work);
        for budget in [0, 1000, 100_000, DEFAULT_BUDGET] {
            assert_valid(&within(&values, SIZE, true, budget), &full, budget);
        }
    }
}

#[test]
fn what_has_been_found_replaces_the_base() {
    // Two blobs far apart, one point between them: with any budget two large clusters are told apart.
    let mut values: Vec<f32> =
        (0..400).flat_map(|i| [if i % 4 == 0 { 4.0 } else { 0.0 }, (i % 20) as f32 * 0.02, 0.0]).collect();
    values.extend([2.0, 0.0, 0.0]);
    let full = fast(&values, 3, true);
    assert_eq!(full.count(), 3);
    for budget in [0, 100, 200, 400, 800] {
        assert_eq!(within(&values, 3, true, budget).label, full.label, "{budget}");
    }
}

#[test]
fn a_bin_that_was_not_reached_is_no_cluster_beside_a_denser_one() {
    // A blob over four bins: what is cut must not fall into four clusters.
    let values: Vec<f32> =
        (0..400).flat_map(|i| [0.31 + (i % 20) as f32 * 0.01 - 0.1, 0.31 + (i / 20) as f32 * 0.01 - 0.1]).collect();
    let cut = within(&values, 2, true, 0);
    assert!(cut.cut);
    assert_eq!((cut.count(), cut.means), (1, 0));
}

#[test]
fn all_instruction_sets_give_the_same_bytes() {
    for (name, values) in inputs(1000) {
        for budget in [0, 20_000, u64::MAX] {
            let answer = |set| {
                let mut mean_shift = MeanShift::new(0.6, true).unwrap().with_instruction_set(set);
                let mut clusters = Clusters::default();
                mean_shift.run_within(&values, SIZE, budget, &mut clusters).unwrap();
                clusters
            };
            let plain = answer(InstructionSet::Plain);
            for set in InstructionSet::available() {
                assert_eq!(answer(set), plain, "{name}, {set}");
            }
        }
    }
}
