//! What the golden tests of both networks share.

use std::collections::BTreeMap;

use instanton::engine::{Engine, NativeEngine};
use instanton::geometry::{GeometryPlan, PlanWorkspace};
use instanton::instruction_set::InstructionSet;
use instanton::network::plain::Matrix;
use instanton::network::{Architecture, Model};

use crate::support;

pub fn plan_of(architecture: &Architecture, features: &[f32]) -> GeometryPlan {
    let rows = features.chunks_exact(architecture.feature_columns());
    let position: Vec<[f32; 3]> = rows.map(|row| [row[0], row[1], row[2]]).collect();
    let mut plan = GeometryPlan::default();
    plan.compute(&position, &architecture.plan_specification(), &mut PlanWorkspace::default()).expect("a golden block");
    plan
}

/// Largest difference; `expected` may hold only the first rows of `actual`.
pub fn compare(what: &str, expected: &[f32], actual: &[f32]) -> f32 {
    assert!(!expected.is_empty() && expected.len() <= actual.len(), "{what}: {} of {}", expected.len(), actual.len());
    let largest = expected.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    let difference = expected.iter().zip(actual).fold(0.0f32, |most, (one, other)| {
        assert!(other.is_finite(), "{what}: {other}");
        most.max((one - other).abs())
    });
    println!("  {what}: max |Δ| {difference:.2e} of {largest:.2}");
    assert!(difference <= 1e-4 * largest, "{what}: differs by {difference}, largest value {largest}");
    difference
}

pub fn compare_classes(what: &str, classes: usize, expected: &[f32], actual: &[f32]) {
    let best = |row: &[f32]| (0..classes).reduce(|best, class| if row[class] > row[best] { class } else { best });
    let rows = expected.chunks_exact(classes).zip(actual.chunks_exact(classes));
    let (points, equal) = (rows.len(), rows.filter(|(one, other)| best(one) == best(other)).count());
    let agreement = equal as f64 / points as f64;
    println!("  {what}: same class on {:.3} %", 100.0 * agreement);
    assert!(agreement >= 0.9995, "{what}: same class on {equal} of {points} points");
}

/// The architecture stores the variables of the reference's graph: names, shapes and order.
pub fn variables_are_those_of(list: &str, architecture: &Architecture) {
    let Some(shared) = support::shared() else { return };
    let keys = std::fs::read_to_string(shared.join("golden").join(list)).expect("list of variables");
    let expected: Vec<String> = keys.lines().map(|line| line.replace(' ', "")).collect();
    let shape = |shape: &[usize]| match shape {
        [one] => format!("({one},)"),
        more => format!("({})", more.iter().map(usize::to_string).collect::<Vec<_>>().join(",")),
    };
    let ours: Vec<String> = architecture
        .variables()
        .iter()
        .map(|variable| format!("{}:0\t{}", variable.name, shape(&variable.shape)))
        .collect();
    assert_eq!(ours, expected);
}

/// Compares every intermediate output that the archive has; gives how many.
pub fn compare_taps(
    archive: &mut support::Archive,
    architecture: &Architecture,
    plan: &GeometryPlan,
    layers: &BTreeMap<String, Matrix>,
) -> usize {
    let mut seen = 0;
    for layer in architecture.layers() {
        let tap = format!("tap_{}", layer.scope);
        if archive.has(&tap) {
            compare_tap(archive, &tap, &layers[&layer.scope]);
            seen += 1;
        }
    }
    for level in 1..plan.levels.len() {
        let tap = format!("tap_layer{level}_xyz");
        if archive.has(&tap) {
            assert_eq!(archive.points::<3>(&tap), plan.levels[level].position, "{tap}");
            seen += 1;
        }
    }
    seen
}

fn compare_tap(archive: &mut support::Archive, tap: &str, layer: &Matrix) {
    // Full-resolution taps hold the first 256 rows only.
    let shape = archive.shape(tap);
    assert_eq!(shape[1], layer.columns, "{tap}");
    assert!(
        shape[0] == layer.rows || (shape[0] == 256 && layer.rows > 256),
        "{tap}: {} rows of {}",
        shape[0],
        layer.rows
    );
    compare(tap, &archive.values::<f32>(tap), &layer.values);
}

/// Every engine on a model, the native one on every instruction set that is here.
pub fn engines(model: &Model) -> Vec<Box<dyn Engine>> {
    #[cfg(feature = "tract")]
    let tract: [Box<dyn Engine>; 1] =
        [Box::new(instanton::engine::TractEngine::new(model).expect("tract loads the parts"))];
    #[cfg(not(feature = "tract"))]
    let tract: [Box<dyn Engine>; 0] = [];
    let native = |set| -> Box<dyn Engine> { Box::new(NativeEngine::on(model, set).expect("the parts are compiled")) };
    // A fused multiply-add is a call on the plain path: seconds a block, and the same bits as on the others.
    let sets = InstructionSet::available().filter(|&set| set != InstructionSet::Plain);
    tract.into_iter().chain(sets.map(native)).collect()
}
