//! Runs on engines that do as they are told.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossbeam::channel::{Sender, bounded, unbounded};
use nalgebra::Isometry3;

use super::{LiveFrame, LiveOptions, LiveOutput, LiveRunner, OutputSink, ThreadRole};
use crate::cloud::INVALID_CLASS;
use crate::config::Config;
use crate::engine::EngineChain;
use crate::latency::{FrameLedger, FrameOutcome};
use crate::pipeline::tests::scripted::{Act, CLASS, Scripted, model, row};

fn frame(stamp: i64, start: i32) -> LiveFrame {
    LiveFrame { cloud: row(start, 3), pose: Isometry3::identity(), stamp, message: Vec::new() }
}

/// Stamp, ledger and classes of each output.
type Seen = (i64, FrameLedger, Vec<u16>);

fn telling(sender: Sender<Seen>) -> OutputSink {
    Box::new(move |output: LiveOutput<'_>| {
        sender.send((output.frame.stamp, *output.ledger, output.labels.class.clone())).expect("a listener");
    })
}

fn run_on(engine: &Scripted, config: Config, sink: OutputSink) -> LiveRunner<LiveFrame> {
    let chains: Vec<EngineChain> = (0..2).map(|_| engine.boxed().into()).collect();
    let exchange = |message: &mut LiveFrame, frame: &mut LiveFrame| {
        std::mem::swap(message, frame);
        match frame.stamp {
            13 => Err("unlucky".into()),
            14 => panic!("unluckier"),
            _ => Ok(()),
        }
    };
    LiveRunner::with_chains(model(), config, chains, LiveOptions::default(), Box::new(exchange), sink)
        .expect("sound sizes")
}

fn without_deadline() -> Config {
    let mut config = Config::default();
    config.latency.deadline_ms = 0.0;
    config
}

#[test]
fn frames_are_served_in_order_and_counts_add_up() {
    let engine = Scripted::new("scripted", model(), |_| Act::Answer);
    let (sender, outputs) = unbounded();
    let runner = run_on(&engine, without_deadline(), telling(sender));
    let mut last = -1;
    for stamp in 0..20 {
        runner.offer(frame(stamp, 0));
        if stamp % 5 == 0 {
            // The sink is waited for, so that not all of them are dropped.
            let (stamp, ledger, classes) = outputs.recv().expect("an output");
            assert!(stamp > last);
            last = stamp;
            assert_eq!((ledger.outcome, classes), (FrameOutcome::Whole, vec![CLASS; 300]));
        }
    }
    let counts_before = runner.counts();
    assert_eq!(counts_before.offered, 20);
    let summary = runner.finish();
    let counts = summary.counts;
    assert_eq!(counts.offered, counts.dropped + counts.undecoded + counts.served, "{counts:?}");
    assert!(counts.undecoded <= 2, "13 and 14, if they were not dropped");
    assert_eq!(summary.latency.totals().frames, counts.served);
    let stamps: Vec<i64> = outputs.try_iter().map(|(stamp, ..)| stamp).collect();
    assert!(stamps.is_sorted() && stamps.iter().all(|&stamp| stamp > last));
    assert_eq!(stamps.last().copied().unwrap_or(last), 19, "the newest is served");
}

#[test]
fn a_slow_frame_makes_no_backlog() {
    let (release, held) = bounded::<()>(0);
    let engine = Scripted::new("scripted", model(), move |block| match block {
        0 => Act::Hang(held.clone()),
        _ => Act::Answer,
    });
    let (sender, outputs) = unbounded();
    let runner = run_on(&engine, without_deadline(), telling(sender));
    runner.offer(frame(100, 0));
    while engine.blocks() == 0 {
        std::thread::yield_now();
    }
    let mut came_back = 0;
    for stamp in 101..200 {
        came_back += usize::from(runner.offer(frame(stamp, 0)).is_some() || runner.spare().is_some());
    }
    assert!(came_back > 90, "buffers come back: {came_back}");
    drop(release);
    let summary = runner.finish();
    let stamps: Vec<i64> = outputs.try_iter().map(|(stamp, ..)| stamp).collect();
    assert_eq!((stamps.first(), stamps.last()), (Some(&100), Some(&199)));
    assert!(stamps.len() <= 4, "one under way, one decoded, one being decoded, one waiting: {stamps:?}");
    assert_eq!(summary.counts.dropped, 100 - stamps.len() as u64);
}

#[test]
fn a_frame_that_panics_is_reported_and_the_next_one_runs() {
    let engine = Scripted::new("scripted", model(), |_| Act::Answer);
    let (sender, outputs) = unbounded();
    let runner = run_on(&engine, without_deadline(), telling(sender));
    runner.offer(frame(0, 0));
    assert_eq!(outputs.recv().expect("an output").1.outcome, FrameOutcome::Whole);
    // A colour column that is too short.
    let mut broken = frame(1, 0);
    broken.cloud.colour = Some(vec![[0; 3]; 7]);
    runner.offer(broken);
    let (stamp, ledger, classes) = outputs.recv().expect("an output");
    assert_eq!((stamp, ledger.outcome, classes), (1, FrameOutcome::Panicked, vec![INVALID_CLASS; 300]));
    runner.offer(frame(2, 0));
    let (stamp, ledger, classes) = outputs.recv().expect("an output");
    assert_eq!((stamp, ledger.outcome, classes), (2, FrameOutcome::Whole, vec![CLASS; 300]));
    let totals = *runner.finish().latency.totals();
    assert_eq!((totals.frames, totals.panicked), (3, 1));
}

#[test]
fn a_sink_that_panics_costs_its_frame_only() {
    let engine = Scripted::new("scripted", model(), |_| Act::Answer);
    let (sender, outputs) = unbounded();
    let first = AtomicBool::new(true);
    let sink = Box::new(move |output: LiveOutput<'_>| {
        sender.send(output.frame.stamp).expect("a listener");
        assert!(!first.swap(false, Ordering::AcqRel), "no paper");
    });
    let runner = run_on(&engine, without_deadline(), sink);
    for stamp in [5, 6] {
        runner.offer(frame(stamp, 0));
        assert_eq!(outputs.recv().expect("an output"), stamp);
    }
    let totals = *runner.finish().latency.totals();
    assert_eq!((totals.frames, totals.panicked), (2, 1));
}

#[test]
fn a_jump_of_the_clock_begins_a_new_map() {
    let engine = Scripted::new("scripted", model(), |_| Act::Answer);
    let (sender, outputs) = unbounded();
    let runner = run_on(&engine, without_deadline(), telling(sender));
    for (stamp, blocks) in [(10_000_000_000, 3), (9_900_000_000, 0), (8_000_000_000, 3)] {
        runner.offer(frame(stamp, 0));
        let (_, ledger, _) = outputs.recv().expect("an output");
        assert_eq!(ledger.blocks.own.merged, blocks, "at {stamp}");
    }
    assert_eq!(runner.finish().counts.clock_jumps, 1);
}

#[test]
fn a_hanging_engine_does_not_hold_up_the_answer() {
    let (release, held) = bounded::<()>(0);
    let engine = Scripted::new("scripted", model(), move |_| Act::Hang(held.clone()));
    let (sender, outputs) = unbounded();
    let mut config = Config::default();
    config.latency.deadline_ms = 5.0;
    let runner = run_on(&engine, config, telling(sender));
    for stamp in 0..3 {
        runner.offer(frame(stamp, 0));
        let (_, ledger, classes) = outputs.recv_timeout(Duration::from_secs(60)).expect("an output");
        assert_eq!((ledger.blocks.own.merged, classes), (0, vec![INVALID_CLASS; 300]));
    }
    drop(release);
    assert_eq!(runner.finish().counts.served, 3);
}

#[test]
fn every_thread_says_what_it_is_for() {
    let engine = Scripted::new("scripted", model(), |_| Act::Answer);
    let roles = Arc::new(Mutex::new(Vec::new()));
    let hook = {
        let roles = Arc::clone(&roles);
        Arc::new(move |role: ThreadRole| roles.lock().expect("no panic").push(role))
    };
    let chains = vec![engine.boxed().into(), engine.boxed().into()];
    let options = LiveOptions { thread_hook: Some(hook), ..LiveOptions::default() };
    let exchange = |_: &mut (), _: &mut LiveFrame| Ok(());
    let runner =
        LiveRunner::with_chains(model(), Config::default(), chains, options, Box::new(exchange), Box::new(|_| ()))
            .expect("sound sizes");
    drop(runner);
    let mut roles = roles.lock().expect("no panic").clone();
    roles.sort_by_key(|role| format!("{role:?}"));
    assert_eq!(roles, [ThreadRole::Decode, ThreadRole::Frame, ThreadRole::Worker(0), ThreadRole::Worker(1)]);
}
