//! One network in every engine.

use std::cell::RefCell;
use std::hint::black_box;

use instanton::engine::{Engine, InstanceFusion, NativeEngine, Prediction, TractEngine};
use instanton::instruction_set::InstructionSet;
use instanton::network::{Fusion, Model};

use crate::blocks::Case;
use crate::peak;
use crate::python::Peers;
use crate::rounds::{Contender, median, race, ratio};
use crate::work;

/// Channels of the features that are fused.
const FUSED_CHANNELS: usize = 128;

/// What came out.
pub struct Figures {
    /// Milliseconds of the native engine on the best instruction set.
    pub milliseconds: f64,
    /// Per cent of the core's peak, the search in embedding space (and its maximum) taken off the time.
    pub peak: f64,
    /// How many times as long each peer takes; NaN where it is not there.
    pub tract: f64,
    /// See `tract`.
    pub onnx_runtime: f64,
}

/// The search in embedding space and the maximum over what it finds, alone.
struct Fuse<'a> {
    case: &'a Case,
    settings: Option<Fusion>,
    features: Vec<f32>,
    fusion: InstanceFusion,
    fused: Vec<f32>,
}

impl<'a> Fuse<'a> {
    fn new(case: &'a Case) -> Self {
        let settings = Fusion::of(&case.architecture);
        let features: Vec<f32> =
            (0..case.architecture.points() * FUSED_CHANNELS).map(|at| (at * 37 % 101) as f32).collect();
        let fused = vec![0.0; features.len()];
        Self { case, settings, features, fusion: InstanceFusion::default(), fused }
    }

    fn run(&mut self, round: usize) {
        let Some(Fusion { neighbours, radius }) = self.settings else { return };
        let embeddings = &self.case.block(round).1.expected.embeddings;
        let size = self.case.architecture.embedding_size();
        let (features, fused) = (&self.features, &mut self.fused);
        self.fusion.fuse(embeddings, size, features, FUSED_CHANNELS, neighbours, radius, fused).expect("whole rows");
        black_box(&self.fused);
    }
}

fn engine<'a>(name: String, mut engine: impl Engine + 'a, case: &'a Case) -> Contender<'a> {
    let mut prediction = Prediction::default();
    Contender::timed(name, move |round| {
        engine.run(black_box(case.block(round).1.input()), &mut prediction).expect("a block of the model's size");
        black_box(&prediction);
    })
}

/// A network's folder in a peer that lives in Python, where that is here.
fn peer<'a>(
    peers: &'a RefCell<Option<Peers>>,
    peer: &'a str,
    folder: &'a str,
    case: &'a Case,
) -> Option<Contender<'a>> {
    peers.borrow().as_ref().filter(|peers| peers.has(peer))?;
    Some(Contender::reporting(peer, move |round| {
        let answer = peers.borrow_mut().as_mut().expect("it was just there").run(peer, folder, case.block(round).0);
        answer.unwrap_or_else(|error| panic!("{peer}, {folder}: {error}"))
    }))
}

/// Runs a network in fp32 everywhere and prints a table.
pub fn compare(case: &Case, peers: &RefCell<Option<Peers>>, plain: bool, rounds: usize) -> Figures {
    let best = InstructionSet::best();
    let native = |set: InstructionSet| {
        let engine = NativeEngine::with_parameters(&case.architecture, &case.parameters, set);
        engine.expect("the network's own parameters")
    };
    let mut contenders = vec![engine(format!("native, {best}"), native(best), case)];
    let mut search = Fuse::new(case);
    contenders.push(Contender::timed("search", move |round| search.run(round)));
    contenders.push(Contender::reporting("peak", |_| peak::gigaflops(best).unwrap_or(f64::NAN)));
    let fixed = contenders.len();
    let others = InstructionSet::available().filter(|&set| set != best && set != InstructionSet::Plain);
    contenders.extend(others.map(|set| engine(format!("native, {set}"), native(set), case)));
    let tract = TractEngine::from_parts(&case.architecture, &case.parts).expect("tract loads the parts");
    let tract_at = contenders.len();
    contenders.push(engine("tract".to_owned(), tract, case));
    let onnx_runtime = peer(peers, "onnxruntime", &case.name, case).map(|peer| {
        contenders.push(peer);
        contenders.len() - 1
    });
    contenders.extend(peer(peers, "pytorch", &case.name, case));
    race(&mut contenders, 2, rounds);
    if let Some(at) = onnx_runtime {
        // The graph ends before the search and goes on after it: ours stands in between.
        let search = contenders[1].times.clone();
        contenders[at].times.iter_mut().zip(search).for_each(|(time, search)| *time += search);
    }
    let mut times: Vec<(String, Vec<f64>)> =
        contenders.drain(..).map(|contender| (contender.name, contender.times)).collect();
    if plain {
        let mut one = [engine("native, plain (one run)".to_owned(), native(InstructionSet::Plain), case)];
        race(&mut one, 0, 1);
        let [Contender { name, times: once, .. }] = one;
        times.push((name, once));
    }

    let work: Vec<f64> = case.blocks.iter().map(|block| work::done(&case.architecture, &block.plan) as f64).collect();
    let work = work.iter().sum::<f64>() / work.len() as f64;
    let (ours, search, top) = (&times[0].1, &times[1].1, median(&times[2].1));
    let share = |milliseconds: f64| 100.0 * 2.0 * work / (milliseconds * 1e6) / top;
    let cost = case.architecture.cost();
    println!("## {}, fp32\n", case.name);
    println!(
        "{:.0} million multiply-accumulates really done ({:.0} as published, {:.0} rewritten, the rest are repeated \
         slots); peak of a core {top:.0} GFLOP/s ({best}).\n",
        work / 1e6,
        cost.published as f64 / 1e6,
        cost.rewritten as f64 / 1e6
    );
    println!("| engine | ms | GFLOP/s | % of peak | times ours |\n|---|---|---|---|---|");
    for (name, theirs) in times.iter().take(1).chain(&times[fixed..]) {
        let milliseconds = median(theirs);
        let rate = 2.0 * work / (milliseconds * 1e6);
        println!(
            "| {name} | {milliseconds:.1} | {rate:.1} | {:.0} | {:.2} |",
            share(milliseconds),
            ratio(theirs, ours)
        );
    }
    let without: Vec<f64> = ours.iter().zip(search).map(|(ours, search)| ours - search).collect();
    if Fusion::of(&case.architecture).is_some() {
        println!(
            "\nOf ours, search and maximum in embedding space take {:.1} ms; without them {:.1} ms, {:.0} % of peak. \
             ONNX Runtime's time is its two parts' and our search's; PyTorch's is its own search's.",
            median(search),
            median(&without),
            share(median(&without))
        );
    }
    println!();
    let of = |at: Option<usize>| at.map_or(f64::NAN, |at| ratio(&times[at].1, ours));
    Figures {
        milliseconds: median(ours),
        peak: share(median(&without)),
        tract: of(Some(tract_at)),
        onnx_runtime: of(onnx_runtime),
    }
}

/// How many times as long as the int8 model our engine takes for the fp32 network; prints a table.
pub fn compare_int8(
    case: &Case,
    (int8_name, model): (&str, &Model),
    peers: &RefCell<Option<Peers>>,
    rounds: usize,
) -> f64 {
    let fp32 = NativeEngine::with_parameters(&case.architecture, &case.parameters, InstructionSet::best());
    let mut int8 = NativeEngine::new(model).expect("a shipped model");
    let mut tract = TractEngine::new(model).expect("a shipped model");
    println!("## {}, int8\n", case.name);
    let mut agreement = [Vec::new(), Vec::new()];
    for block in &case.blocks {
        let run = |engine: &mut dyn Engine| {
            let mut prediction = Prediction::default();
            engine.run(block.input(), &mut prediction).expect("a block of the model's size");
            classes(&prediction, case.architecture.classes())
        };
        let (ours, theirs) = (run(&mut int8), run(&mut tract));
        let exact = classes(&block.expected, case.architecture.classes());
        agreement[0].push(same(&ours, &theirs));
        agreement[1].push(same(&ours, &exact));
    }
    let mut contenders = vec![engine("native, fp32".to_owned(), fp32.expect("the network's own parameters"), case)];
    contenders.push(engine("native on the int8 model".to_owned(), int8, case));
    contenders.push(engine("tract on the int8 model".to_owned(), tract, case));
    if let Some(mut peer) = peer(peers, "onnxruntime", int8_name, case) {
        peer.name = "onnxruntime on the int8 model, without search".to_owned();
        contenders.push(peer);
    }
    race(&mut contenders, 2, rounds);
    let fp32 = contenders[0].times.clone();
    println!("| engine | ms | our fp32 takes |\n|---|---|---|");
    for contender in &contenders {
        println!(
            "| {} | {:.1} | {:.2} times it |",
            contender.name,
            median(&contender.times),
            ratio(&fp32, &contender.times)
        );
    }
    println!(
        "\nPoints with the same class as tract gives on the same int8 model: {:.2} %; as the fp32 network: {:.2} %.\n",
        median(&agreement[0]),
        median(&agreement[1])
    );
    ratio(&fp32, &contenders[1].times)
}

/// The class of every point.
fn classes(prediction: &Prediction, classes: usize) -> Vec<usize> {
    let highest = |row: &[f32]| (0..classes).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap_or(0);
    prediction.logits.chunks_exact(classes).map(highest).collect()
}

/// Per cent of equal entries.
fn same(one: &[usize], other: &[usize]) -> f64 {
    100.0 * one.iter().zip(other).filter(|(one, other)| one == other).count() as f64 / one.len() as f64
}
