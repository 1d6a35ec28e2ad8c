//! Rooms as the seeds' `test.py` labels them, step by step.
//!
//! ```text
//! windows ─► draw ─► features ─► plan ─► network ─► mean-shift ─► class of each cluster   (side by side)
//!                                                                          │
//! scored points ◄─ small instances out ◄─ relabel by voxel ◄─ merge ◄──────┘   (in the reference's order)
//! ```

use rayon::ThreadPool;
use rayon::prelude::*;

use super::{EvaluationError, LabelledRoom};
use crate::block::reference::{ReferenceRoom, ReferenceWindow, shift_to_origin};
use crate::block::{Block, Windowing};
use crate::cloud::{Cloud, LabelledCloud};
use crate::engine::{BlockInput, Engine, Prediction};
use crate::geometry::{GeometryPlan, PlanSpecification, PlanWorkspace};
use crate::grouping::{
    ClassVote, Clusters, LabelStorage, MeanShift, ReferenceMerger, RoomPoints, filter_small_instances,
};
use crate::latency::{Stage, StageTimes};
use crate::network::Model;
use crate::pipeline::{BlockFailure, PipelineError, check_columns, highest, thread_pool, windowing};

/// One engine to a thread, and what the reference needs to know.
pub(super) struct ReferenceRooms {
    windowing: Windowing,
    seed: u64,
    mean_instance_size: Vec<f64>,
    workers: Vec<Worker>,
    pool: ThreadPool,
    merger: ReferenceMerger,
}

/// What one thread does with one block; buffers are reused.
struct Worker {
    engine: Box<dyn Engine>,
    specification: PlanSpecification,
    workspace: PlanWorkspace,
    plan: GeometryPlan,
    prediction: Prediction,
    mean_shift: MeanShift,
    clusters: Clusters,
    class_vote: ClassVote,
    classes: usize,
    embedding_size: usize,
    sample: Vec<u32>,
    block: Block,
    class: Vec<u16>,
    cluster: Vec<i32>,
    cluster_class: Vec<i32>,
    cluster_mode: Vec<u16>,
    times: StageTimes,
    failure: Option<BlockFailure>,
}

impl ReferenceRooms {
    pub(super) fn new(
        model: &Model,
        seed: u64,
        mean_instance_size: Vec<f64>,
        engines: Vec<Box<dyn Engine>>,
    ) -> Result<Self, PipelineError> {
        let windowing = windowing(model);
        windowing.check()?;
        let pool = thread_pool(engines.len())?;
        let workers = engines.into_iter().map(|engine| Worker::new(model, engine)).collect::<Result<_, _>>()?;
        let merger = ReferenceMerger::new(ReferenceMerger::GAP);
        Ok(Self { windowing, seed, mean_instance_size, workers, pool, merger })
    }

    pub(super) fn label(
        &mut self,
        room: &LabelledCloud,
        labelled: &mut LabelledRoom,
        times: &mut StageTimes,
    ) -> Result<(), EvaluationError> {
        let mut cloud = room.cloud.clone();
        shift_to_origin(&mut cloud);
        let windows = ReferenceRoom::new(&cloud, self.windowing)?;
        let mut generator = ReferenceRoom::generator(self.seed);
        self.merger = ReferenceMerger::new(ReferenceMerger::GAP);
        let kept: Vec<&ReferenceWindow> = windows.kept().collect();
        let (mut index, mut class) = (Vec::<u32>::new(), Vec::<i32>::new());
        let (mut merged, mut points) = (Vec::new(), Vec::new());
        for (round, together) in kept.chunks(self.workers.len()).enumerate() {
            let first = round * self.workers.len();
            // Drawn one after another, so that the numbers do not depend on the threads.
            for (worker, window) in self.workers.iter_mut().zip(together) {
                windows.draw(window, &mut generator, &mut worker.sample);
            }
            let workers = &mut self.workers[..together.len()];
            self.pool.install(|| {
                workers.par_iter_mut().zip(together).for_each(|(worker, window)| worker.run(&windows, window, &cloud));
            });
            for (slot, (worker, window)) in self.workers.iter_mut().zip(together).enumerate() {
                let (block, origin) = (first + slot, window.origin);
                times.add(&worker.times);
                if let Some(source) = worker.failure.take() {
                    return Err(EvaluationError::Block { block, origin, source });
                }
                room_points(&cloud, &windows, &worker.sample, &mut points);
                let result = times.measure(Stage::Merging, || {
                    let points = RoomPoints::Double(&points);
                    self.merger.merge_block(points, &worker.cluster, &worker.cluster_class, &mut merged)
                });
                result.map_err(|source| EvaluationError::Merging { block, origin, source })?;
                index.extend_from_slice(&worker.sample);
                class.extend(worker.class.iter().map(|&class| i32::from(class)));
            }
        }
        room_points(&cloud, &windows, &index, &mut points);
        let instance = times.measure(Stage::Labelling, || {
            // Every point was inside of the volume when its block was merged.
            self.merger
                .relabel(RoomPoints::Double(&points), &mut merged)
                .map_err(|source| EvaluationError::Merging { block: kept.len(), origin: [0.0; 2], source })?;
            Ok::<_, EvaluationError>(filter_small_instances(
                &merged,
                &class,
                &self.mean_instance_size,
                LabelStorage::Int32,
            ))
        })?;
        labelled.predicted_class.clear();
        labelled.predicted_class.extend(class.iter().map(|&class| class as u8));
        labelled.predicted_instance = instance;
        labelled.true_class.clear();
        labelled.true_class.extend(index.iter().map(|&point| room.class[point as usize]));
        labelled.true_instance.clear();
        labelled.true_instance.extend(index.iter().map(|&point| room.instance[point as usize]));
        (labelled.blocks, labelled.failed) = (kept.len(), 0);
        Ok(())
    }
}

/// Room-normalised coordinates (features 6 to 8) in the precision of the seeds' `.npy` path.
fn room_points(cloud: &Cloud, windows: &ReferenceRoom, index: &[u32], points: &mut Vec<[f64; 3]>) {
    let sides = windows.extent.maximum.map(f64::from);
    points.clear();
    points.extend(index.iter().map(|&point| {
        let position = cloud.position[point as usize];
        // A flat room has no extent; the reference would divide by zero.
        std::array::from_fn(|axis| if sides[axis] > 0.0 { f64::from(position[axis]) / sides[axis] } else { 0.0 })
    }));
}

impl Worker {
    fn new(model: &Model, engine: Box<dyn Engine>) -> Result<Self, PipelineError> {
        check_columns(model)?;
        Ok(Self {
            engine,
            specification: model.architecture().plan_specification(),
            workspace: PlanWorkspace::default(),
            plan: GeometryPlan::default(),
            prediction: Prediction::default(),
            mean_shift: MeanShift::new(model.manifest().bandwidth, true)?,
            clusters: Clusters::default(),
            class_vote: ClassVote::default(),
            classes: model.architecture().classes(),
            embedding_size: model.architecture().embedding_size(),
            sample: Vec::new(),
            block: Block::default(),
            class: Vec::new(),
            cluster: Vec::new(),
            cluster_class: Vec::new(),
            cluster_mode: Vec::new(),
            times: StageTimes::default(),
            failure: None,
        })
    }

    fn run(&mut self, windows: &ReferenceRoom, window: &ReferenceWindow, cloud: &Cloud) {
        self.times = StageTimes::default();
        self.failure = self.try_run(windows, window, cloud).err();
    }

    fn try_run(
        &mut self,
        windows: &ReferenceRoom,
        window: &ReferenceWindow,
        cloud: &Cloud,
    ) -> Result<(), BlockFailure> {
        let Self { times, block, plan, prediction, clusters, .. } = self;
        times.measure(Stage::Blocks, || windows.block(cloud, window, &self.sample, block))?;
        times.measure(Stage::Geometry, || plan.compute(&block.position, &self.specification, &mut self.workspace))?;
        let input = BlockInput { features: &block.features, plan };
        times.measure(Stage::Network, || self.engine.run(input, prediction))?;
        if !prediction.is_finite() {
            return Err(BlockFailure::NotFinite);
        }
        times
            .measure(Stage::Grouping, || self.mean_shift.run(&prediction.embeddings, self.embedding_size, clusters))?;
        self.class.clear();
        self.class.extend(prediction.logits.chunks_exact(self.classes).map(highest));
        self.class_vote.mode(&clusters.label, &self.class, clusters.count(), self.classes, &mut self.cluster_mode);
        self.cluster.clear();
        // NO_CLUSTER becomes the reference's −1.
        self.cluster.extend(clusters.label.iter().map(|&label| label as i32));
        self.cluster_class.clear();
        self.cluster_class.extend(self.cluster_mode.iter().map(|&class| i32::from(class)));
        Ok(())
    }
}
