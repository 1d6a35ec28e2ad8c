//! Every fast search gives exactly what its plain version gives.

use super::*;
use proptest::prelude::*;

/// Clouds as they come (spread), as they hurt (snapped to a few places, so that many points and
/// distances are equal) and as they must not matter (huge, tiny, mixed).
fn cloud(maximum: usize) -> impl Strategy<Value = Vec<[f32; 3]>> {
    let spread = || prop::collection::vec(prop::array::uniform3(-1.0_f32..1.0), 1..maximum);
    prop_oneof![
        4 => spread(),
        4 => (spread(), 1_u8..8).prop_map(|(mut cloud, steps)| {
            for value in cloud.iter_mut().flatten() {
                *value = (*value * f32::from(steps)).round() / f32::from(steps);
            }
            cloud
        }),
        1 => (spread(), -44_i32..38).prop_map(|(mut cloud, exponent)| {
            for value in cloud.iter_mut().flatten() {
                *value *= 10_f32.powi(exponent);
            }
            cloud
        }),
        1 => prop::collection::vec(prop::array::uniform3(prop::num::f32::NORMAL | prop::num::f32::ZERO), 1..maximum),
    ]
}

fn leaves(position: &[[f32; 3]]) -> Leaves {
    let mut leaves = Leaves::default();
    leaves.build(position).unwrap();
    leaves
}

proptest! {
    #[test]
    fn sampling(position in cloud(700), share in 0.0_f64..=1.0) {
        let count = (position.len() as f64 * share) as usize;
        let mut chosen = vec![7];
        let mut workspace = SamplingWorkspace::default();
        farthest_point_sampling(&leaves(&position), &position, count, &mut workspace, &mut chosen).unwrap();
        prop_assert_eq!(chosen, plain::farthest_point_sampling(&position, count).unwrap());
    }

    #[test]
    fn ball(position in cloud(300), centres in cloud(40), radius in prop_oneof![0.0_f32..2.0, Just(0.5), Just(1e20)], slots in 1_usize..40) {
        let mut neighbours = Neighbours::default();
        ball_query(&leaves(&position), &centres, radius, slots, &mut BallWorkspace::default(), &mut neighbours).unwrap();
        prop_assert_eq!(neighbours, plain::ball_query(&position, &centres, radius, slots));
    }

    #[test]
    fn interpolation(fine in cloud(300), coarse in cloud(100)) {
        let mut interpolation = Interpolation::default();
        three_nearest(&leaves(&fine), &coarse, &mut InterpolationWorkspace::default(), &mut interpolation).unwrap();
        prop_assert_eq!(interpolation, plain::three_nearest(&fine, &coarse));
    }

    #[test]
    fn interpolation_from_a_sample(fine in cloud(300), share in 0.0_f64..=1.0) {
        let count = 1.max((fine.len() as f64 * share) as usize);
        let coarse: Vec<_> = plain::farthest_point_sampling(&fine, count).unwrap().iter().map(|&i| fine[i as usize]).collect();
        let mut interpolation = Interpolation::default();
        three_nearest(&leaves(&fine), &coarse, &mut InterpolationWorkspace::default(), &mut interpolation).unwrap();
        prop_assert_eq!(interpolation, plain::three_nearest(&fine, &coarse));
    }

    #[test]
    fn nearest(source in cloud(300), queries in cloud(30), share in 0.0_f64..=1.0) {
        let k = (source.len() as f64 * share) as usize;
        let mut nearest = NearestNeighbours::default();
        k_nearest_neighbours(&leaves(&source), &queries, k, &mut NearestWorkspace::default(), &mut nearest).unwrap();
        prop_assert_eq!(nearest, plain::k_nearest_neighbours(&source, &queries, k).unwrap());
    }
}
