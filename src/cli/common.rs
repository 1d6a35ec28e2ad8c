//! Arguments that several verbs have.

use std::path::{Path, PathBuf};

use crate::config::{Config, ConfigError};
use crate::engine::EngineKind;
use crate::replay::Orientation;
use crate::scheduling::{Scheduling, SchedulingError};

/// The configuration of a file, or the usual one.
pub(super) fn config_of(path: Option<&Path>) -> Result<Config, ConfigError> {
    path.map_or_else(|| Ok(Config::default()), Config::open)
}

/// What labels.
#[derive(Debug, clap::Args)]
pub(super) struct LabellingArguments {
    /// Model folder [default: $INSTANTON_MODEL, else the shipped model].
    #[arg(long)]
    pub(super) model: Option<PathBuf>,
    /// Configuration (TOML).
    #[arg(long)]
    pub(super) config: Option<PathBuf>,
    /// What runs the network.
    #[arg(long, value_enum, default_value_t = EngineKind::default())]
    pub(super) engine: EngineKind,
    /// Threads that run blocks; 0: one per core [default: the configuration's].
    #[arg(long)]
    threads: Option<usize>,
}

impl LabellingArguments {
    /// The configuration, with what was said beside it.
    pub(super) fn config(&self) -> Result<Config, ConfigError> {
        let mut config = config_of(self.config.as_deref())?;
        config.blocks.threads = self.threads.unwrap_or(config.blocks.threads);
        Ok(config)
    }
}

/// Which way is up where no transforms tell.
#[derive(Debug, clap::Args)]
pub(super) struct OrientationArguments {
    /// The sensor's own z is up; transforms are not used, each frame is labelled by itself.
    #[arg(long, conflicts_with = "estimate_up")]
    upright: bool,
    /// The floor of each frame says which way is up; each frame is labelled by itself.
    #[arg(long)]
    estimate_up: bool,
}

impl OrientationArguments {
    pub(super) fn orientation(&self) -> Orientation {
        orientation(self.upright, self.estimate_up)
    }
}

/// What two switches that exclude each other mean.
pub(super) fn orientation(upright: bool, estimate_up: bool) -> Orientation {
    match (upright, estimate_up) {
        (true, _) => Orientation::Upright,
        (_, true) => Orientation::EstimateUp,
        _ => Orientation::Transforms,
    }
}

/// How the threads of the pipeline run.
#[derive(Debug, clap::Args)]
pub(super) struct SchedulingArguments {
    /// Cores for the pipeline, such as 2,3.
    #[arg(long, value_delimiter = ',')]
    cores: Vec<usize>,
    /// Run the pipeline in the real-time class at this priority, 1 to 99.
    #[arg(long, value_name = "PRIORITY")]
    realtime: Option<u8>,
    /// Keep all memory from being paged out.
    #[arg(long)]
    lock_memory: bool,
}

impl SchedulingArguments {
    /// What was asked for, tried out; memory is not locked yet.
    ///
    /// # Errors
    /// [`SchedulingError`]: what the system forbids.
    pub(super) fn rehearsed(&self) -> Result<Scheduling, SchedulingError> {
        let scheduling =
            Scheduling { cores: self.cores.clone(), realtime: self.realtime, lock_memory: self.lock_memory };
        scheduling.rehearse()?;
        Ok(scheduling)
    }
}
