//! `instanton export` and `instanton inspect` of what it wrote, through the real binary.

use std::path::Path;
use std::process::{Command, Output};

use instanton::geometry::LevelSpecification;
use instanton::network::asis::Asis;
use instanton::network::{Model, ModelMetadata, Parameters, Precision, Weights, write_model};

fn instanton(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_instanton")).args(arguments).output().expect("the binary runs")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain temporary path")
}

/// ASIS with its real layers on a small block.
fn small() -> Asis {
    let level = |points, radius| LevelSpecification::ball(points, radius, 4);
    let levels = vec![level(32, 0.1), level(16, 0.2), level(8, 0.4), level(4, 0.8)];
    Asis { points: 64, levels, fusion_neighbours: 6, ..Asis::default() }
}

fn write(folder: &Path) -> Parameters {
    let architecture = small().architecture().expect("sound sizes");
    let parameters = Weights::untrained(&architecture, 5).fold(&architecture).expect("sound weights");
    write_model(folder, &architecture, &parameters, &ModelMetadata::s3dis()).expect("a writable place");
    parameters
}

#[test]
fn halves_carry_the_weights_rounded_and_nothing_else_changes() {
    let place = tempfile::tempdir().expect("a place");
    let (single, half, copy) = (place.path().join("single"), place.path().join("half"), place.path().join("copy"));
    let parameters = write(&single);
    let output = instanton(&["export", text(&single), "--precision", "fp16", "--out", text(&half)]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let model = Model::open(&half).expect("a model folder");
    assert_eq!(model.manifest().precision, Precision::Fp16);
    let read = model.parameters().expect("readable by name");
    let (mut rounded, mut exact) = (0, 0);
    for convolution in model.architecture().convolutions() {
        let of = |parameters: &Parameters| parameters.convolution(&convolution.scope).expect("there").clone();
        let (before, after) = (of(&parameters), of(&read));
        for (before, after) in before.weight.iter().zip(&after.weight) {
            let half = half::f16::from_f32(*before).to_f32();
            assert!(*after == half || after == before, "{}", convolution.scope);
            rounded += usize::from(*after == half);
            exact += usize::from(after == before && *after != half);
        }
        // What meets coordinates in metres stays as it was.
        if convolution.scope.ends_with("/conv0") {
            assert_eq!(before.weight, after.weight, "{}", convolution.scope);
        }
    }
    assert!(exact > 0 && rounded > 10 * exact, "{rounded} rounded, {exact} exact");
    let size = |folder: &Path| std::fs::metadata(folder.join("body.onnx")).expect("a part").len();
    assert!(10 * size(&half) < 6 * size(&single));

    // As it is: the same bytes.
    assert!(instanton(&["export", text(&single), "--out", text(&copy)]).status.success());
    assert_eq!(
        Model::open(&copy).expect("a model").manifest().parts,
        Model::open(&single).expect("a model").manifest().parts
    );
    let said = String::from_utf8_lossy(&instanton(&["inspect", text(&half)]).stdout).into_owned();
    for expected in ["fp16", "sem_fa_layer4", "set abstraction", "rewritten", "Nothing is wrong with it"] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[test]
fn what_cannot_be_exported_is_refused_by_name() {
    let place = tempfile::tempdir().expect("a place");
    let (single, half, out) = (place.path().join("single"), place.path().join("half"), place.path().join("out"));
    write(&single);
    assert!(instanton(&["export", text(&single), "--precision", "fp16", "--out", text(&half)]).status.success());
    let file = place.path().join("out.onnx");
    for (arguments, expected) in [
        (["export", text(&single), "--precision", "int8", "--out", text(&out)], "instanton calibrate"),
        (["export", text(&half), "--precision", "fp32", "--out", text(&out)], "it is in fp16"),
        (["export", text(&single), "--precision", "fp16", "--out", text(&file)], "expected a folder"),
        (["export", text(place.path()), "--precision", "fp16", "--out", text(&out)], "model.toml"),
    ] {
        let output = instanton(&arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(expected), "{expected}: {said}");
        assert!(!out.exists() && !file.exists());
    }
    // A weight that a half cannot hold.
    let architecture = small().architecture().expect("sound sizes");
    let mut folded: Vec<_> = Vec::new();
    let parameters = Weights::untrained(&architecture, 5).fold(&architecture).expect("sound weights");
    for convolution in architecture.convolutions() {
        let mut values = parameters.convolution(&convolution.scope).expect("there").clone();
        if convolution.scope == "sem_fc4" {
            values.weight[7] = 1.0e5;
        }
        folded.push((convolution.scope, values));
    }
    let parameters = Parameters::new(&architecture, folded).expect("finite");
    write_model(&single, &architecture, &parameters, &ModelMetadata::s3dis()).expect("a writable place");
    let output = instanton(&["export", text(&single), "--precision", "fp16", "--out", text(&out)]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("sem_fc4/weights") && said.contains("100000") && !out.exists(), "{said}");
}
