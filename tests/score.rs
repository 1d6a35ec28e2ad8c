//! `instanton score` through the real binary, on a small untrained network and a room of a few boxes.

use std::path::Path;
use std::process::{Command, Output};

use instanton::cloud::{Cloud, LabelledCloud};
use instanton::geometry::LevelSpecification;
use instanton::network::asis::Asis;
use instanton::network::{Model, ModelMetadata, Weights, write_model};
use instanton::transport::write_room;

const BEGIN: &str = "<!-- scores: written by `instanton score --update`, do not edit -->";

fn score(place: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_instanton"));
    command.arg("score").args(arguments).arg("--cache").arg(place.join("cache")).current_dir(place);
    command.output().expect("the binary runs")
}

fn model(folder: &Path, seed: u64) {
    let level = |points, radius| LevelSpecification::ball(points, radius, 4);
    let levels = vec![level(64, 0.2), level(32, 0.4), level(16, 0.6), level(8, 0.8)];
    let architecture = Asis { points: 256, levels, ..Asis::default() }.architecture().expect("sound sizes");
    let parameters = Weights::untrained(&architecture, seed).fold(&architecture).expect("sound weights");
    let mut metadata = ModelMetadata::s3dis();
    metadata.provenance.insert("licence".to_owned(), toml::Value::String("CC0".to_owned()));
    write_model(folder, &architecture, &parameters, &metadata).expect("a writable place");
}

/// A floor and a box on it, in 2 × 2 m.
fn room(path: &Path, height: f32) {
    let mut room = LabelledCloud { cloud: Cloud { position: vec![], colour: None }, class: vec![], instance: vec![] };
    for step in 0..1600 {
        let (x, y) = ((step % 40) as f32 * 0.05, (step / 40) as f32 * 0.05);
        let on_box = (0.5..1.2).contains(&x) && (0.5..1.2).contains(&y);
        room.cloud.position.push([x, y, if on_box { height } else { 0.0 }]);
        room.class.push(if on_box { 7 } else { 1 });
        room.instance.push(i32::from(on_box));
    }
    room.cloud.colour = Some(vec![[120; 3]; 1600]);
    write_room(path, &room).expect("a writable place");
}

#[test]
fn one_command_writes_the_table_the_manifests_and_the_cards() {
    let place = tempfile::tempdir().expect("a place");
    let at = |name: &str| place.path().join(name);
    model(&at("one"), 1);
    model(&at("two"), 2);
    room(&at("room.npy"), 0.7);
    std::fs::write(at("page.md"), format!("# Models\n\n{BEGIN}\nold\n<!-- scores: end -->\n\n## Train\n"))
        .expect("written");
    let arguments =
        ["one", "two", "--rooms", "room.npy", "--protocol", "live", "--protocol", "reference", "--update", "page.md"];
    let output = score(place.path(), &arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |name: &str| std::fs::read_to_string(at(name)).expect("written");
    let page = read("page.md");
    assert!(
        page.starts_with(&format!("# Models\n\n{BEGIN}\n")) && page.ends_with("<!-- scores: end -->\n\n## Train\n")
    );
    assert!(!page.contains("old"));
    for expected in ["| one", "| two", "Live protocol by class", "Reference protocol, percent", "bookcase"] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    for name in ["one", "two"] {
        let opened = Model::open(&at(name)).expect("still a whole model");
        let scores = &opened.manifest().scores;
        assert!(scores.contains_key("oAcc") && scores.contains_key("live mIoU"), "{scores:?}");
        let card = read(&format!("{name}/README.md"));
        assert!(card.contains("**Licence.** CC0") && card.contains("| table"), "{card}");
    }
    // Again: from the kept results, the times included, to the byte.
    assert_eq!(std::fs::read_dir(at("cache")).expect("kept").count(), 4);
    assert!(score(place.path(), &arguments).status.success());
    assert_eq!(read("page.md"), page);
    assert_eq!(std::fs::read_dir(at("cache")).expect("kept").count(), 4);
    // Another room is another result; a card by hand stays.
    room(&at("room.npy"), 0.9);
    std::fs::write(at("one/README.md"), "mine").expect("written");
    assert!(score(place.path(), &arguments).status.success());
    assert_eq!(std::fs::read_dir(at("cache")).expect("kept").count(), 8);
    assert_eq!(read("one/README.md"), "mine");
}

#[test]
fn models_that_are_not_here_stand_in_the_tables_by_their_records() {
    let place = tempfile::tempdir().expect("a place");
    let at = |name: &str| place.path().join(name);
    model(&at("one"), 1);
    model(&at("gone"), 2);
    room(&at("room.npy"), 0.7);
    let output = score(place.path(), &["gone", "--rooms", "room.npy", "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::write(at("variants.json"), &output.stdout).expect("written");
    std::fs::remove_dir_all(at("gone")).expect("removed");

    let arguments = ["one", "--rooms", "room.npy", "--recorded", "variants.json"];
    let output = score(place.path(), &arguments);
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && table.contains("| one") && table.contains("| gone"), "{table}");

    let refused = |arguments: &[&str], expected: &str| {
        let output = score(place.path(), arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(expected), "{expected}: {said}");
    };
    model(&at("gone"), 3);
    refused(&["gone", "--rooms", "room.npy", "--recorded", "variants.json"], "same name");
    room(&at("room.npy"), 0.9);
    refused(&arguments, "gone was scored on other rooms");
    std::fs::write(at("variants.json"), "[{}]").expect("written");
    refused(&arguments, "variants.json: expected what `instanton score --json` printed");
}

#[test]
fn what_cannot_be_scored_is_refused_before_anything_is_written() {
    let place = tempfile::tempdir().expect("a place");
    let at = |name: &str| place.path().join(name);
    model(&at("one"), 1);
    room(&at("room.npy"), 0.7);
    std::fs::write(at("page.md"), "no marks").expect("written");
    let before = std::fs::read(at("one/model.toml")).expect("a manifest");
    for (arguments, expected) in [
        (vec!["one", "--rooms", "room.npy", "--update", "page.md"], "page.md: expected the lines"),
        (vec!["one", "--rooms", "room.npy", "--update", "absent.md"], "absent.md"),
        (vec!["one", "one", "--rooms", "room.npy"], "same name"),
        (vec!["two", "--rooms", "room.npy"], "no model folder"),
        (vec!["one", "--rooms", "absent.npy"], "absent.npy"),
        (vec!["one", "--rooms", "one/model.toml"], "model.toml"),
    ] {
        let output = score(place.path(), &arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert_eq!(std::fs::read(at("one/model.toml")).expect("a manifest"), before);
    assert!(!at("one/README.md").exists());
}
