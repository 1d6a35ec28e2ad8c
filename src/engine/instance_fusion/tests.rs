//! The fast search is the plain one, and what it refuses.

use super::*;
use proptest::prelude::*;

fn sets(found: &Neighbours) -> Vec<Vec<u32>> {
    let rows = found.index.chunks_exact(found.slots).zip(&found.count);
    rows.map(|(row, &count)| {
        let mut row = row[..count as usize].to_vec();
        row.sort_unstable();
        row
    })
    .collect()
}

fn sorted(mut rows: Vec<Vec<u32>>) -> Vec<Vec<u32>> {
    rows.iter_mut().for_each(|row| row.sort_unstable());
    rows
}

fn embeddings() -> impl Strategy<Value = (usize, Vec<f32>)> {
    (1_usize..7, 1_usize..200).prop_flat_map(|(size, points)| {
        let values = |value: BoxedStrategy<f32>| prop::collection::vec(value, size * points);
        let odd = prop_oneof![Just(f32::NAN), Just(f32::INFINITY), Just(1e30), Just(-f32::MAX)];
        prop_oneof![
            values((-1.0_f32..1.0).boxed()),
            values((-3_i8..3).prop_map(|value| f32::from(value) * 0.125).boxed()),
            values(prop_oneof![30 => -0.2_f32..0.2, 1 => odd].boxed()),
        ]
        .prop_map(move |values| (size, values))
    })
}

proptest! {
    #[test]
    fn search_is_the_plain_search((size, embeddings) in embeddings(), k in 1_usize..40, radius in prop_oneof![Just(0.5_f32), Just(-0.0), -0.1_f32..2.0, Just(f32::INFINITY)]) {
        let expected = sorted(nearest_plain(&embeddings, size, k, radius));
        for set in InstructionSet::available() {
            let mut fusion = InstanceFusion::on(set);
            prop_assert_eq!(&sets(fusion.search(&embeddings, size, k, radius).unwrap()), &expected, "{}", set);
        }
    }

    #[test]
    fn fused_is_the_maximum((size, embeddings) in embeddings(), channels in 1_usize..70) {
        let points = embeddings.len() / size;
        let features: Vec<f32> = (0..points * channels).map(|i| (i as f32 * 12.9898).sin()).collect();
        let near = nearest_plain(&embeddings, size, 30, 0.5);
        for set in InstructionSet::available() {
            let mut fused = vec![3.0; features.len()];
            InstanceFusion::on(set).fuse(&embeddings, size, &features, channels, 30, 0.5, &mut fused).unwrap();
            for (point, near) in near.iter().enumerate() {
                for channel in 0..channels {
                    let best = near.iter().map(|&i| features[i as usize * channels + channel]).fold(f32::MIN, f32::max);
                    prop_assert_eq!(fused[point * channels + channel], best, "{}", set);
                }
            }
        }
    }
}

#[test]
fn identical_embeddings_share_the_first_points() {
    let mut fusion = InstanceFusion::default();
    let found = fusion.search(&[0.25; 5 * 1000], 5, 30, 0.5).unwrap();
    let first: Vec<u32> = (0..30).collect();
    assert!(sets(found).iter().all(|row| *row == first));
}

#[test]
fn points_without_an_embedding_are_their_own_neighbours() {
    let mut embeddings = vec![0.0; 4 * 2];
    embeddings[2] = f32::NAN;
    let (mut fusion, mut fused) = (InstanceFusion::default(), [0.0; 4]);
    fusion.fuse(&embeddings, 2, &[1.0, 9.0, 2.0, 3.0], 1, 30, 0.5, &mut fused).unwrap();
    assert_eq!(fused, [3.0, 9.0, 3.0, 3.0]);
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let (mut fusion, mut fused) = (InstanceFusion::default(), [0.0; 2]);
    assert!(fusion.fuse(&[0.0; 7], 5, &[0.0; 2], 2, 30, 0.5, &mut fused).is_err());
    assert!(fusion.fuse(&[0.0; 5], 0, &[0.0; 2], 2, 30, 0.5, &mut fused).is_err());
    assert!(fusion.fuse(&[0.0; 5], 5, &[0.0; 3], 2, 30, 0.5, &mut fused).is_err());
    assert!(fusion.fuse(&[0.0; 5], 5, &[0.0; 2], 2, 0, 0.5, &mut fused).is_err());
    assert!(fusion.fuse(&[0.0; 5], 5, &[0.0; 2], 2, 30, 0.5, &mut fused[..1]).is_err());
    fusion.fuse(&[0.0; 5], 5, &[4.0; 2], 2, 30, 0.5, &mut fused).unwrap();
    assert_eq!(fused, [4.0; 2]);
    fusion.fuse(&[], 5, &[], 2, 30, 0.5, &mut []).unwrap();
}
