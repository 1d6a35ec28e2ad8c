//! Governor and clocks of the cores, from sysfs' cpufreq. Virtual machines have none.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::root::Root;

/// How fast a core may run, and who decides.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Frequency {
    /// Number of the core.
    pub core: usize,
    /// Who sets the clock: `performance`, `schedutil`, `powersave`.
    pub governor: Option<String>,
    /// Highest clock that the governor may set (MHz).
    pub highest: Option<f64>,
    /// Highest clock of the hardware (MHz); above `highest` when somebody, or a power mode, has lowered that.
    pub hardware: Option<f64>,
}

impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "governor {}", self.governor.as_deref().unwrap_or("unknown"))?;
        self.highest.map_or(Ok(()), |megahertz| write!(f, ", up to {megahertz:.0} MHz"))
    }
}

/// One entry for each core whose clock is told.
pub(super) fn read(root: &Root<'_>) -> Vec<Frequency> {
    let cores = root.entries("sys/devices/system/cpu", "cpu").into_iter().filter_map(|folder| {
        let core: usize = folder.file_name()?.to_str()?.strip_prefix("cpu")?.parse().ok()?;
        let megahertz =
            |file: &str| root.number(folder.join("cpufreq").join(file)).map(|kilohertz| kilohertz as f64 / 1e3);
        let frequency = Frequency {
            core,
            governor: root.line(folder.join("cpufreq/scaling_governor")),
            highest: megahertz("scaling_max_freq"),
            hardware: megahertz("cpuinfo_max_freq"),
        };
        let told = frequency.governor.is_some() || frequency.highest.is_some() || frequency.hardware.is_some();
        told.then_some(frequency)
    });
    cores.collect()
}

/// The clock of each core now (MHz), in the order of the cores that tell.
pub(super) fn now(root: &Root<'_>) -> Vec<f64> {
    let clock = |folder: std::path::PathBuf| root.number(folder.join("cpufreq/scaling_cur_freq"));
    let cores = root.entries("sys/devices/system/cpu", "cpu").into_iter().filter_map(clock);
    cores.map(|kilohertz| kilohertz as f64 / 1e3).collect()
}
