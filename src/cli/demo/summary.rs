//! What a demo run found, for people and machines.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::latency::LatencyRow;
use crate::metrics::Scores;
use crate::whole_file::WholeFile;

/// The figures of a demo.
#[derive(Clone, Debug, Serialize)]
pub struct DemoSummary {
    /// Folder with everything.
    pub out: PathBuf,
    /// The model.
    pub model: PathBuf,
    /// Seed of the room and the drive.
    pub seed: u64,
    /// What the room is used for.
    pub room: String,
    /// Frames labelled.
    pub frames: u64,
    /// Points in them.
    pub points: u64,
    /// Points with a measurement.
    pub measured: usize,
    /// Blocks labelled.
    pub blocks: u64,
    /// Blocks that failed.
    pub failed: u64,
    /// Different instances found.
    pub instances: usize,
    /// Different instances that were seen in truth.
    pub true_instances: usize,
    /// Labels against the truth, all frames as one room, live protocol.
    pub scores: Scores,
    /// Milliseconds per stage and frame.
    pub latency: Vec<LatencyRow>,
    /// Wall-clock time of everything (s).
    pub seconds: f64,
}

impl DemoSummary {
    /// Writes the summary as JSON, whole or not at all.
    ///
    /// # Errors
    /// What the system says.
    pub fn save(&self, path: &Path) -> std::io::Result<()> {
        let mut file = WholeFile::create(path)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.write_all(b"\n")?;
        file.commit()
    }
}

impl fmt::Display for DemoSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |score: Option<f64>| score.map_or("–".to_owned(), |score| format!("{:.1} %", 100.0 * score));
        let Scores { mean_iou, mean_weighted_coverage, mean_precision, mean_recall, .. } = self.scores;
        writeln!(f, "{}", self.scores)?;
        writeln!(f)?;
        writeln!(f, "{}   (ms per frame, all threads)", LatencyRow::heading())?;
        for row in &self.latency {
            writeln!(f, "{row}")?;
        }
        writeln!(f)?;
        writeln!(f, "room       {} (seed {})", self.room, self.seed)?;
        writeln!(f, "frames     {} with {} points, {} of them measured", self.frames, self.points, self.measured)?;
        writeln!(f, "blocks     {} ({} failed)", self.blocks, self.failed)?;
        writeln!(f, "instances  {} (true: {})", self.instances, self.true_instances)?;
        writeln!(
            f,
            "scores     mIoU {}, mWCov {}, mPrec {}, mRec {}",
            percent(mean_iou),
            percent(mean_weighted_coverage),
            percent(mean_precision),
            percent(mean_recall)
        )?;
        writeln!(f, "time       {:.0} s", self.seconds)?;
        write!(f, "\n{}: picture.png, labelled.mcap, drive.mcap, summary.json", self.out.display())
    }
}
