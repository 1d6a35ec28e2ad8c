//! `--ros-args`: what the command line of every ROS 2 node understands (design page "ROS Command Line Arguments").
//!
//! ```
//! use instanton::ros::arguments::RosArguments;
//! use instanton::ros::remapping::NameKind;
//!
//! let line = ["run", "--ros-args", "-r", "__ns:=/robot", "-r", "cloud:=/camera/points", "--", "--verbose"];
//! let (ros, rest) = RosArguments::parse(line.map(String::from))?;
//! assert_eq!(rest, ["run", "--verbose"]);
//! let node = ros.node_name("/", "instanton")?;
//! assert_eq!(ros.resolve(&node, NameKind::Topic, "cloud")?, "/camera/points");
//! assert_eq!(ros.resolve(&node, NameKind::Topic, "~/labelled")?, "/robot/instanton/labelled");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::names::{NameError, NodeName};
use super::parameters::{NodePattern, Origin, Override, ParameterFileError, parse_value};
use super::remapping::{NameKind, RemapRule, remap, remap_node};
use log::LevelFilter;
use std::path::PathBuf;

/// Why a command line was not understood.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArgumentError {
    /// Something between `--ros-args` and `--` that no node knows.
    #[error("unknown ROS argument {0:?} after --ros-args (a `--` ends them)")]
    Unknown(String),
    /// The line ends where a value should be.
    #[error("{0} needs a value")]
    Missing(String),
    /// A remap rule.
    #[error("remap rule {rule:?}: {reason}")]
    Remap {
        /// The rule.
        rule: String,
        /// What is wrong.
        reason: String,
    },
    /// A parameter.
    #[error("parameter {rule:?}: {reason}")]
    Parameter {
        /// The assignment.
        rule: String,
        /// What is wrong.
        reason: String,
    },
    /// A parameter file.
    #[error(transparent)]
    File(#[from] ParameterFileError),
    /// A log level.
    #[error("log level {level:?}: expected debug, info, warn, error, fatal or unset")]
    Level {
        /// What came.
        level: String,
    },
}

/// What was said in `--ros-args`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RosArguments {
    /// Rules in the order of the line: the first that fits holds.
    pub remap: Vec<RemapRule>,
    /// Parameters of files and of `-p`, in the order of the line: the last that fits holds.
    pub overrides: Vec<Override>,
    /// Level of all loggers, if said.
    pub log_level: Option<LevelFilter>,
    /// Levels of single loggers, in the order of the line.
    pub logger_levels: Vec<(String, LevelFilter)>,
    /// Enclave: whose keys SROS2 uses.
    pub enclave: Option<String>,
    /// Whether lines of the log go to `/rosout`.
    pub rosout_logs: Option<bool>,
    /// Whether lines of the log go to the console.
    pub stdout_logs: Option<bool>,
    /// Whether lines of the log go to a file. Nothing here writes one; kept for whoever does.
    pub external_logs: Option<bool>,
    /// Configuration of that file.
    pub log_config_file: Option<PathBuf>,
}

impl RosArguments {
    /// Takes everything between each `--ros-args` and the next `--` (or the end) out of a command line, and returns
    /// the rest in its order. Parameter files are read at once.
    ///
    /// # Errors
    /// [`ArgumentError`], naming the argument.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<(Self, Vec<String>), ArgumentError> {
        let (mut parsed, mut rest) = (Self::default(), Vec::new());
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            if argument == "--ros-args" {
                parsed.parse_section(&mut arguments)?;
            } else {
                rest.push(argument);
            }
        }
        Ok((parsed, rest))
    }

    fn parse_section(&mut self, arguments: &mut impl Iterator<Item = String>) -> Result<(), ArgumentError> {
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| ArgumentError::Missing(argument.clone()));
            match argument.as_str() {
                "--" => return Ok(()),
                // rcl takes a second one as the beginning of what it is in already.
                "--ros-args" => {}
                "-r" | "--remap" => self.remap.push(RemapRule::parse(&value()?)?),
                "-p" | "--param" => self.overrides.push(parse_parameter(&value()?)?),
                "--params-file" => self.overrides.extend(Override::read_file(&PathBuf::from(value()?))?),
                "--log-level" => self.set_level(&value()?)?,
                "-e" | "--enclave" => self.enclave = Some(value()?),
                "--log-config-file" => self.log_config_file = Some(value()?.into()),
                switch => self.set_switch(switch)?,
            }
        }
        Ok(())
    }

    fn set_level(&mut self, value: &str) -> Result<(), ArgumentError> {
        let (logger, level) = match value.split_once(":=") {
            None => (None, value),
            Some((logger, level)) => (Some(logger), level),
        };
        let filter = match level.to_ascii_lowercase().as_str() {
            "debug" => LevelFilter::Debug,
            // What is not set is as ROS has it by default.
            "unset" | "info" => LevelFilter::Info,
            "warn" => LevelFilter::Warn,
            // Rust's log has nothing above an error.
            "error" | "fatal" => LevelFilter::Error,
            _ => return Err(ArgumentError::Level { level: level.to_owned() }),
        };
        match logger {
            None => self.log_level = Some(filter),
            Some(logger) => self.logger_levels.push((logger.to_owned(), filter)),
        }
        Ok(())
    }

    fn set_switch(&mut self, switch: &str) -> Result<(), ArgumentError> {
        let unknown = || ArgumentError::Unknown(switch.to_owned());
        let (on, what) = match switch.strip_prefix("--enable-") {
            Some(what) => (true, what),
            None => (false, switch.strip_prefix("--disable-").ok_or_else(unknown)?),
        };
        let place = match what {
            "rosout-logs" => &mut self.rosout_logs,
            "stdout-logs" => &mut self.stdout_logs,
            "external-lib-logs" => &mut self.external_logs,
            _ => return Err(unknown()),
        };
        *place = Some(on);
        Ok(())
    }

    /// The name that the node gets which would by itself be `name` in `namespace`.
    ///
    /// # Errors
    /// [`NameError`] if they are none.
    pub fn node_name(&self, namespace: &str, name: &str) -> Result<NodeName, NameError> {
        remap_node(&self.remap, namespace, name)
    }

    /// The whole name of what `node` calls `name`.
    ///
    /// # Errors
    /// [`NameError`] if it is none.
    pub fn resolve(&self, node: &NodeName, kind: NameKind, name: &str) -> Result<String, NameError> {
        remap(&self.remap, node, kind, name)
    }
}

/// Reads `[node:]name:=value`, the value in YAML.
fn parse_parameter(rule: &str) -> Result<Override, ArgumentError> {
    let refuse = |reason: String| ArgumentError::Parameter { rule: rule.to_owned(), reason };
    let (left, value) = rule.split_once(":=").ok_or_else(|| refuse("expected name:=value".into()))?;
    let (node, name) = match left.split_once(':') {
        Some((node, name)) => (node, name),
        None => ("/**", left),
    };
    if name.is_empty() {
        return Err(refuse("expected a name in front of :=".into()));
    }
    let node = NodePattern::parse(node).map_err(|error| refuse(error.to_string()))?;
    let value = parse_value(value).map_err(|error| refuse(error.to_string()))?;
    Ok(Override { node, name: name.to_owned(), value, origin: Origin::CommandLine })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ros::names::check_whole_name;
    use crate::ros::parameters::ParameterValue;
    use proptest::prelude::*;

    fn parse(line: &str) -> Result<(RosArguments, Vec<String>), ArgumentError> {
        RosArguments::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn the_rest_is_the_programs_own() {
        let (ros, rest) = parse("run --cloud /a --ros-args -r a:=b -- --verbose --ros-args -e /x").unwrap();
        assert_eq!(rest, ["run", "--cloud", "/a", "--verbose"]);
        assert_eq!((ros.remap.len(), ros.enclave.as_deref()), (1, Some("/x")));
        assert_eq!(parse("run --").unwrap().1, ["run", "--"]);
        assert_eq!(parse("--ros-args").unwrap(), (RosArguments::default(), vec![]));
    }

    #[test]
    fn the_first_rule_that_fits_renames() {
        let (ros, _) = parse(
            "--ros-args -r __node:=eye -r __ns:=/robot -r points:=/camera/points -r points:=/other \
             -r ~/labelled:=seen -r rostopic://both:=topic -r rosservice://both:=service \
             -r other:hidden:=/never -r eye:mine:=/mine",
        )
        .unwrap();
        let node = ros.node_name("/", "instanton").unwrap();
        assert_eq!(node.whole(), "/robot/eye");
        let topic = |name| ros.resolve(&node, NameKind::Topic, name).unwrap();
        assert_eq!(topic("points"), "/camera/points");
        assert_eq!(topic("/robot/points"), "/camera/points");
        assert_eq!(topic("/points"), "/points");
        assert_eq!(topic("~/labelled"), "/robot/seen");
        assert_eq!(topic("both"), "/robot/topic");
        assert_eq!(ros.resolve(&node, NameKind::Service, "both").unwrap(), "/robot/service");
        assert_eq!(topic("hidden"), "/robot/hidden");
        assert_eq!(topic("mine"), "/mine");
        let (ros, _) = parse("--ros-args -r a:__node:=b -r c:__ns:=/n").unwrap();
        assert_eq!(ros.node_name("/", "a").unwrap().whole(), "/b");
        assert_eq!(ros.node_name("/", "c").unwrap().whole(), "/n/c");
        assert_eq!(ros.node_name("/m", "d").unwrap().whole(), "/m/d");
    }

    #[test]
    fn parameters_and_levels() {
        let (ros, _) = parse(
            "--ros-args -p use_sim_time:=true -p eye:tf.timeout:=0.5 -p names:=[a,b] --log-level warn \
             --log-level rcl:=DEBUG --disable-stdout-logs --enable-rosout-logs",
        )
        .unwrap();
        let node = NodeName::new("/", "eye").unwrap();
        let other = NodeName::new("/", "ear").unwrap();
        let of = |node: &NodeName| -> Vec<(&str, &ParameterValue)> {
            let fitting = ros.overrides.iter().filter(|one| one.node.fits(node));
            fitting.map(|one| (one.name.as_str(), &one.value)).collect()
        };
        let names = ParameterValue::StringArray(vec!["a".into(), "b".into()]);
        let (yes, half) = (ParameterValue::Bool(true), ParameterValue::Double(0.5));
        assert_eq!(of(&node), [("use_sim_time", &yes), ("tf.timeout", &half), ("names", &names)]);
        assert_eq!(of(&other), [("use_sim_time", &yes), ("names", &names)]);
        assert_eq!(ros.log_level, Some(LevelFilter::Warn));
        assert_eq!(ros.logger_levels, [("rcl".to_owned(), LevelFilter::Debug)]);
        assert_eq!((ros.stdout_logs, ros.rosout_logs, ros.external_logs), (Some(false), Some(true), None));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let message = |line| parse(line).unwrap_err().to_string();
        assert_eq!(
            message("--ros-args --remapp a:=b"),
            "unknown ROS argument \"--remapp\" after --ros-args (a `--` ends them)"
        );
        assert_eq!(message("--ros-args -r"), "-r needs a value");
        assert_eq!(message("--ros-args -r a"), "remap rule \"a\": expected from:=to");
        assert!(message("--ros-args -r a*:=b").contains("a character that names cannot have"));
        assert!(message("--ros-args -r __ns:=robot").contains("must begin with a slash"));
        assert!(message("--ros-args -r __node:=a/b").contains("node name \"a/b\""));
        assert!(message("--ros-args -p a=b").contains("expected name:=value"));
        assert!(message("--ros-args -p a:=[1,b]").contains("element"));
        assert!(message("--ros-args --log-level loud").contains("\"loud\""));
        assert!(message("--ros-args --params-file /nowhere.yaml").contains("/nowhere.yaml"));
    }

    proptest! {
        #[test]
        fn nothing_panics(line in prop::collection::vec("(--ros-args|--|-r|-p|--log-level|[a-z_~/{}:=*. é]{0,12})", 0..8)) {
            let _ = RosArguments::parse(line);
        }

        /// Whatever a rule makes of a name is a whole name.
        #[test]
        fn remapped_names_are_whole(rule in "[a-z~/{}_:=]{3,16}", name in "[a-z~/{}_]{1,9}") {
            let Ok(rule) = RemapRule::parse(&rule) else { return Ok(()) };
            let node = remap_node(std::slice::from_ref(&rule), "/robot", "eye").unwrap();
            if let Ok(whole) = remap(&[rule], &node, NameKind::Topic, &name) {
                prop_assert!(check_whole_name(&whole).is_ok(), "{}", whole);
            }
        }
    }
}
