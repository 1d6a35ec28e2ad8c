//! Recordings in, labelled clouds out.
//!
//! ```text
//!  bag ─► /tf, /tf_static ─► transform buffer ─┐
//!   │                                          ▼
//!   ├─► clouds, or depth + CameraInfo ─► queue ─► decode ─► pose ─► pipeline ─► labels ─► encode ─┐
//!   └─► every message ───────────────────────────────────────────────────────────► output bag ◄──┘
//! ```
//!
//! The problem: a recording has its clouds on some topic, in some layout, in a frame that leans with
//! the sensor, and the transforms that set it upright are recorded a little later. The contract:
//!
//! * A frame waits (bounded in time, number and bytes) for what belongs to it: the transform at its
//!   very stamp, the calibration and colour of a depth image. What does not come is counted by reason;
//!   a frame without a transform is dropped and reported, never labelled in a pose that nobody stated.
//! * Without transforms, somebody must say which way is up: [`Orientation::Upright`] or
//!   [`Orientation::EstimateUp`]. Neither says how the sensor moved from one frame to the next, so each
//!   frame is then labelled by itself. The same holds when the best fixed frame is one that drives with
//!   the robot (`base_link`).
//! * The output has every input message, and the labelled clouds on [`LABELLED_TOPIC`] at the log time
//!   of the message they came from. It appears whole or not at all.
//! * Damage in the recording ends nothing: what can be read is labelled, and the damage is told.
//! * Work is counted, not timed: the same recording gives the same bytes with any number of threads.

mod bag;
mod choose;
mod error;
mod file;
mod frame;
mod load;
mod pairing;
mod picture;
mod place;
mod queue;
mod reader;
mod session;
mod summary;

use std::path::{Path, PathBuf};

use nalgebra::Isometry3;

use crate::cloud::{Cloud, Colouring, Labels};
use crate::config::Config;
use crate::engine::Engine;
use crate::network::Model;
use crate::pipeline::FrameReport;
use crate::transport::Looks;

pub(crate) use bag::chain;
pub use error::{DropReason, ReplayError};
pub use frame::{FrameDecoder, FrameParts};
pub use load::{LoadOptions, LoadedDrive, LoadedFrame, load_frames};
pub(crate) use pairing::{Companions, pair};
pub(crate) use place::{Located, Placer};
pub use summary::{Dropped, ReplaySummary};

/// Topic of the labelled clouds in the output.
pub const LABELLED_TOPIC: &str = "/instanton/labelled";

/// How clouds come into a frame whose z is up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Orientation {
    /// By the recorded transforms, into the fixed frame.
    #[default]
    Transforms,
    /// The sensor's own z is up.
    Upright,
    /// The floor of each frame says it (see [`crate::cloud::estimate_up`]).
    EstimateUp,
}

/// What the colours of the labelled clouds mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColourBy {
    /// The class, in the model's colours.
    #[default]
    Class,
    /// The instance.
    Instance,
    /// What the sensor saw.
    Sensor,
}

impl ColourBy {
    /// The same with the model's colours at hand.
    pub fn colouring(self, palette: &[[u8; 3]]) -> Colouring<'_> {
        match self {
            Self::Class => Colouring::Class(palette),
            Self::Instance => Colouring::Instance,
            Self::Sensor => Colouring::Sensor,
        }
    }
}

/// How a recording is replayed.
#[derive(Clone, Debug, Default)]
pub struct ReplayOptions {
    /// Topic of the clouds or depth images; found if absent.
    pub topic: Option<String>,
    /// How clouds are set upright.
    pub orientation: Orientation,
    /// Everything else about the run.
    pub config: Config,
    /// Colours of the labelled clouds.
    pub colour: ColourBy,
    /// Where to leave a picture (`.png`) of the map, or of the last frame where each is by itself.
    pub picture: Option<PathBuf>,
}

/// One labelled frame.
#[derive(Clone, Copy, Debug)]
pub struct ReplayedFrame<'a> {
    /// Number of the frame among those labelled, from 0.
    pub index: usize,
    /// When it was taken (ns).
    pub stamp: i64,
    /// Sensor frame → fixed frame.
    pub pose: Isometry3<f64>,
    /// Points in the sensor frame (m).
    pub cloud: &'a Cloud,
    /// Their labels.
    pub labels: &'a Labels,
    /// What was done.
    pub report: FrameReport,
}

/// What happens during a replay.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// The clouds were found.
    Started {
        /// Topic, or path of a cloud file.
        topic: &'a str,
        /// Messages of the recording, where known.
        messages: Option<u64>,
    },
    /// The fixed frame was found.
    FixedFrame {
        /// Its name.
        name: &'a str,
    },
    /// So many messages have been read.
    Progress {
        /// How many.
        messages: u64,
    },
    /// A frame was labelled.
    Frame(&'a ReplayedFrame<'a>),
    /// A frame was dropped.
    Dropped {
        /// When it was taken (ns).
        stamp: i64,
        /// Why.
        reason: &'a DropReason,
    },
}

/// Replays a recording (bag: `.mcap`, `.db3`, folder) or a cloud file (`.pcd`, `.ply`, `.npy`, `.npz`).
///
/// `output` is a bag for a bag (`.mcap`; a name without ending makes a rosbag2 folder), and `.pcd` or
/// `.ply` for a cloud file. A file may hold a whole building instead of what one sensor saw at once: the
/// default bounds of a live frame (`input.maximum_range`, `map.radius`, `blocks.maximum_per_frame`) do
/// not hold for it; bounds that were changed do.
///
/// # Errors
/// [`ReplayError`] when nothing could be done, or the result could not be written. That frames were
/// dropped or the recording is damaged is no error: the summary tells.
pub fn replay(
    input: &Path,
    output: Option<&Path>,
    model: &Model,
    options: &ReplayOptions,
    observe: &mut dyn FnMut(Event<'_>),
) -> Result<ReplaySummary, ReplayError> {
    replay_with_engines(input, output, model, options, None, observe)
}

/// As [`replay`], on other engines for the same model, one to a thread; `None`: the usual ones.
///
/// # Errors
/// As [`replay`].
pub fn replay_with_engines(
    input: &Path,
    output: Option<&Path>,
    model: &Model,
    options: &ReplayOptions,
    engines: Option<Vec<Box<dyn Engine>>>,
    observe: &mut dyn FnMut(Event<'_>),
) -> Result<ReplaySummary, ReplayError> {
    options.config.check()?;
    let looks = Looks::of(input).map_err(|source| ReplayError::Input { path: input.to_owned(), source })?;
    for place in output.into_iter().chain(options.picture.as_deref()) {
        check_place(input, place)?;
    }
    match looks {
        Looks::Pcd | Looks::Ply | Looks::Npy | Looks::Zip => {
            file::replay(input, output, model, options, engines, observe)
        }
        _ => bag::replay(input, output, model, options, engines, observe),
    }
}

/// Finds out before the work whether its result has a place to go to.
fn check_place(input: &Path, place: &Path) -> Result<(), ReplayError> {
    let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(ReplayError::NoFolder { path: place.to_owned() });
    }
    let same = |path: &Path| path.canonicalize().ok();
    if same(input).is_some() && same(input) == same(place) {
        return Err(ReplayError::OutputIsInput { path: place.to_owned() });
    }
    Ok(())
}

/// Ending of a path in small letters; empty if there is none.
fn ending(path: &Path) -> String {
    path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}
