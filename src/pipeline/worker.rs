//! What one thread does with one window: sample, plan, network, clusters.

use super::{BlockFailure, PipelineError, windowing};
use crate::block::{Block, BlockSampler, Extent, WindowKey};
use crate::cloud::Cloud;
use crate::config::Config;
use crate::engine::{BlockInput, Engine, Prediction};
use crate::geometry::{
    GeometryPlan, Interpolation, InterpolationWorkspace, Leaves, PlanSpecification, PlanWorkspace, three_nearest,
};
use crate::grouping::{ClassVote, Clusters, Fringe, MeanShift};
use crate::latency::{Stage, StageTimes};
use crate::network::Model;

/// Every window's sample is drawn with the same seed: the same map gives the same labels.
const SAMPLE_SEED: u64 = 0;

/// An engine with its buffers. All of them are reused from block to block.
pub(super) struct Worker {
    engine: Box<dyn Engine>,
    sampler: BlockSampler,
    specification: PlanSpecification,
    workspace: PlanWorkspace,
    plan: GeometryPlan,
    prediction: Prediction,
    mean_shift: MeanShift,
    fringe: Fringe,
    class_vote: ClassVote,
    classes: usize,
    embedding_size: usize,
    sample_class: Vec<u16>,
    leaves: Leaves,
    nearest: Interpolation,
    nearest_workspace: InterpolationWorkspace,
    member_position: Vec<[f32; 3]>,
    sample_position: Vec<[f32; 3]>,
    /// The block that was labelled last.
    pub(super) block: Block,
    /// Voxels of the window.
    pub(super) members: Vec<u32>,
    /// For each member the sampled point that speaks for it: itself, or the nearest one.
    pub(super) speaker: Vec<u32>,
    /// Clusters of the block's distinct points.
    pub(super) clusters: Clusters,
    /// Class of each cluster.
    pub(super) cluster_class: Vec<u16>,
    /// The instance that each distinct sample's voxel has in the map.
    pub(super) current: Vec<u32>,
    /// Time that the last block took.
    pub(super) times: StageTimes,
    /// Why the last block has no labels, if it has none.
    pub(super) failure: Option<BlockFailure>,
}

impl Worker {
    pub(super) fn new(model: &Model, engine: Box<dyn Engine>, config: &Config) -> Result<Self, PipelineError> {
        let bandwidth = model.manifest().bandwidth;
        Ok(Self {
            engine,
            sampler: BlockSampler::new(windowing(model), SAMPLE_SEED)?,
            specification: model.architecture().plan_specification(),
            workspace: PlanWorkspace::default(),
            plan: GeometryPlan::default(),
            prediction: Prediction::default(),
            mean_shift: MeanShift::new(bandwidth, true)?,
            fringe: Fringe::new(config.grouping.fringe_points, config.grouping.fringe_reach * bandwidth),
            class_vote: ClassVote::default(),
            classes: model.architecture().classes(),
            embedding_size: model.architecture().embedding_size(),
            sample_class: Vec::new(),
            leaves: Leaves::default(),
            nearest: Interpolation::default(),
            nearest_workspace: InterpolationWorkspace::default(),
            member_position: Vec::new(),
            sample_position: Vec::new(),
            block: Block::default(),
            members: Vec::new(),
            speaker: Vec::new(),
            clusters: Clusters::default(),
            cluster_class: Vec::new(),
            current: Vec::new(),
            times: StageTimes::default(),
            failure: None,
        })
    }

    /// Labels one window of `cloud`.
    pub(super) fn run(&mut self, key: WindowKey, members: &[u32], cloud: &Cloud, extent: &Extent) {
        self.times = StageTimes::default();
        self.members.clear();
        self.members.extend_from_slice(members);
        self.failure = self.try_run(key, cloud, extent).err();
    }

    fn try_run(&mut self, key: WindowKey, cloud: &Cloud, extent: &Extent) -> Result<(), BlockFailure> {
        let Self { times, sampler, members, block, plan, .. } = self;
        times.measure(Stage::Blocks, || sampler.sample(members, cloud, extent, key, block))?;
        times.measure(Stage::Geometry, || plan.compute(&block.position, &self.specification, &mut self.workspace))?;
        let input = BlockInput { features: &block.features, plan };
        times.measure(Stage::Network, || self.engine.run(input, &mut self.prediction))?;
        if !self.prediction.is_finite() {
            return Err(BlockFailure::NotFinite);
        }
        let mut times = self.times;
        times.measure(Stage::Grouping, || self.group())?;
        times.measure(Stage::Blocks, || self.find_speakers(cloud))?;
        self.times = times;
        Ok(())
    }

    /// Embeddings of the block's distinct points → clusters and their classes.
    fn group(&mut self) -> Result<(), BlockFailure> {
        let distinct = self.block.distinct;
        let embeddings = &self.prediction.embeddings[..distinct * self.embedding_size];
        self.mean_shift.run(embeddings, self.embedding_size, &mut self.clusters)?;
        self.fringe.absorb(embeddings, &mut self.clusters);
        self.sample_class.clear();
        let rows = self.prediction.logits.chunks_exact(self.classes);
        self.sample_class.extend(rows.take(distinct).map(highest));
        let Self { clusters, sample_class, classes, cluster_class, .. } = self;
        self.class_vote.mode(&clusters.label, sample_class, clusters.count(), *classes, cluster_class);
        Ok(())
    }

    /// The nearest sampled point of every member.
    fn find_speakers(&mut self, cloud: &Cloud) -> Result<(), BlockFailure> {
        let position = |&voxel: &u32| cloud.position[voxel as usize];
        self.member_position.clear();
        self.member_position.extend(self.members.iter().map(position));
        self.sample_position.clear();
        self.sample_position.extend(self.block.index[..self.block.distinct].iter().map(position));
        self.leaves.build(&self.member_position)?;
        three_nearest(&self.leaves, &self.sample_position, &mut self.nearest_workspace, &mut self.nearest)?;
        self.speaker.clear();
        self.speaker.extend(self.nearest.index.iter().map(|nearest| nearest[0]));
        Ok(())
    }

    /// Logits of one sampled point.
    pub(super) fn logits_of(&self, sample: u32) -> &[f32] {
        let start = sample as usize * self.classes;
        &self.prediction.logits[start..start + self.classes]
    }

    /// Looks up which instances the map remembers for the block's distinct samples.
    pub(super) fn recall(&mut self, instance: &[u32]) {
        self.current.clear();
        self.current.extend(self.block.index[..self.block.distinct].iter().map(|&voxel| instance[voxel as usize]));
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
