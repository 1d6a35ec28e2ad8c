//! The command line: arguments → dispatch → one file per verb.
//!
//! Exit codes: 0 = done; 1 = ran, and found a failure; 2 = bad input or a place that cannot be
//! written, with the reason on stderr.

mod architecture;
pub mod bench;
mod calibrate;
mod common;
pub mod demo;
mod eval;
mod export;
mod feed;
mod import_checkpoint;
pub mod inspect;
mod inspect_command;
mod node;
mod pack;
mod replay;
#[cfg(feature = "dds")]
mod run;
mod score;
pub mod simulate;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};

use crate::ros::Middleware;
use crate::ros::arguments::RosArguments;
use crate::ros::names::NodeName;
use crate::ros::rosout::RosoutLogger;

pub use crate::network::{NoModel, model_folder};
pub use node::NodeArguments;
use node::Ros;

/// Per-point classes and instances for robots: a recorded drive in, labelled clouds out.
#[derive(Debug, Parser)]
#[command(name = "instanton", version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
    /// Say more (repeat for even more).
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// See it work: simulates a drive through a furnished room and labels it.
    Demo(demo::Arguments),
    /// Label a recording: a bag or cloud in, the same clouds with classes and instances out.
    Replay(replay::Arguments),
    /// Say what is in a bag, cloud, room or model folder, and what is wrong with it.
    Inspect(inspect_command::Arguments),
    /// Measure frames against a deadline on this machine: table, JSON, plot; and compare two runs.
    Bench(bench::Arguments),
    /// Simulate a recorded drive, or rooms, with exact truth.
    Simulate(simulate::Arguments),
    /// Score a model on rooms with truth.
    Eval(eval::Arguments),
    /// Make a model folder of trained weights, or rewrite what one says of itself.
    Pack(pack::Arguments),
    /// Score several models on the same rooms; write the tables, the manifests' scores and the models' cards.
    Score(score::Arguments),
    /// Make a model folder of a published TensorFlow check-point.
    ImportCheckpoint(import_checkpoint::Arguments),
    /// Write a model as ONNX for TensorRT, ONNX Runtime or Netron, in fp32, fp16 or int8.
    Export(export::Arguments),
    /// Quantise a model to 8-bit integers, with ranges from drives or rooms.
    Calibrate(calibrate::Arguments),
    /// Label live clouds of a ROS 2 network, without a ROS installation.
    #[cfg(feature = "dds")]
    Run(run::Arguments),
    /// Stream simulated training blocks to stdout, for the trainer.
    Feed(feed::Arguments),
}

impl Verb {
    /// Whether it is a node of a ROS 2 network.
    fn is_node(&self) -> bool {
        #[cfg(feature = "dds")]
        return matches!(self, Self::Run(_));
        #[cfg(not(feature = "dds"))]
        false
    }
}

/// What a verb that ran found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All is well.
    Passed,
    /// It ran, and found a failure (damage, a missed score).
    Failed,
}

/// A program that is nothing but the node.
#[derive(Debug, Parser)]
#[command(version, about = "Labels live clouds: every point gets a class and an instance.")]
struct NodeProgram {
    #[command(flatten)]
    node: NodeArguments,
    /// Say more (repeat for even more).
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
}

/// The whole of a program that is the labelling node over some middleware: parses the arguments (`--ros-args` too), runs
/// the node until it is told to end, and turns its result into an exit code. `open` joins the network as a node of this
/// name; names of topics have been remapped before they come to the middleware.
pub fn node_main(open: impl FnOnce(&NodeName) -> anyhow::Result<Arc<dyn Middleware>>) -> ExitCode {
    let (ros, line) = match ros_arguments() {
        Ok(split) => split,
        Err(error) => return exit_code(Err(error)),
    };
    let arguments = NodeProgram::parse_from(line);
    let logger = log_to_stderr(level(arguments.verbose), &ros);
    exit_code(node::run(&arguments.node, &Ros { arguments: ros, logger }, open))
}

fn level(verbose: u8) -> &'static str {
    match verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    }
}

/// Parses the arguments, runs the verb and turns its result into an exit code.
pub fn main() -> ExitCode {
    let (ros, line) = match ros_arguments() {
        Ok(split) => split,
        Err(error) => return exit_code(Err(error)),
    };
    let arguments = Arguments::parse_from(line);
    let level = level(arguments.verbose);
    if ros != RosArguments::default() && !arguments.verb.is_node() {
        eprintln!("error: --ros-args: expected with `run` only, which is a node");
        return ExitCode::from(2);
    }
    let logger = log_to_stderr(level, &ros);
    #[cfg(not(feature = "dds"))]
    let _ = logger;
    let result = match arguments.verb {
        Verb::Eval(arguments) => eval::run(&arguments),
        Verb::Feed(arguments) => feed::run(&arguments),
        Verb::Calibrate(arguments) => calibrate::run(&arguments),
        Verb::Bench(arguments) => bench::run(&arguments),
        Verb::Demo(arguments) => demo::run(&arguments),
        Verb::Simulate(arguments) => simulate::run(&arguments),
        Verb::Inspect(arguments) => inspect_command::run(&arguments),
        Verb::Replay(arguments) => replay::run(&arguments),
        Verb::Pack(arguments) => pack::run(&arguments),
        Verb::Score(arguments) => score::run(&arguments),
        Verb::ImportCheckpoint(arguments) => import_checkpoint::run(&arguments),
        Verb::Export(arguments) => export::run(&arguments),
        #[cfg(feature = "dds")]
        Verb::Run(arguments) => run::run(&arguments, &Ros { arguments: ros, logger }),
    };
    exit_code(result)
}

fn exit_code(result: anyhow::Result<Verdict>) -> ExitCode {
    match result {
        Ok(Verdict::Passed) => ExitCode::SUCCESS,
        Ok(Verdict::Failed) => ExitCode::from(1),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", in_full(&error));
            ExitCode::from(2)
        }
    }
}

/// What stands behind `--ros-args`, and the rest of the command line.
fn ros_arguments() -> anyhow::Result<(RosArguments, Vec<OsString>)> {
    let line: Vec<OsString> = std::env::args_os().collect();
    if !line.iter().any(|word| word == "--ros-args") {
        return Ok((RosArguments::default(), line));
    }
    let text = |word: OsString| word.into_string().map_err(|word| anyhow::anyhow!("{word:?}: expected UTF-8"));
    let (ros, rest) = RosArguments::parse(line.into_iter().map(text).collect::<anyhow::Result<Vec<_>>>()?)?;
    Ok((ros, rest.into_iter().map(OsString::from).collect()))
}

/// Sets the program's logger up: to stderr, and on `/rosout` once there is a node.
fn log_to_stderr(level: &str, ros: &RosArguments) -> &'static RosoutLogger {
    // What DDS finds on the network concerns those who look for it (RUST_LOG=rustdds=info).
    let environment = env_logger::Env::default().default_filter_or(format!("{level},rustdds=error"));
    let mut builder = env_logger::Builder::from_env(environment);
    if let Some(level) = ros.log_level {
        builder.filter_level(level);
    }
    for (logger, level) in &ros.logger_levels {
        builder.filter_module(&logger.replace('.', "::"), *level);
    }
    if ros.stdout_logs == Some(false) {
        builder = env_logger::Builder::new();
    }
    let stderr = builder.format_timestamp(None).build();
    // Lines for /rosout are wanted even where stderr is told less.
    log::set_max_level(stderr.filter().max(log::LevelFilter::Info));
    // It lives as long as the program.
    let logger: &'static RosoutLogger = Box::leak(Box::new(RosoutLogger::new(Box::new(stderr))));
    // Only the first logger of a program is taken; this is it.
    let _ = log::set_logger(logger);
    logger
}

/// An error and its causes, each said once: some errors already end in the words of their cause.
fn in_full(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| match said.as_str() {
        "" => cause,
        said if said.ends_with(&cause) => said.to_owned(),
        said => format!("{said}: {cause}"),
    })
}

/// Whether the reader of our output went away, which is its right (`instanton … | head`).
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let error = anyhow::anyhow!("no such file").context("model.toml: no such file").context("opening the model");
        assert_eq!(in_full(&error), "opening the model: model.toml: no such file");
    }
}
