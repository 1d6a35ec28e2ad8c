//! Every engine against the plain forward pass, on random networks and random blocks.

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

#[cfg(feature = "tract")]
use super::TractEngine;
use super::{BlockInput, Engine, EngineError, NativeEngine, PlainEngine, Prediction, nearest_plain};
use crate::geometry::{GeometryPlan, LevelSpecification, PlanWorkspace};
use crate::instruction_set::InstructionSet;
use crate::network::onnx::export;
use crate::network::{Architecture, Description, Fusion, Layer, Operation, Parameters, Weights};

/// A two-level network in the manner of ASIS, of any size; without fusion it is the vanilla variant.
fn network(points: usize, levels: [(usize, usize); 2], widths: &[usize], fusion: bool) -> Architecture {
    let specification = |(points, slots): (usize, usize)| LevelSpecification::ball(points, 0.4, slots);
    let mut layers = Vec::new();
    let mut add = |scope: &str, inputs: &[&str], operation: Operation| {
        let inputs = inputs.iter().map(|&input| input.to_owned()).collect();
        layers.push(Layer { scope: scope.to_owned(), inputs, operation });
    };
    let widths = || widths.to_vec();
    add("down1", &["features"], Operation::SetAbstraction { level: 1, widths: widths() });
    add("down2", &["down1"], Operation::SetAbstraction { level: 2, widths: widths() });
    add("up1", &["down2", "down1"], Operation::FeaturePropagation { level: 2, widths: widths() });
    add("up2", &["up1", "features"], Operation::FeaturePropagation { level: 1, widths: widths() });
    add("semantic", &["up2"], Operation::Dense { outputs: 10 });
    add("cache", &["semantic"], Operation::Dense { outputs: 7 });
    add("instance", &["up2"], Operation::Dense { outputs: 7 });
    add("sum", &["instance", "cache"], Operation::Sum);
    add("embedding", &["sum"], Operation::Linear { outputs: 3 });
    if fusion {
        add("fusion", &["semantic", "embedding"], Operation::InstanceFusion { neighbours: 6, radius: 0.5 });
    }
    add("class", &[if fusion { "fusion" } else { "semantic" }], Operation::Linear { outputs: 4 });
    Architecture::new(Description {
        name: "test".to_owned(),
        points,
        feature_columns: 9,
        levels: levels.map(specification).to_vec(),
        layers,
        logits: "class".to_owned(),
        embeddings: "embedding".to_owned(),
    })
    .unwrap()
}

pub(super) struct Case {
    pub architecture: Architecture,
    pub parameters: Parameters,
    pub features: Vec<f32>,
    pub plan: GeometryPlan,
}

fn case(architecture: Architecture, seed: u64, duplicates: bool) -> Case {
    let parameters = Weights::untrained(&architecture, seed).fold(&architecture).unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut features: Vec<f32> = Vec::new();
    for point in 0..architecture.points() {
        if duplicates && point > 0 && random.random_range(0..3) == 0 {
            let copied = random.random_range(0..point) * 9;
            features.extend_from_within(copied..copied + 9);
        } else {
            features.extend((0..9).map(|_| random.random_range(-0.5f32..1.0)));
        }
    }
    let position: Vec<[f32; 3]> = features.chunks_exact(9).map(|row| [row[0], row[1], row[2]]).collect();
    let mut plan = GeometryPlan::default();
    plan.compute(&position, &architecture.plan_specification(), &mut PlanWorkspace::default()).unwrap();
    Case { architecture, parameters, features, plan }
}

pub(super) fn run(engine: &mut dyn Engine, case: &Case) -> Result<Prediction, EngineError> {
    let mut prediction = Prediction::default();
    engine.run(BlockInput { features: &case.features, plan: &case.plan }, &mut prediction)?;
    Ok(prediction)
}

#[cfg(feature = "tract")]
pub(super) fn tract(case: &Case) -> TractEngine {
    TractEngine::from_parts(&case.architecture, &export(&case.architecture, &case.parameters).unwrap()).unwrap()
}

pub(super) fn native(case: &Case, set: InstructionSet) -> NativeEngine {
    NativeEngine::with_parameters(&case.architecture, &case.parameters, set).unwrap()
}

/// Every engine, the native one on every instruction set that is here.
pub(super) fn engines(case: &Case) -> Vec<(String, Box<dyn Engine>)> {
    let native = |set| (format!("native on {set}"), Box::new(native(case, set)) as Box<dyn Engine>);
    #[cfg(feature = "tract")]
    let tract = [("tract".to_owned(), Box::new(tract(case)) as Box<dyn Engine>)];
    #[cfg(not(feature = "tract"))]
    let tract = [];
    tract.into_iter().chain(InstructionSet::available().map(native)).collect()
}

/// For each point whether its neighbours in embedding space are the same by both embeddings. Where they hang on
/// rounding, no answer is the one right one.
pub(super) fn same_neighbours(case: &Case, one: &Prediction, other: &Prediction) -> Vec<bool> {
    let Some(Fusion { neighbours, radius }) = Fusion::of(&case.architecture) else {
        return vec![true; case.architecture.points()];
    };
    let sets = |prediction: &Prediction| {
        let size = case.architecture.embedding_size();
        let mut sets = nearest_plain(&prediction.embeddings, size, neighbours, radius);
        sets.iter_mut().for_each(|set| set.sort_unstable());
        sets
    };
    sets(one).iter().zip(sets(other)).map(|(one, other)| *one == other).collect()
}

/// Largest difference over the largest value, over the rows that `compared` names.
pub(super) fn difference(one: &[f32], other: &[f32], columns: usize, compared: impl Fn(usize) -> bool) -> f32 {
    assert_eq!(one.len(), other.len());
    let largest = one.iter().fold(1.0f32, |largest, value| largest.max(value.abs()));
    let rows = one.chunks_exact(columns).zip(other.chunks_exact(columns)).enumerate();
    rows.filter(|(row, _)| compared(*row))
        .flat_map(|(_, (one, other))| one.iter().zip(other))
        .fold(0.0f32, |most, (one, other)| most.max((one - other).abs()))
        / largest
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_engine_is_plain(
        points in 1usize..256,
        (share1, share2) in (0.05f64..1.0, 0.05f64..1.0),
        slots in (1usize..20, 1usize..9),
        widths in prop::collection::vec(1usize..20, 1..4),
        fusion in any::<bool>(),
        duplicates in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let level1 = ((points as f64 * share1) as usize).max(1);
        let level2 = ((level1 as f64 * share2) as usize).max(1);
        let architecture = network(points, [(level1, slots.0), (level2, slots.1)], &widths, fusion);
        let case = case(architecture, seed, duplicates);
        let expected = run(&mut PlainEngine::new(case.architecture.clone(), case.parameters.clone()), &case).unwrap();
        let mut first: Option<Prediction> = None;
        for (name, mut engine) in engines(&case) {
            let actual = run(&mut *engine, &case).unwrap();
            let same = same_neighbours(&case, &expected, &actual);
            prop_assert!(difference(&expected.embeddings, &actual.embeddings, 3, |_| true) < 1e-5, "{}", name);
            prop_assert!(difference(&expected.logits, &actual.logits, 4, |row| same[row]) < 1e-5, "{}", name);
            prop_assert_eq!(&run(&mut *engine, &case).unwrap(), &actual, "{}: the same bits again", name);
            if engine.name() == "native" {
                prop_assert_eq!(first.get_or_insert_with(|| actual.clone()), &actual, "{}: other bits", name);
            }
        }
    }
}

/// What every engine must refuse, and go on working afterwards.
fn refuses_bad_blocks(engine: &mut dyn Engine, good: &Case) {
    let before = run(engine, good).unwrap();
    let mut refuse = |change: &dyn Fn(&mut Case)| {
        let mut bad = case(good.architecture.clone(), 5, false);
        change(&mut bad);
        let error = run(engine, &bad).unwrap_err();
        assert_eq!(run(engine, good).unwrap(), before, "the engine still works after {error}");
        error
    };
    assert!(matches!(refuse(&|c| c.features.truncate(8)), EngineError::Shape { what: "features", .. }));
    assert!(matches!(refuse(&|c| c.features.clear()), EngineError::Shape { actual: 0, .. }));
    assert!(matches!(refuse(&|c| c.features[13] = f32::NAN), EngineError::NotFinite { position: 13, .. }));
    assert!(matches!(refuse(&|c| c.features[4] = f32::INFINITY), EngineError::NotFinite { position: 4, .. }));
    assert!(matches!(refuse(&|c| c.plan.levels.truncate(2)), EngineError::Shape { what: "levels", .. }));
    assert!(matches!(refuse(&|c| c.plan = GeometryPlan::default()), EngineError::Shape { what: "levels", .. }));
    assert!(matches!(refuse(&|c| c.plan.levels[1].position[2][1] = f32::NAN), EngineError::NotFinite { .. }));
    assert!(matches!(
        refuse(&|c| c.plan.levels[1].neighbours.index[7] = u32::MAX),
        EngineError::Index { what: "neighbours", level: 1, position: 7, actual: u32::MAX, .. }
    ));
    assert!(matches!(refuse(&|c| c.plan.levels[2].neighbours.slots = 0), EngineError::Shape { .. }));
    assert!(matches!(refuse(&|c| c.plan.levels[2].neighbours.index.truncate(3)), EngineError::Shape { .. }));
    assert!(matches!(
        refuse(&|c| c.plan.levels[2].interpolation.index[3][1] = 99),
        EngineError::Index { what: "interpolation indices", level: 2, position: 10, actual: 99, .. }
    ));
    assert!(matches!(
        refuse(&|c| c.plan.levels[1].interpolation.weight[0][2] = f32::NAN),
        EngineError::NotFinite { .. }
    ));
    // Finite, but the arithmetic overflows on it: an error or finite values, whichever the ReLUs leave.
    let mut huge = case(good.architecture.clone(), 5, false);
    huge.features.iter_mut().for_each(|value| *value *= f32::MAX);
    match run(engine, &huge) {
        Ok(Prediction { logits, embeddings }) => assert!(logits.iter().chain(&embeddings).all(|v| v.is_finite())),
        Err(error) => assert!(matches!(error, EngineError::NotFinite { .. }), "{error}"),
    }
    assert_eq!(run(engine, good).unwrap(), before);
}

#[test]
fn every_engine_refuses_bad_blocks() {
    let good = case(network(64, [(16, 5), (4, 3)], &[8, 8], true), 1, false);
    refuses_bad_blocks(&mut PlainEngine::new(good.architecture.clone(), good.parameters.clone()), &good);
    engines(&good).iter_mut().for_each(|(_, engine)| refuses_bad_blocks(&mut **engine, &good));
}

#[cfg(feature = "tract")]
#[test]
fn engines_move_between_threads_and_agree() {
    let good = case(network(64, [(16, 5), (4, 3)], &[8, 8], true), 1, true);
    let mut engine = tract(&good);
    let expected = run(&mut engine, &good).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let mut fork = engine.fork().unwrap();
            let (good, expected) = (&good, &expected);
            scope.spawn(move || assert_eq!(&run(&mut fork, good).unwrap(), expected));
        }
    });
}
