//! `instanton pack` through the real binary: weights in, a model folder that opens out.

use std::path::Path;
use std::process::{Command, Output};

use instanton::network::asis::Asis;
use instanton::network::{Architecture, Model, Weights};
use npyz::WriterBuilder;

fn instanton(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_instanton")).args(arguments).output().expect("the binary runs")
}

/// Runs, expects exit code 2 and gives what stderr said.
fn refused(arguments: &[&str]) -> String {
    let output = instanton(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    said
}

fn architecture() -> Architecture {
    Asis::default().architecture().expect("the published network")
}

/// Untrained weights as the trainer exports them; `change` may spoil a variable or (`None`) leave it out.
fn export(
    path: &Path,
    suffix: &str,
    change: impl Fn(&str, Vec<u64>, Vec<f32>) -> Option<(String, Vec<u64>, Vec<f32>)>,
) -> Weights {
    let architecture = architecture();
    let weights = Weights::untrained(&architecture, 7);
    let mut archive = npyz::npz::NpzWriter::create(path).expect("a writable place");
    for variable in architecture.variables() {
        let shape = variable.shape.iter().map(|&size| size as u64).collect();
        let values = weights.variable(&variable.name).expect("one of its own").to_vec();
        let Some((name, shape, values)) = change(&variable.name, shape, values) else { continue };
        let array = archive.array::<f32>(&format!("{name}{suffix}"), Default::default()).expect("a new array");
        let mut array = array.default_dtype().shape(&shape).begin_nd().expect("a shape");
        array.extend(values).expect("space");
        array.finish().expect("all values");
    }
    weights
}

fn same(name: &str, shape: Vec<u64>, values: Vec<f32>) -> Option<(String, Vec<u64>, Vec<f32>)> {
    Some((name.to_owned(), shape, values))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain temporary path")
}

#[test]
fn weights_become_a_model_and_its_description_can_be_rewritten() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (weights, model, again, sizes) = (at("weights.npz"), at("model"), at("again"), at("mean_ins_size.txt"));
    let written = export(&weights, ":0", same);
    std::fs::write(at("provenance.toml"), "data = \"simulated\"\nsteps = 3\n").unwrap();
    std::fs::write(&sizes, (0..13).map(|class| format!("{class}.5\n")).collect::<String>()).unwrap();
    let output = instanton(&[
        "pack",
        text(&weights),
        "--out",
        text(&model),
        "--provenance",
        text(&at("provenance.toml")),
        "--mean-instance-size",
        text(&sizes),
    ]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let first = Model::open(&model).expect("a whole model");
    let architecture = architecture();
    assert_eq!(first.parameters().unwrap(), written.fold(&architecture).unwrap());
    assert_eq!(first.manifest().provenance["steps"].as_integer(), Some(3));
    assert_eq!(first.manifest().mean_instance_size.as_ref().map(|sizes| sizes[12]), Some(12.5));

    std::fs::write(at("scores.json"), r#"{"summary": {"mIoU": 0.5, "mPrec": null}, "rooms": 4}"#).unwrap();
    let rewrite = ["--scores", text(&at("scores.json")), "--mean-instance-size", "none"].map(str::to_owned);
    for out in [&again, &model] {
        let mut arguments = vec!["pack", "--from-model", text(&model), "--out", text(out)];
        arguments.extend(rewrite.iter().map(String::as_str));
        assert!(instanton(&arguments).status.success());
        let second = Model::open(out).expect("a whole model");
        assert_eq!(second.manifest().parts, first.manifest().parts, "the network is the same to the bit");
        assert_eq!(second.manifest().provenance, first.manifest().provenance);
        assert_eq!(second.manifest().scores.iter().collect::<Vec<_>>(), [(&"mIoU".to_owned(), &0.5)]);
        assert_eq!(second.manifest().mean_instance_size, None);
    }
}

#[test]
fn spoilt_weights_are_refused_by_name_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (weights, model) = (folder.path().join("weights.npz"), folder.path().join("model"));
    let spoilt = "layer1/conv0/biases";
    type Change = fn(&str, Vec<u64>, Vec<f32>) -> Option<(String, Vec<u64>, Vec<f32>)>;
    let cases: [(Change, &str); 4] = [
        (|_, shape, values| Some(("stranger".to_owned(), shape, values)), "is not part of"),
        (|_, _, _| None, "is missing"),
        (|name, _, values| Some((name.to_owned(), vec![2, 16], values)), "expected shape [32]"),
        (|name, shape, _| Some((name.to_owned(), shape, vec![f32::NAN; 32])), "is NaN"),
    ];
    for (change, expected) in cases {
        export(
            &weights,
            "",
            |name, shape, values| {
                if name == spoilt { change(name, shape, values) } else { same(name, shape, values) }
            },
        );
        let said = refused(&["pack", text(&weights), "--out", text(&model)]);
        assert!(said.contains(expected), "{expected}: {said}");
        assert!(!model.exists());
    }
}

#[test]
fn descriptions_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (weights, model, file) = (at("weights.npz"), at("model"), at("file"));
    export(&weights, "", same);
    for (option, content, expected) in [
        ("--scores", "[1]", "JSON object"),
        ("--scores", r#"{"mIoU": "high"}"#, "mIoU"),
        ("--provenance", "a = ", "TOML"),
        ("--mean-instance-size", "1 2 three", "three"),
        ("--mean-instance-size", "1 2 3", "mean_instance_size"),
        ("--mean-instance-size", "1 2 3 4 5 6 7 8 9 10 11 12 -13", "mean_instance_size[12]"),
    ] {
        std::fs::write(&file, content).unwrap();
        let said = refused(&["pack", text(&weights), "--out", text(&model), option, text(&file)]);
        assert!(said.contains(expected), "{option} {content}: {said}");
    }
    std::fs::write(&file, "in the way").unwrap();
    assert!(refused(&["pack", text(&weights), "--out", text(&file)]).contains("no model folder"));
    assert!(refused(&["pack", text(&at("absent.npz")), "--out", text(&model)]).contains("absent.npz"));
    assert!(refused(&["pack", text(&file), "--out", text(&model)]).contains("weights"));
    assert!(!model.exists());
}
