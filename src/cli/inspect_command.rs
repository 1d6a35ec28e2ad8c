//! Arguments and output of `instanton inspect`.

use std::io::{Write, stdout};
use std::path::PathBuf;

use super::Verdict;
use super::inspect::{Content, inspect};

/// Arguments of `instanton inspect`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  instanton inspect drive.mcap           # topics, rates, gaps, damage
  instanton inspect models/asis-pointnet2 --json

Exit codes: 0 it could be read, even if damaged; 1 a model that is not intact; 2 it is nothing that this program reads.")]
pub(super) struct Arguments {
    /// A bag (folder, .mcap, .db3), a cloud (.pcd, .ply), a cloud or room (.npy, .npz), or a model folder.
    path: PathBuf,
    /// Report as JSON on stdout.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Verdict> {
    let report = inspect(&arguments.path)?;
    let mut out = stdout().lock();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        writeln!(out, "{report}")?;
    }
    // Whatever is found in a model makes it unusable; a bag or cloud may be used all the same.
    let is_broken = matches!(report.content, Content::Model(_)) && !report.findings.is_empty();
    Ok(if is_broken { Verdict::Failed } else { Verdict::Passed })
}
