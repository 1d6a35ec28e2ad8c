//! What a replay did, for people and for machines.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use super::DropReason;
use crate::latency::LatencyRow;

/// Frames dropped for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dropped {
    /// How many.
    pub frames: u64,
    /// The first of them in words.
    pub example: String,
}

/// What a replay did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReplaySummary {
    /// Recording or file.
    pub input: PathBuf,
    /// Where the labelled clouds are; `None` if nobody asked or no frame was labelled.
    pub output: Option<PathBuf>,
    /// Where the picture is.
    pub picture: Option<PathBuf>,
    /// Topic of the clouds, or the file.
    pub topic: String,
    /// Topic of the colour that a depth topic got.
    pub colour_topic: Option<String>,
    /// Gravity-aligned frame of the map; `None` without transforms.
    pub fixed_frame: Option<String>,
    /// Whether each frame was labelled by itself, without memory.
    pub single_frame: bool,
    /// Messages read.
    pub messages: u64,
    /// Frames labelled.
    pub frames: u64,
    /// Frames dropped, by reason.
    pub dropped: BTreeMap<&'static str, Dropped>,
    /// Points of the labelled frames.
    pub points: u64,
    /// Points among them without usable coordinates or out of range.
    pub invalid: u64,
    /// Points left out because the map was full.
    pub overflow: u64,
    /// Points that got a class.
    pub labelled: u64,
    /// Blocks labelled.
    pub blocks: u64,
    /// Blocks that failed.
    pub failed_blocks: u64,
    /// Different instances on the points; where frames are by themselves, the sum over the frames.
    pub instances: u64,
    /// Depth frames for which no colour came in time.
    pub without_colour: u64,
    /// Transforms that were refused.
    pub refused_transforms: u64,
    /// Messages of `/tf` and `/tf_static` that could not be decoded.
    pub unreadable_transforms: u64,
    /// How often time jumped back, so that the map was forgotten.
    pub time_jumps: u64,
    /// What is wrong with the recording, in words.
    pub damage: Vec<String>,
    /// Where the time went.
    pub latency: Vec<LatencyRow>,
}

impl ReplaySummary {
    /// Whether it ran and something failed: damage, failed blocks, or not one labelled frame.
    pub fn is_failure(&self) -> bool {
        !self.damage.is_empty() || self.failed_blocks > 0 || self.frames == 0
    }

    /// Whether the transforms are what is missing: then it helps to say which way is up.
    pub fn wants_orientation(&self) -> bool {
        self.frames == 0 && ["no transform", "no orientation"].iter().any(|kind| self.dropped.contains_key(kind))
    }

    pub(super) fn note_drop(&mut self, reason: &DropReason) {
        let dropped =
            self.dropped.entry(reason.kind()).or_insert_with(|| Dropped { frames: 0, example: reason.to_string() });
        dropped.frames += 1;
    }
}

impl fmt::Display for ReplaySummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.input.display())?;
        if self.topic != self.input.to_string_lossy() {
            write!(f, ": clouds from {}", self.topic)?;
        }
        if let Some(colour) = &self.colour_topic {
            write!(f, ", coloured by {colour}")?;
        }
        if let Some(fixed_frame) = &self.fixed_frame {
            write!(f, ", in frame {fixed_frame}")?;
        }
        if self.single_frame {
            write!(f, ", each frame by itself")?;
        }
        let share = |part: u64| 100.0 * part as f64 / self.points.max(1) as f64;
        write!(f, "\n{} frames, {} points", self.frames, self.points)?;
        write!(f, " ({:.1} % labelled, {:.1} % without measurement)", share(self.labelled), share(self.invalid))?;
        write!(f, ", {} blocks, {} instances", self.blocks, self.instances)?;
        for (kind, Dropped { frames, example }) in &self.dropped {
            write!(f, "\n! {frames} frames dropped, {kind}; the first: {example}")?;
        }
        let counts = [
            (self.failed_blocks, "blocks failed and kept their old labels"),
            (self.overflow, "points found no place in the map (map.maximum_voxels)"),
            (self.without_colour, "depth frames had no colour image within 20 ms"),
            (self.refused_transforms, "transforms were refused"),
            (self.unreadable_transforms, "messages of transforms could not be decoded"),
            (self.time_jumps, "times the clock jumped back and the map was forgotten"),
        ];
        for (count, words) in counts.iter().filter(|(count, _)| *count > 0) {
            write!(f, "\n! {count} {words}")?;
        }
        for damage in &self.damage {
            write!(f, "\n! {damage}")?;
        }
        if self.wants_orientation() {
            write!(
                f,
                "\nNothing was labelled. If the sensor's z axis points up, say --upright; if the floor is in view, \
                 --estimate-up finds it; if the transforms have another frame whose z is up, name it in the \
                 configuration (input.fixed_frame)."
            )?;
        }
        if self.frames > 0 {
            write!(f, "\n\n{}   (ms)", LatencyRow::heading())?;
            for row in &self.latency {
                write!(f, "\n{row}")?;
            }
        }
        for path in self.output.iter().chain(&self.picture) {
            write!(f, "\n→ {}", path.display())?;
        }
        Ok(())
    }
}
