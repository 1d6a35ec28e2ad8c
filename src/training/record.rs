//! The bytes that the trainer reads (little endian).
//!
//! One JSON line, then records of fixed size:
//! `features f32[N·9]`, `class u8[N]` (255 = ignore), `instance i32[N]` (−1 = none), and for each
//! level `l ≥ 1`: `sampled_from u32[n_l]`, `neighbours u32[n_l·slots]`, `count u32[n_l]`,
//! `interpolation index u32[n_{l−1}·3]`, `interpolation weight f32[n_{l−1}·3]`.

use std::io::{self, Write};

use serde_json::json;

use crate::geometry::{GeometryPlan, PlanSpecification};

/// Version of the layout; the trainer refuses any other.
const VERSION: u32 = 1;

/// The first line of a stream.
pub fn header(points: usize, specification: &PlanSpecification, classes: &[&str]) -> String {
    let levels: Vec<_> = specification
        .levels
        .iter()
        .map(|level| json!({"points": level.points, "radius": level.radius(), "slots": level.slots}))
        .collect();
    json!({
        "version": VERSION,
        "points": points,
        "features": 9,
        "classes": classes,
        "levels": levels,
        "record_bytes": record_bytes(points, specification),
    })
    .to_string()
}

/// Bytes of one record.
fn record_bytes(points: usize, specification: &PlanSpecification) -> usize {
    let mut bytes = points * (9 * 4 + 1 + 4);
    let mut finer = points;
    for level in &specification.levels {
        bytes += 4 * (level.points * (level.slots + 2) + finer * 6);
        finer = level.points;
    }
    bytes
}

/// Writes one block with its truth and plan.
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
        write_words(out, level.sampled_from.iter().map(|value| value.to_le_bytes()))?;
        write_words(out, level.neighbours.index.iter().map(|value| value.to_le_bytes()))?;
        write_words(out, level.neighbours.count.iter().map(|value| value.to_le_bytes()))?;
        write_words(out, level.interpolation.index.iter().flatten().map(|value| value.to_le_bytes()))?;
        write_words(out, level.interpolation.weight.iter().flatten().map(|value| value.to_le_bytes()))?;
    }
    Ok(())
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
