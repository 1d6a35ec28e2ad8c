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
            workspace.carry_to_block(level, coarse)?;
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
    fn carry_to_block(&mut self, level: &LevelSpecification, made: &mut Level) -> Result<(), GeometryError> {
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
mod tests;
