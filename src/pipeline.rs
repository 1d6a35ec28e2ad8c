//! One frame's way, stage by stage.
//!
//! ```text
//! cloud ─► map ─► windows ─► block ─► geometry ─► network ─► grouping ─► merging ─► labels
//! ```
//!
//! Replay, demo, evaluation and whatever comes next all run [`Pipeline::process`]. Blocks are
//! independent up to their clusters and run side by side; they are merged into the map one after
//! another in a fixed order, so the labels do not depend on the number of threads.

mod worker;

use nalgebra::Isometry3;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde::Serialize;

use crate::block::{BlockError, Extent, ROBUST_FRACTION, RobustExtent, Windowing};
use crate::cloud::{Cloud, INVALID_CLASS, Labels, NO_INSTANCE};
use crate::config::Config;
use crate::engine::{Engine, EngineError, TractEngine};
use crate::geometry::GeometryError;
use crate::grouping::{LiveMergeError, LiveMerger, MeanShiftError};
use crate::latency::{Stage, StageTimes};
use crate::map::{DirtyWindow, Insertion, NO_VOXEL, VoxelMap, WindowBook};
use crate::network::{FeatureColumn, Model};
use worker::Worker;
pub(crate) use worker::highest;

/// How much a voxel trusts the label of its nearest sampled neighbour, against its own.
const BORROWED_TRUST: f32 = 0.5;

/// A window with this many points is believed in full. One with fewer sees the edge of things, and
/// every point is in other windows that see more of them.
const FULL_WINDOW: usize = 1024;

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

/// What was done for one frame, in counts that are the same on every machine.
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
    /// Blocks that failed (they keep their old labels).
    pub failed: usize,
    /// Different instances on this frame's points.
    pub instances: usize,
}

/// Why a pipeline could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// Window sizes of the model that cannot be meant.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// The model reads columns that a window of a map does not have.
    #[error("the model reads {actual:?}; blocks of a room or a map have {:?}", FeatureColumn::REFERENCE)]
    Columns {
        /// The model's columns.
        actual: Vec<FeatureColumn>,
    },
    /// The engine does not take the model.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The model's bandwidth cannot be meant.
    #[error(transparent)]
    Grouping(#[from] MeanShiftError),
    /// The threads could not be started.
    #[error("starting {threads} threads: {reason}")]
    Threads {
        /// How many.
        threads: usize,
        /// What the system said.
        reason: String,
    },
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

/// Why one block has no labels.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlockFailure {
    /// It could not be sampled.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// Its geometry plan could not be made.
    #[error(transparent)]
    Geometry(#[from] GeometryError),
    /// The network did not run.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The network's answer is no number.
    #[error("the network's answer has NaN or infinite values")]
    NotFinite,
    /// The embeddings could not be grouped.
    #[error(transparent)]
    Grouping(#[from] MeanShiftError),
    /// The clusters do not fit the map.
    #[error(transparent)]
    Merging(#[from] LiveMergeError),
}

/// The runtime: a map, a model, and what turns frames into labels.
pub struct Pipeline {
    config: Config,
    map: VoxelMap,
    book: WindowBook,
    merger: LiveMerger,
    robust: RobustExtent,
    workers: Vec<Worker>,
    pool: ThreadPool,
    dirty: Vec<DirtyWindow>,
    voxel_of_point: Vec<u32>,
    assigned: Vec<u32>,
    seen_instances: Vec<u32>,
}

impl Pipeline {
    /// A pipeline with an empty map.
    ///
    /// # Errors
    /// When the model's sizes, the engine or the threads refuse.
    pub fn new(model: &Model, config: Config) -> Result<Self, PipelineError> {
        let engines = tract_engines(model, config.blocks.threads)?;
        Self::with_engines(model, config, engines)
    }

    /// As [`Pipeline::new`] with other engines for the same model: one thread per engine, at least one.
    ///
    /// # Errors
    /// When the model's sizes or the threads refuse.
    pub fn with_engines(model: &Model, config: Config, engines: Vec<Box<dyn Engine>>) -> Result<Self, PipelineError> {
        check_columns(model)?;
        let pool = thread_pool(engines.len())?;
        let workers = engines
            .into_iter()
            .map(|engine| Worker::new(model, engine, &config))
            .collect::<Result<_, PipelineError>>()?;
        Ok(Self {
            map: VoxelMap::new(config.map.options(), model.manifest().classes.len()),
            book: WindowBook::new(windowing(model))?,
            merger: LiveMerger::new(config.grouping.rules()),
            robust: RobustExtent::default(),
            workers,
            pool,
            dirty: Vec::new(),
            voxel_of_point: Vec::new(),
            assigned: Vec::new(),
            seen_instances: Vec::new(),
            config,
        })
    }

    /// Forgets the map and every instance: the clock jumped or another drive begins.
    pub fn clear(&mut self) {
        self.map.clear();
        self.book.clear();
        self.merger = LiveMerger::new(self.merger.rules());
    }

    /// The map as it stands.
    pub fn map(&self) -> &VoxelMap {
        &self.map
    }

    /// What the map says of each of its voxels, in the order of [`map`](Self::map)'s cloud.
    pub fn label_map(&self, labels: &mut Labels) {
        let voxels = self.map.len();
        labels.class.clear();
        labels.instance.clear();
        labels.confidence.clear();
        for voxel in 0..voxels as u32 {
            let (class, instance, confidence) = self.voxel_label(voxel).unwrap_or((INVALID_CLASS, NO_INSTANCE, 0.0));
            labels.class.push(class);
            labels.instance.push(instance);
            labels.confidence.push(confidence);
        }
    }

    /// Labels one frame. `labels` gets one entry per input point, in input order; `times` is added to.
    pub fn process(&mut self, frame: Frame<'_>, labels: &mut Labels, times: &mut StageTimes) -> FrameReport {
        let inserted = times.measure(Stage::Map, || self.remember(frame));
        let (blocks, failed) = self.label_windows(times);
        let instances = times.measure(Stage::Labelling, || self.label_points(labels));
        FrameReport {
            points: frame.cloud.len(),
            invalid: inserted.invalid,
            overflow: inserted.overflow,
            voxels: self.map.len(),
            blocks,
            failed,
            instances,
        }
    }

    /// Cloud into map; which windows are worth labelling.
    fn remember(&mut self, frame: Frame<'_>) -> Insertion {
        if self.config.map.single_frame {
            self.clear();
        }
        let robot = frame.pose.translation.vector;
        self.map.forget([robot.x as f32, robot.y as f32], frame.stamp);
        let nearest = self.config.input.minimum_range * self.config.input.minimum_range;
        let farthest = self.config.input.maximum_range * self.config.input.maximum_range;
        let in_range = |point: usize| {
            let range: f32 = frame.cloud.position[point].iter().map(|value| value * value).sum();
            range >= nearest && range <= farthest // false for NaN
        };
        let inserted = self.map.insert(frame.cloud, in_range, &frame.pose, frame.stamp, &mut self.voxel_of_point);
        self.book.update(&self.map);
        let blocks = &self.config.blocks;
        self.book.dirty(blocks.minimum_points, blocks.changed_fraction, blocks.maximum_per_frame, &mut self.dirty);
        inserted
    }

    /// Windows → blocks → clusters side by side, then clusters into the map one after another.
    /// Returns how many blocks were labelled and how many failed.
    fn label_windows(&mut self, times: &mut StageTimes) -> (usize, usize) {
        let Some(extent) = self.robust.estimate(&self.map.cloud().position, ROBUST_FRACTION) else { return (0, 0) };
        let mut failed = 0;
        let dirty = std::mem::take(&mut self.dirty);
        for together in dirty.chunks(self.workers.len()) {
            self.run_blocks(together, &extent);
            for (slot, window) in together.iter().enumerate() {
                let worker = &self.workers[slot];
                times.add(&worker.times);
                self.book.mark_labelled(window.key);
                let done = match self.workers[slot].failure.take() {
                    Some(failure) => Err(failure),
                    None => times.measure(Stage::Merging, || self.merge(slot)),
                };
                if let Err(failure) = done {
                    failed += 1;
                    log::warn!("window {:?} keeps its old labels: {failure}", window.key);
                }
            }
        }
        times.measure(Stage::Merging, || {
            self.merger.registry.recount(self.map.instance().iter().copied().filter(|&id| id != NO_INSTANCE));
            self.merger.registry.retire();
        });
        let blocks = dirty.len() - failed;
        self.dirty = dirty;
        (blocks, failed)
    }

    fn run_blocks(&mut self, windows: &[DirtyWindow], extent: &Extent) {
        let (book, cloud) = (&self.book, self.map.cloud());
        let workers = &mut self.workers[..windows.len()];
        self.pool.install(|| {
            workers.par_iter_mut().zip(windows).for_each(|(worker, window)| {
                worker.run(window.key, book.members(window.key), cloud, extent);
            });
        });
    }

    /// One block's clusters and logits into the map.
    fn merge(&mut self, slot: usize) -> Result<(), BlockFailure> {
        let worker = &mut self.workers[slot];
        worker.recall(self.map.instance());
        self.merger.merge_block(&worker.clusters.label, &worker.cluster_class, &worker.current, &mut self.assigned)?;
        let trust = (worker.block.distinct as f32 / FULL_WINDOW as f32).min(1.0);
        for (&voxel, &sample) in worker.members.iter().zip(&worker.speaker) {
            let itself = worker.block.index[sample as usize] == voxel;
            let trust = if itself { trust } else { trust * BORROWED_TRUST };
            self.map.votes_mut().add(voxel, worker.logits_of(sample), trust);
            // A cluster without an instance leaves what the map knows: another view may know better.
            let cluster = worker.clusters.label[sample as usize];
            match self.assigned.get(cluster as usize) {
                Some(&instance) if instance != NO_INSTANCE => self.map.set_instance(voxel, instance),
                _ => {}
            }
        }
        Ok(())
    }

    /// Class, instance and confidence of a voxel; `None` while nobody has judged it. Instances that are too
    /// small to be shown are none.
    fn voxel_label(&self, voxel: u32) -> Option<(u16, u32, f32)> {
        let (class, confidence) = self.map.votes().winner(voxel)?;
        let instance = self.map.instance()[voxel as usize];
        let shown = self.merger.registry.voxels(instance) >= self.config.grouping.minimum_instance as u64;
        let instance = if shown { self.merger.registry.resolve(instance) } else { NO_INSTANCE };
        Some((class, instance, confidence))
    }

    /// Every point gets its voxel's label. Returns how many instances were met.
    fn label_points(&mut self, labels: &mut Labels) -> usize {
        let points = self.voxel_of_point.len();
        labels.class.clear();
        labels.class.resize(points, INVALID_CLASS);
        labels.instance.clear();
        labels.instance.resize(points, NO_INSTANCE);
        labels.confidence.clear();
        labels.confidence.resize(points, 0.0);
        self.seen_instances.clear();
        for (point, &voxel) in self.voxel_of_point.iter().enumerate() {
            if voxel == NO_VOXEL {
                continue;
            }
            if let Some((class, instance, confidence)) = self.voxel_label(voxel) {
                labels.class[point] = class;
                labels.instance[point] = instance;
                labels.confidence[point] = confidence;
            }
        }
        self.seen_instances.extend(labels.instance.iter().filter(|&&instance| instance != NO_INSTANCE));
        self.seen_instances.sort_unstable();
        self.seen_instances.dedup();
        self.seen_instances.len()
    }
}

/// An engine for each of `threads` threads (0: one per core). The parts are optimised once; every
/// thread gets its own state of the same plan.
///
/// # Errors
/// When the engine does not take the model.
pub fn tract_engines(model: &Model, threads: usize) -> Result<Vec<Box<dyn Engine>>, EngineError> {
    let threads = match threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let engine = TractEngine::new(model)?;
    (0..threads).map(|_| Ok(Box::new(engine.fork()?) as Box<dyn Engine>)).collect()
}

/// The threads that run blocks side by side.
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
