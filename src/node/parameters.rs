//! The node's settings as ROS parameters.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::ValueEnum;

use super::{NodeError, NodeSettings};
use crate::engine::EngineKind;
use crate::replay::ColourBy;
use crate::ros::parameters::{FromParameter, ParameterDescription, ParameterError, ParameterValue, use_sim_time};
use crate::ros::{Durability, Qos, Reliability};

/// The parameter that says whether the node leads itself to the state active.
pub const AUTOSTART: &str = "autostart";

/// Words of a choice, as the command line has them.
fn words<T: ValueEnum + 'static>() -> impl Iterator<Item = String> {
    T::value_variants().iter().map(word)
}

fn word<T: ValueEnum>(value: &T) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// The same number as people write it: 0.05, not 0.05000000074505806.
fn real(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

fn parameter(name: &str, default: impl Into<ParameterValue>, description: &str) -> ParameterDescription {
    ParameterDescription::new(name, default, description)
}

/// Every parameter of the node, with what `settings` say as the default.
pub fn descriptions(settings: &NodeSettings) -> Vec<ParameterDescription> {
    let fixed = |all: Vec<_>| all.into_iter().map(ParameterDescription::read_when_configured);
    let all = fixed(configuration(settings)).chain(changing(settings)).chain([use_sim_time()]);
    all.chain(fixed(qos(settings))).collect()
}

/// What is read when the node is configured.
fn configuration(settings: &NodeSettings) -> Vec<ParameterDescription> {
    let config = &settings.config;
    vec![
        parameter(AUTOSTART, settings.autostart, "Whether the node leads itself to the state active when it starts."),
        parameter(
            "model",
            settings.model.display().to_string(),
            "Model folder; empty: $INSTANTON_MODEL, else the shipped model.",
        ),
        parameter(
            "fixed_frame",
            config.input.fixed_frame.clone(),
            "Gravity-aligned frame in which the map lives; empty: the first of map, odom, world that is known.",
        ),
        parameter("engine", word(&settings.engine), "What runs the network.").one_of(words::<EngineKind>()),
        parameter("threads", config.blocks.threads as i64, "Threads that run blocks; 0: one per core.")
            .between_whole(0, 1024),
        parameter("minimum_range", real(config.input.minimum_range), "Returns closer than this are ignored (m).")
            .between(0.0, 1000.0),
        parameter("maximum_range", real(config.input.maximum_range), "Returns beyond this are ignored (m).")
            .between(0.1, 1000.0),
        parameter("map_radius", real(config.map.radius), "How far around the robot the map reaches (m).")
            .between(0.1, 1000.0),
        parameter("map_age", config.map.maximum_age, "How long an unseen voxel is remembered (s).").between(0.1, 1e6),
    ]
}

/// Three for each topic.
fn qos(settings: &NodeSettings) -> Vec<ParameterDescription> {
    let mut qos = settings.qos;
    let mut all = Vec::new();
    for (topic, qos) in qos.each() {
        let name = |policy: &str| format!("{topic}.{policy}");
        let reliability =
            parameter(&name("reliability"), reliability_word(*qos), "Whether lost messages are sent again.");
        all.push(reliability.one_of([RELIABLE, BEST_EFFORT]));
        let durability =
            parameter(&name("durability"), durability_word(*qos), "Whether late listeners get the last ones.");
        all.push(durability.one_of([VOLATILE, TRANSIENT_LOCAL]));
        let depth = parameter(&name("depth"), qos.depth as i64, "Messages that may wait.");
        all.push(depth.between_whole(1, 1000));
    }
    all
}

/// What may change with any frame.
fn changing(settings: &NodeSettings) -> Vec<ParameterDescription> {
    vec![
        parameter(
            "deadline_ms",
            settings.config.latency.deadline_ms,
            "Time from a cloud's arrival to its labels (ms); 0: none.",
        )
        .between(0.0, 60_000.0),
        parameter(
            "transform_wait_ms",
            settings.transform_wait.as_millis() as i64,
            "Longest wait for the transform of a cloud, or for what belongs to a depth image (ms).",
        )
        .between_whole(0, 10_000),
        parameter("colour", word(&settings.colour), "What the colours of the labelled clouds mean.")
            .one_of(words::<ColourBy>()),
        parameter("object_points", settings.object_points as i64, "Points that an object must have in a frame.")
            .between_whole(1, 1_000_000),
        parameter(
            "object_classes",
            settings.object_classes.clone(),
            "Names of the classes whose instances are objects; empty: all.",
        ),
        parameter("passable_classes", settings.passable_classes.clone(), "Names of the classes that are no obstacles."),
        parameter("obstacle_voxel", real(settings.obstacle_voxel), "Edge of an obstacle cloud's voxel (m).")
            .between(0.001, 10.0),
        parameter("compact_voxel", real(settings.compact_voxel), "Edge of a compact cloud's smallest voxel (m).")
            .between(0.001, 10.0),
    ]
}

const RELIABLE: &str = "reliable";
const BEST_EFFORT: &str = "best_effort";
const VOLATILE: &str = "volatile";
const TRANSIENT_LOCAL: &str = "transient_local";

fn reliability_word(qos: Qos) -> String {
    if qos.reliability == Reliability::Reliable { RELIABLE } else { BEST_EFFORT }.to_owned()
}

fn durability_word(qos: Qos) -> String {
    if qos.durability == Durability::Volatile { VOLATILE } else { TRANSIENT_LOCAL }.to_owned()
}

/// `settings` with what the parameters say, and checked.
///
/// # Errors
/// [`NodeError::Parameter`] where a parameter of [`descriptions`] is not among the values, [`NodeError::Config`] where
/// they contradict each other.
pub fn apply(settings: &mut NodeSettings, values: &BTreeMap<String, ParameterValue>) -> Result<(), NodeError> {
    let said = Said(values);
    settings.autostart = said.value(AUTOSTART)?;
    settings.model = said.value::<String>("model")?.into();
    settings.transform_wait = Duration::from_millis(said.whole("transform_wait_ms")? as u64);
    for (topic, qos) in settings.qos.each() {
        let text = |policy: &str| said.value::<String>(&format!("{topic}.{policy}"));
        let is_reliable = text("reliability")? == RELIABLE;
        qos.reliability = if is_reliable { Reliability::Reliable } else { Reliability::BestEffort };
        let is_latched = text("durability")? == TRANSIENT_LOCAL;
        qos.durability = if is_latched { Durability::TransientLocal } else { Durability::Volatile };
        qos.depth = said.whole(&format!("{topic}.depth"))?;
    }
    // The choices are those of the type, so each of them is one.
    if let Ok(engine) = ValueEnum::from_str(&said.value::<String>("engine")?, true) {
        settings.engine = engine;
    }
    if let Ok(colour) = ValueEnum::from_str(&said.value::<String>("colour")?, true) {
        settings.colour = colour;
    }
    settings.obstacle_voxel = said.real("obstacle_voxel")?;
    settings.compact_voxel = said.real("compact_voxel")?;
    settings.passable_classes = said.value("passable_classes")?;
    settings.object_classes = said.value("object_classes")?;
    settings.object_points = said.whole("object_points")?;
    let config = &mut settings.config;
    config.input.fixed_frame = said.value("fixed_frame")?;
    config.blocks.threads = said.whole("threads")?;
    config.latency.deadline_ms = said.value("deadline_ms")?;
    config.input.minimum_range = said.real("minimum_range")?;
    config.input.maximum_range = said.real("maximum_range")?;
    config.map.radius = said.real("map_radius")?;
    config.map.maximum_age = said.value("map_age")?;
    Ok(config.check()?)
}

/// Values by name.
struct Said<'v>(&'v BTreeMap<String, ParameterValue>);

impl Said<'_> {
    fn value<T: FromParameter>(&self, name: &str) -> Result<T, ParameterError> {
        let unknown = || ParameterError::Unknown { name: name.to_owned(), nearest: None, from: String::new() };
        T::expect_parameter(name, self.0.get(name).ok_or_else(unknown)?)
    }

    fn whole(&self, name: &str) -> Result<usize, ParameterError> {
        // The declared ranges begin at 0 or above.
        Ok(usize::try_from(self.value::<i64>(name)?).unwrap_or_default())
    }

    fn real(&self, name: &str) -> Result<f32, ParameterError> {
        Ok(self.value::<f64>(name)? as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::TopicQos;
    use crate::ros::arguments::RosArguments;
    use crate::ros::parameters::{ParameterStore, overrides_of};

    fn store(line: &[&str]) -> Result<ParameterStore, ParameterError> {
        let arguments = ["--ros-args"].iter().chain(line).map(|word| (*word).to_owned());
        let (arguments, _) = RosArguments::parse(arguments).expect("well-formed");
        let node = arguments.node_name("/", "instanton").expect("a name");
        ParameterStore::new(descriptions(&NodeSettings::default()), overrides_of(&arguments.overrides, &node))
    }

    #[test]
    fn nothing_said_changes_nothing() {
        let mut settings = NodeSettings::default();
        apply(&mut settings, &store(&[]).expect("defaults").values()).expect("sound");
        assert_eq!(settings, NodeSettings::default());
    }

    #[test]
    fn what_is_said_is_taken_and_nonsense_named() {
        let line = ["-p", "deadline_ms:=80", "-p", "colour:=instance", "-p", "cloud.reliability:=reliable"];
        let mut settings = NodeSettings::default();
        let store_of_line = store(&line).expect("sound");
        apply(&mut settings, &store_of_line.values()).expect("sound");
        assert_eq!(settings.config.latency.deadline_ms, 80.0);
        assert_eq!(settings.colour, crate::replay::ColourBy::Instance);
        assert_eq!(
            settings.qos,
            TopicQos { cloud: Qos { reliability: Reliability::Reliable, ..Qos::SENSOR_DATA }, ..TopicQos::default() }
        );
        for (line, word) in [
            (["-p", "deadline_ms:=-1"], "deadline_ms"),
            (["-p", "engine:=steam"], "steam"),
            (["-p", "threads:=many"], "threads"),
            (["-p", "dedline_ms:=80"], "deadline_ms"),
        ] {
            let said = store(&line).map(|_| ()).expect_err("nonsense").to_string();
            assert!(said.contains(word), "{said}");
        }
        let backwards = store(&["-p", "minimum_range:=9", "-p", "maximum_range:=3"]).expect("each by itself");
        let said = apply(&mut settings, &backwards.values()).expect_err("together").to_string();
        assert!(said.contains("minimum_range"), "{said}");
    }

    #[test]
    fn the_readme_has_the_parameters_as_they_are() {
        let table = crate::ros::parameters::schema_markdown(&descriptions(&NodeSettings::default()));
        let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/ros2/README.md");
        let readme = std::fs::read_to_string(readme).expect("there is one");
        assert!(readme.contains(&table), "ros2/README.md should hold:\n{table}");
    }
}
