//! A block as the inputs of an ONNX part.

use super::BlockInput;
use crate::geometry::GeometryPlan;
use crate::network::onnx::InputKind;

/// A block's numbers in the network's slot-major layout.
pub(crate) fn write_numbers(block: BlockInput<'_>, kind: InputKind, values: &mut [f32]) {
    let levels = &block.plan.levels;
    match kind {
        InputKind::Position(level) => values.copy_from_slice(levels[level].position.as_flattened()),
        InputKind::DensityScale(level) => {
            write_slot_major(&levels[level].density_scale, levels[level].neighbours.slots, values, |&scale| scale);
        }
        InputKind::InterpolationWeight(level) => {
            write_slot_major(levels[level].interpolation.weight.as_flattened(), 3, values, |&weight| weight);
        }
        InputKind::BlockInterpolationWeight(level) => {
            let weight = levels[level].block_interpolation.weight.as_flattened();
            write_slot_major(weight, 3, values, |&weight| weight);
        }
        _ => values.copy_from_slice(block.features),
    }
}

/// A plan's indices in the network's slot-major layout.
pub(crate) fn write_indices(plan: &GeometryPlan, kind: InputKind, values: &mut [i32]) {
    let index = |&index: &u32| index as i32;
    match kind {
        InputKind::Group(level) => {
            let neighbours = &plan.levels[level].neighbours;
            write_slot_major(&neighbours.index, neighbours.slots, values, index);
        }
        InputKind::SelfGroup(level) => {
            let neighbours = &plan.levels[level].self_neighbours;
            write_slot_major(&neighbours.index, neighbours.slots, values, index);
        }
        InputKind::InterpolationIndex(level) => {
            write_slot_major(plan.levels[level].interpolation.index.as_flattened(), 3, values, index);
        }
        InputKind::BlockInterpolationIndex(level) => {
            write_slot_major(plan.levels[level].block_interpolation.index.as_flattened(), 3, values, index);
        }
        _ => {}
    }
}

/// `points × slots` values as `slots × points`.
fn write_slot_major<From, To>(from: &[From], slots: usize, to: &mut [To], convert: impl Fn(&From) -> To) {
    let points = to.len() / slots.max(1);
    for (slot, row) in to.chunks_exact_mut(points.max(1)).enumerate() {
        row.iter_mut().zip(from.iter().skip(slot).step_by(slots)).for_each(|(to, from)| *to = convert(from));
    }
}
