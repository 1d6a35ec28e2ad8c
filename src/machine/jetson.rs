//! What only a Jetson has: its release, its power mode, the clock of its GPU.
//!
//! The power mode is the number in `/var/lib/nvpmodel/status` (`pmode:0002`) and has its name in
//! `/etc/nvpmodel.conf` (`< POWER_MODEL ID=2 NAME=MODE_15W >`); the service `nvpmodel` writes the one and
//! reads the other.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::root::{Root, shown};

/// Names of the GPU's node in devfreq begin or end so, by generation: Nano/TX1 `57000000.gpu`, TX2
/// `17000000.gp10b`, Xavier `17000000.gv11b`, Orin `17000000.ga10b` or `17000000.gpu`.
const GPU: [&str; 4] = [".gpu", ".gp10b", ".gv11b", ".ga10b"];

/// A Jetson's state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Jetson {
    /// Release of Linux for Tegra, as its own file says it.
    pub release: Option<String>,
    /// What power the module may draw.
    pub power_mode: Option<PowerMode>,
    /// The GPU's clock.
    pub gpu: Option<GpuClock>,
}

/// One of the power modes of `nvpmodel`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PowerMode {
    /// Its number.
    pub id: u32,
    /// Its name, where the configuration has it.
    pub name: Option<String>,
}

/// Clock of the GPU.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GpuClock {
    /// Now (MHz).
    pub now: Option<f64>,
    /// The highest that is allowed (MHz).
    pub highest: Option<f64>,
    /// Who sets it.
    pub governor: Option<String>,
}

impl fmt::Display for PowerMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} ({})", self.id),
            None => write!(f, "{}", self.id),
        }
    }
}

impl Jetson {
    /// `None` where neither the board's name nor a file of NVIDIA's says that this is one.
    pub(super) fn read(root: &Root<'_>, board: Option<&str>) -> Option<Self> {
        let release = root.line("etc/nv_tegra_release").map(|line| line.trim_start_matches("# ").to_owned());
        if release.is_none() && !board.is_some_and(|board| board.to_ascii_lowercase().contains("jetson")) {
            return None;
        }
        Some(Self { release, power_mode: power_mode(root), gpu: gpu(root) })
    }
}

fn power_mode(root: &Root<'_>) -> Option<PowerMode> {
    let status = root.text("var/lib/nvpmodel/status")?;
    let mode = status.split_whitespace().find_map(|word| word.strip_prefix("pmode:"))?;
    let id: u32 = mode.parse().ok()?;
    let name = root.text("etc/nvpmodel.conf").and_then(|configuration| name_of(id, &configuration));
    Some(PowerMode { id, name })
}

/// The name of a mode in nvpmodel's configuration.
fn name_of(id: u32, configuration: &str) -> Option<String> {
    configuration.lines().find_map(|line| {
        let mode = line.trim().strip_prefix('<')?.strip_suffix('>')?.trim().strip_prefix("POWER_MODEL")?;
        let value = |key: &str| mode.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
        let is_it = value("ID")?.parse::<u32>().ok()? == id;
        is_it.then(|| value("NAME").and_then(shown)).flatten()
    })
}

fn gpu(root: &Root<'_>) -> Option<GpuClock> {
    let nodes = root.entries("sys/class/devfreq", "");
    let is_gpu = |name: &str| GPU.iter().any(|ending| name.ends_with(ending));
    let node = nodes.into_iter().find(|node| node.file_name().and_then(|name| name.to_str()).is_some_and(is_gpu))?;
    let megahertz = |file: &str| root.number(node.join(file)).map(|hertz| hertz as f64 / 1e6);
    Some(GpuClock {
        now: megahertz("cur_freq"),
        highest: megahertz("max_freq"),
        governor: root.line(node.join("governor")),
    })
}
