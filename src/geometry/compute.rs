//! Computing a block's plan, level by level.

use super::ball::{BallWorkspace, ball_query};
use super::density::{gaussian_density, inverse_density_scale};
use super::interpolation::{InterpolationWorkspace, three_nearest};
use super::leaves::{Leaves, check_points};
use super::nearest::{NearestNeighbours, NearestWorkspace, k_nearest_neighbours};
use super::plain::SMALLEST_DISTANCE;
use super::sampling::{SamplingWorkspace, farthest_point_sampling};
use super::{GeometryError, GeometryPlan, Grouping, KernelDensity, Level, LevelSpecification};
use super::{Interpolation, Neighbours, PlanSpecification};

/// A density looks at no more than this many points of its ball, the first in index order (reference:
/// JSNet's `kernel_density_estimation_ball`).
pub const DENSITY_SLOTS: usize = 128;

/// The most neighbour slots that a level may have, so that a model's manifest cannot ask for an
/// absurd allocation. The published networks use 32.
pub const MAXIMUM_SLOTS: usize = 1024;

/// Buffers of [`GeometryPlan::compute`], kept between blocks.
#[derive(Clone, Debug, Default)]
pub struct PlanWorkspace {
    leaves: Leaves,
    sampling: SamplingWorkspace,
    ball: BallWorkspace,
    interpolation: InterpolationWorkspace,
    nearest: NearestWorkspace,
    found: NearestNeighbours,
    crowd: Neighbours,
    density: Vec<f32>,
    /// Leaves of the block, and of the level that is being made.
    block: Leaves,
    coarse: Leaves,
}

impl PlanSpecification {
    /// Checks that a block of `points` points can be planned: every level keeps at least one point
    /// and at most as many as the level below has, radii are positive, slots within
    /// [`MAXIMUM_SLOTS`] and, where they are for nearest neighbours, within the points that there are.
    ///
    /// # Errors
    /// The first level that does not fit, by its number.
    pub fn check(&self, points: usize) -> Result<(), GeometryError> {
        let mut available = points;
        for (below, specification) in self.levels.iter().enumerate() {
            let level = below + 1;
            if specification.points == 0 {
                return Err(GeometryError::EmptyLevel { level });
            }
            if specification.points > available {
                return Err(GeometryError::TooFewPoints { level, expected: specification.points, actual: available });
            }
            if specification.slots == 0 || specification.slots > MAXIMUM_SLOTS {
                return Err(GeometryError::Slots { level, maximum: MAXIMUM_SLOTS, actual: specification.slots });
            }
            let radius_is = |radius: f32| match radius.is_nan() || radius <= SMALLEST_DISTANCE {
                true => Err(GeometryError::Radius { level, actual: radius }),
                false => Ok(()),
            };
            let enough = |expected: usize, actual: usize| match expected > actual {
                true => Err(GeometryError::LevelNeighbours { level, expected, actual }),
                false => Ok(()),
            };
            match specification.grouping {
                Grouping::Ball { radius } => radius_is(radius)?,
                Grouping::Nearest => enough(specification.slots, available)?,
            }
            enough(specification.self_nearest, specification.points)?;
            if let Some(KernelDensity { radius, variance }) = specification.density {
                radius_is(radius)?;
                // Within these bounds no density is 0 and no inverse infinite.
                let smallest = (f64::from(radius) * f64::from(radius) / 100.0).max(1e-12);
                if !(smallest..=1e6).contains(&variance) {
                    return Err(GeometryError::Variance { level, actual: variance });
                }
            }
            available = specification.points;
        }
        Ok(())
    }
}

impl GeometryPlan {
    /// Computes the whole plan of a block whose points are at `position` (block-centred metres),
    /// reusing all buffers of the plan and the workspace: with blocks and specification of equal
    /// size nothing is allocated from the second call on.
    ///
    /// Repeated and coinciding points are welcome. Coordinates of 1e30 m are, too: distances that
    /// overflow count as "farther than all others".
    ///
    /// Worst case, in distances: per level `points below × (points kept × 3)`; typically a
    /// twentieth of it.
    ///
    /// # Errors
    /// [`GeometryError`]: no or too few points, a coordinate that is not finite, or a specification
    /// that makes no sense. All of it is checked first; the plan is then as before.
    pub fn compute(
        &mut self,
        position: &[[f32; 3]],
        specification: &PlanSpecification,
        workspace: &mut PlanWorkspace,
    ) -> Result<(), GeometryError> {
        check_points(position)?;
        specification.check(position.len())?;
        self.levels.resize_with(specification.levels.len() + 1, Default::default);
        let block = &mut self.levels[0];
        block.position.clear();
        block.position.extend_from_slice(position);
        block.sampled_from.clear();
        if specification.levels.iter().any(|level| level.to_block) {
            workspace.block.build(position)?;
        }
        for (below, level) in specification.levels.iter().enumerate() {
            let (finer, coarser) = self.levels.split_at_mut(below + 1);
            let (source, coarse) = (&finer[below].position, &mut coarser[0]);
            workspace.leaves.build(source)?;
            farthest_point_sampling(
                &workspace.leaves,
                source,
                level.points,
                &mut workspace.sampling,
                &mut coarse.sampled_from,
            )?;
            coarse.position.clear();
            coarse.position.extend(coarse.sampled_from.iter().map(|&index| source[index as usize]));
            workspace.group(source, level, coarse)?;
            three_nearest(
                &workspace.leaves,
                &coarse.position,
                &mut workspace.interpolation,
                &mut coarse.interpolation,
            )?;
            workspace.among_themselves(level, coarse)?;
            workspace.to_block(level, coarse)?;
        }
        Ok(())
    }
}

impl PlanWorkspace {
    /// Each sampled point's neighbours in the source level, whose leaves are built, and their densities.
    fn group(
        &mut self,
        source: &[[f32; 3]],
        level: &LevelSpecification,
        coarse: &mut Level,
    ) -> Result<(), GeometryError> {
        let Self { leaves, ball, nearest, found, crowd, density, .. } = self;
        match level.grouping {
            Grouping::Ball { radius } => {
                ball_query(leaves, &coarse.position, radius, level.slots, ball, &mut coarse.neighbours)?;
            }
            Grouping::Nearest => {
                k_nearest_neighbours(leaves, &coarse.position, level.slots, nearest, found)?;
                take(found, level.points, &mut coarse.neighbours);
            }
        }
        coarse.density_scale.clear();
        if let Some(KernelDensity { radius, variance }) = level.density {
            ball_query(leaves, source, radius, DENSITY_SLOTS, ball, crowd)?;
            gaussian_density(source, crowd, variance, density)?;
            let (index, scale) = (&coarse.neighbours.index, &mut coarse.density_scale);
            inverse_density_scale(density, index, level.slots, scale)?;
        }
        Ok(())
    }

    /// Each sampled point's nearest neighbours among the sampled points.
    fn among_themselves(&mut self, level: &LevelSpecification, made: &mut Level) -> Result<(), GeometryError> {
        if level.self_nearest == 0 {
            made.self_neighbours = Neighbours::default();
            return Ok(());
        }
        self.coarse.build(&made.position)?;
        k_nearest_neighbours(&self.coarse, &made.position, level.self_nearest, &mut self.nearest, &mut self.found)?;
        take(&self.found, level.points, &mut made.self_neighbours);
        Ok(())
    }

    /// From the sampled points straight to the block, whose leaves are built.
    fn to_block(&mut self, level: &LevelSpecification, made: &mut Level) -> Result<(), GeometryError> {
        if !level.to_block {
            made.block_interpolation = Interpolation::default();
            return Ok(());
        }
        three_nearest(&self.block, &made.position, &mut self.interpolation, &mut made.block_interpolation)
    }
}

/// What was found, without the distances, for each of `points` points.
fn take(found: &NearestNeighbours, points: usize, neighbours: &mut Neighbours) {
    neighbours.slots = found.k;
    neighbours.index.clone_from(&found.index);
    neighbours.count.clear();
    neighbours.count.resize(points, found.k as u32);
}

#[cfg(test)]
mod tests {
    use super::super::{LevelSpecification, plain};
    use super::*;

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
}
