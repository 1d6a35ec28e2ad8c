//! Voxels are counted as their instances change; nobody counts them afresh.

use std::time::Duration;

use super::scripted::{Act, Scripted, model, row};
use super::{label, on_threads};
use crate::cloud::NO_INSTANCE;
use crate::config::Config;
use crate::latency::{Clock, Deadline};
use crate::pipeline::{Pipeline, PipelineOptions};

/// A drive that forgets, comes back, and is answered with no number now and then.
#[test]
fn the_registry_knows_how_many_voxels_carry_each_instance() {
    let engine = Scripted::new("scripted", model(), |block| if block % 7 == 3 { Act::NotANumber } else { Act::Answer });
    let mut config = Config::default();
    config.map.maximum_age = 2.5;
    let options = PipelineOptions { clock: Clock::default(), thread_hook: None };
    let mut pipeline = Pipeline::with_chains(model(), config, on_threads(&engine, 2), options).expect("sound sizes");
    let mut most = 0;
    for (second, first) in [0, 2, 4, 1, 0, 7, 7, 3].into_iter().enumerate() {
        label(&mut pipeline, &row(first, 9), second as i64 * 1_000_000_000, Deadline::NONE);
        let mut afresh = pipeline.merger.registry.clone();
        afresh.recount(pipeline.map.instance().iter().copied().filter(|&id| id != NO_INSTANCE));
        assert_eq!(pipeline.merger.registry, afresh, "after frame {second}");
        most = most.max(afresh.len());
    }
    assert!(most > 3, "{most} instances were met");
}

/// Every worker runs two of them, the second is learnt from, and the map hears of none.
#[test]
fn made_up_blocks_teach_the_cost_and_leave_nothing() {
    let (clock, hand) = Clock::manual();
    let answer = move |block| Act::Take(hand.clone(), Duration::from_millis(if block < 2 { 90 } else { 20 }));
    let engine = Scripted::new("scripted", model(), answer);
    let options = PipelineOptions { clock, thread_hook: None };
    let mut pipeline =
        Pipeline::with_chains(model(), Config::default(), on_threads(&engine, 2), options).expect("sound sizes");
    pipeline.warm_up();
    assert_eq!((engine.blocks(), pipeline.costs().block.seen()), (4, 2));
    // Both workers turn the same hand, so each may have seen the other's time pass.
    let expected = pipeline.costs().block.expected(1).expect("learnt");
    assert!(expected >= Duration::from_millis(20) && expected <= Duration::from_millis(40), "{expected:?}");
    assert!(pipeline.map.is_empty() && pipeline.merger.registry.is_empty());
    let (report, ..) = label(&mut pipeline, &row(0, 3), 0, Deadline::NONE);
    assert_eq!((report.blocks, report.instances), (3, 3));
}
