//! Networks and blocks as files that Python reads.

use std::io::{Seek, Write};
use std::path::Path;

use instanton::geometry::GeometryPlan;
use instanton::network::PartRole;
use instanton::network::onnx::{InputKind, ValueType, interface};
use npyz::npz::NpzWriter;
use npyz::{AutoSerialize, WriterBuilder};

use crate::blocks::{Block, Case};

/// Writes a network's blocks and the parts `body` and `head` into `folder/<name>`.
pub fn write(folder: &Path, name: &str, (body, head): (&[u8], Option<&[u8]>), case: &Case) -> std::io::Result<()> {
    let folder = folder.join(name);
    std::fs::create_dir(&folder)?;
    std::fs::write(folder.join("body.onnx"), body)?;
    if let Some(head) = head {
        std::fs::write(folder.join("head.onnx"), head)?;
    }
    for (number, block) in case.blocks.iter().enumerate() {
        write_block(case, block, &folder.join(format!("block{number}.npz")))?;
    }
    Ok(())
}

fn write_block(case: &Case, block: &Block, path: &Path) -> std::io::Result<()> {
    let mut archive = NpzWriter::create(path)?;
    let body = interface(&case.architecture, PartRole::Body).expect("every network has a body");
    for input in body.inputs {
        match input.value_type {
            ValueType::Float => put(&mut archive, &input.name, &input.shape, &numbers(block, input.kind))?,
            ValueType::Index => put(&mut archive, &input.name, &input.shape, &indices(&block.plan, input.kind))?,
        }
    }
    for (level, of) in block.plan.levels.iter().enumerate().skip(1) {
        let index: Vec<i32> = of.sampled_from.iter().map(|&index| index as i32).collect();
        put(&mut archive, &format!("sampled_from_{level}"), &[index.len()], &index)?;
    }
    let shape = [case.architecture.points(), case.architecture.embedding_size()];
    put(&mut archive, "embeddings", &shape, &block.expected.embeddings)
}

fn put<T: AutoSerialize + Copy>(
    archive: &mut NpzWriter<impl Write + Seek>,
    name: &str,
    shape: &[usize],
    values: &[T],
) -> std::io::Result<()> {
    let shape: Vec<u64> = shape.iter().map(|&size| size as u64).collect();
    let mut array = archive.array::<T>(name, Default::default())?.default_dtype().shape(&shape).begin_nd()?;
    array.extend(values.iter().copied())?;
    array.finish()
}

/// What a float input of the body is filled with, slot-major.
fn numbers(block: &Block, kind: InputKind) -> Vec<f32> {
    let levels = &block.plan.levels;
    match kind {
        InputKind::Position(level) => levels[level].position.as_flattened().to_vec(),
        InputKind::DensityScale(level) => {
            slot_major(&levels[level].density_scale, levels[level].neighbours.slots, |&scale| scale)
        }
        InputKind::InterpolationWeight(level) => {
            slot_major(levels[level].interpolation.weight.as_flattened(), 3, |&weight| weight)
        }
        InputKind::BlockInterpolationWeight(level) => {
            slot_major(levels[level].block_interpolation.weight.as_flattened(), 3, |&weight| weight)
        }
        _ => block.features.clone(),
    }
}

/// What an index input of the body is filled with, slot-major.
fn indices(plan: &GeometryPlan, kind: InputKind) -> Vec<i32> {
    let (index, slots) = match kind {
        InputKind::Group(level) => {
            let neighbours = &plan.levels[level].neighbours;
            (neighbours.index.as_slice(), neighbours.slots)
        }
        InputKind::SelfGroup(level) => {
            let neighbours = &plan.levels[level].self_neighbours;
            (neighbours.index.as_slice(), neighbours.slots)
        }
        InputKind::InterpolationIndex(level) => (plan.levels[level].interpolation.index.as_flattened(), 3),
        InputKind::BlockInterpolationIndex(level) => (plan.levels[level].block_interpolation.index.as_flattened(), 3),
        other => panic!("{other:?} is not an input of indices"),
    };
    slot_major(index, slots, |&index| index as i32)
}

/// `points × slots` values as `slots × points`.
fn slot_major<From, To>(values: &[From], slots: usize, convert: impl Fn(&From) -> To) -> Vec<To> {
    (0..slots).flat_map(|slot| values.iter().skip(slot).step_by(slots)).map(convert).collect()
}
