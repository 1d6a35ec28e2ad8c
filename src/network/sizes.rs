//! Which sizes a description may have: checked first, so that nothing that is derived can overflow.

use super::architecture_error::ArchitectureError;
use super::description::{Description, Operation};
use crate::geometry::PlanSpecification;

/// Sizes larger than this are refused: no sensor block needs them and they would allocate gigabytes.
const LARGEST_SIZE: usize = 1 << 20;
/// Widths (channels, slots, classes) larger than this are refused.
pub(super) const LARGEST_WIDTH: usize = 1 << 13;

pub(super) fn size(
    field: impl Into<String>,
    actual: usize,
    minimum: usize,
    maximum: usize,
) -> Result<(), ArchitectureError> {
    if (minimum..=maximum).contains(&actual) {
        Ok(())
    } else {
        Err(ArchitectureError::Size { field: field.into(), actual, minimum, maximum })
    }
}

fn radius(field: impl Into<String>, actual: f32) -> Result<(), ArchitectureError> {
    if actual.is_finite() && actual > 0.0 {
        Ok(())
    } else {
        Err(ArchitectureError::Radius { field: field.into(), actual })
    }
}

/// Every size, radius and neighbour count of a description, level by level and layer by layer.
pub(super) fn check_sizes(description: &Description) -> Result<(), ArchitectureError> {
    size("points", description.points, 1, LARGEST_SIZE)?;
    size("feature columns", description.feature_columns, 3, LARGEST_WIDTH)?;
    let mut finer = description.points;
    for (index, level) in description.levels.iter().enumerate() {
        let number = index + 1;
        // Sampling keeps a subset, so a level has at most the points of the level below it.
        size(format!("level {number}: points"), level.points, 1, finer)?;
        size(format!("level {number}: slots"), level.slots, 1, LARGEST_WIDTH)?;
        radius(format!("level {number}: radius"), level.radius())?;
        finer = level.points;
    }
    PlanSpecification { levels: description.levels.clone() }.check(description.points)?;
    for layer in &description.layers {
        let field = |what: &str| format!("layer {}: {what}", layer.scope);
        match &layer.operation {
            Operation::SetAbstraction { level, widths }
            | Operation::FeaturePropagation { level, widths }
            | Operation::PointConvolution { level, widths }
            | Operation::DepthwisePointConvolution { level, widths } => {
                let (lowest, fewest) = match layer.operation {
                    Operation::DepthwisePointConvolution { .. } => (2, 1),
                    Operation::PointConvolution { .. } => (1, 2),
                    _ => (1, 1),
                };
                size(field("level"), *level, lowest, description.levels.len())?;
                size(field("number of widths"), widths.len(), fewest, 64)?;
                widths.iter().try_for_each(|&width| size(field("width"), width, 1, LARGEST_WIDTH))?;
            }
            Operation::Interpolate { level } => size(field("level"), *level, 1, description.levels.len())?,
            Operation::Dense { outputs } | Operation::Linear { outputs } => {
                size(field("width"), *outputs, 1, LARGEST_WIDTH)?;
            }
            Operation::Sum
            | Operation::Concatenate
            | Operation::Gate
            | Operation::GlobalMaximum
            | Operation::GlobalMean => {}
            Operation::InstanceFusion { neighbours, radius: reach } => {
                size(field("neighbours"), *neighbours, 1, LARGEST_WIDTH)?;
                radius(field("radius"), *reach)?;
            }
        }
    }
    Ok(())
}
