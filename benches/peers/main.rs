//! Our engines against their peers on the same machine in the same run: tract, ONNX Runtime, PyTorch, and the seeds'
//! whole pipeline in Python.
//!
//! `INSTANTON_PYTHON=python3 cargo bench --bench peers` (`-- --quick`: fewer rounds; `-- --room 3`: another room;
//! `-- --only jsnet`: one section: `asis-pointnet2`, `int8`, `jsnet`, `asis-pointnet`, `stages` or `room`). Python needs
//! `benches/peers/requirements.txt`; what it lacks is left out, and said so. Everything runs on one thread.
//!
//! Contenders take turns: in every round each of them runs the same block once, and ratios are medians over the rounds
//! of one time over the other. Times are medians. Blocks are full windows of a simulated room that no training saw;
//! the networks have the parameters of the shipped models. A geometry plan is made beforehand and belongs to no
//! engine's time. tract, ONNX Runtime and PyTorch run the network with every exact rewrite (`design/inference.md`); the
//! seeds' pipeline runs it as the papers write it.

mod blocks;
mod exchange;
mod networks;
mod peak;
mod python;
mod rooms;
mod rounds;
mod stages;
mod targets;
mod work;

use std::cell::RefCell;

use instanton::instruction_set::InstructionSet;
use instanton::network::PartRole;

use blocks::{Case, model, room, samples};
use python::Peers;
use targets::Targets;

/// The networks in fp32: name, the folder whose parameters it has, target in parts of peak, over ONNX Runtime.
const NETWORKS: [(&str, &str, f64, f64); 3] = [
    ("asis-pointnet2", "asis-pointnet2", 65.0, 2.0),
    ("jsnet", "jsnet", 60.0, 2.0),
    ("asis-pointnet", "asis-pointnet-int8", 60.0, 1.5),
];
const INT8: &str = "asis-pointnet2-int8";

struct Options {
    quick: bool,
    room: u64,
    only: Option<String>,
}

impl Options {
    fn read() -> Result<Self, String> {
        let mut options = Self { quick: false, room: 0, only: None };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--bench" => {} // cargo says so
                "--quick" => options.quick = true,
                "--room" => options.room = value()?.parse().map_err(|error| format!("--room: {error}"))?,
                "--only" => options.only = Some(value()?),
                other => return Err(format!("{other}: --quick, --room SEED or --only SECTION expected")),
            }
        }
        Ok(options)
    }

    fn wants(&self, section: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only == section)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::read()?;
    let (rounds, block_count) = if options.quick { (7, 2) } else { (31, 4) };
    let place = tempfile::tempdir()?;
    let room = room(options.room);
    let asis = model(NETWORKS[0].0);
    let samples = samples(&room.cloud, &asis, block_count);
    let cases: Vec<Case> =
        NETWORKS.iter().map(|(name, folder, ..)| Case::new(name, &model(folder), &samples)).collect();
    let int8 = model(INT8);
    for case in &cases {
        exchange::write(place.path(), &case.name, (&case.parts.body, case.parts.head.as_deref()), case)?;
    }
    let stored = (int8.part(PartRole::Body).unwrap_or_default(), int8.part(PartRole::Head));
    exchange::write(place.path(), INT8, stored, &cases[0])?;
    let peers = RefCell::new(start(place.path()));
    head(&options, rounds, block_count, peers.borrow().as_ref());

    let mut targets = Targets::default();
    for (case, (name, _, peak, over)) in cases.iter().zip(NETWORKS) {
        if options.wants(name) {
            let figures = networks::compare(case, &peers, !options.quick, rounds);
            if name == "asis-pointnet2" {
                targets.at_most(format!("{name} fp32, network, search and head"), 30.0, figures.milliseconds, " ms");
                targets.at_least(format!("{name} fp32 over tract"), 3.5, figures.tract, "×");
            }
            targets.at_least(format!("{name} fp32, of peak, search left out"), peak, figures.peak, " %");
            targets.at_least(format!("{name} fp32 over ONNX Runtime"), over, figures.onnx_runtime, "×");
        }
        if name == "asis-pointnet2" && options.wants("int8") {
            let gain = networks::compare_int8(case, (INT8, &int8), &peers, rounds);
            targets.at_least("asis-pointnet2 int8 over our fp32", 2.2, gain, "×");
        }
    }
    if options.wants("stages") {
        let stages = stages::measure(&cases[0], rounds.max(15));
        targets.at_most("farthest-point sampling 4096 → 1024", 1.5, stages.sampling, " ms");
        targets.at_most("whole geometry plan", 3.0, stages.plan, " ms");
        targets.at_most("search in embedding space", 8.0, stages.search, " ms");
    }
    if let Some(peers) = peers.into_inner() {
        let said = peers.difference.iter().map(|(network, worst)| format!("{network} {worst:.0e}"));
        println!(
            "Largest difference of the peers' embeddings to ours, over the largest: {}.\n",
            said.collect::<Vec<_>>().join(", ")
        );
    }
    if options.wants("room") {
        let figures = rooms::compare(&asis, &room, place.path(), NETWORKS[0].0);
        targets.at_most("whole block over network alone", 1.2, figures.whole_block, "×");
        targets.at_least("live labelling over the seeds' pipeline", 40.0, figures.live, "×");
        targets.at_least("the same protocol as the seeds' over theirs", 40.0, figures.reference, "×");
    }
    targets.print();
    println!("\nLoad when it ended: {}.", load());
    Ok(())
}

/// Starts Python; says why not.
fn start(folder: &std::path::Path) -> Option<Peers> {
    match Peers::start(folder) {
        Ok(peers) => Some(peers),
        Err(error) => {
            println!("ONNX Runtime and PyTorch are left out: Python (INSTANTON_PYTHON): {error}\n");
            None
        }
    }
}

fn head(options: &Options, rounds: usize, blocks: usize, peers: Option<&Peers>) {
    let information = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let names = ["model name", "Model"];
    let named = information.lines().find(|line| names.iter().any(|name| line.starts_with(name)));
    let processor = named.and_then(|line| line.split(':').nth(1)).map_or("unknown", str::trim);
    let sets: Vec<&str> = InstructionSet::available().map(InstructionSet::name).collect();
    println!("# Peers\n");
    println!(
        "Processor: {processor}; instruction sets {}. One thread. {rounds} rounds over {blocks} blocks of simulated room \
         {}. Load when it began: {}.",
        sets.join(", "),
        options.room,
        load()
    );
    for (name, version) in peers.iter().flat_map(|peers| &peers.present) {
        println!("{name} {version}.");
    }
    for (name, why) in peers.iter().flat_map(|peers| &peers.missing) {
        println!("{name} is left out: {why}.");
    }
    println!();
}

/// The system's load averages: other work makes every figure worse.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}
