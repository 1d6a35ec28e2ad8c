//! The command line: arguments → dispatch → one file per verb.
//!
//! Exit codes: 0 = done; 1 = ran, and found a failure; 2 = bad input or a place that cannot be
//! written, with the reason on stderr.

mod architecture;
pub mod bench;
mod calibrate;
pub mod demo;
mod eval;
mod export;
mod feed;
mod import_checkpoint;
pub mod inspect;
mod inspect_command;
mod model;
mod pack;
mod replay;
#[cfg(feature = "dds")]
mod run;
mod score;
pub mod simulate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use model::{NoModel, model_folder};

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

/// What a verb that ran found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All is well.
    Passed,
    /// It ran, and found a failure (damage, a missed score).
    Failed,
}

/// Parses the arguments, runs the verb and turns its result into an exit code.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let level = match arguments.verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or(level)).format_timestamp(None).init();
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
        Verb::Run(arguments) => run::run(&arguments),
    };
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
