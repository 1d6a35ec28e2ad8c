//! `instanton feed`: training blocks on stdout.

use std::io::{BufWriter, Write, stdout};

use super::Verdict;
use crate::training::{Augmentation, Feed, FeedOptions, Split};

/// Arguments of `instanton feed`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  instanton feed --seed 1 --points 2048 | head -1     # the stream's header")]
pub(super) struct Arguments {
    /// Seed of the stream: the same seed gives the same bytes.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Points per block, a multiple of 256.
    #[arg(long, default_value_t = 4096)]
    points: usize,
    /// Blocks drawn from a room before a new one is simulated.
    #[arg(long, default_value_t = 96)]
    blocks_per_room: usize,
    /// Which rooms: those to learn from or those to judge by.
    #[arg(long, value_enum, default_value = "training")]
    split: Split,
    /// Blocks to write; without end if absent.
    #[arg(long)]
    count: Option<u64>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Verdict> {
    let options = FeedOptions {
        seed: arguments.seed,
        points: arguments.points,
        blocks_per_room: arguments.blocks_per_room.max(1),
        split: arguments.split,
        augmentation: Augmentation::default(),
    };
    let mut out = BufWriter::with_capacity(1 << 20, stdout().lock());
    Feed::new(options)?.run(&mut out, arguments.count)?;
    out.flush()?;
    Ok(Verdict::Passed)
}
