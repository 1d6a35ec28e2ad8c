//! Memory over a ten-minute drive: resident set of the process, minute by minute.
//!
//! `cargo bench --bench memory` (an argument changes the minutes). A LiDAR robot wanders through a
//! simulated room for ten simulated minutes at 2 Hz, with a map that forgets; the network is a small
//! untrained one, since its size does not change with time. The last column must stay flat.

use instanton::cloud::Labels;
use instanton::config::Config;
use instanton::latency::StageTimes;
use instanton::network::asis::Asis;
use instanton::network::{ModelMetadata, Weights, write_model};
use instanton::pipeline::{Frame, Pipeline};
use instanton::sim::{Drive, Lidar, Scene, SceneOptions, Sensor};

/// Resident set in MiB, as Linux counts it; `None` elsewhere.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kibibytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes / 1024.0)
}

fn small_network() -> Asis {
    let mut network = Asis { points: 256, ..Asis::default() };
    for (level, points) in network.levels.iter_mut().zip([64, 32, 16, 8]) {
        level.points = points;
    }
    network
}

fn main() -> anyhow::Result<()> {
    let minutes: usize = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(10);
    let folder = tempfile::tempdir()?;
    let architecture = small_network().architecture()?;
    let parameters = Weights::untrained(&architecture, 0).fold(&architecture)?;
    let model = write_model(&folder.path().join("model"), &architecture, &parameters, &ModelMetadata::s3dis())?;
    let mut config = Config::default();
    config.map.maximum_age = 20.0;
    config.map.radius = 6.0;
    let mut pipeline = Pipeline::new(&model, config)?;

    let rate = 2.0;
    let per_minute = (60.0 * rate) as usize;
    let scene = Scene::generate(7, &SceneOptions::default());
    let drive = Drive::new(&scene, 7, Sensor::Lidar(Lidar::lidar16()), minutes * per_minute, rate);
    let (mut labels, mut blocks) = (Labels::default(), 0);
    println!("{:>6} {:>8} {:>8} {:>10} {:>14}", "minute", "frames", "blocks", "voxels", "resident (MiB)");
    for (index, frame) in drive.enumerate() {
        let cloud = frame.labelled().cloud;
        let input = Frame { cloud: &cloud, pose: frame.sensor_pose(), stamp: frame.stamp };
        let report = pipeline.process(input, &mut labels, &mut StageTimes::default());
        blocks += report.blocks;
        if (index + 1) % per_minute == 0 {
            let memory = resident().map_or("unknown".to_owned(), |mebibytes| format!("{mebibytes:.1}"));
            let (minute, frames) = ((index + 1) / per_minute, index + 1);
            println!("{minute:>6} {frames:>8} {blocks:>8} {:>10} {memory:>14}", report.voxels);
        }
    }
    Ok(())
}
