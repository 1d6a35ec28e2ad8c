//! The recorded drive through the pipeline.

use std::path::Path;
use std::time::Instant;

use nalgebra::Isometry3;

use super::{DemoError, DemoOptions};
use crate::cloud::{Cloud, Labels};
use crate::latency::{LatencyLedger, LatencyRow, StageTimes};
use crate::network::Model;
use crate::pipeline::{Frame, Pipeline};

pub(super) struct LabelledFrame<'a> {
    pub index: usize,
    pub stamp: i64,
    pub pose: Isometry3<f64>,
    pub cloud: &'a Cloud,
    pub labels: &'a Labels,
}

#[derive(Default)]
pub(super) struct Labelled {
    pub frames: usize,
    pub points: usize,
    pub blocks: usize,
    pub failed: usize,
    pub latency: Vec<LatencyRow>,
}

pub(super) fn label(
    options: &DemoOptions,
    model: &Model,
    _drive: &Path,
    _out: &Path,
    observe: &mut dyn FnMut(&LabelledFrame<'_>),
) -> Result<Labelled, DemoError> {
    let mut pipeline = Pipeline::new(model, options.config.clone())?;
    let (mut labels, mut ledger, mut result) = (Labels::default(), LatencyLedger::default(), Labelled::default());
    let scene = super::scene(options.seed);
    for frame in super::drive(&scene, options) {
        let cloud = frame.labelled().cloud;
        let pose = frame.sensor_pose();
        let (start, mut times) = (Instant::now(), StageTimes::default());
        let report = pipeline.process(Frame { cloud: &cloud, pose, stamp: frame.stamp }, &mut labels, &mut times);
        ledger.record(&times, start.elapsed());
        log::info!("{report:?}");
        result.frames += 1;
        result.points += report.points;
        result.blocks += report.blocks;
        result.failed += report.failed;
        observe(&LabelledFrame { index: frame.index, stamp: frame.stamp, pose, cloud: &cloud, labels: &labels });
    }
    result.latency = ledger.rows();
    Ok(result)
}
