//! Temperatures: thermal zones (every Jetson and most ARM boards), else hardware monitors (`coretemp`,
//! `k10temp` of x86).

use serde::{Deserialize, Serialize};

use super::root::Root;

/// What a sensor may say (°C). Zones that are switched off say −256 or 0.
const CREDIBLE: std::ops::RangeInclusive<f64> = -40.0..=150.0;

/// What one sensor says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Temperature {
    /// Name of the zone: `cpu-thermal`, `CPU-therm`, `x86_pkg_temp`, `k10temp`.
    pub zone: String,
    /// Degrees Celsius.
    pub celsius: f64,
}

/// All that tell something credible.
pub(super) fn read(root: &Root<'_>) -> Vec<Temperature> {
    let zones = root.entries("sys/class/thermal", "thermal_zone").into_iter();
    let zones: Vec<_> =
        zones.filter_map(|zone| one(root.line(zone.join("type")), root.number(zone.join("temp")))).collect();
    if !zones.is_empty() {
        return zones;
    }
    let monitors = root.entries("sys/class/hwmon", "hwmon").into_iter();
    monitors.filter_map(|chip| one(root.line(chip.join("name")), root.number(chip.join("temp1_input")))).collect()
}

fn one(zone: Option<String>, millidegrees: Option<i64>) -> Option<Temperature> {
    let celsius = millidegrees? as f64 / 1e3;
    CREDIBLE.contains(&celsius).then_some(Temperature { zone: zone?, celsius })
}
