//! What one thread does with one window: sample, plan, network, clusters.

use super::{BlockFailure, PipelineError};
use crate::block::{Block, BlockSampler, Extent, WindowKey};
use crate::cloud::Cloud;
use crate::config::Config;
use crate::engine::{BlockInput, Engine, Prediction};
use crate::geometry::{GeometryPlan, NearestPoints, PlanSpecification, PlanWorkspace};
use crate::grouping::{Clusters, MeanShift, classes_of_clusters};
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
    nearest: NearestPoints,
    classes: usize,
    embedding_size: usize,
    member_position: Vec<[f32; 3]>,
    sample_position: Vec<[f32; 3]>,
    /// The block that was labelled last.
    pub(super) block: Block,
    /// Voxels of the window.
    pub(super) members: Vec<u32>,
    /// For each member the sampled point that speaks for it: itself, or the nearest one.
    pub(super) sample_of_member: Vec<u32>,
    /// Clusters of the block's points.
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
    pub(super) fn new(model: &Model, engine: Box<dyn Engine>, _config: &Config) -> Result<Self, PipelineError> {
        Ok(Self {
            engine,
            sampler: BlockSampler::new(model.windowing(), SAMPLE_SEED)?,
            specification: model.plan_specification(),
            workspace: PlanWorkspace::default(),
            plan: GeometryPlan::default(),
            prediction: Prediction::default(),
            mean_shift: MeanShift::new(model.bandwidth()),
            nearest: NearestPoints::default(),
            classes: model.classes().len(),
            embedding_size: model.embedding_size(),
            member_position: Vec::new(),
            sample_position: Vec::new(),
            block: Block::default(),
            members: Vec::new(),
            sample_of_member: Vec::new(),
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
        times.measure(Stage::Grouping, || {
            self.mean_shift.run(&self.prediction.embeddings, self.embedding_size, &mut self.clusters);
            classes_of_clusters(&self.clusters, &self.prediction.logits, self.classes, &mut self.cluster_class);
        });
        let mut times = std::mem::take(&mut self.times);
        times.measure(Stage::Blocks, || self.find_speakers(cloud));
        self.times = times;
        Ok(())
    }

    /// The nearest sampled point of every member.
    fn find_speakers(&mut self, cloud: &Cloud) {
        let position = |&voxel: &u32| cloud.position[voxel as usize];
        self.member_position.clear();
        self.member_position.extend(self.members.iter().map(position));
        self.sample_position.clear();
        self.sample_position.extend(self.block.index[..self.block.distinct].iter().map(position));
        self.nearest.find(&self.member_position, &self.sample_position, &mut self.sample_of_member);
    }

    /// Logits of one sampled point.
    pub(super) fn logits_of(&self, sample: u32) -> &[f32] {
        let start = sample as usize * self.classes;
        &self.prediction.logits[start..start + self.classes]
    }

    /// Looks up what the map knows of the block's distinct samples.
    pub(super) fn collect_current(&mut self, instance: &[u32]) {
        self.current.clear();
        self.current
            .extend(self.block.index[..self.block.distinct].iter().map(|&voxel| instance[voxel as usize]));
    }
}
