//! An engine that does what a test tells it to, block by block.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam::channel::Receiver;

use crate::cloud::Cloud;
use crate::engine::{BlockInput, Engine, EngineError, Prediction};
use crate::latency::ManualClock;
use crate::network::asis::Asis;
use crate::network::{Model, ModelMetadata, Weights, write_model};

/// Class that the scripted engine gives every point.
pub(crate) const CLASS: u16 = 4;

/// What an engine does with one block.
#[derive(Clone)]
pub(crate) enum Act {
    /// Says that every point is of [`CLASS`], one instance a block.
    Answer,
    /// As `Answer`, after this time on the clock that is turned by hand.
    Take(Arc<ManualClock>, Duration),
    /// As `Answer`, when somebody says so or is gone.
    Hang(Receiver<()>),
    /// Panics.
    Panic,
    /// Gives up.
    Fail,
    /// Refuses the block.
    Refuse,
    /// Says that one logit is no number.
    NotANumber,
}

/// Decides by the number of the block, counted over all engines of the script.
type Script = Box<dyn Fn(usize) -> Act + Send + Sync>;

/// Engines of one script.
#[derive(Clone)]
pub(crate) struct Scripted {
    name: &'static str,
    classes: usize,
    embedding_size: usize,
    script: Arc<Script>,
    blocks: Arc<AtomicUsize>,
}

impl Scripted {
    pub(crate) fn new(
        name: &'static str,
        model: &Model,
        script: impl Fn(usize) -> Act + Send + Sync + 'static,
    ) -> Self {
        let (classes, embedding_size) = (model.architecture().classes(), model.architecture().embedding_size());
        Self { name, classes, embedding_size, script: Arc::new(Box::new(script)), blocks: Arc::default() }
    }

    pub(crate) fn boxed(&self) -> Box<dyn Engine> {
        Box::new(self.clone())
    }

    /// Blocks so far.
    pub(crate) fn blocks(&self) -> usize {
        self.blocks.load(Ordering::Acquire)
    }

    fn answer(&self, points: usize, prediction: &mut Prediction) {
        prediction.embeddings.clear();
        prediction.embeddings.resize(points * self.embedding_size, 0.0);
        prediction.logits.clear();
        prediction.logits.resize(points * self.classes, 0.0);
        prediction.logits.iter_mut().skip(usize::from(CLASS)).step_by(self.classes).for_each(|logit| *logit = 9.0);
    }
}

impl Engine for Scripted {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&mut self, block: BlockInput<'_>, prediction: &mut Prediction) -> Result<(), EngineError> {
        let act = (self.script)(self.blocks.fetch_add(1, Ordering::AcqRel));
        self.answer(block.plan.levels[0].position.len(), prediction);
        match act {
            Act::Answer => {}
            Act::Take(clock, time) => clock.advance(time),
            Act::Hang(release) => drop(release.recv()),
            Act::Panic => panic!("scripted"),
            Act::Fail => return Err(EngineError::Failed { engine: self.name, reason: "scripted".to_owned() }),
            Act::Refuse => return Err(EngineError::Shape { what: "script", expected: 1, actual: 0 }),
            Act::NotANumber => prediction.logits[7] = f32::NAN,
        }
        Ok(())
    }
}

/// A model whose windows do not overlap: a window a metre.
pub(crate) fn model() -> &'static Model {
    static MODEL: Mutex<Option<&'static Model>> = Mutex::new(None);
    let mut made = MODEL.lock().unwrap_or_else(PoisonError::into_inner);
    made.get_or_insert_with(|| {
        let mut network = Asis { points: 64, ..Asis::default() };
        for (level, points) in network.levels.iter_mut().zip([32, 16, 8, 4]) {
            level.points = points;
        }
        let architecture = network.architecture().expect("sound sizes");
        let parameters = Weights::untrained(&architecture, 0).fold(&architecture).expect("sound weights");
        let metadata = ModelMetadata { block_stride: 1.0, ..ModelMetadata::s3dis() };
        let folder = tempfile::tempdir().expect("a writable place");
        let model = write_model(&folder.path().join("model"), &architecture, &parameters, &metadata);
        Box::leak(Box::new(model.expect("a sound model")))
    })
}

/// `windows` windows in a row along x, the first at `start` (m), with 100 points in each. The robot is
/// at the origin.
pub(crate) fn row(start: i32, windows: i32) -> Cloud {
    let window =
        |x: i32| (0..100).map(move |i| [x as f32 + 0.26 + (i % 10) as f32 * 0.05, 0.26 + (i / 10) as f32 * 0.05, 0.1]);
    Cloud { position: (start..start + windows).flat_map(window).collect(), colour: None }
}
