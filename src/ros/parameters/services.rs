//! The six services of parameters and `/parameter_events`.

use super::{ParameterDescription, ParameterStore, ParameterType, ParameterValue};
use crate::ros::guard::lock;
use crate::ros::interfaces::{
    DescribeParameters, DescribeParametersResponse, GetParameterTypes, GetParameterTypesResponse, GetParameters,
    GetParametersResponse, ListParameters, ListParametersRequest, ListParametersResponse, ParameterDescriptor,
    ParameterEvent, ParameterView, SetParameters, SetParametersAtomically, SetParametersAtomicallyResponse,
    SetParametersResponse, SetParametersResult, serve,
};
use crate::ros::names::NodeName;
use crate::ros::{CdrError, Message, MessageWriter, Middleware, MiddlewareError, Now, Qos, Sequence, Service};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// `rclcpp::ParameterEventsQoS`.
const EVENTS: Qos = Qos { depth: 1000, ..Qos::DEFAULT };

/// Serves a store until it is dropped: `get_parameters`, `get_parameter_types`, `set_parameters`,
/// `set_parameters_atomically`, `describe_parameters` and `list_parameters` below the node's name, and
/// `/parameter_events`. What is asked of parameters that there are not is answered as rclpy does: with values,
/// types and descriptions that are not set.
pub struct ParameterServices {
    _services: Vec<Box<dyn Service>>,
    // The store's callback holds it weakly, so that dropping this takes it off the graph.
    _events: Arc<Mutex<Events>>,
}

struct Events {
    writer: MessageWriter,
    node: String,
    now: Now,
}

impl Events {
    fn send(&mut self, new: &[(&str, &ParameterValue)], changed: &[(&str, &ParameterValue)]) {
        let (new_texts, changed_texts) = (texts(new), texts(changed));
        let (new, changed) = (views(new, &new_texts), views(changed, &changed_texts));
        let event = ParameterEvent {
            stamp: (self.now)(),
            node: &self.node,
            new_parameters: Sequence::listed(&new),
            changed_parameters: Sequence::listed(&changed),
            deleted_parameters: Sequence::default(),
        };
        if let Err(error) = self.writer.send(&event) {
            log::warn!("/parameter_events: {error}");
        }
    }
}

fn texts<'v>(values: &[(&str, &'v ParameterValue)]) -> Vec<Vec<&'v str>> {
    values.iter().map(|(_, value)| value.texts()).collect()
}

fn views<'v>(values: &[(&'v str, &'v ParameterValue)], texts: &'v [Vec<&'v str>]) -> Vec<ParameterView<'v>> {
    values.iter().zip(texts).map(|((name, value), texts)| ParameterView { name, value: value.view(texts) }).collect()
}

impl ParameterServices {
    /// Serves `store` as the parameters of `node`, and says on `/parameter_events` that they are there.
    ///
    /// # Errors
    /// [`MiddlewareError`] if the middleware refuses any of it.
    pub fn new(
        middleware: &dyn Middleware,
        node: &NodeName,
        store: &Arc<ParameterStore>,
        now: Now,
    ) -> Result<Self, MiddlewareError> {
        let writer = MessageWriter::new(middleware, "/parameter_events", ParameterEvent::TYPE, EVENTS)?;
        let mut events = Events { writer, node: node.whole(), now };
        let values = store.values();
        let declared: Vec<_> = values.iter().map(|(name, value)| (name.as_str(), value)).collect();
        events.send(&declared, &[]);
        let events = Arc::new(Mutex::new(events));
        let weak = Arc::downgrade(&events);
        store.after_change(Box::new(move |changes| {
            if let Some(events) = weak.upgrade() {
                let changed: Vec<_> = changes.iter().map(|change| (change.name.as_str(), &change.new)).collect();
                lock(&events).send(&[], &changed);
            }
        }));
        Ok(Self { _services: services(middleware, &node.whole(), store)?, _events: events })
    }
}

fn services(
    middleware: &dyn Middleware,
    node: &str,
    store: &Arc<ParameterStore>,
) -> Result<Vec<Box<dyn Service>>, MiddlewareError> {
    let store = || Arc::clone(store);
    let name = |service: &str| format!("{node}/{service}");
    Ok(vec![
        {
            let store = store();
            serve::<GetParameters>(middleware, &name("get_parameters"), move |request, out| {
                let values: Vec<_> = request.names.iter().map(|name| store.get(name).unwrap_or_default()).collect();
                let texts: Vec<Vec<&str>> = values.iter().map(ParameterValue::texts).collect();
                let views: Vec<_> = values.iter().zip(&texts).map(|(value, texts)| value.view(texts)).collect();
                GetParametersResponse { values: Sequence::listed(&views) }.encode(out)
            })?
        },
        {
            let store = store();
            serve::<GetParameterTypes>(middleware, &name("get_parameter_types"), move |request, out| {
                let kind = |name| store.description(name).map_or(ParameterType::NotSet, ParameterDescription::kind);
                let types: Vec<u8> = request.names.iter().map(|name| kind(name) as u8).collect();
                GetParameterTypesResponse { types: &types }.encode(out)
            })?
        },
        {
            let store = store();
            serve::<DescribeParameters>(middleware, &name("describe_parameters"), move |request, out| {
                describe(&store, request.names, out)
            })?
        },
        {
            let store = store();
            serve::<ListParameters>(middleware, &name("list_parameters"), move |request, out| {
                list(&store, &request, out)
            })?
        },
        {
            let store = store();
            serve::<SetParameters>(middleware, &name("set_parameters"), move |request, out| {
                let reasons: Vec<_> = request.parameters.iter().map(|one| set(&store, [one])).collect();
                let results: Vec<_> = reasons.iter().map(result).collect();
                SetParametersResponse { results: Sequence::listed(&results) }.encode(out)
            })?
        },
        {
            let store = store();
            serve::<SetParametersAtomically>(middleware, &name("set_parameters_atomically"), move |request, out| {
                let reason = set(&store, request.parameters);
                SetParametersAtomicallyResponse { result: result(&reason) }.encode(out)
            })?
        },
    ])
}

/// Sets these together.
fn set<'a>(store: &ParameterStore, parameters: impl IntoIterator<Item = ParameterView<'a>>) -> Result<(), String> {
    let values: Result<Vec<_>, String> = parameters
        .into_iter()
        .map(|one| {
            let value = ParameterValue::from_view(&one.value);
            let value = value.ok_or_else(|| format!("{}: there is no type {}", one.name, one.value.kind))?;
            Ok((one.name, value))
        })
        .collect();
    store.set(&values?).map_err(|error| error.to_string())
}

fn result(outcome: &Result<(), String>) -> SetParametersResult<'_> {
    let reason = outcome.as_ref().err().map_or("", String::as_str);
    SetParametersResult { successful: outcome.is_ok(), reason }
}

fn describe(store: &ParameterStore, names: Sequence<'_, &str>, out: &mut Vec<u8>) -> Result<(), CdrError> {
    let found: Vec<_> = names.iter().map(|name| (name, store.description(name))).collect();
    let constraint = |one: &ParameterDescription| one.additional_constraints();
    let constraints: Vec<String> =
        found.iter().map(|(_, description)| description.map(constraint).unwrap_or_default()).collect();
    let descriptors: Vec<_> = found
        .iter()
        .zip(&constraints)
        .map(|((name, description), constraint)| match description {
            Some(description) => description.descriptor(constraint),
            None => ParameterDescriptor { name, ..ParameterDescriptor::default() },
        })
        .collect();
    DescribeParametersResponse { descriptors: Sequence::listed(&descriptors) }.encode(out)
}

/// Names below the prefixes and not deeper than asked, as `rclcpp::Node::list_parameters` counts.
fn list(store: &ParameterStore, request: &ListParametersRequest<'_>, out: &mut Vec<u8>) -> Result<(), CdrError> {
    let shallow = |rest: &str| request.depth == 0 || (rest.matches('.').count() as u64) < request.depth;
    let wanted = |name: &str| {
        if request.prefixes.is_empty() {
            return shallow(name);
        }
        request.prefixes.iter().any(|prefix| match name.strip_prefix(prefix) {
            Some("") => true,
            Some(rest) => rest.strip_prefix('.').is_some_and(shallow),
            None => false,
        })
    };
    let names: Vec<&str> = store.descriptions().map(|one| one.name.as_str()).filter(|name| wanted(name)).collect();
    let prefixes: BTreeSet<&str> = names.iter().filter_map(|name| name.rsplit_once('.')).map(|split| split.0).collect();
    let prefixes: Vec<&str> = prefixes.into_iter().collect();
    ListParametersResponse { names: Sequence::listed(&names), prefixes: Sequence::listed(&prefixes) }.encode(out)
}
