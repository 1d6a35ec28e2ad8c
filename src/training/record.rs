//! The bytes that the trainer reads (little endian), version 2.
//!
//! One JSON line ([`Header`]), then records of fixed size:
//! `features f32[N·9]`, `class u8[N]` (255 = ignore), `instance i32[N]` (−1 = none), and for each
//! level, finest first, of `n` points over the finer level's `m`:
//! `sampled_from u32[n]`, `neighbours u32[n·slots]`, `count u32[n]`; where the level has densities,
//! `density_scale f32[n·slots]`; `interpolation index u32[m·3]`, `interpolation weight f32[m·3]`;
//! where it has neighbours in itself, `self_neighbours u32[n·self_nearest]`; where it is carried
//! straight to the block, `block_interpolation index u32[N·3]`, `block_interpolation weight f32[N·3]`.

use std::io::{self, Write};

use serde_json::json;

use crate::geometry::{GeometryPlan, Grouping, Interpolation, PlanSpecification};

/// Version of the layout; the trainer refuses any other.
const VERSION: u32 = 2;

/// What the first line of a stream says.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// The network whose plan the records hold.
    pub network: &'a str,
    /// Points per block.
    pub points: usize,
    /// The plan's levels.
    pub specification: &'a PlanSpecification,
    /// Class names, by class.
    pub classes: &'a [&'a str],
    /// One line about the data.
    pub data: &'a str,
}

impl Header<'_> {
    /// The line, without its end.
    pub fn line(&self) -> String {
        let levels: Vec<_> = self
            .specification
            .levels
            .iter()
            .map(|level| {
                let grouping = match level.grouping {
                    Grouping::Ball { .. } => "ball",
                    Grouping::Nearest => "nearest",
                };
                json!({
                    "points": level.points,
                    "radius": level.radius(),
                    "slots": level.slots,
                    "grouping": grouping,
                    "density": level.density.is_some(),
                    "self_nearest": level.self_nearest,
                    "to_block": level.to_block,
                })
            })
            .collect();
        json!({
            "version": VERSION,
            "network": self.network,
            "points": self.points,
            "features": 9,
            "classes": self.classes,
            "levels": levels,
            "data": self.data,
            "record_bytes": self.record_bytes(),
        })
        .to_string()
    }

    /// Bytes of one record.
    fn record_bytes(&self) -> usize {
        let mut bytes = self.points * (9 * 4 + 1 + 4);
        let mut finer = self.points;
        for level in &self.specification.levels {
            let densities = if level.density.is_some() { level.slots } else { 0 };
            let to_block = if level.to_block { self.points * 6 } else { 0 };
            bytes += 4 * (level.points * (level.slots + 2 + densities + level.self_nearest) + finer * 6 + to_block);
            finer = level.points;
        }
        bytes
    }
}

/// Writes one block with its truth and plan.
///
/// # Errors
/// When `out` refuses.
pub fn write_record(
    out: &mut impl Write,
    features: &[f32],
    class: &[u8],
    instance: &[i32],
    plan: &GeometryPlan,
) -> io::Result<()> {
    write_words(out, features.iter().map(|value| value.to_le_bytes()))?;
    out.write_all(class)?;
    write_words(out, instance.iter().map(|value| value.to_le_bytes()))?;
    for level in plan.levels.iter().skip(1) {
        // What a level does not have is empty, and takes no bytes.
        write_words(out, level.sampled_from.iter().map(|value| value.to_le_bytes()))?;
        write_words(out, level.neighbours.index.iter().map(|value| value.to_le_bytes()))?;
        write_words(out, level.neighbours.count.iter().map(|value| value.to_le_bytes()))?;
        write_words(out, level.density_scale.iter().map(|value| value.to_le_bytes()))?;
        write_interpolation(out, &level.interpolation)?;
        write_words(out, level.self_neighbours.index.iter().map(|value| value.to_le_bytes()))?;
        write_interpolation(out, &level.block_interpolation)?;
    }
    Ok(())
}

fn write_interpolation(out: &mut impl Write, interpolation: &Interpolation) -> io::Result<()> {
    write_words(out, interpolation.index.iter().flatten().map(|value| value.to_le_bytes()))?;
    write_words(out, interpolation.weight.iter().flatten().map(|value| value.to_le_bytes()))
}

fn write_words(out: &mut impl Write, words: impl Iterator<Item = [u8; 4]>) -> io::Result<()> {
    let mut buffer = [0; 4096];
    let mut filled = 0;
    for word in words {
        if filled == buffer.len() {
            out.write_all(&buffer)?;
            filled = 0;
        }
        buffer[filled..filled + 4].copy_from_slice(&word);
        filled += 4;
    }
    out.write_all(&buffer[..filled])
}
