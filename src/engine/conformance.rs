//! Every network of the zoo, small, on every engine: what is exported, with all its rewrites, is the plain
//! forward pass.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

#[cfg(feature = "tract")]
use super::properties::tract;
use super::properties::{Case, difference, engines, native, run, same_neighbours};
use super::{PlainEngine, Prediction};
use crate::geometry::{GeometryPlan, PlanWorkspace};
use crate::instruction_set::InstructionSet;
use crate::network::onnx::{check_part, export, read_parameters};
use crate::network::zoo::{Sizes, by_name, names};
use crate::network::{Architecture, LevelEntry, PartRole, Weights};

/// A network with its real widths on a block small enough for tests.
pub(super) fn small(name: &str, feature_columns: usize) -> Architecture {
    let mut sizes = Sizes { feature_columns, classes: 7, points: 96, ..Sizes::published(name).unwrap() };
    let small = [(40, 0.2), (20, 0.4), (12, 0.6), (5, 0.8)];
    for (level, (points, radius)) in sizes.levels.iter_mut().zip(small) {
        *level = LevelEntry { points, radius, slots: 11 };
    }
    by_name(name, &sizes).unwrap()
}

/// Blocks as they come: spread, mostly copies of a few points, and one single place.
pub(super) fn block(architecture: &Architecture, kind: &str) -> Case {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let (points, columns) = (architecture.points(), architecture.feature_columns());
    let distinct = match kind {
        "spread" => points,
        "copies" => 9,
        _ => 1,
    };
    let rows: Vec<Vec<f32>> =
        (0..distinct).map(|_| (0..columns).map(|_| random.random_range(-0.5f32..1.0)).collect()).collect();
    let features: Vec<f32> = (0..points).flat_map(|point| rows[point % distinct].clone()).collect();
    let position: Vec<[f32; 3]> = features.chunks_exact(columns).map(|row| [row[0], row[1], row[2]]).collect();
    let mut plan = GeometryPlan::default();
    plan.compute(&position, &architecture.plan_specification(), &mut PlanWorkspace::default()).unwrap();
    let parameters = Weights::untrained(architecture, 11).fold(architecture).unwrap();
    Case { architecture: architecture.clone(), parameters, features, plan }
}

fn compare(name: &str, kind: &str, case: &Case) {
    let (classes, size) = (case.architecture.classes(), case.architecture.embedding_size());
    let expected = run(&mut PlainEngine::new(case.architecture.clone(), case.parameters.clone()), case).unwrap();
    let mut first: Option<Prediction> = None;
    for (engine_name, mut engine) in engines(case) {
        let what = format!("{name} on {engine_name}, {kind}");
        let actual = run(&mut *engine, case).unwrap();
        let same = same_neighbours(case, &expected, &actual);
        let embeddings = difference(&expected.embeddings, &actual.embeddings, size, |_| true);
        assert!(embeddings < 1e-5, "{what}: embeddings differ by {embeddings}");
        let logits = difference(&expected.logits, &actual.logits, classes, |row| same[row]);
        assert!(logits < 1e-5, "{what}: logits differ by {logits}");
        assert_eq!(run(&mut *engine, case).unwrap(), actual, "{what}: the same bits again");
        if engine.name() == "native" {
            assert_eq!(first.get_or_insert_with(|| actual.clone()), &actual, "{what}: other bits");
        }
    }
}

#[test]
fn every_network_runs_as_its_plain_forward_pass() {
    // A part variant has the layers of its network; its columns are what is new.
    for name in names().iter().filter(|name| !name.ends_with("-part")) {
        let architecture = small(name, 9);
        for kind in ["spread", "copies", "one place"] {
            compare(name, kind, &block(&architecture, kind));
        }
    }
}

#[test]
fn three_columns_are_enough() {
    for name in ["asis-pointnet-part", "asis-pointnet2-part", "jsnet-part", "jsnet-base-part"] {
        compare(name, "spread", &block(&small(name, 3), "spread"));
    }
}

#[test]
fn parts_carry_the_parameters() {
    for name in names() {
        let architecture = small(&name, 6);
        let parameters = Weights::untrained(&architecture, 2).fold(&architecture).unwrap();
        let parts = export(&architecture, &parameters).unwrap();
        assert_eq!(parts.head.is_some(), architecture.fusion().is_some(), "{name}");
        let mut listed = vec![(PartRole::Body, parts.body.as_slice())];
        listed.extend(parts.head.as_deref().map(|head| (PartRole::Head, head)));
        for &(role, bytes) in &listed {
            check_part(&architecture, role, bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        assert_eq!(read_parameters(&architecture, &listed).unwrap(), parameters, "{name}");
    }
}

#[cfg(feature = "tract")]
#[test]
fn networks_of_published_size_load_and_run_on_tract() {
    // What is fine on a hundred points may never end on four thousand: tract's passes over the graph.
    for name in ["asis-pointnet-vanilla", "asis-pointnet", "jsnet"] {
        let architecture = by_name(name, &Sizes::published(name).unwrap()).unwrap();
        let case = block(&architecture, "spread");
        let prediction = run(&mut tract(&case), &case).unwrap();
        assert_eq!(prediction.logits.len(), 4096 * 13, "{name}");
    }
}

#[test]
fn any_number_of_points_has_a_maximum() {
    for points in [67, 74, 96, 128] {
        let mut sizes = Sizes { points, classes: 7, ..Sizes::published("asis-pointnet-vanilla").unwrap() };
        sizes.levels.clear();
        let architecture = by_name("asis-pointnet-vanilla", &sizes).unwrap();
        compare("asis-pointnet-vanilla", "spread", &block(&architecture, "spread"));
    }
}

/// First bytes of the SHA-256 of embeddings and logits, little-endian, of the small networks below.
const BITS: [(&str, &str); 3] =
    [("asis-pointnet", "e1e4cfecc0e01907"), ("asis-pointnet2", "f7c6a3e6c6a02fdb"), ("jsnet", "a23f98ed2436c809")];

#[test]
fn every_processor_gives_the_same_bits() {
    // The tests before hold this processor's instruction sets to each other; this one holds x86-64, aarch64 and
    // whatever comes next to one answer. Together the networks have every operation, PointConv's exponentials too.
    for (name, expected) in BITS {
        let case = block(&small(name, 9), "spread");
        for set in InstructionSet::available() {
            let Prediction { embeddings, logits } = run(&mut native(&case, set), &case).unwrap();
            let mut hash = Sha256::new();
            embeddings.iter().chain(&logits).for_each(|value| hash.update(value.to_le_bytes()));
            let bits: String = hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(bits, expected, "{name} on {set}");
        }
    }
}
