//! Engines that panic, give up, refuse, and lie: the block is reported, the next one runs.

use super::scripted::{Act, CLASS, Scripted, model, row};
use super::{label, on_threads, pipeline};
use crate::cloud::{INVALID_CLASS, NO_INSTANCE};
use crate::engine::{EngineChain, EngineError, EngineFallback};
use crate::latency::{Clock, Deadline, FrameOutcome};

#[test]
fn an_engine_that_panics_or_gives_up_gives_its_place_to_the_next() {
    for (act, reason) in [
        (Act::Panic, EngineError::Panicked { engine: "first", reason: "scripted".to_owned() }),
        (Act::Fail, EngineError::Failed { engine: "first", reason: "scripted".to_owned() }),
    ] {
        let first = Scripted::new("first", model(), move |block| if block == 2 { act.clone() } else { Act::Answer });
        let second = Scripted::new("second", model(), |_| Act::Answer);
        let chain = EngineChain::new(first.boxed(), vec![second.boxed()]);
        let mut pipeline = pipeline(vec![chain], Clock::default());
        let (report, ledger, labels) = label(&mut pipeline, &row(0, 6), 0, Deadline::NONE);
        assert_eq!((report.blocks, report.failed, ledger.outcome), (5, 1, FrameOutcome::BlockFailed));
        assert_eq!((ledger.blocks.fallbacks, first.blocks(), second.blocks()), (1, 3, 3));
        assert_eq!(pipeline.fallbacks(), [EngineFallback { from: "first", to: "second", reason }]);
        assert_eq!(labels.class.iter().filter(|&&class| class == INVALID_CLASS).count(), 100);
        // The block asks again, and the second engine answers.
        let (report, ledger, labels) = label(&mut pipeline, &row(0, 6), 1, Deadline::NONE);
        assert_eq!((report.blocks, report.failed, ledger.outcome), (1, 0, FrameOutcome::Whole));
        assert!(labels.class.iter().all(|&class| class == CLASS));
    }
}

#[test]
fn the_last_engine_stays_and_a_window_that_breaks_it_waits_for_a_change() {
    let engine = Scripted::new("only", model(), |block| if block == 0 { Act::Panic } else { Act::Answer });
    let mut pipeline = pipeline(on_threads(&engine, 1), Clock::default());
    let (report, ledger, _) = label(&mut pipeline, &row(0, 3), 0, Deadline::NONE);
    assert_eq!((report.blocks, report.failed, ledger.blocks.fallbacks), (2, 1, 0));
    let (report, ledger, _) = label(&mut pipeline, &row(0, 3), 1, Deadline::NONE);
    assert_eq!((report.blocks, ledger.blocks.wanted, ledger.outcome), (0, 0, FrameOutcome::Whole));
}

#[test]
fn a_block_that_does_not_fit_fails_alone() {
    let first = Scripted::new("first", model(), |block| if block == 1 { Act::Refuse } else { Act::Answer });
    let second = Scripted::new("second", model(), |_| Act::Answer);
    let mut pipeline = pipeline(vec![EngineChain::new(first.boxed(), vec![second.boxed()])], Clock::default());
    let (report, ledger, _) = label(&mut pipeline, &row(0, 5), 0, Deadline::NONE);
    assert_eq!((report.blocks, report.failed, ledger.blocks.fallbacks), (4, 1, 0));
    assert_eq!((first.blocks(), second.blocks()), (5, 0));
}

#[test]
fn an_answer_that_is_no_number_makes_the_window_unknown() {
    let engine = Scripted::new("liar", model(), |block| if block == 2 { Act::NotANumber } else { Act::Answer });
    let mut pipeline = pipeline(on_threads(&engine, 1), Clock::default());
    let (_, ledger, labels) = label(&mut pipeline, &row(0, 2), 0, Deadline::NONE);
    assert_eq!(ledger.blocks.not_finite(), 0);
    assert!(labels.class.iter().all(|&class| class == CLASS));
    // One window changes and is labelled again: what was known of it is gone, the other stays.
    let mut cloud = row(0, 2);
    cloud.position.extend(row(0, 1).position.iter().map(|&[x, y, _]| [x, y, 0.7]));
    let (report, ledger, labels) = label(&mut pipeline, &cloud, 1, Deadline::NONE);
    assert_eq!((ledger.blocks.own.not_finite, ledger.blocks.own.failed, report.failed), (1, 0, 1));
    assert_eq!(ledger.outcome, FrameOutcome::Whole);
    for (point, (&class, &instance)) in labels.class.iter().zip(&labels.instance).enumerate() {
        let known = (100..200).contains(&point);
        assert_eq!((class == CLASS, class == INVALID_CLASS), (known, !known), "point {point}");
        assert_eq!(instance != NO_INSTANCE, known, "point {point}");
    }
}

#[test]
fn what_an_engine_did_before_it_failed_leaves_no_trace() {
    let good = Scripted::new("good", model(), |_| Act::Answer);
    let bad = Scripted::new("bad", model(), |block| if block % 2 == 1 { Act::Panic } else { Act::Answer });
    let mut pipelines = [&good, &bad].map(|engine| pipeline(on_threads(engine, 1), Clock::default()));
    // The bad one sees every window twice, and fails at every second block.
    let labels = pipelines.each_mut().map(|pipeline| {
        label(pipeline, &row(0, 1), 0, Deadline::NONE);
        label(pipeline, &row(1, 1), 1, Deadline::NONE);
        label(pipeline, &row(2, 1), 2, Deadline::NONE).2
    });
    assert_eq!(labels[0].class, labels[1].class);
    assert_eq!(labels[0].confidence, labels[1].confidence);
}
