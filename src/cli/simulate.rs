//! `instanton simulate`: drives as bags and rooms as files, with exact truth.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};

use super::Verdict;
use crate::recording::{Recorder, RecordingError, held_out, scan_held_out};
use crate::sim::{DepthCamera, Drive, LibraryError, Lidar, MeshLibrary, Scene, SceneOptions, Sensor};
use crate::transport::{FileError, Written, write_room};

/// Arguments of `instanton simulate`.
#[derive(Debug, clap::Args)]
#[command(
    group(clap::ArgGroup::new("what").required(true).args(["sensor", "rooms"])),
    after_help = "Rooms and drives come from seeds that no training has seen.\n\nExamples:\n  \
        instanton simulate --seed 7 --sensor depth --out drive.mcap       # a drive with a depth camera\n  \
        instanton simulate --sensor lidar64 --frames 100 --rate 10 --out sweep.mcap\n  \
        instanton simulate --rooms 20 --seed 100 --out rooms              # rooms/room_000100.npy, …"
)]
pub(super) struct Arguments {
    /// Seed of the drive, or of the first room: the same seed gives the same bytes.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(..1 << 62))]
    seed: u64,
    /// Record a drive with this sensor as an `.mcap`: clouds, images, transforms, truth.
    #[arg(long, value_enum)]
    sensor: Option<SensorChoice>,
    /// Write this many scanned rooms as `.npy`: columns x y z r g b class instance.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rooms: Option<u32>,
    /// Frames of the drive.
    #[arg(long, default_value_t = 30, conflicts_with = "rooms", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    frames: u32,
    /// Frames per second.
    #[arg(long, default_value_t = 2.0, conflicts_with = "rooms")]
    rate: f64,
    /// How much furniture: 0 = empty, 1 = tidy, 2 = crowded.
    #[arg(long, default_value_t = 1.5)]
    density: f32,
    /// Folder of Sweet Home 3D catalogues (models/training/fetch_meshes.sh): real furniture among the parametric.
    #[arg(long, conflicts_with = "sensor")]
    meshes: Option<PathBuf>,
    /// The `.mcap` to write, or the folder for the rooms (absent or empty).
    #[arg(long)]
    out: PathBuf,
}

/// A sensor to simulate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SensorChoice {
    /// Depth camera of 640 × 480 with colour.
    Depth,
    /// LiDAR of 16 rings.
    Lidar16,
    /// LiDAR of 64 rings.
    Lidar64,
}

impl SensorChoice {
    /// The sensor.
    pub fn sensor(self) -> Sensor {
        match self {
            Self::Depth => Sensor::Depth(DepthCamera::kinect()),
            Self::Lidar16 => Sensor::Lidar(Lidar::lidar16()),
            Self::Lidar64 => Sensor::Lidar(Lidar::lidar64()),
        }
    }
}

/// A drive to record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DriveOptions {
    /// Seed of the room and of the drive.
    pub seed: u64,
    /// What the robot carries.
    pub sensor: SensorChoice,
    /// How many frames.
    pub frames: usize,
    /// Frames per second.
    pub rate: f64,
    /// How much furniture: [`SceneOptions::density`].
    pub density: f32,
}

/// Why nothing was simulated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulateError {
    /// The drive could not be recorded.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// A room could not be written.
    #[error(transparent)]
    Room(#[from] FileError),
    /// The furniture cannot be read.
    #[error(transparent)]
    Meshes(#[from] LibraryError),
    /// The output's name says that it is something else.
    #[error("{}: expected a name that ends in .mcap", path.display())]
    Ending {
        /// The name.
        path: PathBuf,
    },
    /// The folder for the rooms is in use.
    #[error("{}: expected a name that is free, or an empty folder", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
    /// The folder for the rooms cannot be made or looked into.
    #[error("{}: cannot write here", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A value that no simulation has.
    #[error("{what}: expected {expected}, found {actual}")]
    Value {
        /// Which.
        what: &'static str,
        /// What would be right.
        expected: &'static str,
        /// What came.
        actual: f64,
    },
}

/// Records a drive through a held-out room at `out`. `observe` hears of every frame written.
///
/// # Errors
/// [`SimulateError`]; nothing is left at `out` then, and what was there before is untouched.
pub fn simulate_drive(
    options: &DriveOptions,
    out: &Path,
    observe: &mut dyn FnMut(usize),
) -> Result<Written, SimulateError> {
    if out.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("mcap")) {
        return Err(SimulateError::Ending { path: out.to_owned() });
    }
    if !(options.rate > 0.0 && options.rate <= 1000.0) {
        return Err(SimulateError::Value { what: "rate", expected: "above 0, at most 1000", actual: options.rate });
    }
    check_density(options.density)?;
    let sensor = options.sensor.sensor();
    let mut recorder = Recorder::create(out, &sensor)?;
    let seed = held_out(options.seed);
    let scene =
        Scene::generate(seed, &SceneOptions { density: options.density, held_out: true, ..SceneOptions::default() });
    for frame in Drive::new(&scene, seed, sensor, options.frames, options.rate) {
        recorder.write(&frame)?;
        observe(frame.index);
    }
    Ok(recorder.finish()?)
}

/// Writes `count` held-out rooms, from `seed` on, as `room_<seed>.npy` into the folder `out`.
/// `observe` hears of every room written and its points.
///
/// # Errors
/// [`SimulateError`]. Rooms that are complete by then stay.
pub fn simulate_rooms(
    seed: u64,
    count: u32,
    density: f32,
    meshes: Option<&Arc<MeshLibrary>>,
    out: &Path,
    observe: &mut dyn FnMut(usize),
) -> Result<(), SimulateError> {
    check_density(density)?;
    let failed = |source| SimulateError::Folder { path: out.to_owned(), source };
    if out.symlink_metadata().is_ok() {
        let is_empty = out.is_dir() && std::fs::read_dir(out).map_err(failed)?.next().is_none();
        if !is_empty {
            return Err(SimulateError::Occupied { path: out.to_owned() });
        }
    }
    std::fs::create_dir_all(out).map_err(failed)?;
    for seed in (seed..).take(count as usize) {
        let room = scan_held_out(seed, density, meshes);
        write_room(&out.join(format!("room_{seed:06}.npy")), &room)?;
        observe(room.cloud.len());
    }
    Ok(())
}

fn check_density(density: f32) -> Result<(), SimulateError> {
    if (0.0..=4.0).contains(&density) {
        return Ok(());
    }
    Err(SimulateError::Value { what: "density", expected: "0 to 4", actual: density.into() })
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Verdict> {
    let Arguments { seed, rooms, density, ref out, .. } = *arguments;
    let Some(sensor) = arguments.sensor else {
        let count = rooms.context("clap asks for --sensor or --rooms")?;
        let library = arguments.meshes.as_deref().map(MeshLibrary::load).transpose()?.map(Arc::new);
        if let Some(library) = &library {
            let (used, rejected) = (library.len(), library.rejected().len());
            eprintln!("{used} models of furniture; {rejected} more are broken or too large");
            for error in library.rejected() {
                log::debug!("{error}");
            }
        }
        let bar = progress(count.into(), "rooms");
        let mut points = 0;
        simulate_rooms(seed, count, density, library.as_ref(), out, &mut |more| {
            points += more;
            bar.inc(1);
        })?;
        bar.finish_and_clear();
        println!("{}: {count} rooms with {points} points", out.display());
        return Ok(Verdict::Passed);
    };
    let frames = arguments.frames as usize;
    let options = DriveOptions { seed, sensor, frames, rate: arguments.rate, density };
    let bar = progress(frames as u64, "frames");
    let written = simulate_drive(&options, out, &mut |_| bar.inc(1))?;
    bar.finish_and_clear();
    println!("{}: {frames} frames", written.path.display());
    for (topic, count) in &written.topics {
        println!("  {:<28} {:<28} {count}", topic.name, topic.type_name);
    }
    Ok(Verdict::Passed)
}

/// A bar on stderr; silent where stderr is no terminal.
pub(super) fn progress(length: u64, unit: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:>12} [{bar:40}] {pos}/{len} {prefix} {elapsed} (left: {eta})");
    let bar = ProgressBar::new(length).with_prefix(unit).with_message("simulating");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "))
}
