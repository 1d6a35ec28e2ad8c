//! What a quantised model says of itself.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::Deviation;
use super::range::RangeMethod;

/// One product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProductReport {
    /// Name of its node.
    pub product: String,
    /// Multiply-accumulates of one block.
    pub multiply_accumulates: u64,
    /// Whether it is in 8 bits.
    pub quantised: bool,
    /// Step of its input.
    pub input_scale: f32,
    /// What the network loses when this product alone is in 8 bits.
    pub alone: Deviation,
}

/// Scores on simulated rooms, by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// How many rooms.
    pub rooms: usize,
    /// In single precision.
    pub before: BTreeMap<String, f64>,
    /// Quantised.
    pub after: BTreeMap<String, f64>,
}

/// `report.json` of a quantised model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Where the blocks came from.
    pub source: String,
    /// Blocks that ranges were learned from.
    pub blocks: usize,
    /// Other blocks, which decided what is equalised how hard, and what stays in floats.
    pub deciding: usize,
    /// Blocks that decided nothing: the deviations from fp32 are theirs.
    pub judging: usize,
    /// How ranges were chosen.
    pub method: RangeMethod,
    /// How hard channels were equalised.
    pub equalisation: f32,
    /// Multiply-accumulates of one block, all products.
    pub multiply_accumulates: u64,
    /// Share of them that is not in 8 bits.
    pub float_share: f64,
    /// With every product in 8 bits that can be.
    pub all_in_eight_bits: Deviation,
    /// With those in floats that cost too much.
    pub reached: Deviation,
    /// Whether the targets hold.
    pub targets_hold: bool,
    /// Least share of points whose class stays.
    pub target_agreement: f64,
    /// Largest embedding error of all points but one in a hundred.
    pub target_embedding_p99: f64,
    /// Every product that can be quantised, in order.
    pub products: Vec<ProductReport>,
    /// Scores before and after, where they were asked for.
    pub scores: Option<Scores>,
}

/// The report for people.
pub fn markdown(report: &Report) -> String {
    let mut text = String::from("# Quantisation report\n\n");
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    let mut line = |arguments: std::fmt::Arguments<'_>| text.write_fmt(arguments).expect("a string takes all text");
    line(format_args!(
        "Ranges from {} blocks of {} (method {}, channels equalised by {}); choices by {} others; deviations from fp32 on {} more, which decided nothing.\n\n",
        report.blocks,
        report.source,
        serde_json::to_value(report.method).unwrap_or_default().as_str().unwrap_or_default(),
        report.equalisation,
        report.deciding,
        report.judging
    ));
    line(format_args!("| | argmax agreement | embedding L1 mean | embedding L1 p99 |\n|---|---|---|---|\n"));
    let rows = [("everything in 8 bits", &report.all_in_eight_bits), ("as shipped", &report.reached)];
    for (name, found) in rows {
        let agreement = percent(found.agreement);
        line(format_args!("| {name} | {agreement} | {:.4} | {:.4} |\n", found.embedding_mean, found.embedding_p99));
    }
    line(format_args!(
        "| target | ≥ {} | | ≤ {} |\n\nThe targets {}. {} of {:.0} million multiply-accumulates stay in floats.\n",
        percent(report.target_agreement),
        report.target_embedding_p99,
        if report.targets_hold { "hold" } else { "do not hold" },
        percent(report.float_share),
        report.multiply_accumulates as f64 / 1e6
    ));
    if let Some(scores) = &report.scores {
        line(format_args!("\n| {} simulated rooms | fp32 | int8 | difference |\n|---|---|---|---|\n", scores.rooms));
        for (name, before) in &scores.before {
            let after = scores.after.get(name).copied().unwrap_or(f64::NAN);
            let [before, after] = [100.0 * before, 100.0 * after];
            line(format_args!("| {name} | {before:.2} | {after:.2} | {:+.2} |\n", after - before));
        }
    }
    line(format_args!(
        "\n## Each product alone in 8 bits\n\n| product | million MACs | agreement | L1 mean | L1 p99 | kept in |\n|---|---|---|---|---|---|\n"
    ));
    for row in &report.products {
        line(format_args!(
            "| `{}` | {:.1} | {} | {:.4} | {:.4} | {} |\n",
            row.product,
            row.multiply_accumulates as f64 / 1e6,
            percent(row.alone.agreement),
            row.alone.embedding_mean,
            row.alone.embedding_p99,
            if row.quantised { "8 bits" } else { "**floats**" }
        ));
    }
    text
}
