//! A whole room: what a block costs beside its network, and the seeds' test code on the same room.

use std::path::Path;
use std::time::Instant;

use instanton::cloud::{LabelledCloud, Labels};
use instanton::config::Config;
use instanton::engine::{Engine, NativeEngine};
use instanton::evaluation::{Evaluator, MeanInstanceSize, Procedure, unbounded};
use instanton::latency::{Stage, StageTimes};
use instanton::network::Model;
use instanton::pipeline::{Frame, Pipeline, windowing};
use instanton::transport::write_room;
use nalgebra::Isometry3;

use crate::python;
use crate::rounds::median;

/// Seed of the reference's sampling.
const SAMPLING_SEED: u64 = 0;

/// What came out.
pub struct Figures {
    /// Sample, plan, network, clusters, speakers and merging, in parts of the network.
    pub whole_block: f64,
    /// Seconds of the seeds' pipeline over those of our live labelling; NaN where it could not run.
    pub live: f64,
    /// The same, over those of our reference protocol, which does what the seeds do.
    pub reference: f64,
}

/// One engine, for one thread.
fn engines(model: &Model) -> Vec<Box<dyn Engine>> {
    vec![Box::new(NativeEngine::new(model).expect("a shipped model"))]
}

struct Live {
    seconds: f64,
    times: StageTimes,
    blocks: usize,
    instances: usize,
}

/// The room through the robot's own pipeline, as one frame.
fn live(model: &Model, room: &LabelledCloud) -> Live {
    let config = unbounded(&Config::default());
    let mut pipeline = Pipeline::with_engines(model, config, engines(model)).expect("a shipped model");
    let (mut labels, mut times) = (Labels::default(), StageTimes::default());
    let frame = Frame { cloud: &room.cloud, pose: Isometry3::identity(), stamp: 0 };
    let start = Instant::now();
    let report = pipeline.process(frame, &mut labels, &mut times);
    Live { seconds: start.elapsed().as_secs_f64(), times, blocks: report.blocks, instances: report.instances }
}

/// The room as the seeds' test code labels it, by us. Seconds, scoring included.
fn reference(model: &Model, room: &LabelledCloud, sizes: &[f64]) -> (f64, usize) {
    let procedure = Procedure::Reference { seed: SAMPLING_SEED, mean_instance_size: sizes.to_vec() };
    let mut evaluator = Evaluator::new(model, procedure, &Config::default(), engines(model)).expect("a shipped model");
    let start = Instant::now();
    let report = evaluator.add_room(room).expect("a simulated room is as the seeds want it");
    (start.elapsed().as_secs_f64(), report.instances)
}

/// Runs all three, ours before and after theirs, and prints what they took.
pub fn compare(model: &Model, room: &LabelledCloud, folder: &Path, parts: &str) -> Figures {
    let mut sizes = MeanInstanceSize::new(windowing(model), model.manifest().classes.len(), SAMPLING_SEED);
    sizes.add_room(room).expect("a simulated room has blocks");
    let sizes = sizes.finish();
    let (mut lives, mut references) = (Vec::new(), Vec::new());
    let mut ours = || {
        lives.push(live(model, room));
        references.push(reference(model, room, &sizes));
    };
    ours();
    let theirs = seeds(room, folder, parts, &sizes);
    ours();
    ours();

    let of = |live: &Live, stages: &[Stage]| -> f64 {
        stages.iter().map(|&stage| live.times.of(stage).as_secs_f64()).sum::<f64>() * 1e3 / live.blocks as f64
    };
    let stages = [Stage::Network, Stage::Blocks, Stage::Geometry, Stage::Grouping, Stage::Merging];
    let each: Vec<f64> =
        stages.iter().map(|&stage| median(&lives.iter().map(|live| of(live, &[stage])).collect::<Vec<_>>())).collect();
    let wholes: Vec<f64> = lives.iter().map(|live| of(live, &stages) / of(live, &stages[..1])).collect();
    let whole_block = median(&wholes);
    println!("## Whole block, cloud to labels\n");
    println!(
        "{} blocks of a simulated room of {} points, one thread, mean of a block in ms: network {:.1}, sample and \
         speakers {:.1}, geometry plan {:.1}, clusters {:.1}, merging {:.1}. Together {whole_block:.2} times the network.\n",
        lives[0].blocks,
        room.cloud.len(),
        each[0],
        each[1],
        each[2],
        each[3],
        each[4]
    );

    println!(
        "## The seeds' pipeline on the same room\n\n| | s | blocks | ms a block | instances |\n|---|---|---|---|---|"
    );
    let live_seconds = median(&lives.iter().map(|live| live.seconds).collect::<Vec<_>>());
    let reference_seconds = median(&references.iter().map(|(seconds, _)| *seconds).collect::<Vec<_>>());
    let row = |what: &str, seconds: f64, blocks: usize, instances: usize| {
        println!("| {what} | {seconds:.1} | {blocks} | {:.1} | {instances} |", seconds * 1e3 / blocks as f64);
    };
    row("ours, live (every point labelled)", live_seconds, lives[0].blocks, lives[0].instances);
    match &theirs {
        Ok(theirs) => {
            row("ours, reference protocol, scored too", reference_seconds, theirs.blocks, references[0].1);
            row("the seeds', Python", theirs.seconds, theirs.blocks, theirs.instances);
            println!(
                "\nTheirs, by stage: {} ({} blocks had too many clusters for their table).\n",
                theirs.stages, theirs.skipped
            );
        }
        Err(error) => println!("\nThe seeds' pipeline is left out: {error}\n"),
    }
    let seconds = theirs.map_or(f64::NAN, |theirs| theirs.seconds);
    Figures { whole_block, live: seconds / live_seconds, reference: seconds / reference_seconds }
}

struct Seeds {
    seconds: f64,
    blocks: usize,
    skipped: usize,
    instances: usize,
    stages: String,
}

/// Runs `seeds.py` on the room.
fn seeds(room: &LabelledCloud, folder: &Path, parts: &str, sizes: &[f64]) -> Result<Seeds, String> {
    let file = folder.join("room.npy");
    write_room(&file, room).map_err(|error| error.to_string())?;
    let sizes = serde_json::to_string(sizes).map_err(|error| error.to_string())?;
    let output = python::interpreter()
        .arg(python::script("seeds.py"))
        .arg(&file)
        .arg(folder.join(parts))
        .arg(sizes)
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or("no message").to_owned());
    }
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let count = |key: &str| said[key].as_u64().unwrap_or(0) as usize;
    let stages = said["stages"].as_object().into_iter().flatten();
    let stages: Vec<String> =
        stages.map(|(stage, seconds)| format!("{stage} {:.1} s", seconds.as_f64().unwrap_or(f64::NAN))).collect();
    Ok(Seeds {
        seconds: said["seconds"].as_f64().unwrap_or(f64::NAN),
        blocks: count("blocks"),
        skipped: count("skipped"),
        instances: count("instances"),
        stages: stages.join(", "),
    })
}
