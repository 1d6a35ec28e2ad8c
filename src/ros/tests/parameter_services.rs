//! Parameters over the services.

use super::fake::Fake;
use super::noon;
use super::parameter_store::descriptions;
use crate::ros::interfaces::*;
use crate::ros::names::NodeName;
use crate::ros::parameters::*;
use crate::ros::{Message, Sequence, Time};
use std::sync::Arc;

fn served() -> (Fake, Arc<ParameterStore>, ParameterServices) {
    let (fake, store) = (Fake::default(), Arc::new(ParameterStore::new(descriptions(), vec![]).unwrap()));
    let node = NodeName::new("/robot", "eye").unwrap();
    let services = ParameterServices::new(&fake, &node, &store, noon()).unwrap();
    (fake, store, services)
}

fn double(value: f64) -> ParameterValueView<'static> {
    ParameterValueView { kind: parameter_type::DOUBLE, double_value: value, ..ParameterValueView::default() }
}

#[test]
fn values_types_and_descriptions_are_read() {
    let (fake, _store, _services) = served();
    let names = Sequence::listed(&["deadline", "nothing", "output.colour", "threads"]);
    let bytes = fake.call::<GetParameters>("/robot/eye/get_parameters", GetParametersRequest { names });
    let values: Vec<_> = GetParametersResponse::decode(&bytes).unwrap().values.iter().collect();
    assert_eq!((values[0], values[1]), (double(0.1), ParameterValueView::default()));
    assert_eq!((values[2].kind, values[2].string_value), (parameter_type::STRING, "class"));

    let bytes = fake.call::<GetParameterTypes>("/robot/eye/get_parameter_types", GetParameterTypesRequest { names });
    assert_eq!(GetParameterTypesResponse::decode(&bytes).unwrap().types, [3, 0, 4, 2]);

    let bytes = fake.call::<DescribeParameters>("/robot/eye/describe_parameters", DescribeParametersRequest { names });
    let all: Vec<_> = DescribeParametersResponse::decode(&bytes).unwrap().descriptors.iter().collect();
    let range = FloatingPointRange { from_value: 0.001, to_value: 10.0, step: 0.0 };
    assert_eq!((all[0].name, all[0].floating_point_range, all[0].read_only), ("deadline", Some(range), false));
    assert_eq!(all[1], ParameterDescriptor { name: "nothing", ..ParameterDescriptor::default() });
    assert_eq!((all[2].additional_constraints, all[2].integer_range), ("one of class, instance", None));
    assert_eq!(all[3].additional_constraints, "may change while the node is unconfigured");
    assert!(all[3].integer_range.is_some());
}

#[test]
fn names_are_listed_by_prefix_and_depth() {
    let (fake, _store, _services) = served();
    let list = |prefixes: &[&str], depth| -> (Vec<String>, Vec<String>) {
        let request = ListParametersRequest { prefixes: Sequence::listed(prefixes), depth };
        let bytes = fake.call::<ListParameters>("/robot/eye/list_parameters", request);
        let response = ListParametersResponse::decode(&bytes).unwrap();
        let owned = |names: Sequence<'_, &str>| names.iter().map(str::to_owned).collect();
        (owned(response.names), owned(response.prefixes))
    };
    assert_eq!(list(&[], 0).0.len(), 7);
    assert_eq!(list(&[], 0).1, ["output", "output.box"]);
    assert_eq!(list(&[], 1).0, ["deadline", "key", "threads", "use_sim_time"]);
    assert_eq!(list(&["output"], 1).0, ["output.classes", "output.colour"]);
    assert_eq!(list(&["output"], 0).0, ["output.box.margin", "output.classes", "output.colour"]);
    assert_eq!(list(&["deadline", "out"], 1), (vec!["deadline".to_owned()], vec![]));
}

#[test]
fn setting_is_answered_and_told() {
    let (fake, store, services) = served();
    let first = fake.take("/parameter_events");
    let event = ParameterEvent::decode(&first[0]).unwrap();
    assert_eq!((event.node, event.stamp, event.new_parameters.len()), ("/robot/eye", Time { sec: 12, nanosec: 5 }, 7));

    let odd = ParameterValueView { kind: 77, ..ParameterValueView::default() };
    let parameters = [
        ParameterView { name: "deadline", value: double(1.0) },
        ParameterView { name: "deadline", value: double(60.0) },
        ParameterView { name: "deadline", value: odd },
    ];
    let request = SetParametersRequest { parameters: Sequence::listed(&parameters) };
    let bytes = fake.call::<SetParameters>("/robot/eye/set_parameters", request);
    let results: Vec<_> = SetParametersResponse::decode(&bytes).unwrap().results.iter().collect();
    let reasons = ["", "deadline: expected 0.001 to 10, found 60", "deadline: there is no type 77"];
    assert_eq!(results.iter().map(|result| result.reason).collect::<Vec<_>>(), reasons);
    assert_eq!(results.iter().map(|result| result.successful).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(store.value("deadline"), Ok(1.0));
    let events = fake.take("/parameter_events");
    let changed = ParameterEvent::decode(&events[0]).unwrap().changed_parameters;
    assert_eq!((events.len(), changed.iter().next().unwrap()), (1, parameters[0]));

    let parameters = [parameters[1], ParameterView { name: "use_sim_time", value: double(1.0) }];
    let request = SetParametersAtomicallyRequest { parameters: Sequence::listed(&parameters) };
    let bytes = fake.call::<SetParametersAtomically>("/robot/eye/set_parameters_atomically", request);
    assert!(!SetParametersAtomicallyResponse::decode(&bytes).unwrap().result.successful);
    assert_eq!(fake.take("/parameter_events").len(), 0);

    assert!(fake.call_raw("/robot/eye/set_parameters", &[0, 1, 0, 0, 9]).is_err());
    assert_eq!(fake.names().len(), 7);
    drop(services);
    assert_eq!(fake.names(), Vec::<String>::new());
    store.set(&[("deadline", ParameterValue::Double(2.0))]).unwrap();
    assert_eq!(fake.take("/parameter_events").len(), 0);
}
