//! Rooms through the robot's own pipeline.

use nalgebra::Isometry3;

use super::LabelledRoom;
use crate::cloud::{LabelledCloud, Labels};
use crate::config::Config;
use crate::engine::Engine;
use crate::latency::StageTimes;
use crate::metrics::columns_of;
use crate::network::Model;
use crate::pipeline::{Frame, Pipeline, PipelineError};

/// The configuration for whole rooms: nothing is too near, too far, too old or too much, and no room
/// remembers the one before. Voxels, windows and grouping stay as they are.
pub fn unbounded(config: &Config) -> Config {
    let mut config = config.clone();
    config.input.minimum_range = 0.0;
    config.input.maximum_range = f32::MAX;
    config.map.radius = f32::MAX;
    config.map.maximum_age = 1.0e9;
    config.map.maximum_voxels = usize::MAX;
    config.map.single_frame = true;
    config.blocks.maximum_per_frame = usize::MAX;
    config
}

/// The pipeline, and the labels of the last room.
pub(super) struct LiveRooms {
    pipeline: Pipeline,
    labels: Labels,
}

impl LiveRooms {
    pub(super) fn new(model: &Model, config: &Config, engines: Vec<Box<dyn Engine>>) -> Result<Self, PipelineError> {
        let pipeline = Pipeline::with_engines(model, unbounded(config), engines)?;
        Ok(Self { pipeline, labels: Labels::default() })
    }

    pub(super) fn label(&mut self, room: &LabelledCloud, labelled: &mut LabelledRoom, times: &mut StageTimes) {
        let frame = Frame { cloud: &room.cloud, pose: Isometry3::identity(), stamp: 0 };
        let report = self.pipeline.process(frame, &mut self.labels, times);
        (labelled.predicted_class, labelled.predicted_instance) = columns_of(&self.labels);
        labelled.true_class.clone_from(&room.class);
        labelled.true_instance.clone_from(&room.instance);
        (labelled.blocks, labelled.failed) = (report.blocks, report.failed);
    }
}
