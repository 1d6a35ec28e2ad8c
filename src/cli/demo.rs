//! `instanton demo`: a simulated robot drives through a furnished room, and every point that its
//! depth camera sees gets a class and an instance.
//!
//! ```text
//! room ─► drive ─► drive.mcap ─► replay ─► labelled.mcap
//!           └─► truth ───────────► judge ─► summary.json, picture.png
//! ```

mod portrait;
mod summary;
mod truth;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use nalgebra::{Isometry3, Rotation3, Translation3, UnitQuaternion, Vector3};

use super::simulate::progress;
use super::{Verdict, model_folder};
use crate::config::Config;
use crate::metrics::MetricsError;
use crate::network::{Model, ModelError};
use crate::picture::PictureError;
use crate::recording::{Recorder, RecordingError, held_out, topic};
use crate::replay::{Event, ReplayError, ReplayOptions, replay};
use crate::sim::{CLASSES, DepthCamera, Drive, RoomKind, Scene, SceneOptions, Sensor};
use portrait::Portrait;
pub use summary::DemoSummary;
use truth::{Judge, Truth};

/// Frames per second of the drive.
const RATE: f64 = 0.6;
/// How full the room is: [`SceneOptions::density`].
const DENSITY: f32 = 1.5;

/// Arguments of `instanton demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  instanton demo\n  instanton demo --seed 5 --frames 12 --out /tmp/demo")]
pub(super) struct Arguments {
    /// Folder for the results; made if it is not there.
    #[arg(long, default_value = "instanton-demo")]
    out: PathBuf,
    /// Seed of the room and the drive.
    #[arg(long, default_value_t = DemoOptions::default().seed, value_parser = clap::value_parser!(u64).range(..1 << 62))]
    seed: u64,
    /// Frames of the drive.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    frames: u32,
    /// Model folder; the shipped one by default.
    #[arg(long)]
    model: Option<PathBuf>,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

/// What to show.
#[derive(Clone, Debug, PartialEq)]
pub struct DemoOptions {
    /// Seed of the room and the drive, of the held-out range.
    pub seed: u64,
    /// Frames of the drive.
    pub frames: usize,
    /// Columns and rows of the camera's image.
    pub image: [usize; 2],
    /// How the drive is labelled.
    pub config: Config,
}

impl Default for DemoOptions {
    /// A drive that sees the whole of an office in under two minutes of work.
    fn default() -> Self {
        Self { seed: 45, frames: 24, image: [320, 240], config: Config::default() }
    }
}

/// How far a demo is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DemoEvent {
    /// So many frames are simulated.
    Simulated(usize),
    /// So many frames are labelled.
    Labelled(usize),
    /// All that is left is the picture.
    Drawing,
}

/// Why a demo ended early. Files that are there by then are whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    /// The folder cannot be made or written to.
    #[error("{}: cannot write here", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The model cannot be opened.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The model has other classes than the simulator.
    #[error("expected a model with the classes {}; this one has {found}", CLASSES.join(", "))]
    Classes {
        /// Its classes.
        found: String,
    },
    /// The drive could not be recorded.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The drive could not be labelled.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The labels do not fit the truth.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The picture could not be made.
    #[error(transparent)]
    Picture(#[from] PictureError),
}

/// Runs the demo into the folder `out`: `drive.mcap`, `labelled.mcap`, `picture.png`,
/// `summary.json`; files of these names are replaced.
///
/// # Errors
/// [`DemoError`].
pub fn demo(
    options: &DemoOptions,
    model: &Model,
    out: &Path,
    observe: &mut dyn FnMut(DemoEvent),
) -> Result<DemoSummary, DemoError> {
    let start = Instant::now();
    let classes = &model.manifest().classes;
    if !classes.iter().map(|class| class.name.as_str()).eq(CLASSES) {
        let found = classes.iter().map(|class| class.name.as_str()).collect::<Vec<_>>().join(", ");
        return Err(DemoError::Classes { found });
    }
    let folder = |source| DemoError::Folder { path: out.to_owned(), source };
    std::fs::create_dir_all(out).map_err(folder)?;

    let drive_path = out.join("drive.mcap");
    let (room, truth) = record(options, &drive_path, observe)?;
    let (mut judge, mut portrait) = (Judge::default(), Portrait::default());
    let replay_options = ReplayOptions {
        topic: Some(topic::POINTS.to_owned()),
        config: options.config.clone(),
        ..ReplayOptions::default()
    };
    let labelled = replay(&drive_path, Some(&out.join("labelled.mcap")), model, &replay_options, &mut |event| {
        let Event::Frame(frame) = event else { return };
        let Some(truth) = truth.at(frame.stamp) else { return };
        judge.add(frame.labels, truth);
        portrait.add(frame.cloud, &frame.pose, frame.labels, truth);
        observe(DemoEvent::Labelled(frame.index + 1));
    })?;
    observe(DemoEvent::Drawing);
    portrait.save(&out.join("picture.png"), classes, room.height)?;

    let (measured, true_instances) = truth.counts();
    let summary = DemoSummary {
        out: out.to_owned(),
        model: model.folder().to_owned(),
        seed: options.seed,
        room: format!("{:?}", room.kind).to_lowercase(),
        frames: labelled.frames,
        points: labelled.points,
        measured,
        blocks: labelled.blocks,
        failed: labelled.failed_blocks,
        instances: judge.instances(),
        true_instances,
        scores: judge.scores()?,
        latency: labelled.latency,
        seconds: start.elapsed().as_secs_f64(),
    };
    summary.save(&out.join("summary.json")).map_err(folder)?;
    Ok(summary)
}

/// The room of a demo, for people and for the picture.
struct Room {
    kind: RoomKind,
    height: f32,
}

/// Drives through the room and records it; remembers the truth.
fn record(options: &DemoOptions, path: &Path, observe: &mut dyn FnMut(DemoEvent)) -> Result<(Room, Truth), DemoError> {
    let scene = scene(options.seed);
    let drive = drive(&scene, options);
    let mut recorder = Recorder::create(path, drive.sensor())?;
    let mut truth = Truth::default();
    for frame in drive {
        recorder.write(&frame)?;
        truth.add(&frame);
        observe(DemoEvent::Simulated(frame.index + 1));
    }
    recorder.finish()?;
    Ok((Room { kind: scene.kind, height: scene.shape.size[2] }, truth))
}

/// Records the drive of a demo at another rate, for those who want the drive alone.
pub(super) fn record_drive(
    seed: u64,
    frames: usize,
    rate: f64,
    path: &Path,
    observe: &mut dyn FnMut(usize),
) -> Result<(), RecordingError> {
    let scene = scene(seed);
    let sensor = Sensor::Depth(camera(DemoOptions::default().image));
    let drive = Drive::new(&scene, held_out(seed), sensor, frames, rate).with_mount(mount());
    let mut recorder = Recorder::create(path, drive.sensor())?;
    for frame in drive {
        recorder.write(&frame)?;
        observe(frame.index + 1);
    }
    recorder.finish()?;
    Ok(())
}

/// A full office.
fn scene(seed: u64) -> Scene {
    Scene::generate(held_out(seed), &SceneOptions { kind: Some(RoomKind::Office), density: DENSITY, held_out: true })
}

/// A drive that looks everywhere.
fn drive<'a>(scene: &'a Scene, options: &DemoOptions) -> Drive<'a> {
    let sensor = Sensor::Depth(camera(options.image));
    Drive::new(scene, held_out(options.seed), sensor, options.frames, RATE).with_mount(mount())
}

/// A depth camera of today: 86° wide, 95 mm baseline, sub-pixel disparity.
fn camera([width, height]: [usize; 2]) -> DepthCamera {
    let mut camera = DepthCamera::new(width, height, 1.5);
    // The faults are those of the full resolution.
    let shrink = width as f32 / 640.0;
    camera.noise.baseline = 0.095;
    camera.noise.disparity = 0.05 * shrink;
    camera.noise.step = 0.04 * shrink;
    camera.noise.edge = 0.3;
    camera.noise.mixed = 0.05;
    camera
}

/// Camera on a mast, looking forward and a little down.
fn mount() -> Isometry3<f64> {
    // Columns: optical x (right) = −y of the base, optical y (down) = −z, optical z (forward) = x.
    let optical = Rotation3::from_basis_unchecked(&[-Vector3::y(), -Vector3::z(), Vector3::x()]);
    let down = UnitQuaternion::from_axis_angle(&Vector3::y_axis(), 0.35);
    Isometry3::from_parts(Translation3::new(0.1, 0.0, 1.1), down * UnitQuaternion::from_rotation_matrix(&optical))
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Verdict> {
    let frames = arguments.frames as usize;
    let model = Model::open(&model_folder(arguments.model.as_deref())?).context("the model")?;
    let options = DemoOptions { seed: arguments.seed, frames, ..DemoOptions::default() };
    let bar = progress(2 * frames as u64, "steps");
    let summary = demo(&options, &model, &arguments.out, &mut |event| match event {
        DemoEvent::Simulated(done) => bar.set_position(done as u64),
        DemoEvent::Labelled(done) => {
            bar.set_message("labelling");
            bar.set_position((frames + done) as u64);
        }
        DemoEvent::Drawing => bar.set_message("drawing"),
    })?;
    bar.finish_and_clear();
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&summary)?);
    } else {
        println!("{summary}");
    }
    Ok(Verdict::Passed)
}
