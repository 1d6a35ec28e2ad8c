//! Who neighbours whom: everything of a block's network that depends on coordinates alone.

mod plan;

pub use plan::{GeometryPlan, Interpolation, Level, LevelSpecification, Neighbours, PlanSpecification};
