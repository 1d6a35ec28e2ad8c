//! Golden files `net_jsnet*.npz`: the reference's TensorFlow graph of JSNet with known weights.
//!
//! Both the plain forward pass (with every intermediate output) and tract on a written and opened model folder must
//! give its logits and embeddings within 1e-4 of the largest output, and the same class on at least
//! 99.95 % of the points.

use instanton::engine::{BlockInput, Engine, Prediction, TractEngine};
use instanton::network::plain::forward;
use instanton::network::zoo::{Sizes, by_name};
use instanton::network::{Architecture, ModelMetadata, Parameters, Weights, write_model};

use crate::net_support::{compare, compare_classes, compare_taps, plan_of, variables_are_those_of};
use crate::support;

fn published() -> Architecture {
    by_name("jsnet", &Sizes::published("jsnet").expect("a known name")).expect("the published network")
}

fn golden_network() -> Option<(Architecture, Parameters)> {
    let path = support::shared()?.join("golden/net_jsnet_weights_f16.npz");
    let architecture = published();
    let weights = Weights::read_npz(&path, &architecture).expect("golden weights");
    let parameters = weights.fold(&architecture).expect("foldable weights");
    Some((architecture, parameters))
}

#[test]
fn variables_are_those_of_the_reference_graph() {
    variables_are_those_of("net_jsnet_weights_keys.txt", &published());
}

#[test]
fn plain_forward_is_the_reference() {
    let Some((architecture, parameters)) = golden_network() else { return };
    let mut taps_seen = 0;
    support::for_each("net_jsnet", |_, archive| {
        let features: Vec<f32> = archive.values("block9");
        let plan = plan_of(&architecture, &features);
        let layers = forward(&architecture, &parameters, &features, &plan).expect("a golden block");
        // From the first layer to the last: the first that differs is the one to look at.
        taps_seen += compare_taps(archive, &architecture, &plan, &layers);
        compare("ins_embed", &archive.values::<f32>("ins_embed"), &layers["ins_fc5"].values);
        let logits: Vec<f32> = archive.values("sem_logits");
        compare("sem_logits", &logits, &layers["sem_fc5"].values);
        compare_classes("argmax", architecture.classes(), &logits, &layers["sem_fc5"].values);
    });
    assert!(taps_seen >= 28, "only {taps_seen} intermediate outputs were compared");
}

#[test]
fn tract_is_the_reference() {
    let Some((architecture, parameters)) = golden_network() else { return };
    let place = tempfile::tempdir().expect("a place for the model");
    let folder = place.path().join("jsnet");
    let model = write_model(&folder, &architecture, &parameters, &ModelMetadata::s3dis()).expect("a model folder");
    let mut engine = TractEngine::new(&model).expect("tract loads the part");
    let mut prediction = Prediction::default();
    support::for_each("net_jsnet", |_, archive| {
        let features: Vec<f32> = archive.values("block9");
        let plan = plan_of(&architecture, &features);
        engine.run(BlockInput { features: &features, plan: &plan }, &mut prediction).expect("a golden block");
        let logits: Vec<f32> = archive.values("sem_logits");
        compare("ins_embed", &archive.values::<f32>("ins_embed"), &prediction.embeddings);
        compare("sem_logits", &logits, &prediction.logits);
        compare_classes("argmax", architecture.classes(), &logits, &prediction.logits);
    });
}
