//! One configuration for everything; nobody needs to write one.
//!
//! The defaults below are the effective values. A TOML file may change any of them; a key that
//! does not exist is an error that names the keys that do.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::grouping::{DEFAULT_BUDGET, LiveMergeRules};
use crate::map::MapOptions;

/// A frame that may take longer than this has no deadline (ms).
const LONGEST_DEADLINE: f64 = 60_000.0;

/// Everything that a user may change about a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What of the sensor's output is used.
    pub input: InputConfig,
    /// What the robot remembers.
    pub map: MapConfig,
    /// Which windows of the map are labelled.
    pub blocks: BlockConfig,
    /// How embeddings become instances.
    pub grouping: GroupingConfig,
    /// How much time a frame has, where frames arrive by themselves. Recordings are replayed by counts
    /// and do not look at it.
    pub latency: LatencyConfig,
}

/// What of the sensor's output is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InputConfig {
    /// Gravity-aligned frame in which the map lives. Empty: the first of `map`, `odom`, `world`,
    /// `base_link`, `base_footprint` that the transforms know.
    pub fixed_frame: String,
    /// Returns closer than this to the sensor are ignored (m).
    pub minimum_range: f32,
    /// Returns farther than this from the sensor are ignored (m).
    pub maximum_range: f32,
}

/// What the robot remembers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MapConfig {
    /// Edge of a voxel (m).
    pub voxel: f32,
    /// How far around the robot the map reaches (m).
    pub radius: f32,
    /// How long an unseen voxel is remembered (s).
    pub maximum_age: f64,
    /// Most voxels in memory.
    pub maximum_voxels: usize,
    /// Forget the map before every frame.
    pub single_frame: bool,
}

/// Which windows of the map are labelled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BlockConfig {
    /// Windows with fewer voxels than this wait for more.
    pub minimum_points: usize,
    /// A window is labelled again when its voxel count changed by this fraction.
    pub changed_fraction: f32,
    /// Most windows labelled in one frame, those that changed most first; the rest keep their
    /// labels and their turn.
    pub maximum_per_frame: usize,
    /// Threads that run blocks side by side. 0: one per core.
    pub threads: usize,
}

/// How embeddings become instances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GroupingConfig {
    /// A cluster that meets no known instance founds one when it has this many points.
    pub minimum_points: u32,
    /// Clusters with fewer points than this are fringe: their points join a large cluster nearby.
    pub fringe_points: u32,
    /// How far a fringe point looks for a large cluster, in bandwidths.
    pub fringe_reach: f64,
    /// A cluster that holds this part of each of two instances, within its block, unites them; above
    /// 1 nothing is ever united.
    pub unite_fraction: f64,
    /// Instances with fewer voxels than this are not shown.
    pub minimum_instance: usize,
    /// Most distances that a block's mean-shift may compute before its answer is cut short
    /// ([`crate::grouping::MeanShift`]). 0: as many as it takes.
    pub mean_shift_budget: u64,
}

/// How much time a frame has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LatencyConfig {
    /// Time between the arrival of a frame and its labels (ms). What cannot be labelled in time keeps its
    /// older labels. 0: as long as it takes.
    pub deadline_ms: f64,
    /// Part of that time which no stage gets (ms): for what nobody can foresee, such as a thread that is
    /// woken late.
    pub margin_ms: f64,
    /// How far ahead along its path the robot's surroundings count as near (s).
    pub look_ahead: f64,
}

impl Default for LatencyConfig {
    fn default() -> Self {
        Self { deadline_ms: 100.0, margin_ms: 2.0, look_ahead: 2.0 }
    }
}

impl LatencyConfig {
    /// The deadline after arrival, if there is one.
    pub fn deadline(&self) -> Option<Duration> {
        (self.deadline_ms > 0.0).then(|| milliseconds(self.deadline_ms))
    }

    /// The margin.
    pub fn margin(&self) -> Duration {
        milliseconds(self.margin_ms)
    }
}

/// A time in milliseconds; none for what is no time.
pub(crate) fn milliseconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value / 1e3).unwrap_or_default()
}

impl Default for InputConfig {
    fn default() -> Self {
        Self { fixed_frame: String::new(), minimum_range: 0.1, maximum_range: 12.0 }
    }
}

impl Default for MapConfig {
    fn default() -> Self {
        Self { voxel: 0.025, radius: 12.0, maximum_age: 60.0, maximum_voxels: 1_000_000, single_frame: false }
    }
}

impl Default for BlockConfig {
    fn default() -> Self {
        Self { minimum_points: 100, changed_fraction: 0.2, maximum_per_frame: 400, threads: 0 }
    }
}

impl Default for GroupingConfig {
    fn default() -> Self {
        Self {
            minimum_points: 30,
            fringe_points: 30,
            fringe_reach: 2.0,
            unite_fraction: 0.8,
            minimum_instance: 40,
            mean_shift_budget: DEFAULT_BUDGET,
        }
    }
}

impl GroupingConfig {
    /// The budget of a block's mean-shift.
    pub fn budget(&self) -> u64 {
        if self.mean_shift_budget == 0 { u64::MAX } else { self.mean_shift_budget }
    }

    /// The rules by which blocks are merged into the map.
    pub fn rules(&self) -> LiveMergeRules {
        LiveMergeRules {
            minimum_points: self.minimum_points,
            unite_fraction: self.unite_fraction,
            ..LiveMergeRules::default()
        }
    }
}

impl MapConfig {
    /// The same as the map's own options.
    pub fn options(&self) -> MapOptions {
        MapOptions {
            voxel: self.voxel,
            radius: self.radius,
            maximum_age: self.maximum_age,
            maximum_voxels: self.maximum_voxels,
        }
    }
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file could not be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not TOML, or has a key or type that does not exist.
    #[error("{}: {source}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and what, in the parser's words.
        source: Box<toml::de::Error>,
    },
    /// A value that makes no sense.
    #[error("{key} = {actual}: expected {expected}")]
    Value {
        /// The offending key.
        key: &'static str,
        /// What would be right.
        expected: &'static str,
        /// What came.
        actual: String,
    },
}

impl Config {
    /// Reads and checks a TOML file.
    pub fn open(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let config: Self = toml::from_str(&text)
            .map_err(|source| ConfigError::Syntax { path: path.to_owned(), source: Box::new(source) })?;
        config.check()?;
        Ok(config)
    }

    /// Refuses values that no run could mean.
    pub fn check(&self) -> Result<(), ConfigError> {
        let positive = |key, value: f64| {
            if value.is_finite() && value > 0.0 {
                return Ok(());
            }
            Err(ConfigError::Value { key, expected: "a finite number above 0", actual: value.to_string() })
        };
        positive("map.voxel", self.map.voxel.into())?;
        positive("map.radius", self.map.radius.into())?;
        positive("map.maximum_age", self.map.maximum_age)?;
        positive("map.maximum_voxels", self.map.maximum_voxels as f64)?;
        positive("input.maximum_range", self.input.maximum_range.into())?;
        positive("blocks.minimum_points", self.blocks.minimum_points as f64)?;
        positive("blocks.maximum_per_frame", self.blocks.maximum_per_frame as f64)?;
        let bounded = |key, value: f64, most: f64, expected| {
            if (0.0..=most).contains(&value) {
                return Ok(());
            }
            Err(ConfigError::Value { key, expected, actual: value.to_string() })
        };
        let LatencyConfig { deadline_ms, margin_ms, look_ahead } = self.latency;
        bounded("latency.deadline_ms", deadline_ms, LONGEST_DEADLINE, "0 (none) to 60000")?;
        let most = if deadline_ms > 0.0 { deadline_ms } else { LONGEST_DEADLINE };
        bounded("latency.margin_ms", margin_ms, most, "0 to latency.deadline_ms")?;
        bounded("latency.look_ahead", look_ahead, 60.0, "0 to 60")?;
        if !(self.input.minimum_range >= 0.0 && self.input.minimum_range < self.input.maximum_range) {
            return Err(ConfigError::Value {
                key: "input.minimum_range",
                expected: "between 0 and input.maximum_range",
                actual: self.input.minimum_range.to_string(),
            });
        }
        if !(self.blocks.changed_fraction >= 0.0 && self.blocks.changed_fraction.is_finite()) {
            return Err(ConfigError::Value {
                key: "blocks.changed_fraction",
                expected: "0 or more",
                actual: self.blocks.changed_fraction.to_string(),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_pass_their_own_check_and_survive_a_round_trip() {
        let config = Config::default();
        config.check().expect("defaults are sound");
        let text = toml::to_string(&config).expect("serialisable");
        assert_eq!(toml::from_str::<Config>(&text).expect("readable"), config);
    }

    #[test]
    fn unknown_keys_are_named_with_the_known_ones() {
        let error = toml::from_str::<Config>("[map]\nradus = 3.0").expect_err("no such key").to_string();
        assert!(error.contains("radus") && error.contains("radius"), "{error}");
    }

    #[test]
    fn senseless_values_are_refused_by_key() {
        let mut config = Config::default();
        config.map.voxel = f32::NAN;
        let error = config.check().expect_err("NaN voxels").to_string();
        assert!(error.contains("map.voxel"), "{error}");
        let config = |latency| Config { latency, ..Config::default() };
        for (key, latency) in [
            ("latency.deadline_ms", LatencyConfig { deadline_ms: -1.0, ..LatencyConfig::default() }),
            ("latency.deadline_ms", LatencyConfig { deadline_ms: f64::NAN, ..LatencyConfig::default() }),
            ("latency.margin_ms", LatencyConfig { margin_ms: 101.0, ..LatencyConfig::default() }),
            ("latency.look_ahead", LatencyConfig { look_ahead: f64::INFINITY, ..LatencyConfig::default() }),
        ] {
            let error = config(latency).check().expect_err("senseless").to_string();
            assert!(error.contains(key), "{error}");
        }
        let none = LatencyConfig { deadline_ms: 0.0, ..LatencyConfig::default() };
        assert_eq!(none.deadline(), None);
        config(none).check().expect("no deadline is sound");
    }
}
