//! The whole way from a model and blocks to a quantised network that keeps its promises.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::blocks::simulated_room;
use super::equalise::equalise;
use super::input_factors::factor_inputs;
use super::quantise::{QuantisationPlan, bias_of};
use super::range::{Histogram, RangeMethod};
use super::report::{ProductReport, Report, Scores};
use super::sensitivity::{Deviation, deviation, predict};
use super::{CalibrationBlock, GraphNetwork, Node, Observer, Product, QuantisationError, Tensor, Workshop};
use super::{all_products, products_of};
use crate::config::Config;
use crate::engine::{Engine, Prediction};
use crate::evaluation::{Evaluator, Procedure};
use crate::network::{Model, Precision};
use crate::sim::CLASSES;

/// Fewer blocks than this say too little of a range.
pub const MINIMUM_BLOCKS: usize = 16;

/// One block of so many is held out: ranges never see it. The first half of them decides between equalisations
/// and which products stay in floats; the second half, which nothing was chosen by, says what the result is worth.
const HELD_OUT: usize = 4;

/// Share of what the targets allow that may be used up on the blocks that decide: other blocks differ a little.
const MARGIN: f64 = 0.9;

/// Seed of the first simulated room of the scores: no range is learned from rooms beyond it.
const SCORE_ROOMS: u64 = 1 << 61;

/// How hard channels may be equalised; the one with the least error is taken.
const STRENGTHS: [f32; 3] = [0.0, 0.5, 0.75];

/// What is asked of the quantised network.
#[derive(Clone, Copy, Debug)]
pub struct CalibrationOptions {
    /// How ranges are chosen.
    pub method: RangeMethod,
    /// Least share of points whose class does not change.
    pub agreement: f64,
    /// Largest L1 distance of embeddings, of all points but one in a hundred.
    pub embedding_p99: f64,
    /// Simulated rooms to score before and after; 0: none.
    pub score_rooms: usize,
}

impl Default for CalibrationOptions {
    fn default() -> Self {
        Self { method: RangeMethod::default(), agreement: 0.985, embedding_p99: 0.1, score_rooms: 4 }
    }
}

/// What happens during a calibration.
#[derive(Clone, Debug)]
pub enum Progress {
    /// A step began; it has so many parts.
    Step(&'static str, usize),
    /// A part of it is done.
    Tick,
    /// Something that a person would want to read.
    Line(String),
}

/// A quantised network and what it is worth.
#[derive(Clone, Debug)]
pub struct Calibrated {
    /// The network, its enabled products in 8 bits.
    pub network: GraphNetwork,
    /// How it was made and what it costs.
    pub report: Report,
}

/// Largest magnitudes by channel, and histograms, of all values that products multiply.
#[derive(Clone, Debug, Default)]
struct Ranges {
    values: BTreeSet<String>,
    largest: BTreeMap<String, Vec<f32>>,
    histograms: BTreeMap<String, Histogram>,
}

impl Observer for Ranges {
    fn product(&mut self, node: &Node, input: &Tensor) -> Result<Option<Vec<f32>>, QuantisationError> {
        let value = &node.inputs[0];
        if self.values.contains(value) {
            let channels = input.channels();
            let largest = self.largest.entry(value.clone()).or_insert_with(|| vec![0.0; channels]);
            for row in input.values.chunks_exact(channels) {
                largest.iter_mut().zip(row).for_each(|(largest, value)| *largest = largest.max(value.abs()));
            }
            self.histograms.entry(value.clone()).or_default().add(&input.values);
        }
        Ok(None)
    }
}

/// Mean difference of products in floats and in 8 bits, per output.
struct Shifts<'p> {
    plan: &'p QuantisationPlan,
    sums: BTreeMap<String, (usize, Vec<f64>)>,
    kernels: &'p GraphNetwork,
}

impl Observer for Shifts<'_> {
    fn product(&mut self, node: &Node, input: &Tensor) -> Result<Option<Vec<f32>>, QuantisationError> {
        let kernel = self.kernels.graphs.iter().find_map(|graph| graph.float(&node.inputs[1]));
        let (Some(kernel), Some(quantised)) = (kernel, self.plan.product(node, input)) else { return Ok(None) };
        let exact = super::tensor::product(&input.values, &kernel.values, kernel.shape[0], kernel.shape[1]);
        let columns = kernel.shape[1];
        let (rows, sums) = self.sums.entry(node.output.clone()).or_insert_with(|| (0, vec![0.0; columns]));
        *rows += input.rows();
        for (exact, quantised) in exact.chunks_exact(columns).zip(quantised.chunks_exact(columns)) {
            let pairs = sums.iter_mut().zip(exact).zip(quantised);
            pairs.for_each(|((sum, exact), quantised)| *sum += f64::from(exact - quantised));
        }
        Ok(Some(exact))
    }
}

/// Quantises a model.
///
/// `blocks` are features (`points × columns` each), in the order of the recording: ranges are learned from the
/// first three quarters, choices are made on the next eighth, and the report's deviations are those of the last.
///
/// # Errors
/// [`QuantisationError::TooFewBlocks`] below [`MINIMUM_BLOCKS`]; else what a block or a node refuses.
pub fn calibrate(
    model: &Model,
    blocks: Vec<Vec<f32>>,
    source_name: &str,
    options: &CalibrationOptions,
    workshop: Option<&Workshop>,
    tell: &mut dyn FnMut(Progress),
) -> Result<Calibrated, QuantisationError> {
    let precision = model.manifest().precision;
    if precision != Precision::Fp32 {
        return Err(QuantisationError::Precision { path: model.folder().to_owned(), precision });
    }
    if blocks.len() < MINIMUM_BLOCKS {
        let (source_name, found, needed) = (source_name.to_owned(), blocks.len(), MINIMUM_BLOCKS);
        return Err(QuantisationError::TooFewBlocks { source_name, found, needed });
    }
    let architecture = model.architecture();
    tell(Progress::Step("plans", 1));
    let mut blocks: Vec<CalibrationBlock> = blocks
        .into_par_iter()
        .map(|features| CalibrationBlock::new(architecture, features))
        .collect::<Result<_, _>>()?;
    let mut deciding = blocks.split_off(blocks.len() - blocks.len() / HELD_OUT);
    let judging = deciding.split_off(deciding.len() / 2);
    let mut network = GraphNetwork::of_model(model)?;
    let mut shapes = network.shapes(blocks[0].input())?;
    network.prepare(&shapes);
    shapes = network.shapes(blocks[0].input())?;
    let products: Vec<Product> = network.graphs.iter().flat_map(|graph| products_of(graph, &shapes)).collect();
    let all: u64 = network.graphs.iter().map(|graph| all_products(graph, &shapes)).sum();
    let against = |blocks: Vec<CalibrationBlock>| {
        let expected = predict(&network, None, &blocks)?;
        Ok::<_, QuantisationError>(move |network: &GraphNetwork, plan: &QuantisationPlan, only: Option<&str>| {
            let actual = predict(network, Some((plan, only)), &blocks)?;
            let (classes, size) = (architecture.classes(), architecture.embedding_size());
            Ok::<_, QuantisationError>(deviation(&expected, &actual, classes, size))
        })
    };
    let counts = (deciding.len(), judging.len());
    let (measure, judge) = (against(deciding)?, against(judging)?);

    let original = ranges(&network, &products, &blocks, workshop, 0.0, tell)?;
    let mut best: Option<(f64, f32, GraphNetwork, QuantisationPlan, Vec<Product>)> = None;
    for strength in STRENGTHS {
        let mut candidate = network.clone();
        let settled = equalise(&mut candidate.graphs, &shapes, &original.largest, strength);
        factor_inputs(&mut candidate.graphs, &products, &original.largest, &settled, strength);
        // A factor gives its product another value to multiply.
        let shapes = candidate.shapes(blocks[0].input())?;
        let products: Vec<Product> = candidate.graphs.iter().flat_map(|graph| products_of(graph, &shapes)).collect();
        let own = match strength {
            0.0 => original.clone(),
            strength => ranges(&candidate, &products, &blocks, workshop, strength, tell)?,
        };
        let mut plan = QuantisationPlan::new(&candidate.graphs, &products, &own.histograms, options.method)?;
        correct(&mut plan, &candidate, &blocks)?;
        let found = measure(&candidate, &plan, None)?;
        tell(Progress::Line(format!("equalised by {strength}: all in 8 bits, {}", words(&found))));
        if best.as_ref().is_none_or(|(error, ..)| found.embedding_mean < *error) {
            best = Some((found.embedding_mean, strength, candidate, plan, products));
        }
    }
    let (_, strength, network, mut plan, products) = best.expect("there is at least one strength");
    let everything = judge(&network, &plan, None)?;

    tell(Progress::Step("sensitivity", products.len()));
    let mut alone = BTreeMap::new();
    for product in &products {
        alone.insert(product.node.clone(), measure(&network, &plan, Some(&product.node))?);
        tell(Progress::Tick);
    }
    let holds = |found: &Deviation, share: f64| {
        1.0 - found.agreement <= share * (1.0 - options.agreement)
            && found.embedding_p99 <= share * options.embedding_p99
    };
    let enough = |found: &Deviation| holds(found, MARGIN);
    keep_floats(&mut plan, &products, &alone, &enough, &|plan| measure(&network, plan, None), tell)?;
    let reached = judge(&network, &plan, None)?;

    let rows: Vec<ProductReport> = products
        .iter()
        .map(|product| ProductReport {
            product: product.node.clone(),
            multiply_accumulates: product.products,
            quantised: plan.enabled.contains(&product.node),
            input_scale: plan.scales[&product.value],
            alone: alone[&product.node],
        })
        .collect();
    let mut quantised = network.clone();
    plan.apply(&mut quantised.graphs)?;
    let in_eight: u64 = rows.iter().filter(|row| row.quantised).map(|row| row.multiply_accumulates).sum();
    let scores = scores(model, &network, &quantised, options.score_rooms, tell)?;
    let report = Report {
        source: source_name.to_owned(),
        blocks: blocks.len(),
        deciding: counts.0,
        judging: counts.1,
        method: options.method,
        equalisation: strength,
        multiply_accumulates: all,
        float_share: 1.0 - in_eight as f64 / all.max(1) as f64,
        all_in_eight_bits: everything,
        reached,
        targets_hold: holds(&reached, 1.0),
        target_agreement: options.agreement,
        target_embedding_p99: options.embedding_p99,
        products: rows,
        scores,
    };
    Ok(Calibrated { network: quantised, report })
}

/// A deviation in words.
fn words(found: &Deviation) -> String {
    let Deviation { agreement, embedding_mean, embedding_p99 } = found;
    format!("agreement {:.2} %, embedding L1 mean {embedding_mean:.4}, p99 {embedding_p99:.4}", 100.0 * agreement)
}

fn ranges(
    network: &GraphNetwork,
    products: &[Product],
    blocks: &[CalibrationBlock],
    workshop: Option<&Workshop>,
    strength: f32,
    tell: &mut dyn FnMut(Progress),
) -> Result<Ranges, QuantisationError> {
    let values: BTreeSet<String> = products.iter().map(|product| product.value.clone()).collect();
    let step = format!("ranges-{strength}");
    tell(Progress::Step("ranges", blocks.len()));
    if let Some((largest, histograms)) = workshop.and_then(|workshop| workshop.load(&step)) {
        return Ok(Ranges { values, largest, histograms });
    }
    let mut sum = Ranges { values: values.clone(), ..Ranges::default() };
    for together in blocks.chunks(rayon::current_num_threads().max(1)) {
        let seen = together.par_iter().map(|block| {
            let mut ranges = Ranges { values: values.clone(), ..Ranges::default() };
            network.clone().run(block.input(), &mut ranges, &mut Prediction::default()).map(|()| ranges)
        });
        for ranges in seen.collect::<Result<Vec<_>, _>>()? {
            for (value, largest) in ranges.largest {
                let kept = sum.largest.entry(value).or_insert_with(|| vec![0.0; largest.len()]);
                kept.iter_mut().zip(largest).for_each(|(kept, largest)| *kept = kept.max(largest));
            }
            for (value, histogram) in ranges.histograms {
                sum.histograms.entry(value).or_default().merge(&histogram);
            }
            tell(Progress::Tick);
        }
    }
    if let Some(workshop) = workshop {
        workshop.save(&step, &(&sum.largest, &sum.histograms))?;
    }
    Ok(sum)
}

/// Bias correction: what quantising adds to a product on average is taken away again.
/// Source: Nagel et al., *Data-Free Quantization* (ICCV 2019), §4.2, with blocks instead of statistics.
fn correct(
    plan: &mut QuantisationPlan,
    network: &GraphNetwork,
    blocks: &[CalibrationBlock],
) -> Result<(), QuantisationError> {
    let mut shifts = Shifts { plan, sums: BTreeMap::new(), kernels: network };
    for block in blocks.iter().step_by((blocks.len() / 4).max(1)) {
        network.clone().run(block.input(), &mut shifts, &mut Prediction::default())?;
    }
    let has_bias = |output: &str| {
        network.graphs.iter().any(|graph| {
            let node = graph.nodes.iter().find(|node| node.output == output);
            node.is_some_and(|node| bias_of(graph, &node.inputs[1], output).is_some())
        })
    };
    let means = shifts.sums.into_iter().filter(|(node, _)| has_bias(node));
    plan.corrections = means
        .map(|(node, (rows, sums))| (node, sums.iter().map(|sum| (sum / rows.max(1) as f64) as f32).collect()))
        .collect();
    Ok(())
}

/// Puts products back into floats, the one that costs most first, until the targets hold; then tries to take
/// the largest of them back.
fn keep_floats(
    plan: &mut QuantisationPlan,
    products: &[Product],
    alone: &BTreeMap<String, Deviation>,
    holds: &dyn Fn(&Deviation) -> bool,
    measure: &dyn Fn(&QuantisationPlan) -> Result<Deviation, QuantisationError>,
    tell: &mut dyn FnMut(Progress),
) -> Result<(), QuantisationError> {
    let cost = |product: &&Product| {
        let found = &alone[&product.node];
        // Both in units of what the targets allow.
        (1.0 - found.agreement) / 0.015 + found.embedding_p99 / 0.1
    };
    let mut order: Vec<&Product> = products.iter().collect();
    order.sort_by(|one, other| cost(other).total_cmp(&cost(one)));
    let mut reached = measure(plan)?;
    let mut floats = Vec::new();
    for product in order {
        if holds(&reached) {
            break;
        }
        plan.enabled.remove(&product.node);
        floats.push(product);
        reached = measure(plan)?;
        tell(Progress::Line(format!("{} in floats: {}", product.node, words(&reached))));
    }
    floats.sort_by_key(|product| std::cmp::Reverse(product.products));
    for product in floats {
        if !holds(&reached) {
            break;
        }
        plan.enabled.insert(product.node.clone());
        let found = measure(plan)?;
        if holds(&found) {
            tell(Progress::Line(format!("{} in 8 bits after all: {}", product.node, words(&found))));
            reached = found;
        } else {
            plan.enabled.remove(&product.node);
        }
    }
    Ok(())
}

/// The papers' scores of both networks on simulated rooms that no range was learned from.
fn scores(
    model: &Model,
    float: &GraphNetwork,
    quantised: &GraphNetwork,
    rooms: usize,
    tell: &mut dyn FnMut(Progress),
) -> Result<Option<Scores>, QuantisationError> {
    if rooms == 0 {
        return Ok(None);
    }
    let names: Vec<&str> = model.manifest().classes.iter().map(|class| class.name.as_str()).collect();
    let known: Vec<String> = CLASSES.iter().map(|class| class.to_string()).collect();
    if names != known {
        return Err(QuantisationError::Classes { expected: known.join(", "), actual: names.join(", ") });
    }
    tell(Progress::Step("scores", rooms));
    let engines = |network: &GraphNetwork| -> Vec<Box<dyn Engine>> {
        (0..rayon::current_num_threads().max(1)).map(|_| Box::new(network.clone()) as Box<dyn Engine>).collect()
    };
    let config = Config::default();
    let mut before = Evaluator::new(model, Procedure::Live, &config, engines(float))?;
    let mut after = Evaluator::new(model, Procedure::Live, &config, engines(quantised))?;
    for room in 0..rooms as u64 {
        let room = simulated_room(SCORE_ROOMS + room);
        before.add_room(&room)?;
        after.add_room(&room)?;
        tell(Progress::Tick);
    }
    Ok(Some(Scores { rooms, before: summary(&before.scores()), after: summary(&after.scores()) }))
}

fn summary(scores: &crate::metrics::Scores) -> BTreeMap<String, f64> {
    let all = [
        ("mIoU", scores.mean_iou),
        ("mWCov", scores.mean_weighted_coverage),
        ("mCov", scores.mean_coverage),
        ("mPrec", scores.mean_precision),
        ("mRec", scores.mean_recall),
        ("oAcc", scores.overall_accuracy),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
