//! One frame's way, stage by stage.
//!
//! ```text
//! cloud ─► map ─► windows ─► block ─► geometry ─► network ─► grouping ─► merging ─► labels
//!                 by worth   └────────── workers, side by side ───────┘
//! ```
//!
//! Replay, demo, evaluation and the live runner all run [`Pipeline::process_within`].
//!
//! **Without a deadline** ([`Pipeline::process`]) work is bounded by counts. Every block is waited for, and
//! blocks are merged into the map in a fixed order, so the labels depend on neither the number of threads
//! nor the clock.
//!
//! **With a deadline** blocks are started by worth, as long as the cost model says that they will be ready,
//! and merged as they come. The labels are made when the rest of the time is needed for that, whatever is
//! still running: a late block is merged by a later frame, and its window keeps its labels until then.
//! Workers that are idle after that begin with the next frame's blocks.

mod crew;
mod deal;
mod failure;
mod job;
mod label;
#[cfg(test)]
pub(crate) mod tests;
mod warm_up;
mod worker;

use nalgebra::Isometry3;
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde::Serialize;

use crate::block::{Extent, RobustExtent, Windowing};
use crate::cloud::{Cloud, Labels};
use crate::config::Config;
use crate::engine::{Engine, EngineChain, EngineFallback, EngineKind};
use crate::grouping::LiveMerger;
use crate::latency::{Clock, CostModel, Deadline, FrameLedger, FrameOutcome, Stage, StageTimes};
use crate::map::{DirtyWindow, Insertion, VoxelMap, WindowBook};
use crate::network::{FeatureColumn, Model};
use crew::Crew;
pub use crew::{ThreadHook, ThreadRole};
pub use failure::{BlockFailure, PipelineError};
use worker::Worker;
pub(crate) use worker::highest;

/// One cloud and where it was taken.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Points in the sensor's frame (m).
    pub cloud: &'a Cloud,
    /// Sensor frame → gravity-aligned fixed frame.
    pub pose: Isometry3<f64>,
    /// When it was taken (ns).
    pub stamp: i64,
}

/// What was done for one frame, in counts that are the same on every machine (without a deadline).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct FrameReport {
    /// Points that came.
    pub points: usize,
    /// Points without usable coordinates or out of range: they keep their place, unlabelled.
    pub invalid: usize,
    /// Points left out because the map was full.
    pub overflow: usize,
    /// Voxels in the map.
    pub voxels: usize,
    /// Blocks labelled.
    pub blocks: usize,
    /// Blocks that failed (they keep their old labels), those included whose answer was no number (they
    /// are unknown now).
    pub failed: usize,
    /// Windows that asked for labels and keep their old ones for now.
    pub put_off: usize,
    /// Different instances on this frame's points.
    pub instances: usize,
}

/// A model of other columns than the nine that blocks are cut with (one of object parts, for example)
/// cannot run on rooms.
pub(crate) fn check_columns(model: &Model) -> Result<(), PipelineError> {
    let columns = &model.manifest().feature_columns;
    match columns.as_slice() == FeatureColumn::REFERENCE {
        true => Ok(()),
        false => Err(PipelineError::Columns { actual: columns.clone() }),
    }
}

/// How a pipeline runs, beside its configuration.
#[derive(Clone, Default)]
pub struct PipelineOptions {
    /// The clock that deadlines are on.
    pub clock: Clock,
    /// Called at the start of each worker's thread.
    pub thread_hook: Option<ThreadHook>,
}

/// The runtime: a map, a model, and what turns frames into labels.
pub struct Pipeline {
    config: Config,
    clock: Clock,
    classes: usize,
    /// Points of a block, and edge of a window (m).
    points: usize,
    window: f32,
    map: VoxelMap,
    book: WindowBook,
    merger: LiveMerger,
    robust: RobustExtent,
    crew: Crew,
    costs: CostModel,
    /// Windows to label in this frame, in the order in which they are started.
    dirty: Vec<DirtyWindow>,
    /// How many of them were started.
    started: usize,
    /// Jobs that are done and wait for those before them to be merged.
    #[expect(clippy::vec_box, reason = "jobs are passed on by pointer, and go back to where they came from")]
    waiting: Vec<Box<job::Job>>,
    /// Bounds that this frame's features refer to.
    extent: Option<Extent>,
    /// Where the robot was, and when.
    last_place: Option<([f64; 2], i64)>,
    /// Frames so far.
    frame: u64,
    /// Blocks started, and blocks merged in order, so far.
    sequence: (u64, u64),
    /// How often the map was forgotten.
    epoch: u64,
    fallbacks: Vec<EngineFallback>,
    /// Voxels of the largest window so far, rounded up.
    room: usize,
    voxel_of_point: Vec<u32>,
    assigned: Vec<u32>,
    current: Vec<u32>,
    seen_instances: Vec<u32>,
}

impl Pipeline {
    /// A pipeline with an empty map, on the engine of choice.
    ///
    /// # Errors
    /// When the model's sizes, the engine or the threads refuse.
    pub fn new(model: &Model, config: Config) -> Result<Self, PipelineError> {
        let engines = EngineKind::default().chains(model, config.blocks.threads)?;
        Self::with_chains(model, config, engines, PipelineOptions::default())
    }

    /// As [`Pipeline::new`] with other engines for the same model: one thread per engine, at least one.
    ///
    /// # Errors
    /// When the model's sizes or the threads refuse.
    pub fn with_engines(model: &Model, config: Config, engines: Vec<Box<dyn Engine>>) -> Result<Self, PipelineError> {
        let chains = engines.into_iter().map(EngineChain::from).collect();
        Self::with_chains(model, config, chains, PipelineOptions::default())
    }

    /// As [`Pipeline::with_engines`] with engines that take over from each other, on any clock.
    ///
    /// # Errors
    /// When the model's sizes or the threads refuse.
    pub fn with_chains(
        model: &Model,
        config: Config,
        engines: Vec<EngineChain>,
        options: PipelineOptions,
    ) -> Result<Self, PipelineError> {
        check_columns(model)?;
        let worker = |engines| Worker::new(model, engines, &config, options.clock.clone());
        let workers: Vec<Worker> = engines.into_iter().map(worker).collect::<Result<_, PipelineError>>()?;
        let crew = Crew::new(workers, options.thread_hook)?;
        let points = model.architecture().points();
        let mut merger = LiveMerger::new(config.grouping.rules());
        merger.reserve(points);
        Ok(Self {
            map: VoxelMap::new(config.map.options(), model.manifest().classes.len()),
            book: WindowBook::new(windowing(model))?,
            merger,
            robust: RobustExtent::default(),
            waiting: Vec::with_capacity(2 * crew.threads() + 1),
            crew,
            costs: CostModel::default(),
            dirty: Vec::new(),
            started: 0,
            extent: None,
            last_place: None,
            frame: 0,
            sequence: (0, 0),
            epoch: 0,
            fallbacks: Vec::new(),
            room: 0,
            voxel_of_point: Vec::new(),
            assigned: Vec::with_capacity(points),
            current: Vec::with_capacity(points),
            seen_instances: Vec::new(),
            classes: model.architecture().classes(),
            points,
            window: windowing(model).size,
            clock: options.clock,
            config,
        })
    }

    /// Forgets the map and every instance: the clock jumped or another drive begins. Blocks that are still
    /// running are dropped when they come.
    pub fn clear(&mut self) {
        self.map.clear();
        self.book.clear();
        self.merger.clear();
        self.last_place = None;
        self.epoch += 1;
        self.crew.make_whole(&mut self.waiting);
    }

    /// The map as it stands.
    pub fn map(&self) -> &VoxelMap {
        &self.map
    }

    /// To be called once on the thread that will label frames, so that the first of them need not make
    /// what a thread waits with.
    pub fn prepare_thread(&self) {
        self.crew.wait_once();
    }

    /// The clock that deadlines are on.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What the stages cost, as far as frames with a deadline have taught.
    pub fn costs(&self) -> &CostModel {
        &self.costs
    }

    /// Learns what a stage outside of the pipeline (decoding, encoding) cost: time for it is kept back
    /// from now on.
    pub fn learn(&mut self, stage: Stage, points: usize, time: std::time::Duration) {
        self.costs.observe(stage, points as u64, time);
    }

    /// Engines that gave their place to another so far, in the order in which it happened.
    pub fn fallbacks(&self) -> &[EngineFallback] {
        &self.fallbacks
    }

    /// Labels one frame without a deadline. `labels` gets one entry per input point, in input order;
    /// `times` is added to.
    pub fn process(&mut self, frame: Frame<'_>, labels: &mut Labels, times: &mut StageTimes) -> FrameReport {
        let mut ledger = FrameLedger::default();
        let report = self.process_within(frame, Deadline::NONE, labels, &mut ledger);
        times.add(&ledger.times);
        report
    }

    /// Labels one frame until `deadline`. `labels` gets one entry per input point, in input order, and
    /// `ledger` is overwritten with the frame's account.
    pub fn process_within(
        &mut self,
        frame: Frame<'_>,
        deadline: Deadline,
        labels: &mut Labels,
        ledger: &mut FrameLedger,
    ) -> FrameReport {
        let (start, points) = (self.clock.now(), frame.cloud.len() as u64);
        let allowed = deadline.moment().map(|moment| moment.saturating_duration_since(start));
        *ledger = FrameLedger { stamp: frame.stamp, allowed, ..FrameLedger::default() };
        self.frame += 1;
        self.take_what_is_done(ledger);
        let inserted = self.measured(ledger, Stage::Map, points, deadline, |pipeline| pipeline.remember(frame));
        self.choose_windows(deadline, ledger);
        let workers_were_busy = self.label_windows(points, deadline, ledger);
        let instances =
            self.measured(ledger, Stage::Labelling, points, deadline, |pipeline| pipeline.label_points(labels));
        self.work_ahead(deadline, ledger);
        self.account_for_what_was_put_off(workers_were_busy, ledger);
        ledger.outcome = match ledger.blocks.failed() {
            0 => FrameOutcome::Whole,
            _ => FrameOutcome::BlockFailed,
        };
        ledger.took = self.clock.now().saturating_duration_since(start);
        FrameReport {
            points: frame.cloud.len(),
            invalid: inserted.invalid,
            overflow: inserted.overflow,
            voxels: self.map.len(),
            blocks: ledger.blocks.merged() as usize,
            failed: (ledger.blocks.failed() + ledger.blocks.not_finite()) as usize,
            put_off: ledger.blocks.put_off() as usize,
            instances,
        }
    }

    /// Runs a stage of the frame, writes down what it took, and learns from it.
    fn measured<T>(
        &mut self,
        ledger: &mut FrameLedger,
        stage: Stage,
        units: u64,
        deadline: Deadline,
        work: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let start = self.clock.now();
        let result = work(self);
        let took = self.clock.now().saturating_duration_since(start);
        ledger.times.note(stage, took);
        ledger.work.note(stage, units);
        if !deadline.is_none() {
            ledger.budgets.note(stage, self.costs.bound(stage, units));
            self.costs.observe(stage, units, took);
        }
        result
    }

    /// Cloud into map.
    fn remember(&mut self, frame: Frame<'_>) -> Insertion {
        if self.config.map.single_frame {
            self.clear();
        }
        let robot = frame.pose.translation.vector;
        let registry = &mut self.merger.registry;
        self.map.forget([robot.x as f32, robot.y as f32], frame.stamp, |instance| registry.lose(instance, 1));
        let nearest = self.config.input.minimum_range * self.config.input.minimum_range;
        let farthest = self.config.input.maximum_range * self.config.input.maximum_range;
        let in_range = |point: usize| {
            let range: f32 = frame.cloud.position[point].iter().map(|value| value * value).sum();
            range >= nearest && range <= farthest // false for NaN
        };
        let inserted = self.map.insert(frame.cloud, in_range, &frame.pose, frame.stamp, &mut self.voxel_of_point);
        self.book.update(&self.map);
        let outlook = self.look_ahead([robot.x, robot.y], frame.stamp);
        let blocks = &self.config.blocks;
        self.book.dirty(blocks.minimum_points, blocks.changed_fraction, outlook, &mut self.dirty);
        self.extent = self.robust.estimate(&self.map.cloud().position, crate::block::ROBUST_FRACTION);
        inserted
    }
}

/// Threads that run blocks of whole rooms side by side.
pub(crate) fn thread_pool(threads: usize) -> Result<ThreadPool, PipelineError> {
    let refuse = |reason| PipelineError::Threads { threads, reason };
    if threads == 0 {
        return Err(refuse("no engine to run on them".to_owned()));
    }
    ThreadPoolBuilder::new().num_threads(threads).build().map_err(|error| refuse(error.to_string()))
}

/// How the model wants its blocks cut.
pub fn windowing(model: &Model) -> Windowing {
    let block = model.manifest().block;
    Windowing { size: block.size as f32, stride: block.stride as f32, points: block.points, ..Windowing::default() }
}
