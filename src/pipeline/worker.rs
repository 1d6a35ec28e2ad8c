//! What one thread does with one window: sample, plan, network, clusters.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::job::Job;
use super::{BlockFailure, PipelineError, windowing};
use crate::block::BlockSampler;
use crate::config::Config;
use crate::engine::{BlockInput, EngineChain, words};
use crate::geometry::{
    GeometryPlan, Interpolation, InterpolationWorkspace, Leaves, PlanSpecification, PlanWorkspace, three_nearest,
};
use crate::grouping::{ClassVote, Fringe, MeanShift};
use crate::latency::{Clock, Stage};
use crate::network::Model;

/// Every window's sample is drawn with the same seed: the same map gives the same labels.
const SAMPLE_SEED: u64 = 0;

/// Engines with their buffers. All of them are reused from block to block.
pub(super) struct Worker {
    clock: Clock,
    engines: EngineChain,
    sampler: BlockSampler,
    specification: PlanSpecification,
    workspace: PlanWorkspace,
    plan: GeometryPlan,
    mean_shift: MeanShift,
    mean_shift_budget: u64,
    fringe: Fringe,
    class_vote: ClassVote,
    classes: usize,
    embedding_size: usize,
    every_member: Vec<u32>,
    sample_class: Vec<u16>,
    sample_position: Vec<[f32; 3]>,
    leaves: Leaves,
    nearest: Interpolation,
    nearest_workspace: InterpolationWorkspace,
}

impl Worker {
    pub(super) fn new(
        model: &Model,
        engines: EngineChain,
        config: &Config,
        clock: Clock,
    ) -> Result<Self, PipelineError> {
        let bandwidth = model.manifest().bandwidth;
        let (points, classes) = (model.architecture().points(), model.architecture().classes());
        let embedding_size = model.architecture().embedding_size();
        // There are no more clusters than points.
        let mut fringe = Fringe::new(config.grouping.fringe_points, config.grouping.fringe_reach * bandwidth);
        fringe.reserve(points, embedding_size);
        let mut class_vote = ClassVote::default();
        class_vote.reserve(points, classes);
        Ok(Self {
            clock,
            engines,
            sampler: BlockSampler::new(windowing(model), SAMPLE_SEED)?,
            specification: model.architecture().plan_specification(),
            workspace: PlanWorkspace::default(),
            plan: GeometryPlan::default(),
            mean_shift: MeanShift::new(bandwidth, true)?,
            mean_shift_budget: config.grouping.budget(),
            fringe,
            class_vote,
            classes,
            embedding_size,
            every_member: Vec::new(),
            sample_class: Vec::new(),
            sample_position: Vec::new(),
            leaves: Leaves::default(),
            nearest: Interpolation::default(),
            nearest_workspace: InterpolationWorkspace::default(),
        })
    }

    /// Labels one window. Whatever goes wrong is in the job afterwards; the next job runs.
    pub(super) fn run(&mut self, job: &mut Job) {
        let start = self.clock.now();
        job.times = Default::default();
        (job.fallback, job.grouping_cut) = (None, false);
        // Every stage overwrites its buffers, so a stage that broke off leaves nothing behind.
        let result = catch_unwind(AssertUnwindSafe(|| self.try_run(job)))
            .unwrap_or_else(|panic| Err(BlockFailure::Panicked { reason: words(panic.as_ref()) }));
        job.failure = result.err();
        job.took = self.clock.now().saturating_duration_since(start);
    }

    fn try_run(&mut self, job: &mut Job) -> Result<(), BlockFailure> {
        let clock = self.clock.clone();
        let mut times = job.times;
        let result = (|| {
            times.measure_by(&clock, Stage::Blocks, || self.sample(job))?;
            times.measure_by(&clock, Stage::Geometry, || {
                self.plan.compute(&job.block.position, &self.specification, &mut self.workspace)
            })?;
            times.measure_by(&clock, Stage::Network, || self.predict(job))?;
            times.measure_by(&clock, Stage::Grouping, || self.group(job))?;
            times.measure_by(&clock, Stage::Blocks, || self.find_speakers(job))
        })();
        job.times = times;
        result
    }

    fn sample(&mut self, job: &mut Job) -> Result<(), BlockFailure> {
        self.every_member.clear();
        self.every_member.reserve(job.room);
        self.sampler.reserve(job.room);
        self.every_member.extend(0..job.members.len() as u32);
        let (Some(window), Some(extent)) = (&job.window, &job.extent) else { return Ok(()) };
        Ok(self.sampler.sample(&self.every_member, &job.points, extent, window.key, &mut job.block)?)
    }

    fn predict(&mut self, job: &mut Job) -> Result<(), BlockFailure> {
        let input = BlockInput { features: &job.block.features, plan: &self.plan };
        let (result, fallback) = self.engines.run(input, &mut job.prediction);
        job.fallback = fallback;
        result?;
        if job.prediction.is_finite() { Ok(()) } else { Err(BlockFailure::NotFinite) }
    }

    /// Embeddings of the block's distinct points → clusters and their classes.
    fn group(&mut self, job: &mut Job) -> Result<(), BlockFailure> {
        let distinct = job.block.distinct;
        reserve(&mut job.clusters.centre, job.block.index.len() * self.embedding_size);
        reserve(&mut job.cluster_class, job.block.index.len());
        let embeddings = &job.prediction.embeddings[..distinct * self.embedding_size];
        self.mean_shift.run_within(embeddings, self.embedding_size, self.mean_shift_budget, &mut job.clusters)?;
        job.grouping_cut = job.clusters.cut;
        self.fringe.absorb(embeddings, &mut job.clusters);
        self.sample_class.clear();
        let rows = job.prediction.logits.chunks_exact(self.classes);
        self.sample_class.extend(rows.take(distinct).map(highest));
        reserve(&mut job.opinion, job.block.index.len() * self.classes);
        probabilities(&job.prediction.logits[..distinct * self.classes], self.classes, &mut job.opinion);
        let clusters = &job.clusters;
        self.class_vote.mode(
            &clusters.label,
            &self.sample_class,
            clusters.count(),
            self.classes,
            &mut job.cluster_class,
        );
        Ok(())
    }

    /// The nearest sampled point of every member.
    fn find_speakers(&mut self, job: &mut Job) -> Result<(), BlockFailure> {
        let position = &job.points.position;
        self.sample_position.clear();
        let distinct = &job.block.index[..job.block.distinct];
        self.sample_position.extend(distinct.iter().map(|&member| position[member as usize]));
        self.leaves.reserve(job.room);
        reserve(&mut self.nearest.index, job.room);
        reserve(&mut self.nearest.weight, job.room);
        self.leaves.build(position)?;
        three_nearest(&self.leaves, &self.sample_position, &mut self.nearest_workspace, &mut self.nearest)?;
        job.speaker.clear();
        job.speaker.extend(self.nearest.index.iter().map(|nearest| nearest[0]));
        Ok(())
    }
}

fn reserve<T>(buffer: &mut Vec<T>, length: usize) {
    buffer.reserve(length.saturating_sub(buffer.len()));
}

/// The softmax of each row of logits; `probabilities` is overwritten.
fn probabilities(logits: &[f32], classes: usize, probabilities: &mut Vec<f32>) {
    probabilities.clear();
    for row in logits.chunks_exact(classes) {
        let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let start = probabilities.len();
        probabilities.extend(row.iter().map(|logit| libm::expf(logit - highest)));
        let sum: f32 = probabilities[start..].iter().sum();
        probabilities[start..].iter_mut().for_each(|value| *value /= sum);
    }
}

/// Index of the highest logit, the smallest on a tie.
pub(crate) fn highest(logits: &[f32]) -> u16 {
    let mut best = 0;
    for (class, &logit) in logits.iter().enumerate() {
        if logit > logits[best] {
            best = class;
        }
    }
    best as u16
}
