//! What is run: one simulated room that no training saw, blocks of it, and the networks.

use std::path::Path;

use instanton::block::{Block as Sample, BlockSampler, Extent, WindowIndex};
use instanton::cloud::{Cloud, LabelledCloud};
use instanton::engine::{BlockInput, Engine, NativeEngine, Prediction};
use instanton::geometry::{GeometryPlan, PlanWorkspace};
use instanton::instruction_set::InstructionSet;
use instanton::network::onnx::{Parts, export};
use instanton::network::{Architecture, Model, Parameters};
use instanton::pipeline::windowing;
use instanton::recording::scan_held_out;

/// How much furniture.
const DENSITY: f32 = 1.5;

/// One block with its plan, and what our engine says of it.
pub struct Block {
    pub features: Vec<f32>,
    pub plan: GeometryPlan,
    pub expected: Prediction,
}

impl Block {
    /// What an engine is given.
    pub fn input(&self) -> BlockInput<'_> {
        BlockInput { features: &self.features, plan: &self.plan }
    }
}

/// A network and its blocks.
pub struct Case {
    pub name: String,
    pub architecture: Architecture,
    pub parameters: Parameters,
    pub parts: Parts,
    pub blocks: Vec<Block>,
}

/// The model folder of this name.
pub fn model(name: &str) -> Model {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(name);
    Model::open(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
}

/// The simulated room of this seed, beginning at the origin, as the seeds' rooms do.
pub fn room(seed: u64) -> LabelledCloud {
    let mut room = scan_held_out(seed, DENSITY, None);
    instanton::block::reference::shift_to_origin(&mut room.cloud);
    room
}

/// Samples of full windows, spread over the room.
pub fn samples(room: &Cloud, model: &Model, count: usize) -> Vec<Sample> {
    let windowing = windowing(model);
    let extent = Extent::of(&room.position).expect("a room has points");
    let mut windows = WindowIndex::new(windowing).expect("a model's windows");
    windows.build(&room.position);
    let full: Vec<_> = windows.iter().filter(|(_, members)| members.len() >= windowing.points).collect();
    let mut sampler = BlockSampler::new(windowing, 0).expect("a model's windows");
    let chosen = (0..count.min(full.len())).map(|place| full[place * full.len() / count.min(full.len())]);
    chosen
        .map(|(key, members)| {
            let mut block = Sample::default();
            sampler.sample(members, room, &extent, key, &mut block).expect("a full window has points");
            block
        })
        .collect()
}

impl Case {
    /// A network with the parameters of a model folder (of an int8 one, what its 8 bits stand for), in fp32.
    pub fn new(name: &str, model: &Model, samples: &[Sample]) -> Self {
        let architecture = model.architecture().clone();
        let parameters = model.parameters().expect("a shipped model has its parameters");
        let parts = export(&architecture, &parameters).expect("the model's own parameters");
        let mut engine =
            NativeEngine::with_parameters(&architecture, &parameters, InstructionSet::best()).expect("a shipped model");
        let mut workspace = PlanWorkspace::default();
        let blocks = samples.iter().map(|sample| {
            let mut block = Block {
                features: sample.features.clone(),
                plan: GeometryPlan::default(),
                expected: Prediction::default(),
            };
            let specification = architecture.plan_specification();
            block.plan.compute(&sample.position, &specification, &mut workspace).expect("a block has a plan");
            let input = BlockInput { features: &block.features, plan: &block.plan };
            engine.run(input, &mut block.expected).expect("a block of the model's size");
            block
        });
        let blocks = blocks.collect();
        Self { name: name.to_owned(), architecture, parameters, parts, blocks }
    }

    /// The block of a round.
    pub fn block(&self, round: usize) -> (usize, &Block) {
        let number = round % self.blocks.len();
        (number, &self.blocks[number])
    }
}
