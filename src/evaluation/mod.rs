//! How good a model is on rooms whose truth is known.
//!
//! A room is labelled in one of two ways ([`Procedure`]) and then scored by [`crate::metrics`]:
//!
//! * *live*: the room goes as one frame through [`crate::pipeline`], with a map without bounds; every
//!   point of the room is scored once, as the robot would label it;
//! * *reference*: exactly the seeds' `test.py`: their windows, their sampling with replacement, their
//!   merging over blocks, their filter of small instances; what is scored are the sampled points,
//!   as often as they were sampled. Source: `design/networks.md` §4–7.
//!
//! The seeds' own `test.py` keeps true instances in 8 bits (and, reading `.npy`, predicted ones as
//! well), so that rooms of more than 255 instances fall together; here they do not.
//!
//! Blocks run side by side, one engine to a thread; scores do not depend on the number of threads.

mod instance_size;
mod live;
mod reference;

use serde::Serialize;

pub use instance_size::MeanInstanceSize;
pub use live::unbounded;

use crate::block::BlockError;
use crate::cloud::LabelledCloud;
use crate::config::Config;
use crate::engine::Engine;
use crate::grouping::ReferenceMergeError;
use crate::latency::StageTimes;
use crate::metrics::{Evaluation, IGNORED_CLASS, MetricsError, Protocol, RoomResult, Scores};
use crate::network::Model;
use crate::pipeline::{BlockFailure, PipelineError};
use live::LiveRooms;
use reference::ReferenceRooms;

/// How rooms are labelled.
#[derive(Clone, Debug, PartialEq)]
pub enum Procedure {
    /// As the robot does it.
    Live,
    /// As the seeds' test code does it.
    Reference {
        /// Seed of the sampling: every room is drawn with it anew.
        seed: u64,
        /// Mean points of an instance, by class: [`Manifest::mean_instance_size`](crate::network::Manifest),
        /// or [`MeanInstanceSize`] where the model does not say.
        mean_instance_size: Vec<f64>,
    },
}

/// Why a room cannot be evaluated. The scores are then as before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// The model or the threads refuse.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// More classes than a score can name.
    #[error("the model has {classes} classes, scores know at most {IGNORED_CLASS}")]
    TooManyClasses {
        /// Classes of the model.
        classes: usize,
    },
    /// Columns of a room that do not belong together.
    #[error("{column}: expected {expected} entries, one per point, found {actual}")]
    Length {
        /// Which column.
        column: &'static str,
        /// Points of the room.
        expected: usize,
        /// Its length.
        actual: usize,
    },
    /// A point without coordinates.
    #[error("point {point} is at {position:?}: a room with truth has finite coordinates")]
    NotFinite {
        /// Index of the first such point.
        point: usize,
        /// Its coordinates.
        position: [f32; 3],
    },
    /// A true class that the model does not know.
    #[error("point {point} is of class {class}, the model knows classes 0 to {} ({IGNORED_CLASS} = ignored)", classes - 1)]
    Class {
        /// Index of the first such point.
        point: usize,
        /// Its class.
        class: u8,
        /// Classes of the model.
        classes: usize,
    },
    /// The room cannot be cut into blocks.
    #[error(transparent)]
    Blocks(#[from] BlockError),
    /// A block has no labels (reference protocol; the live one counts and goes on).
    #[error("block {block} at x = {} m, y = {} m: {source}", origin[0], origin[1])]
    Block {
        /// Its number, in the order of the reference.
        block: usize,
        /// Its corner, from the room's.
        origin: [f64; 2],
        /// What went wrong.
        source: BlockFailure,
    },
    /// A block cannot be merged: where the reference's code raises.
    #[error("block {block} at x = {} m, y = {} m: {source}", origin[0], origin[1])]
    Merging {
        /// Its number, in the order of the reference.
        block: usize,
        /// Its corner, from the room's.
        origin: [f64; 2],
        /// What the reference's table does not hold.
        source: ReferenceMergeError,
    },
    /// The result cannot be scored.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
}

/// What was done for one room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RoomReport {
    /// Points of the room.
    pub points: usize,
    /// Points that were scored, as often as they were.
    pub scored: usize,
    /// Blocks that were labelled.
    pub blocks: usize,
    /// Blocks that failed (live protocol only): their points may have no label.
    pub failed: usize,
    /// Predicted instances.
    pub instances: usize,
}

/// Labels rooms, one after another, and keeps the score.
pub struct Evaluator {
    classes: usize,
    labeller: Labeller,
    labelled: LabelledRoom,
    evaluation: Evaluation,
    times: StageTimes,
}

enum Labeller {
    Live(Box<LiveRooms>),
    Reference(Box<ReferenceRooms>),
}

/// Prediction and truth of one room, column by column; reused.
#[derive(Debug, Default)]
struct LabelledRoom {
    predicted_class: Vec<u8>,
    predicted_instance: Vec<i32>,
    true_class: Vec<u8>,
    true_instance: Vec<i32>,
    blocks: usize,
    failed: usize,
}

impl Evaluator {
    /// No room yet. `engines` run `model`, one to a thread. Of `config`, the live procedure takes
    /// what [`unbounded`] leaves of it; the reference has no parameters.
    ///
    /// # Errors
    /// When the model, the engines or the threads refuse.
    pub fn new(
        model: &Model,
        procedure: Procedure,
        config: &Config,
        engines: Vec<Box<dyn Engine>>,
    ) -> Result<Self, EvaluationError> {
        let classes = &model.manifest().classes;
        if classes.len() > usize::from(IGNORED_CLASS) {
            return Err(EvaluationError::TooManyClasses { classes: classes.len() });
        }
        let (labeller, protocol) = match procedure {
            Procedure::Live => (Labeller::Live(Box::new(LiveRooms::new(model, config, engines)?)), Protocol::Live),
            Procedure::Reference { seed, mean_instance_size } => {
                let rooms = ReferenceRooms::new(model, seed, mean_instance_size, engines)?;
                (Labeller::Reference(Box::new(rooms)), Protocol::Reference)
            }
        };
        let names = classes.iter().map(|class| class.name.clone()).collect();
        Ok(Self {
            classes: classes.len(),
            labeller,
            labelled: LabelledRoom::default(),
            evaluation: Evaluation::new(protocol, names),
            times: StageTimes::default(),
        })
    }

    /// Labels a room and adds it to the scores.
    ///
    /// # Errors
    /// [`EvaluationError`] naming the point or block; the scores are then as before.
    pub fn add_room(&mut self, room: &LabelledCloud) -> Result<RoomReport, EvaluationError> {
        check_room(room, self.classes)?;
        match &mut self.labeller {
            Labeller::Live(rooms) => rooms.label(room, &mut self.labelled, &mut self.times),
            Labeller::Reference(rooms) => rooms.label(room, &mut self.labelled, &mut self.times)?,
        }
        let labelled = &self.labelled;
        self.evaluation.add_room(&RoomResult {
            predicted_class: &labelled.predicted_class,
            predicted_instance: &labelled.predicted_instance,
            true_class: &labelled.true_class,
            true_instance: &labelled.true_instance,
        })?;
        let mut instances: Vec<i32> = labelled.predicted_instance.iter().copied().filter(|&id| id != -1).collect();
        instances.sort_unstable();
        instances.dedup();
        Ok(RoomReport {
            points: room.cloud.len(),
            scored: labelled.true_class.iter().filter(|&&class| class != IGNORED_CLASS).count(),
            blocks: labelled.blocks,
            failed: labelled.failed,
            instances: instances.len(),
        })
    }

    /// The scores of all rooms so far.
    pub fn scores(&self) -> Scores {
        self.evaluation.finish()
    }

    /// Time that each stage took over all rooms so far (processor time).
    pub fn times(&self) -> &StageTimes {
        &self.times
    }
}

/// Refuses rooms whose truth the model cannot be held against.
///
/// # Errors
/// [`EvaluationError`] naming the first point that does not fit.
pub fn check_room(room: &LabelledCloud, classes: usize) -> Result<(), EvaluationError> {
    let expected = room.cloud.len();
    let colours = room.cloud.colour.as_ref().map_or(expected, Vec::len);
    for (column, actual) in [("class", room.class.len()), ("instance", room.instance.len()), ("colour", colours)] {
        if actual != expected {
            return Err(EvaluationError::Length { column, expected, actual });
        }
    }
    if expected == 0 {
        return Err(BlockError::EmptyRoom.into());
    }
    let broken = |position: &[f32; 3]| !position.iter().all(|value| value.is_finite());
    if let Some(point) = room.cloud.position.iter().position(broken) {
        return Err(EvaluationError::NotFinite { point, position: room.cloud.position[point] });
    }
    let unknown = |&class: &u8| class != IGNORED_CLASS && usize::from(class) >= classes;
    match room.class.iter().position(unknown) {
        Some(point) => Err(EvaluationError::Class { point, class: room.class[point], classes }),
        None => Ok(()),
    }
}
