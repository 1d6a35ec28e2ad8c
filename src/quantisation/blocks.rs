//! Blocks to learn ranges from: whatever the pipeline would have shown the network.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use nalgebra::Isometry3;

use super::QuantisationError;
use crate::cloud::{Cloud, Labels};
use crate::config::Config;
use crate::engine::{BlockInput, Engine, EngineError, Prediction};
use crate::evaluation::unbounded;
use crate::geometry::{GeometryPlan, PlanWorkspace};
use crate::latency::StageTimes;
use crate::network::{Architecture, Model, check_fit};
use crate::pipeline::{Frame, Pipeline};
use crate::replay::{ReplayOptions, replay_with_engines};
use crate::sim::{ScanOptions, Scene, SceneOptions, scan_room};
use crate::transport::open_room;

/// One block: features, and the plan that follows from them.
#[derive(Clone, Debug)]
pub struct CalibrationBlock {
    /// `points × feature columns`.
    pub features: Vec<f32>,
    /// Its neighbourhoods.
    pub plan: GeometryPlan,
}

impl CalibrationBlock {
    /// A block from its features; the first three columns are its coordinates.
    ///
    /// # Errors
    /// [`QuantisationError::Geometry`] where no plan can be made of them.
    pub fn new(architecture: &Architecture, features: Vec<f32>) -> Result<Self, QuantisationError> {
        let rows = features.chunks_exact(architecture.feature_columns());
        let position: Vec<[f32; 3]> = rows.map(|row| [row[0], row[1], row[2]]).collect();
        let mut plan = GeometryPlan::default();
        plan.compute(&position, &architecture.plan_specification(), &mut PlanWorkspace::default())?;
        Ok(Self { features, plan })
    }

    /// As an engine takes it.
    pub fn input(&self) -> BlockInput<'_> {
        BlockInput { features: &self.features, plan: &self.plan }
    }
}

/// Where blocks come from.
#[derive(Clone, Debug)]
pub enum BlockSource {
    /// Recorded drives or cloud files.
    Drives(Vec<PathBuf>, Box<ReplayOptions>),
    /// Rooms as files.
    Rooms(Vec<PathBuf>),
    /// Simulated rooms from this seed on.
    Simulated(u64),
}

/// Blocks spread evenly over all that came, in order: when twice too many are kept, every second goes.
#[derive(Debug)]
struct Spread {
    wanted: usize,
    stride: usize,
    seen: usize,
    kept: Vec<Vec<f32>>,
}

impl Spread {
    fn add(&mut self, features: &[f32]) {
        if self.seen.is_multiple_of(self.stride) {
            self.kept.push(features.to_vec());
        }
        self.seen += 1;
        if self.kept.len() >= 2 * self.wanted {
            let mut position = 0;
            self.kept.retain(|_| {
                position += 1;
                position % 2 == 1
            });
            self.stride *= 2;
        }
    }

    /// Exactly as many as wanted, evenly, where there are more.
    fn finish(self) -> Vec<Vec<f32>> {
        let (count, wanted) = (self.kept.len(), self.wanted);
        if count <= wanted {
            return self.kept;
        }
        let mut kept: Vec<Option<Vec<f32>>> = self.kept.into_iter().map(Some).collect();
        (0..wanted).filter_map(|index| kept[index * count / wanted].take()).collect()
    }
}

/// Keeps the blocks that it is shown, and says nothing of them.
struct Recorder {
    architecture: Architecture,
    spread: Arc<Mutex<Spread>>,
}

impl Engine for Recorder {
    fn name(&self) -> &'static str {
        "recorder"
    }

    fn run(&mut self, block: BlockInput<'_>, prediction: &mut Prediction) -> Result<(), EngineError> {
        check_fit(&self.architecture, block.features, block.plan)?;
        self.spread.lock().unwrap_or_else(PoisonError::into_inner).add(block.features);
        let points = self.architecture.points();
        prediction.logits = vec![0.0; points * self.architecture.classes()];
        prediction.embeddings = vec![0.0; points * self.architecture.embedding_size()];
        Ok(())
    }
}

/// Cuts up to `wanted` blocks, evenly spread over the source and in its order. `tell` hears what is read.
///
/// # Errors
/// What reading the source refuses.
pub fn collect_blocks(
    model: &Model,
    source: &BlockSource,
    wanted: usize,
    tell: &mut dyn FnMut(&str),
) -> Result<Vec<Vec<f32>>, QuantisationError> {
    let spread = Arc::new(Mutex::new(Spread { wanted: wanted.max(1), stride: 1, seen: 0, kept: Vec::new() }));
    let recorder = || -> Vec<Box<dyn Engine>> {
        vec![Box::new(Recorder { architecture: model.architecture().clone(), spread: Arc::clone(&spread) })]
    };
    match source {
        BlockSource::Drives(paths, options) => {
            for path in paths {
                tell(&path.display().to_string());
                replay_with_engines(path, None, model, options, Some(recorder()), &mut |_| {})?;
            }
        }
        BlockSource::Rooms(paths) => {
            let mut pipeline = Pipeline::with_engines(model, unbounded(&Config::default()), recorder())?;
            for path in paths {
                tell(&path.display().to_string());
                show(&mut pipeline, &open_room(path)?.cloud);
            }
        }
        BlockSource::Simulated(seed) => {
            let mut pipeline = Pipeline::with_engines(model, unbounded(&Config::default()), recorder())?;
            // A few blocks of many rooms teach more than many of one.
            for room in 0..wanted.div_ceil(6).max(4) as u64 {
                tell(&format!("simulated room {}", seed + room));
                show(&mut pipeline, &simulated_room(seed + room).cloud);
            }
        }
    }
    let spread = std::mem::replace(
        &mut *spread.lock().unwrap_or_else(PoisonError::into_inner),
        Spread { wanted: 1, stride: 1, seen: 0, kept: Vec::new() },
    );
    Ok(spread.finish())
}

fn show(pipeline: &mut Pipeline, cloud: &Cloud) {
    let frame = Frame { cloud, pose: Isometry3::identity(), stamp: 0 };
    pipeline.process(frame, &mut Labels::default(), &mut StageTimes::default());
}

/// A simulated room as a scan with truth.
pub(super) fn simulated_room(seed: u64) -> crate::cloud::LabelledCloud {
    let scene = Scene::generate(seed, &SceneOptions::default());
    scan_room(&scene, &ScanOptions { seed, ..ScanOptions::default() })
}

/// Rooms of a folder (`.npy`, `.npz`) in the order of their names; a file is itself.
///
/// # Errors
/// [`QuantisationError::File`] where the folder cannot be read.
pub fn rooms_of(place: &Path) -> Result<Vec<PathBuf>, QuantisationError> {
    if !place.is_dir() {
        return Ok(vec![place.to_owned()]);
    }
    let refuse = |source| QuantisationError::File { path: place.to_owned(), source };
    let mut rooms = Vec::new();
    for entry in std::fs::read_dir(place).map_err(refuse)? {
        let path = entry.map_err(refuse)?.path();
        if path.extension().is_some_and(|ending| ending == "npy" || ending == "npz") {
            rooms.push(path);
        }
    }
    rooms.sort();
    Ok(rooms)
}
