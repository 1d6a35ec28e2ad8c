//! Computing a block's plan, level by level.

use super::ball::{BallWorkspace, ball_query};
use super::interpolation::{InterpolationWorkspace, three_nearest};
use super::leaves::{Leaves, check_points};
use super::plain::SMALLEST_DISTANCE;
use super::sampling::{SamplingWorkspace, farthest_point_sampling};
use super::{GeometryError, GeometryPlan, PlanSpecification};

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
}

impl PlanSpecification {
    /// Checks that a block of `points` points can be planned: every level keeps at least one point
    /// and at most as many as the level below has, radii are positive, slots within
    /// [`MAXIMUM_SLOTS`].
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
            if specification.radius.is_nan() || specification.radius <= SMALLEST_DISTANCE {
                return Err(GeometryError::Radius { level, actual: specification.radius });
            }
            if specification.slots == 0 || specification.slots > MAXIMUM_SLOTS {
                return Err(GeometryError::Slots { level, maximum: MAXIMUM_SLOTS, actual: specification.slots });
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
            ball_query(
                &workspace.leaves,
                &coarse.position,
                level.radius,
                level.slots,
                &mut workspace.ball,
                &mut coarse.neighbours,
            )?;
            three_nearest(
                &workspace.leaves,
                &coarse.position,
                &mut workspace.interpolation,
                &mut coarse.interpolation,
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{LevelSpecification, plain};
    use super::*;

    /// Four levels, each a quarter of the one below, with the radii of ASIS.
    fn quartering(points: usize) -> PlanSpecification {
        let level = |(depth, radius)| LevelSpecification { points: points >> (2 * depth + 2), radius, slots: 32 };
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
    fn plan_is_what_the_plain_searches_say() {
        let position = scatter(1024);
        let (mut plan, mut workspace) = (GeometryPlan::default(), PlanWorkspace::default());
        let specification = quartering(1024);
        plan.compute(&position, &specification, &mut workspace).unwrap();
        assert_eq!(plan.levels.len(), 5);
        for (below, level) in specification.levels.iter().enumerate() {
            let (source, coarse) = (&plan.levels[below].position, &plan.levels[below + 1]);
            assert_eq!(coarse.sampled_from, plain::farthest_point_sampling(source, level.points).unwrap());
            assert_eq!(coarse.neighbours, plain::ball_query(source, &coarse.position, level.radius, level.slots));
            assert_eq!(coarse.interpolation, plain::three_nearest(source, &coarse.position));
        }
        let first = plan.clone();
        plan.compute(&scatter(2048), &quartering(2048), &mut workspace).unwrap();
        assert_ne!(plan, first);
        plan.compute(&position, &specification, &mut workspace).unwrap();
        assert_eq!(plan, first, "what was computed before leaves no trace");
    }

    #[test]
    fn identical_and_huge_points_have_a_plan() {
        let far = |i: usize| if i.is_multiple_of(2) { [1e30, -1e30, f32::MAX] } else { [-1e30, 1e30, -f32::MAX] };
        for position in [vec![[0.3, -0.2, 1.0]; 256], vec![[0.0; 3]; 256], (0..256).map(far).collect()] {
            let (mut plan, mut workspace) = (GeometryPlan::default(), PlanWorkspace::default());
            plan.compute(&position, &quartering(256), &mut workspace).unwrap();
            for level in &plan.levels[1..] {
                assert!(level.neighbours.count.iter().all(|&count| count > 0));
                assert!(level.interpolation.weight.iter().flatten().all(|weight| weight.is_finite()));
                let sums = level.interpolation.weight.iter().map(|weight| weight.iter().sum::<f32>());
                assert!(sums.into_iter().all(|sum| (sum - 1.0).abs() < 1e-6));
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
            compute(&position, &changed(|level| level.radius = f32::NAN)),
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
    }

    #[test]
    fn fewer_than_three_coarse_points_still_interpolate() {
        let level = |points| LevelSpecification { points, radius: 0.5, slots: 4 };
        let specification = PlanSpecification { levels: vec![level(2), level(1)] };
        let (mut plan, mut workspace) = (GeometryPlan::default(), PlanWorkspace::default());
        plan.compute(&scatter(10), &specification, &mut workspace).unwrap();
        assert!(plan.levels[1].interpolation.weight.iter().all(|weight| weight[2] == 0.0));
        assert_eq!(plan.levels[2].interpolation.weight, [[1.0, 0.0, 0.0]; 2]);
        assert_eq!(plan.levels[2].interpolation.index, [[0, 0, 0]; 2]);
    }
}
