//! Golden files `net_jsnet*.npz`: the reference's TensorFlow graph of JSNet with known weights.
//!
//! The plain forward pass (with every intermediate output), and every engine on a written and opened model folder, must
//! give its logits and embeddings within 1e-4 of the largest output, and the same class on at least
//! 99.95 % of the points.

use instanton::engine::{BlockInput, Prediction};
use instanton::network::plain::forward;
use instanton::network::zoo::{Sizes, by_name};
use instanton::network::{Architecture, ModelMetadata, Parameters, Weights, write_model};

use crate::net_support::{compare, compare_classes, compare_taps, engines, plan_of, variables_are_those_of};
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
fn engines_are_the_reference() {
    let Some((architecture, parameters)) = golden_network() else { return };
    let place = tempfile::tempdir().expect("a place for the model");
    let folder = place.path().join("jsnet");
    let model = write_model(&folder, &architecture, &parameters, &ModelMetadata::s3dis()).expect("a model folder");
    let (mut engines, mut prediction) = (engines(&model), Prediction::default());
    support::for_each("net_jsnet", |_, archive| {
        let features: Vec<f32> = archive.values("block9");
        let plan = plan_of(&architecture, &features);
        let (logits, embeddings): (Vec<f32>, Vec<f32>) = (archive.values("sem_logits"), archive.values("ins_embed"));
        for engine in &mut engines {
            println!("  on {}", engine.name());
            engine.run(BlockInput { features: &features, plan: &plan }, &mut prediction).expect("a golden block");
            compare("ins_embed", &embeddings, &prediction.embeddings);
            compare("sem_logits", &logits, &prediction.logits);
            compare_classes("argmax", architecture.classes(), &logits, &prediction.logits);
        }
    });
}
