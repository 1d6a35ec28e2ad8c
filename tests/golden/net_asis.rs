//! Golden files `net_asis*.npz`: the reference's TensorFlow graph of ASIS with known weights.
//!
//! The plain forward pass (with every intermediate output), and every engine on a written and opened model folder, must
//! give its logits and embeddings within 1e-4 of the largest output, and the same class on at least
//! 99.95 % of the points.

use instanton::engine::{BlockInput, Prediction, nearest_plain};
use instanton::network::asis::Asis;
use instanton::network::plain::forward;
use instanton::network::{Architecture, Fusion, ModelMetadata, Parameters, Weights, write_model};

use crate::net_support::{compare, compare_classes, compare_taps, engines, plan_of, variables_are_those_of};
use crate::support;

fn golden_network() -> Option<(Architecture, Parameters)> {
    let path = support::shared()?.join("golden/net_asis_weights_f16.npz");
    let architecture = Asis::default().architecture().expect("the published network");
    let weights = Weights::read_npz(&path, &architecture).expect("golden weights");
    let parameters = weights.fold(&architecture).expect("foldable weights");
    Some((architecture, parameters))
}

/// Compares logits point by point. A point's fused features jump where its neighbour set changes, and
/// the set of a few points hangs on less than the rounding of the embeddings: two neighbours compete for
/// the last place, or one lies on the radius. A point whose set is not the reference's may differ, no
/// other, and at most 0.05 % of a block.
fn compare_logits(architecture: &Architecture, embeddings: &[f32], expected: &[f32], actual: &Prediction) {
    let (classes, size) = (architecture.classes(), architecture.embedding_size());
    let fusion = Fusion::of(architecture).expect("ASIS fuses");
    let largest = expected.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    let row = |values: &[f32], point: usize| values[point * classes..][..classes].to_vec();
    let differs = |point: &usize| {
        let pairs = row(expected, *point).into_iter().zip(row(&actual.logits, *point));
        pairs.into_iter().any(|(one, other)| (one - other).abs() > 1e-4 * largest)
    };
    let points = expected.len() / classes;
    let differing: Vec<usize> = (0..points).filter(differs).collect();
    if !differing.is_empty() {
        let sets = |embeddings: &[f32]| nearest_plain(embeddings, size, fusion.neighbours, fusion.radius);
        let (reference, ours) = (sets(embeddings), sets(&actual.embeddings));
        for &point in &differing {
            let only = |one: &[u32], other: &[u32]| one.iter().filter(|found| !other.contains(found)).count();
            let (gone, come) = (only(&reference[point], &ours[point]), only(&ours[point], &reference[point]));
            println!("  point {point}: neighbour set of {} lost {gone}, gained {come}", reference[point].len());
            assert!(gone + come > 0, "point {point} differs though it has the reference's neighbours");
        }
    }
    let same: Vec<usize> = (0..points).filter(|point| !differing.contains(point)).collect();
    let of = |values: &[f32]| -> Vec<f32> { same.iter().flat_map(|&point| row(values, point)).collect() };
    compare("sem_logits", &of(expected), &of(&actual.logits));
    assert!(differing.len() * 2000 <= points, "{} of {points} points differ", differing.len());
}

#[test]
fn variables_are_those_of_the_reference_graph() {
    let architecture = Asis::default().architecture().expect("the published network");
    variables_are_those_of("net_asis_weights_keys.txt", &architecture);
}

#[test]
fn plain_forward_is_the_reference() {
    let Some((architecture, parameters)) = golden_network() else { return };
    let mut taps_seen = 0;
    support::for_each("net_asis", |_, archive| {
        let features: Vec<f32> = archive.values("block9");
        let plan = plan_of(&architecture, &features);
        let layers = forward(&architecture, &parameters, &features, &plan).expect("a golden block");
        let logits: Vec<f32> = archive.values("sem_logits");
        let embeddings: Vec<f32> = archive.values("ins_embed");
        let prediction =
            Prediction { logits: layers["sem_fc4"].values.clone(), embeddings: layers["ins_fc4"].values.clone() };
        compare("ins_embed", &embeddings, &prediction.embeddings);
        compare_logits(&architecture, &embeddings, &logits, &prediction);
        compare_classes("argmax", architecture.classes(), &logits, &prediction.logits);
        taps_seen += compare_taps(archive, &architecture, &plan, &layers);
    });
    assert!(taps_seen >= 21, "only {taps_seen} intermediate outputs were compared");
}

#[test]
fn engines_are_the_reference() {
    let Some((architecture, parameters)) = golden_network() else { return };
    let place = tempfile::tempdir().expect("a place for the model");
    let folder = place.path().join("asis");
    let model = write_model(&folder, &architecture, &parameters, &ModelMetadata::s3dis()).expect("a model folder");
    let (mut engines, mut prediction) = (engines(&model), Prediction::default());
    support::for_each("net_asis", |_, archive| {
        let features: Vec<f32> = archive.values("block9");
        let plan = plan_of(&architecture, &features);
        let (logits, embeddings): (Vec<f32>, Vec<f32>) = (archive.values("sem_logits"), archive.values("ins_embed"));
        for engine in &mut engines {
            println!("  on {}", engine.name());
            engine.run(BlockInput { features: &features, plan: &plan }, &mut prediction).expect("a golden block");
            assert_eq!(prediction.logits.len(), logits.len());
            compare("ins_embed", &embeddings, &prediction.embeddings);
            compare_logits(&architecture, &embeddings, &logits, &prediction);
            compare_classes("argmax", architecture.classes(), &logits, &prediction.logits);
        }
    });
}
