//! The node's settings as ROS parameters.

use std::time::Duration;

use clap::ValueEnum;

use super::NodeSettings;
use crate::ros::Reliability;
use crate::ros::parameters::{ParameterDescription, ParameterError, ParameterStore, ParameterValue, use_sim_time};

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
    let config = &settings.config;
    let reliability = if settings.cloud_qos.reliability == Reliability::Reliable { "reliable" } else { "best_effort" };
    let fixed = [
        parameter(
            "fixed_frame",
            config.input.fixed_frame.clone(),
            "Gravity-aligned frame in which the map lives; empty: the first of map, odom, world that is known.",
        ),
        parameter(
            "transform_wait_ms",
            settings.transform_wait.as_millis() as i64,
            "Longest wait for the transform of a cloud (ms).",
        )
        .between_whole(0, 10_000),
        parameter("cloud.reliability", reliability.to_owned(), "What is asked of those who publish clouds.")
            .one_of(["best_effort", "reliable"]),
        parameter("cloud.depth", settings.cloud_qos.depth as i64, "Clouds that may wait to be taken up.")
            .between_whole(1, 1000),
        parameter("engine", word(&settings.engine), "What runs the network.")
            .one_of(words::<crate::engine::EngineKind>()),
        parameter("threads", config.blocks.threads as i64, "Threads that run blocks; 0: one per core.")
            .between_whole(0, 1024),
        parameter(
            "deadline_ms",
            config.latency.deadline_ms,
            "Time from a cloud's arrival to its labels (ms); 0: none.",
        )
        .between(0.0, 60_000.0),
        parameter("minimum_range", real(config.input.minimum_range), "Returns closer than this are ignored (m).")
            .between(0.0, 1000.0),
        parameter("maximum_range", real(config.input.maximum_range), "Returns beyond this are ignored (m).")
            .between(0.1, 1000.0),
        parameter("map_radius", real(config.map.radius), "How far around the robot the map reaches (m).")
            .between(0.1, 1000.0),
        parameter("map_age", config.map.maximum_age, "How long an unseen voxel is remembered (s).").between(0.1, 1e6),
        parameter("colour", word(&settings.colour), "What the colours of the labelled cloud mean.")
            .one_of(words::<crate::replay::ColourBy>()),
        parameter("obstacle_voxel", real(settings.obstacle_voxel), "Edge of an obstacle cloud's voxel (m).")
            .between(0.001, 10.0),
        parameter("passable_classes", settings.passable_classes.clone(), "Names of the classes that are no obstacles."),
        parameter("object_points", settings.object_points as i64, "Points that an object must have in a frame.")
            .between_whole(1, 1_000_000),
    ];
    fixed.into_iter().map(ParameterDescription::needs_restart).chain([use_sim_time()]).collect()
}

/// `settings` with what the parameters say.
///
/// # Errors
/// [`ParameterError`] where a parameter of [`descriptions`] is not in the store.
pub fn apply(settings: &mut NodeSettings, store: &ParameterStore) -> Result<(), ParameterError> {
    let whole = |name| store.value::<i64>(name).map(|value| usize::try_from(value).unwrap_or_default());
    let real = |name| store.value::<f64>(name);
    let choice = |name| store.value::<String>(name);
    settings.config.input.fixed_frame = choice("fixed_frame")?;
    settings.transform_wait = Duration::from_millis(whole("transform_wait_ms")? as u64);
    settings.cloud_qos.reliability = match choice("cloud.reliability")?.as_str() {
        "reliable" => Reliability::Reliable,
        _ => Reliability::BestEffort,
    };
    settings.cloud_qos.depth = whole("cloud.depth")?;
    // The choices are those of the type, so each of them is one.
    if let Ok(engine) = ValueEnum::from_str(&choice("engine")?, true) {
        settings.engine = engine;
    }
    if let Ok(colour) = ValueEnum::from_str(&choice("colour")?, true) {
        settings.colour = colour;
    }
    let config = &mut settings.config;
    config.blocks.threads = whole("threads")?;
    config.latency.deadline_ms = real("deadline_ms")?;
    config.input.minimum_range = real("minimum_range")? as f32;
    config.input.maximum_range = real("maximum_range")? as f32;
    config.map.radius = real("map_radius")? as f32;
    config.map.maximum_age = real("map_age")?;
    settings.obstacle_voxel = real("obstacle_voxel")? as f32;
    settings.passable_classes = store.value("passable_classes")?;
    settings.object_points = whole("object_points")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ros::arguments::RosArguments;
    use crate::ros::parameters::overrides_of;

    fn store(line: &[&str]) -> Result<ParameterStore, ParameterError> {
        let arguments = ["--ros-args"].iter().chain(line).map(|word| (*word).to_owned());
        let (arguments, _) = RosArguments::parse(arguments).expect("well-formed");
        let node = arguments.node_name("/", "instanton").expect("a name");
        ParameterStore::new(descriptions(&NodeSettings::default()), overrides_of(&arguments.overrides, &node))
    }

    #[test]
    fn nothing_said_changes_nothing() {
        let mut settings = NodeSettings::default();
        apply(&mut settings, &store(&[]).expect("defaults")).expect("declared");
        assert_eq!(settings, NodeSettings::default());
    }

    #[test]
    fn what_is_said_is_taken_and_nonsense_named() {
        let line = ["-p", "deadline_ms:=80", "-p", "colour:=instance", "-p", "cloud.reliability:=reliable"];
        let mut settings = NodeSettings::default();
        let store_of_line = store(&line).expect("sound");
        apply(&mut settings, &store_of_line).expect("declared");
        assert_eq!(settings.config.latency.deadline_ms, 80.0);
        assert_eq!(settings.colour, crate::replay::ColourBy::Instance);
        assert_eq!(settings.cloud_qos.reliability, Reliability::Reliable);
        for (line, word) in [
            (["-p", "deadline_ms:=-1"], "deadline_ms"),
            (["-p", "engine:=steam"], "steam"),
            (["-p", "threads:=many"], "threads"),
            (["-p", "dedline_ms:=80"], "deadline_ms"),
        ] {
            let said = store(&line).map(|_| ()).expect_err("nonsense").to_string();
            assert!(said.contains(word), "{said}");
        }
        let refused = store_of_line.set(&[("threads", 3_i64.into())]).expect_err("while running").to_string();
        assert!(refused.contains("threads"), "{refused}");
    }

    #[test]
    fn the_readme_has_the_parameters_as_they_are() {
        let table = crate::ros::parameters::schema_markdown(&descriptions(&NodeSettings::default()));
        let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/ros2/README.md");
        let readme = std::fs::read_to_string(readme).expect("there is one");
        assert!(readme.contains(&table), "ros2/README.md should hold:\n{table}");
    }
}
