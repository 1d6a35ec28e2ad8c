//! The plan is what the plain searches say, and bad input changes nothing.

use super::*;
use crate::geometry::plain;

/// Four levels, each a quarter of the one below, with the radii of ASIS.
fn quartering(points: usize) -> PlanSpecification {
    let level = |(depth, radius)| LevelSpecification::ball(points >> (2 * depth + 2), radius, 32);
    PlanSpecification { levels: [0.1, 0.2, 0.4, 0.8].into_iter().enumerate().map(level).collect() }
}

/// A deterministic scatter over the faces of a 1 × 1 × 2 m block.
fn scatter(count: usize) -> Vec<[f32; 3]> {
    (0..count as u32)
        .map(|i| {
            let hash = i.wrapping_mul(2_654_435_761) >> 8;
            let (a, b) = ((hash % 4096) as f32 / 4096.0, (hash / 4096) as f32 / 4096.0);
            match i % 3 {
                0 => [a - 0.5, b - 0.5, 0.0],
                1 => [a - 0.5, 0.5, b * 2.0],
                _ => [-0.5, a - 0.5, b * 2.0],
            }
        })
        .collect()
}

#[test]
fn plan_is_what_the_plain_searches_say_of_balls() {
    let position = scatter(1024);
    let (mut plan, mut workspace) = (GeometryPlan::default(), PlanWorkspace::default());
    let specification = quartering(1024);
    plan.compute(&position, &specification, &mut workspace).unwrap();
    assert_eq!(plan.levels.len(), 5);
    for (below, level) in specification.levels.iter().enumerate() {
        let (source, coarse) = (&plan.levels[below].position, &plan.levels[below + 1]);
        assert_eq!(coarse.sampled_from, plain::farthest_point_sampling(source, level.points).unwrap());
        assert_eq!(coarse.neighbours, plain::ball_query(source, &coarse.position, level.radius(), level.slots));
        assert_eq!(coarse.interpolation, plain::three_nearest(source, &coarse.position));
    }
    let first = plan.clone();
    plan.compute(&scatter(2048), &quartering(2048), &mut workspace).unwrap();
    assert_ne!(plan, first);
    plan.compute(&position, &specification, &mut workspace).unwrap();
    assert_eq!(plan, first, "what was computed before leaves no trace");
}

/// JSNet's levels in small: a ball, then nearest neighbours with density; own neighbours on all but
/// the last; the second straight to the block.
fn point_convolution(points: usize) -> PlanSpecification {
    let mut specification = quartering(points);
    for (level, radius) in specification.levels.iter_mut().zip([0.0, 0.2, 0.4, 0.8]).skip(1) {
        let density = KernelDensity { radius, variance: f64::from(radius) / 2.0 };
        *level = LevelSpecification::nearest(level.points, 16, density);
    }
    specification.levels[..3].iter_mut().for_each(|level| level.self_nearest = 8);
    specification.levels[1].to_block = true;
    specification
}

#[test]
fn plan_is_what_the_plain_searches_say_of_nearest_neighbours() {
    let position = scatter(1024);
    let (mut plan, mut workspace) = (GeometryPlan::default(), PlanWorkspace::default());
    let specification = point_convolution(1024);
    plan.compute(&position, &specification, &mut workspace).unwrap();
    for (below, level) in specification.levels.iter().enumerate() {
        let (source, made) = (&plan.levels[below].position, &plan.levels[below + 1]);
        if let Some(density) = level.density {
            let nearest = plain::k_nearest_neighbours(source, &made.position, level.slots).unwrap();
            assert_eq!(made.neighbours.index, nearest.index);
            assert_eq!(made.neighbours.count, vec![level.slots as u32; level.points]);
            let crowd = plain::ball_query(source, source, density.radius, DENSITY_SLOTS);
            let (mut densities, mut scale) = (Vec::new(), Vec::new());
            gaussian_density(source, &crowd, density.variance, &mut densities).unwrap();
            inverse_density_scale(&densities, &nearest.index, level.slots, &mut scale).unwrap();
            assert_eq!(made.density_scale, scale);
            assert!(scale.iter().all(|scale| (0.0..=1.0).contains(scale)));
        } else {
            assert!(made.density_scale.is_empty());
        }
        let own = plain::k_nearest_neighbours(&made.position, &made.position, level.self_nearest).unwrap();
        assert_eq!(made.self_neighbours.index, own.index);
        assert_eq!(made.self_neighbours.slots, level.self_nearest);
        match level.to_block {
            true => assert_eq!(made.block_interpolation, plain::three_nearest(&position, &made.position)),
            false => assert_eq!(made.block_interpolation, Interpolation::default()),
        }
    }
    // A plan that held more forgets it.
    plan.compute(&position, &quartering(1024), &mut workspace).unwrap();
    let mut fresh = GeometryPlan::default();
    fresh.compute(&position, &quartering(1024), &mut PlanWorkspace::default()).unwrap();
    assert_eq!(plan, fresh);
}

#[test]
fn without_levels_the_plan_is_the_block() {
    let position = scatter(10);
    let (mut plan, mut workspace) = (GeometryPlan::default(), PlanWorkspace::default());
    plan.compute(&scatter(256), &quartering(256), &mut workspace).unwrap();
    plan.compute(&position, &PlanSpecification { levels: vec![] }, &mut workspace).unwrap();
    assert_eq!(plan.levels.len(), 1);
    assert_eq!(plan.levels[0].position, position);
}

#[test]
fn identical_and_huge_points_have_a_plan() {
    let far = |i: usize| if i.is_multiple_of(2) { [1e30, -1e30, f32::MAX] } else { [-1e30, 1e30, -f32::MAX] };
    for position in [vec![[0.3, -0.2, 1.0]; 1024], vec![[0.0; 3]; 1024], (0..1024).map(far).collect()] {
        let (mut plan, mut workspace) = (GeometryPlan::default(), PlanWorkspace::default());
        plan.compute(&position, &quartering(1024), &mut workspace).unwrap();
        for level in &plan.levels[1..] {
            assert!(level.neighbours.count.iter().all(|&count| count > 0));
            assert!(level.interpolation.weight.iter().flatten().all(|weight| weight.is_finite()));
            let sums = level.interpolation.weight.iter().map(|weight| weight.iter().sum::<f32>());
            assert!(sums.into_iter().all(|sum| (sum - 1.0).abs() < 1e-6));
        }
        plan.compute(&position, &point_convolution(1024), &mut workspace).unwrap();
        for level in &plan.levels[2..] {
            assert!(level.density_scale.iter().all(|scale| (0.0..=1.0).contains(scale)));
        }
    }
}

#[test]
fn bad_input_is_named_and_changes_nothing() {
    let (mut plan, mut workspace) = (GeometryPlan::default(), PlanWorkspace::default());
    plan.compute(&scatter(256), &quartering(256), &mut workspace).unwrap();
    let before = plan.clone();
    let mut compute = |position: &[[f32; 3]], specification: &PlanSpecification| {
        let error = plan.compute(position, specification, &mut workspace).unwrap_err();
        assert_eq!(plan, before);
        error
    };
    assert_eq!(compute(&[], &quartering(256)), GeometryError::Empty);
    assert_eq!(
        compute(&scatter(63), &quartering(256)),
        GeometryError::TooFewPoints { level: 1, expected: 64, actual: 63 }
    );
    let mut position = scatter(256);
    position[200][1] = f32::NAN;
    position[201][0] = f32::INFINITY;
    assert!(matches!(compute(&position, &quartering(256)), GeometryError::NotFinite { index: 200, .. }));
    let changed = |change: fn(&mut LevelSpecification)| {
        let mut specification = quartering(256);
        change(&mut specification.levels[1]);
        specification
    };
    let position = scatter(256);
    assert_eq!(compute(&position, &changed(|level| level.points = 0)), GeometryError::EmptyLevel { level: 2 });
    assert!(matches!(
        compute(&position, &changed(|level| level.grouping = Grouping::Ball { radius: f32::NAN })),
        GeometryError::Radius { level: 2, .. }
    ));
    assert_eq!(
        compute(&position, &changed(|level| level.slots = usize::MAX)),
        GeometryError::Slots { level: 2, maximum: MAXIMUM_SLOTS, actual: usize::MAX }
    );
    assert_eq!(
        compute(&position, &changed(|level| level.points = 65)),
        GeometryError::TooFewPoints { level: 2, expected: 65, actual: 64 }
    );
    let nearest = |level: &mut LevelSpecification| (level.grouping, level.slots) = (Grouping::Nearest, 65);
    assert_eq!(
        compute(&position, &changed(nearest)),
        GeometryError::LevelNeighbours { level: 2, expected: 65, actual: 64 }
    );
    assert_eq!(
        compute(&position, &changed(|level| level.self_nearest = 17)),
        GeometryError::LevelNeighbours { level: 2, expected: 17, actual: 16 }
    );
    for variance in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-9] {
        let mut specification = quartering(256);
        specification.levels[2].density = Some(KernelDensity { radius: 0.4, variance });
        assert!(matches!(compute(&position, &specification), GeometryError::Variance { level: 3, .. }));
    }
}

#[test]
fn fewer_than_three_coarse_points_still_interpolate() {
    let level = |points| LevelSpecification::ball(points, 0.5, 4);
    let specification = PlanSpecification { levels: vec![level(2), level(1)] };
    let (mut plan, mut workspace) = (GeometryPlan::default(), PlanWorkspace::default());
    plan.compute(&scatter(10), &specification, &mut workspace).unwrap();
    assert!(plan.levels[1].interpolation.weight.iter().all(|weight| weight[2] == 0.0));
    assert_eq!(plan.levels[2].interpolation.weight, [[1.0, 0.0, 0.0]; 2]);
    assert_eq!(plan.levels[2].interpolation.index, [[0, 0, 0]; 2]);
}
