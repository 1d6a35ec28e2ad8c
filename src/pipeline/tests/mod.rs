//! Frames with and without a deadline, on engines that do as they are told. No test looks at the machine's
//! clock: time passes where a test says so.

mod counts;
mod deadline;
mod faults;
pub(crate) mod scripted;

use nalgebra::Isometry3;

use super::{Frame, FrameReport, Pipeline, PipelineOptions};
use crate::cloud::{Cloud, Labels};
use crate::config::Config;
use crate::engine::EngineChain;
use crate::latency::{Clock, Deadline, FrameLedger};
use scripted::{Scripted, model};

fn pipeline(chains: Vec<EngineChain>, clock: Clock) -> Pipeline {
    let options = PipelineOptions { clock, thread_hook: None };
    Pipeline::with_chains(model(), Config::default(), chains, options).expect("sound sizes")
}

/// One thread for each engine of a script.
fn on_threads(engine: &Scripted, threads: usize) -> Vec<EngineChain> {
    (0..threads).map(|_| engine.boxed().into()).collect()
}

fn label(pipeline: &mut Pipeline, cloud: &Cloud, stamp: i64, deadline: Deadline) -> (FrameReport, FrameLedger, Labels) {
    let frame = Frame { cloud, pose: Isometry3::identity(), stamp };
    let (mut labels, mut ledger) = (Labels::default(), FrameLedger::default());
    let report = pipeline.process_within(frame, deadline, &mut labels, &mut ledger);
    assert_eq!(labels.class.len(), cloud.len());
    let blocks = ledger.blocks;
    assert_eq!(
        blocks.wanted,
        blocks.own.total() + blocks.late + blocks.ahead + blocks.put_off(),
        "every window is counted once: {blocks:?}"
    );
    (report, ledger, labels)
}
