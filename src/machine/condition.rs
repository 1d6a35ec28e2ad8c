//! What changes while a machine works: sampled during a run.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::root::Root;
use super::{Temperature, frequency, temperature};

/// The state of the machine, and of this process in it, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Condition {
    /// Resident set of this process (MiB).
    pub resident: Option<f64>,
    /// The largest that it ever was (MiB).
    pub peak_resident: Option<f64>,
    /// Clock of each core that tells (MHz).
    pub clocks: Vec<f64>,
    /// Temperatures.
    pub temperatures: Vec<Temperature>,
    /// Threads that run or want to, mean over a minute: above the number of cores the machine is shared.
    pub load: Option<f64>,
    /// Share of the processors' time since they started that a hypervisor gave to others.
    pub stolen: Option<f64>,
}

impl Condition {
    /// Of this machine, now.
    pub fn now() -> Self {
        Self::read(Path::new("/"))
    }

    /// Of the machine whose files lie under `root`.
    pub fn read(root: &Path) -> Self {
        let root = Root::new(root);
        let mebibytes = |key| root.kibibytes("proc/self/status", key).map(|kibibytes| kibibytes as f64 / 1024.0);
        Self {
            resident: mebibytes("VmRSS:"),
            peak_resident: mebibytes("VmHWM:"),
            clocks: frequency::now(&root),
            temperatures: temperature::read(&root),
            load: root.line("proc/loadavg").and_then(|line| line.split_whitespace().next()?.parse().ok()),
            stolen: stolen(&root),
        }
    }

    /// The hottest that any sensor says (°C).
    pub fn hottest(&self) -> Option<f64> {
        self.temperatures.iter().map(|temperature| temperature.celsius).reduce(f64::max)
    }
}

/// The eighth number of the first line of `/proc/stat`, over the sum of the first eight (the rest are counted
/// twice by the kernel).
fn stolen(root: &Root<'_>) -> Option<f64> {
    let line = root.line("proc/stat")?;
    let ticks: Option<Vec<u64>> =
        line.strip_prefix("cpu ")?.split_whitespace().take(8).map(|it| it.parse().ok()).collect();
    let ticks = ticks.filter(|ticks| ticks.len() == 8)?;
    let all: u64 = ticks.iter().sum();
    (all > 0).then(|| ticks[7] as f64 / all as f64)
}
