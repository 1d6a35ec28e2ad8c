//! Embeddings of the shipped models: what mean-shift meets on a robot.

use std::path::Path;
use std::sync::{Arc, Mutex};

use instanton::config::Config;
use instanton::engine::{BlockInput, Engine, EngineError, Prediction, TractEngine};
use instanton::evaluation::{Evaluator, Procedure};
use instanton::network::Model;
use instanton::sim::{ScanMode, ScanOptions, Scene, SceneOptions, scan_room};

/// Blocks of one room that are kept; they lie evenly over the room.
const BLOCKS: usize = 24;

/// Embeddings of one block's distinct points.
pub(crate) struct Block {
    /// `points × size`.
    pub(crate) embeddings: Vec<f32>,
    /// Values in each row.
    pub(crate) size: usize,
}

/// An engine that keeps the embeddings of the distinct points of each block.
struct Recorder {
    engine: TractEngine,
    blocks: Arc<Mutex<Vec<Vec<f32>>>>,
    size: usize,
}

impl Engine for Recorder {
    fn name(&self) -> &'static str {
        "recorder"
    }

    fn run(&mut self, block: BlockInput<'_>, prediction: &mut Prediction) -> Result<(), EngineError> {
        self.engine.run(block, prediction)?;
        // A block with too few points repeats them after the last; mean-shift sees each once.
        let mut rows = block.features.chunks_exact(9);
        let first = rows.next().expect("a point");
        let distinct = rows.position(|row| row == first).map_or(block.features.len() / 9, |at| at + 1);
        let embeddings = prediction.embeddings[..distinct * self.size].to_vec();
        self.blocks.lock().expect("no other thread").push(embeddings);
        Ok(())
    }
}

/// A simulated room through the robot's pipeline with the model of this name.
pub(crate) fn blocks(model: &str) -> Vec<Block> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(model);
    let Ok(model) = Model::open(&folder) else { return Vec::new() };
    let size = model.architecture().embedding_size();
    let recorded = Arc::new(Mutex::new(Vec::new()));
    let engine = TractEngine::new(&model).expect("tract loads the shipped model");
    let recorder = Recorder { engine, blocks: recorded.clone(), size };
    let mut evaluator =
        Evaluator::new(&model, Procedure::Live, &Config::default(), vec![Box::new(recorder)]).expect("a usable model");
    let scene = Scene::generate(7, &SceneOptions::default());
    let options = ScanOptions { seed: 7, mode: Some(ScanMode::Panorama), partial: Some(false), ..Default::default() };
    evaluator.add_room(&scan_room(&scene, &options)).expect("a room with truth");
    let all = std::mem::take(&mut *recorded.lock().expect("no other thread"));
    let step = all.len().div_ceil(BLOCKS).max(1);
    all.into_iter().step_by(step).map(|embeddings| Block { embeddings, size }).collect()
}
