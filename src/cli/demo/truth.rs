//! What is true of every frame, and how well it was guessed.

use crate::cloud::{Labels, NO_INSTANCE};
use crate::metrics::{Evaluation, IGNORED_CLASS, MetricsError, Protocol, RoomResult, Scores, columns_of};
use crate::sim::{CLASSES, Frame};

/// The truth of a drive, frame by frame.
#[derive(Default)]
pub(super) struct Truth {
    frames: Vec<FrameTruth>,
}

/// True class and instance of each point of a frame; points without a measurement are ignored.
pub(super) struct FrameTruth {
    stamp: i64,
    pub class: Vec<u8>,
    pub instance: Vec<i32>,
}

impl Truth {
    /// Remembers a frame as it is recorded.
    pub fn add(&mut self, frame: &Frame) {
        let labelled = frame.labelled();
        let measured = |point: usize| labelled.cloud.position[point].iter().all(|value| value.is_finite());
        let class = labelled.class.iter().enumerate();
        let class = class.map(|(point, &class)| if measured(point) { class } else { IGNORED_CLASS });
        self.frames.push(FrameTruth {
            stamp: frame.stamp,
            class: class.collect(),
            instance: labelled.instance.clone(),
        });
    }

    /// The truth of the frame of this stamp.
    pub fn at(&self, stamp: i64) -> Option<&FrameTruth> {
        self.frames.binary_search_by_key(&stamp, |frame| frame.stamp).ok().map(|index| &self.frames[index])
    }

    /// Points with a measurement, and true instances on them, over all frames.
    pub fn counts(&self) -> (usize, usize) {
        let mut seen = Vec::new();
        let mut measured = 0;
        for frame in &self.frames {
            let points = frame.class.iter().zip(&frame.instance).filter(|&(&class, _)| class != IGNORED_CLASS);
            let instances: Vec<i32> = points.map(|(_, &instance)| instance).collect();
            measured += instances.len();
            seen.extend(instances);
            seen.sort_unstable();
            seen.dedup();
        }
        (measured, seen.iter().filter(|&&instance| instance >= 0).count())
    }
}

/// Collects guesses and truth of all frames as of one room: instances must keep their ids over
/// frames to score.
#[derive(Default)]
pub(super) struct Judge {
    predicted_class: Vec<u8>,
    predicted_instance: Vec<i32>,
    true_class: Vec<u8>,
    true_instance: Vec<i32>,
    instances: Vec<u32>,
}

impl Judge {
    /// Adds a frame's guesses with its truth, point by point.
    pub fn add(&mut self, labels: &Labels, truth: &FrameTruth) {
        let (class, instance) = columns_of(labels);
        self.predicted_class.extend(class);
        self.predicted_instance.extend(instance);
        self.true_class.extend(&truth.class);
        self.true_instance.extend(&truth.instance);
        self.instances.extend(labels.instance.iter().filter(|&&instance| instance != NO_INSTANCE));
        self.instances.sort_unstable();
        self.instances.dedup();
    }

    /// Different instances that were guessed in any frame.
    pub fn instances(&self) -> usize {
        self.instances.len()
    }

    /// The scores under the live protocol.
    ///
    /// # Errors
    /// When a frame had another number of labels than of points.
    pub fn scores(&self) -> Result<Scores, MetricsError> {
        let mut evaluation = Evaluation::new(Protocol::Live, CLASSES.map(String::from).to_vec());
        evaluation.add_room(&RoomResult {
            predicted_class: &self.predicted_class,
            predicted_instance: &self.predicted_instance,
            true_class: &self.true_class,
            true_instance: &self.true_instance,
        })?;
        Ok(evaluation.finish())
    }
}
