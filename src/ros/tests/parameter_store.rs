//! Declaring and setting parameters.

use crate::ros::names::NodeName;
use crate::ros::parameters::*;
use std::path::Path;
use std::sync::{Arc, Mutex};

pub(super) fn descriptions() -> Vec<ParameterDescription> {
    vec![
        use_sim_time(),
        ParameterDescription::new("deadline", 0.1, "Longest time for a frame, in seconds.").between(0.001, 10.0),
        ParameterDescription::new("threads", 2, "Threads that compute.").between_whole(1, 64).read_when_configured(),
        ParameterDescription::new("output.colour", "class", "What colours mean.").one_of(["class", "instance"]),
        ParameterDescription::new("output.classes", Vec::<String>::new(), "Classes that are shown; none for all."),
        ParameterDescription::new("output.box.margin", vec![0.0, 0.0, 0.0], "Metres.").between(0.0, 1.0),
        ParameterDescription::new("key", vec![1u8, 2], "Bytes."),
    ]
}

fn store(file: &str) -> Result<ParameterStore, ParameterError> {
    let overrides = Override::read(file, Path::new("p.yaml")).unwrap();
    ParameterStore::new(descriptions(), overrides_of(&overrides, &NodeName::new("/", "eye").unwrap()))
}

#[test]
fn the_last_override_that_fits_holds() {
    let store = store(
        "/**:\n  ros__parameters: {deadline: 0.5, other: 1, threads: 4}\neye:\n  ros__parameters: {deadline: 2}\n\
         ear:\n  ros__parameters: {deadlin: 3}\n",
    )
    .unwrap();
    assert_eq!(store.value("deadline"), Ok(2.0));
    assert_eq!(store.value("threads"), Ok(4i64));
    assert_eq!(store.value("output.colour"), Ok("class".to_owned()));
    assert_eq!(store.ignored(), ["other (p.yaml, line 2)"]);
    let wrong = store.value::<i64>("deadline").unwrap_err();
    assert_eq!(wrong.to_string(), "deadline: expected a value of type integer, found double");
}

#[test]
fn a_wrong_file_is_refused_by_name() {
    let message = |line: &str| match store(&format!("eye:\n  ros__parameters:\n    {line}\n")) {
        Ok(store) => panic!("{:?}", store.values()),
        Err(error) => error.to_string(),
    };
    assert_eq!(message("deadlin: 3"), "deadlin: no such parameter, did you mean deadline? (in p.yaml, line 3)");
    assert_eq!(message("zzz: 3"), "zzz: no such parameter (in p.yaml, line 3)");
    assert_eq!(message("deadline: 60"), "deadline: expected 0.001 to 10, found 60");
    assert_eq!(message("deadline: .nan"), "deadline: expected 0.001 to 10, found NaN");
    assert_eq!(message("threads: 0"), "threads: expected 1 to 64, found 0");
    assert_eq!(message("threads: two"), "threads: expected a value of type integer, found string");
    assert_eq!(message("output: {colour: red}"), "output.colour: expected one of class, instance, found \"red\"");
    assert_eq!(message("output.box.margin: [0, 2]"), "output.box.margin: expected 0 to 1, found [0.0, 2.0]");
    assert_eq!(message("key: [1, 256]"), "key: expected a value of type byte_array, found integer_array");
}

#[test]
fn what_is_declared_fits_itself() {
    let twice = vec![use_sim_time(), use_sim_time()];
    assert!(matches!(ParameterStore::new(twice, vec![]), Err(ParameterError::DeclaredTwice { .. })));
    let outside = vec![ParameterDescription::new("a", 2.0, "").between(0.0, 1.0)];
    assert!(matches!(ParameterStore::new(outside, vec![]), Err(ParameterError::Range { .. })));
}

#[test]
fn all_are_set_or_none() {
    let store = store("").unwrap();
    let colour = ("output.colour", ParameterValue::from("instance"));
    let refused = store.set(&[colour.clone(), ("deadline", ParameterValue::Double(60.0))]);
    assert!(matches!(refused, Err(ParameterError::Range { .. })));
    assert_eq!(store.value("output.colour"), Ok("class".to_owned()));
    store.set(&[colour, ("deadline", ParameterValue::Integer(1)), ("deadline", ParameterValue::Integer(2))]).unwrap();
    assert_eq!(store.value("output.colour"), Ok("instance".to_owned()));
    assert_eq!(store.value("deadline"), Ok(2.0));
    let unknown = store.set(&[("dead", ParameterValue::Bool(true))]).unwrap_err();
    assert_eq!(unknown.to_string(), "dead: no such parameter, did you mean deadline?");
    store.set(&[("threads", ParameterValue::Integer(3))]).unwrap();
    store.set_configured(true);
    let fixed = store.set(&[("threads", ParameterValue::Integer(4))]).unwrap_err();
    assert!(fixed.to_string().starts_with("threads is read when the node is configured"), "{fixed}");
    // Loading what was dumped is no change.
    store.set(&[("threads", ParameterValue::Integer(3))]).unwrap();
    store.set_configured(false);
    store.set(&[("threads", ParameterValue::Integer(2))]).unwrap();
    assert!(matches!(store.set(&[("deadline", ParameterValue::NotSet)]), Err(ParameterError::Type { .. })));
    store.set(&[("key", ParameterValue::IntegerArray(vec![255])), ("output.box.margin", empty())]).unwrap();
    assert_eq!(store.value("key"), Ok(vec![255u8]));
    assert_eq!(store.value("output.box.margin"), Ok(Vec::<f64>::new()));
}

fn empty() -> ParameterValue {
    ParameterValue::StringArray(vec![])
}

#[test]
fn callbacks_may_refuse_and_are_told() {
    let store = Arc::new(store("").unwrap());
    let (reader, seen) = (Arc::clone(&store), Arc::new(Mutex::new(Vec::new())));
    store.before_change(Box::new(move |changes| {
        // The store can be read meanwhile, and still has the old value.
        assert_eq!(reader.get(&changes[0].name).as_ref(), Some(&changes[0].old));
        match &changes[0].new {
            ParameterValue::Double(value) if *value > 5.0 => Err("the engine takes no more than 5 s".to_owned()),
            ParameterValue::Double(value) if *value > 4.0 => panic!("no more than 4"),
            _ => Ok(()),
        }
    }));
    let told = Arc::clone(&seen);
    store.after_change(Box::new(move |changes| {
        told.lock().unwrap().extend(changes.iter().map(|change| format!("{}={}", change.name, change.new)));
    }));
    let set = |value| store.set(&[("deadline", ParameterValue::Double(value))]).map_err(|error| error.to_string());
    assert_eq!(set(3.0), Ok(()));
    assert_eq!(set(3.0), Ok(()));
    assert_eq!(set(6.0), Err("refused: the engine takes no more than 5 s".into()));
    assert_eq!(set(4.5), Err("refused: panicked: no more than 4".into()));
    assert_eq!(set(2.0), Ok(()));
    assert_eq!(*seen.lock().unwrap(), ["deadline=3.0", "deadline=2.0"]);
}
