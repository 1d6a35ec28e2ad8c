//! The shipped parameter file says what the node knows, and nothing else.

use std::collections::BTreeSet;

use instanton::node::{NodeSettings, parameters};
use instanton::ros::arguments::RosArguments;
use instanton::ros::parameters::{ParameterStore, overrides_of};

#[test]
fn the_parameter_file_has_every_parameter_as_it_is_by_default() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/config/instanton.yaml");
    let line = ["--ros-args", "--params-file", file].map(str::to_owned);
    let (arguments, _) = RosArguments::parse(line).unwrap();
    let node = arguments.node_name("/robot", "eye").unwrap();
    let overrides = overrides_of(&arguments.overrides, &node);
    let said: BTreeSet<String> = overrides.iter().map(|one| one.name.clone()).collect();
    let settings = NodeSettings::default();
    let known: BTreeSet<String> = parameters::descriptions(&settings).into_iter().map(|one| one.name).collect();
    assert_eq!(said, known);
    let store = ParameterStore::new(parameters::descriptions(&settings), overrides).unwrap();
    assert!(store.ignored().is_empty(), "{:?}", store.ignored());
    let mut told = settings.clone();
    parameters::apply(&mut told, &store.values()).unwrap();
    assert_eq!(told, settings);
}
