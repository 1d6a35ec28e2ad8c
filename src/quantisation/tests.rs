//! Quantised networks against single precision, against tract, and against bad input.

mod onnx_runtime;

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::equalise::equalise;
use super::input_factors::factor_inputs;
use super::*;
use crate::engine::{Engine, NativeEngine, PlainEngine, Prediction, TractEngine};
use crate::geometry::LevelSpecification;
use crate::instruction_set::InstructionSet;
use crate::network::asis::Asis;
use crate::network::onnx::{export, read_parameters};
use crate::network::zoo::{Sizes, by_name};
use crate::network::{
    Architecture, FoldedConvolution, LevelEntry, Model, ModelError, ModelMetadata, Parameters, PartRole, Precision,
    Weights, write_model, write_parts,
};

/// ASIS with its real widths on a block small enough for tests.
fn small() -> Architecture {
    let level = |points, radius| LevelSpecification::ball(points, radius, 4);
    let levels = vec![level(32, 0.1), level(16, 0.2), level(8, 0.4), level(4, 0.8)];
    Asis { points: 64, levels, fusion_neighbours: 6, ..Asis::default() }.architecture().unwrap()
}

/// Any network of the zoo with its real widths, on the same small block.
fn small_of(name: &str) -> Architecture {
    let mut sizes = Sizes { points: 64, ..Sizes::published(name).unwrap() };
    for (level, (points, radius)) in sizes.levels.iter_mut().zip([(32, 0.1), (16, 0.2), (8, 0.4), (4, 0.8)]) {
        *level = LevelEntry { points, radius, slots: 4 };
    }
    by_name(name, &sizes).unwrap()
}

fn untrained(architecture: &Architecture) -> Parameters {
    Weights::untrained(architecture, 7).fold(architecture).unwrap()
}

/// Features that are multiples of 1/64.
fn features(architecture: &Architecture, seed: u64) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let count = architecture.points() * architecture.feature_columns();
    (0..count).map(|_| random.random_range(-32..64) as f32 / 64.0).collect()
}

fn block(architecture: &Architecture, seed: u64) -> CalibrationBlock {
    CalibrationBlock::new(architecture, features(architecture, seed)).unwrap()
}

fn answer(engine: &mut dyn Engine, block: &CalibrationBlock) -> Prediction {
    let mut prediction = Prediction::default();
    engine.run(block.input(), &mut prediction).unwrap();
    prediction
}

/// Largest difference over the largest value.
fn difference(one: &[f32], other: &[f32]) -> f32 {
    assert_eq!(one.len(), other.len());
    let largest = one.iter().fold(1e-6_f32, |largest, value| largest.max(value.abs()));
    one.iter().zip(other).fold(0.0_f32, |most, (one, other)| most.max((one - other).abs())) / largest
}

struct Prepared {
    architecture: Architecture,
    parameters: Parameters,
    network: GraphNetwork,
    shapes: BTreeMap<String, Vec<usize>>,
    products: Vec<Product>,
}

fn prepared(parameters: impl Fn(&Architecture) -> Parameters) -> Prepared {
    let architecture = small();
    let parameters = parameters(&architecture);
    let mut network = GraphNetwork::of_parts(&architecture, &export(&architecture, &parameters).unwrap()).unwrap();
    let shapes = network.shapes(block(&architecture, 0).input()).unwrap();
    network.prepare(&shapes);
    let shapes = network.shapes(block(&architecture, 0).input()).unwrap();
    let products = network.graphs.iter().flat_map(|graph| products_of(graph, &shapes)).collect();
    Prepared { architecture, parameters, network, shapes, products }
}

#[test]
fn graphs_cut_apart_and_equalised_compute_the_same() {
    let Prepared { architecture, parameters, mut network, shapes, products } = prepared(untrained);
    // Four levels of three convolutions, less the one of raw inputs; two decoders of four levels, less their
    // products of colours; five layers of the heads.
    assert_eq!(products.len(), 11 + 2 * 12 + 5, "{products:#?}");
    let block = block(&architecture, 3);
    let expected = answer(&mut PlainEngine::new(architecture, parameters), &block);
    let cut = answer(&mut network, &block);
    assert!(difference(&expected.embeddings, &cut.embeddings) < 1e-5);

    let mut random = ChaCha8Rng::seed_from_u64(4);
    let mut channels = |product: &Product| {
        let width = *shapes[&product.value].last().unwrap();
        (product.value.clone(), (0..width).map(|_| random.random_range(0.01..10.0)).collect())
    };
    let largest: BTreeMap<String, Vec<f32>> = products.iter().map(&mut channels).collect();
    let before = network.parts();
    let settled = equalise(&mut network.graphs, &shapes, &largest, 0.75);
    assert!(settled.len() > 15);
    assert_ne!(network.parts(), before);
    let equalised = answer(&mut network, &block);
    assert!(difference(&expected.embeddings, &equalised.embeddings) < 1e-5);
    assert!(difference(&cut.logits, &equalised.logits) < 1e-4);
}

#[test]
fn factors_before_products_compute_the_same_and_are_read_back() {
    for name in ["jsnet", "asis-pointnet2"] {
        let architecture = small_of(name);
        let parameters = untrained(&architecture);
        let parts = export(&architecture, &parameters).unwrap();
        let mut network = GraphNetwork::of_parts(&architecture, &parts).unwrap();
        let block = block(&architecture, 3);
        let shapes = network.shapes(block.input()).unwrap();
        network.prepare(&shapes);
        let shapes = network.shapes(block.input()).unwrap();
        let products: Vec<Product> = network.graphs.iter().flat_map(|graph| products_of(graph, &shapes)).collect();
        let mut random = ChaCha8Rng::seed_from_u64(4);
        let largest: BTreeMap<String, Vec<f32>> = products
            .iter()
            .map(|product| {
                let width = *shapes[&product.value].last().unwrap();
                (product.value.clone(), (0..width).map(|_| random.random_range(0.001_f32..10.0).powi(3)).collect())
            })
            .collect();
        let expected = answer(&mut PlainEngine::new(architecture.clone(), parameters), &block);
        // Nothing is settled: a factor before every product that has a kernel of its own.
        let count = factor_inputs(&mut network.graphs, &products, &largest, &Default::default(), 0.5);
        assert!(count > products.len() / 2, "{name}: {count} of {}", products.len());
        let factored = answer(&mut network, &block);
        assert!(difference(&expected.embeddings, &factored.embeddings) < 1e-4, "{name}");
        let parts = network.parts();
        let mut listed = vec![(PartRole::Body, parts.body.as_slice())];
        listed.extend(parts.head.as_deref().map(|head| (PartRole::Head, head)));
        let read = read_parameters(&architecture, &listed).unwrap();
        let again = answer(&mut PlainEngine::new(architecture, read), &block);
        assert!(difference(&expected.embeddings, &again.embeddings) < 1e-4, "{name}");
    }
}

/// Every number a multiple of a power of two, so that no sum is ever rounded.
fn dyadic(architecture: &Architecture) -> Parameters {
    let rounded =
        |values: &[f32]| values.iter().map(|value| (value * 64.0).round().clamp(-127.0, 127.0) / 64.0).collect();
    let parameters = untrained(architecture);
    let folded = architecture.convolutions().into_iter().map(|convolution| {
        let FoldedConvolution { inputs, outputs, weight, bias } = parameters.convolution(&convolution.scope).unwrap();
        let (weight, bias) = (rounded(weight), rounded(bias));
        (convolution.scope, FoldedConvolution { inputs: *inputs, outputs: *outputs, weight, bias })
    });
    Parameters::new(architecture, folded).unwrap()
}

/// A quantised network whose kernels and scales are all of that kind.
fn dyadic_network() -> GraphNetwork {
    let Prepared { mut network, products, .. } = prepared(dyadic);
    let mut plan = QuantisationPlan::default();
    for product in &products {
        let kernel = network.graphs.iter().find_map(|graph| graph.float(&product.kernel)).unwrap();
        let values = kernel.values.iter().map(|weight| (weight * 64.0) as i8).collect();
        let (inputs, outputs) = (kernel.shape[0], kernel.shape[1]);
        let kernel = QuantisedKernel { inputs, outputs, values, scale: vec![1.0 / 64.0; outputs] };
        plan.kernels.insert(product.node.clone(), kernel);
        plan.scales.insert(product.value.clone(), 1.0 / 16.0);
        plan.enabled.insert(product.node.clone());
    }
    plan.apply(&mut network.graphs).unwrap();
    network
}

fn dyadic_weights(block: &mut CalibrationBlock) {
    for level in &mut block.plan.levels {
        level.interpolation.weight.iter_mut().for_each(|weight| *weight = [0.5, 0.25, 0.25]);
    }
}

#[test]
fn engines_and_integers_agree_bit_for_bit_where_nothing_is_rounded() {
    let mut network = dyadic_network();
    let architecture = network.architecture().clone();
    let mut tract = TractEngine::from_parts(&architecture, &network.parts()).unwrap();
    let mut plain = network.clone().with_arithmetic(Arithmetic::Plain);
    let parts = network.parts();
    let native = InstructionSet::available().map(|set| NativeEngine::from_parts(&architecture, &parts, set).unwrap());
    let mut native: Vec<NativeEngine> = native.collect();
    for seed in 0..4 {
        let mut block = block(&architecture, seed);
        dyadic_weights(&mut block);
        let expected = answer(&mut plain, &block);
        assert!(expected.embeddings.iter().any(|value| *value != expected.embeddings[0]), "something is computed");
        assert_eq!(answer(&mut network, &block), expected);
        assert_eq!(answer(&mut tract, &block), expected);
        for engine in &mut native {
            let set = engine.instruction_set();
            assert_eq!(answer(engine, &block), expected, "{set}");
        }
    }
}

fn model(place: &std::path::Path) -> Model {
    let architecture = small();
    write_model(&place.join("fp32"), &architecture, &untrained(&architecture), &ModelMetadata::s3dis()).unwrap()
}

#[test]
fn every_kind_of_layer_can_be_in_8_bits() {
    let place = tempfile::tempdir().unwrap();
    for name in ["jsnet", "jsnet-base", "asis-pointnet", "asis-pointnet-vanilla"] {
        let architecture = small_of(name);
        let folder = place.path().join(name);
        let model = write_model(&folder, &architecture, &untrained(&architecture), &ModelMetadata::s3dis()).unwrap();
        let blocks = (0..16).map(|seed| features(&architecture, seed)).collect();
        // Targets that everything meets: nothing goes back to floats.
        let options = CalibrationOptions { agreement: 0.0, embedding_p99: f64::INFINITY, ..options() };
        let Calibrated { mut network, report } =
            calibrate(&model, blocks, "a test", &options, None, &mut |_| {}).unwrap();
        assert!(report.float_share < 0.05, "{name}: {} of the arithmetic in floats", report.float_share);
        assert!(report.reached.agreement > 0.8, "{name}: {:?}", report.reached);

        // It is a model folder as any other: its parameters are there by name, and mean what is computed.
        let metadata = ModelMetadata::of(model.manifest());
        let folder = place.path().join(format!("{name}-int8"));
        let quantised = write_parts(&folder, &architecture, network.parts(), Precision::Int8, &metadata, &[]).unwrap();
        let block = block(&architecture, 99);
        let mut dequantised = PlainEngine::new(architecture.clone(), quantised.parameters().unwrap());
        let (expected, near) = (answer(&mut network, &block), answer(&mut dequantised, &block));
        let apart = difference(&expected.embeddings, &near.embeddings);
        assert!(apart < 0.2, "{name}: {apart}");
        let tract = answer(&mut TractEngine::new(&quantised).unwrap(), &block);
        let (expected, size) = ([expected], architecture.embedding_size());
        let found = deviation(&expected, &[tract], architecture.classes(), size);
        assert!(found.embedding_mean < 2e-3, "{name}: {found:?}");
        let mut first: Option<Prediction> = None;
        for set in InstructionSet::available() {
            let native = answer(&mut NativeEngine::on(&quantised, set).unwrap(), &block);
            assert_eq!(first.get_or_insert_with(|| native.clone()), &native, "{name}: other bits on {set}");
            let found = deviation(&expected, &[native], architecture.classes(), size);
            assert!(found.embedding_mean < 2e-3, "{name} on {set}: {found:?}");
        }
    }
}

#[test]
fn what_costs_too_much_stays_in_floats() {
    let place = tempfile::tempdir().unwrap();
    let model = model(place.path());
    let blocks = || (0..16).map(|seed| features(model.architecture(), seed)).collect();
    let calibrated = |agreement, embedding_p99| {
        let options = CalibrationOptions { agreement, embedding_p99, ..options() };
        calibrate(&model, blocks(), "a test", &options, None, &mut |_| {}).unwrap().report
    };
    let free = calibrated(0.0, f64::INFINITY);
    assert!(free.products.iter().all(|product| product.quantised));
    // Half of what all products together do to the embeddings: some must go, not all.
    let some = calibrated(0.0, free.reached.embedding_p99 / 2.0);
    assert!(some.float_share > free.float_share && some.float_share < 1.0, "{}", some.float_share);
    assert!(some.reached.embedding_p99 < free.reached.embedding_p99);
    // Nothing but floats is as near as floats are.
    let none = calibrated(1.0, 1e-5);
    assert!(none.float_share > some.float_share, "{}", none.float_share);
    assert!(none.targets_hold && none.reached.agreement == 1.0, "{:?}", none.reached);
}

fn options() -> CalibrationOptions {
    CalibrationOptions { score_rooms: 0, ..CalibrationOptions::default() }
}

#[test]
fn a_calibrated_model_is_a_model() {
    let place = tempfile::tempdir().unwrap();
    let model = model(place.path());
    let architecture = model.architecture();
    let blocks: Vec<Vec<f32>> = (0..20).map(|seed| features(architecture, seed)).collect();
    let mut lines = 0;
    let mut tell = |progress| lines += usize::from(matches!(progress, Progress::Line(_)));
    let calibrated = calibrate(&model, blocks, "a test", &options(), None, &mut tell).unwrap();
    let report = &calibrated.report;
    assert!(lines >= 3 && report.targets_hold, "{report:#?}");
    assert_eq!((report.blocks, report.deciding, report.judging, report.products.len()), (15, 2, 3, 40));
    assert!(markdown(report).contains("layer3/conv1/product"));

    let folder = place.path().join("int8");
    let metadata = ModelMetadata::of(model.manifest());
    let parts = calibrated.network.parts();
    assert!(parts.body.len() * 2 < model.part(PartRole::Body).unwrap().len(), "8 bits are less than 32");
    let beside = [("report.md", markdown(report).into_bytes())];
    let quantised = write_parts(&folder, architecture, parts, Precision::Int8, &metadata, &beside).unwrap();
    assert_eq!(quantised.manifest().precision, Precision::Int8);
    assert!(folder.join("report.md").is_file());

    // Three ways to run it. Sums of floats round where sums of integers do not, so a value may fall into the
    // next step: rarely, and by no more than that.
    let (mut tract, mut graph) = (TractEngine::new(&quantised).unwrap(), GraphNetwork::of_model(&quantised).unwrap());
    let mut dequantised = PlainEngine::new(architecture.clone(), quantised.parameters().unwrap());
    let block = block(architecture, 99);
    let (expected, by_tract) = (answer(&mut graph, &block), answer(&mut tract, &block));
    let found =
        deviation(std::slice::from_ref(&expected), &[by_tract], architecture.classes(), architecture.embedding_size());
    assert!(found.embedding_mean < 2e-3, "{found:?}");
    let near = answer(&mut dequantised, &block);
    assert!(difference(&expected.embeddings, &near.embeddings) < 0.2);

    let again = calibrate(&quantised, vec![], "a test", &options(), None, &mut |_| {}).unwrap_err();
    assert!(matches!(again, QuantisationError::Precision { precision: Precision::Int8, .. }), "{again}");
}

#[test]
fn too_little_data_is_refused_by_name() {
    let place = tempfile::tempdir().unwrap();
    let model = model(place.path());
    let blocks = vec![features(model.architecture(), 1); 3];
    let error = calibrate(&model, blocks, "monday.mcap", &options(), None, &mut |_| {}).unwrap_err().to_string();
    assert_eq!(error, "too little data: monday.mcap gave 3 blocks, at least 16 are needed");
}

#[test]
fn bad_scales_and_zero_points_are_refused_by_name() {
    let Prepared { architecture, mut network, products, .. } = prepared(untrained);
    let histograms: BTreeMap<String, Histogram> = products
        .iter()
        .map(|product| {
            let mut histogram = Histogram::default();
            histogram.add(&[1.0]);
            (product.value.clone(), histogram)
        })
        .collect();
    let missing = QuantisationPlan::new(&network.graphs, &products, &BTreeMap::new(), RangeMethod::MinMax);
    assert!(matches!(missing, Err(QuantisationError::NoRange { .. })));
    let plan = QuantisationPlan::new(&network.graphs, &products, &histograms, RangeMethod::MinMax).unwrap();
    for bad in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        let mut plan = plan.clone();
        plan.scales.insert("layer1".to_owned(), bad);
        let error = plan.apply(&mut network.graphs.clone()).unwrap_err();
        assert!(matches!(&error, QuantisationError::Scale { name, .. } if name == "layer1/scale"), "{error}");
    }
    plan.apply(&mut network.graphs).unwrap();
    let block = block(&architecture, 1);
    let refuse = |name: &str, constant: Constant| {
        let mut network = network.clone();
        assert!(network.graphs[0].constants.insert(name.to_owned(), constant).is_some(), "{name} is there");
        let failed = network.run(block.input(), &mut Blind, &mut Prediction::default()).unwrap_err();
        (failed, network.parts())
    };
    let scale = |values: Vec<f32>, shape: Vec<usize>| Constant::Float(Tensor { shape, values });
    let (error, _) = refuse("layer1/scale", scale(vec![0.0], vec![]));
    assert!(matches!(error, QuantisationError::Scale { index: 0, .. }), "{error}");
    let (error, _) = refuse("zero_point", Constant::Byte(vec![], vec![3]));
    assert!(matches!(error, QuantisationError::ZeroPoint { value: 3, .. }), "{error}");
    let mut bad = vec![1.0; 256];
    bad[5] = 0.0;
    let (error, parts) = refuse("layer3/conv2/weights/scale", scale(bad, vec![256]));
    assert!(matches!(error, QuantisationError::Scale { index: 5, .. }), "{error}");

    // The model folder refuses it too.
    let place = tempfile::tempdir().unwrap();
    let written =
        write_parts(&place.path().join("bad"), &architecture, parts, Precision::Int8, &ModelMetadata::s3dis(), &[]);
    let error = written.unwrap_err();
    assert!(
        matches!(&error, ModelError::Part { .. }) && error.to_string().contains("layer3/conv2/weights/scale"),
        "{error}"
    );
}

#[test]
fn unknown_operators_are_refused_by_name() {
    let Prepared { architecture, mut network, .. } = prepared(untrained);
    network.graphs[0].nodes[3].operator = "Erf".to_owned();
    let error = network.run(block(&architecture, 1).input(), &mut Blind, &mut Prediction::default()).unwrap_err();
    assert!(matches!(&error, QuantisationError::Operator { operator, .. } if operator == "Erf"), "{error}");
}
