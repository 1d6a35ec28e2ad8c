//! How many multiply-accumulates a block really takes.

use instanton::geometry::GeometryPlan;
use instanton::network::{Architecture, Operation};

/// Multiply-accumulates that have to be done for this block: [`Architecture::cost`] with its exact rewrites, less the
/// repeated slots of set abstractions (a maximum does not change by what comes twice). Padding is not counted, nor are
/// copies, interpolations, gates and maxima: they take time and give no work.
pub fn done(architecture: &Architecture, plan: &GeometryPlan) -> u64 {
    let saved = |(index, layer): (usize, &instanton::network::Layer)| -> u64 {
        let Operation::SetAbstraction { level, .. } = layer.operation else { return 0 };
        let neighbours = &plan.levels[level].neighbours;
        let distinct: usize = neighbours.count.iter().map(|&count| (count as usize).clamp(1, neighbours.slots)).sum();
        let repeated = neighbours.count.len() * neighbours.slots - distinct;
        let convolutions = architecture.convolutions_of(index);
        let row: usize = convolutions[1..].iter().map(|step| step.inputs * step.outputs).sum();
        (repeated * row) as u64
    };
    architecture.cost().rewritten - architecture.layers().iter().enumerate().map(saved).sum::<u64>()
}
