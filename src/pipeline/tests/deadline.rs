//! What is done in time, what is put off, and that nothing waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam::channel::bounded;
use proptest::prelude::*;

use super::scripted::{Act, CLASS, Scripted, model, row};
use super::{label, on_threads, pipeline};
use crate::cloud::INVALID_CLASS;
use crate::config::Config;
use crate::latency::{Clock, Deadline, ManualClock, Stage};
use crate::pipeline::Pipeline;

const BLOCK: Duration = Duration::from_millis(10);
const FRAME: Duration = Duration::from_millis(100);
const PERIOD: i64 = 100_000_000;

/// Turns the hand of a clock a little all the time, for those who wait for a moment.
struct Ticking(Arc<AtomicBool>);

impl Ticking {
    fn start(hand: Arc<ManualClock>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        std::thread::spawn(move || {
            while !stopped.load(Ordering::Acquire) {
                hand.advance(Duration::from_micros(100));
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        Self(stop)
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[test]
fn without_a_deadline_everything_is_labelled_and_nothing_learnt() {
    let engine = Scripted::new("scripted", model(), |_| Act::Answer);
    let mut pipeline = pipeline(on_threads(&engine, 2), Clock::default());
    let (report, ledger, labels) = label(&mut pipeline, &row(0, 9), 0, Deadline::NONE);
    assert_eq!((report.blocks, report.put_off, engine.blocks()), (9, 0, 9));
    assert_eq!((ledger.blocks.own.merged, ledger.allowed), (9, None));
    assert!(labels.class.iter().all(|&class| class == CLASS));
    assert_eq!(report.instances, 9);
    assert_eq!(pipeline.costs().block.seen(), 0);
}

#[test]
fn a_bound_on_the_count_puts_the_least_worthy_off() {
    let engine = Scripted::new("scripted", model(), |_| Act::Answer);
    let mut config = Config::default();
    config.blocks.maximum_per_frame = 4;
    let mut pipeline = Pipeline::with_engines(model(), config, vec![engine.boxed()]).expect("sound sizes");
    let (_, ledger, labels) = label(&mut pipeline, &row(0, 9), 0, Deadline::NONE);
    assert_eq!((ledger.blocks.own.merged, ledger.blocks.put_off_count), (4, 5));
    let labelled = |labels: &[u16]| labels.iter().filter(|&&class| class == CLASS).count();
    assert_eq!((labelled(&labels.class[..400]), labelled(&labels.class)), (400, 400), "the robot is at x = 0");
    let (_, ledger, _) = label(&mut pipeline, &row(0, 9), PERIOD, Deadline::NONE);
    assert_eq!((ledger.blocks.wanted, ledger.blocks.put_off_count), (5, 1));
}

#[test]
fn blocks_are_started_as_long_as_they_fit_and_the_nearest_first() {
    let (clock, hand) = Clock::manual();
    let engine = Scripted::new("scripted", model(), move |_| Act::Take(hand.clone(), BLOCK));
    let mut pipeline = pipeline(on_threads(&engine, 1), clock.clone());
    // Learn on windows that lie behind the robot.
    for frame in 0..40 {
        let (_, ledger, _) = label(&mut pipeline, &row(-8, 8), frame * PERIOD, Deadline::at(clock.now() + FRAME));
        assert_eq!((ledger.blocks.late, ledger.blocks.failed()), (0, 0));
        assert!(ledger.took <= FRAME, "{:?}", ledger.took);
        // Another map, of the same windows.
        pipeline.clear();
        while pipeline.crew.out() > 0 {
            if let Some(job) = pipeline.crew.wait(&clock, Deadline::NONE) {
                pipeline.crew.recycle(job);
            }
        }
    }
    let bound = pipeline.costs().block.bound(1).expect("learnt");
    assert!(bound >= BLOCK && bound < BLOCK * 11 / 10, "{bound:?}");

    let (_, ledger, labels) = label(&mut pipeline, &row(0, 12), 0, Deadline::at(clock.now() + FRAME));
    // 100 ms less the margin of 2 ms hold nine blocks of 10 ms; the tenth is started for the next frame.
    assert_eq!((ledger.blocks.own.merged, ledger.blocks.late, ledger.blocks.ahead), (9, 0, 1), "{ledger:?}");
    assert_eq!((ledger.blocks.put_off_time, ledger.blocks.put_off_busy), (2, 0));
    assert!(labels.class[..900].iter().all(|&class| class == CLASS));
    assert!(labels.class[900..].iter().all(|&class| class == INVALID_CLASS));
    assert_eq!(ledger.allowed, Some(FRAME));
    assert!(ledger.budgets.of(Stage::Network) >= BLOCK * 9);
    assert_eq!(ledger.work.of(Stage::Network), 9);
    assert_eq!(ledger.times.of(Stage::Network), BLOCK * 9);
}

#[test]
fn what_was_put_off_comes_next_and_says_how_old_its_labels_are() {
    let (clock, hand) = Clock::manual();
    let engine = Scripted::new("scripted", model(), move |_| Act::Take(hand.clone(), BLOCK));
    let mut pipeline = pipeline(on_threads(&engine, 1), clock.clone());
    let (_, ledger, _) = label(&mut pipeline, &row(0, 3), 0, Deadline::NONE);
    assert_eq!(ledger.blocks.own.merged, 3);
    // Three times the height: every window changed by 200 %; three new ones come first.
    let mut cloud = row(0, 6);
    for height in [0.5, 0.9] {
        let above: Vec<[f32; 3]> = row(0, 3).position.iter().map(|&[x, y, _]| [x, y, height]).collect();
        cloud.position.extend(above);
    }
    let deadline = Deadline::at(clock.now() + Duration::from_millis(50));
    let (_, ledger, labels) = label(&mut pipeline, &cloud, 7 * PERIOD, deadline);
    assert_eq!(ledger.blocks.wanted, 6);
    // The first block is a trial, the second fits; the third is started for the next frame.
    assert!(labels.class[300..500].iter().all(|&class| class == CLASS), "those never labelled first");
    assert_eq!((ledger.blocks.own.merged, ledger.blocks.ahead, ledger.blocks.put_off_time), (2, 1, 3));
    assert_eq!(ledger.oldest_put_off, Duration::from_millis(700));
    let (_, ledger, _) = label(&mut pipeline, &cloud, 8 * PERIOD, Deadline::NONE);
    assert_eq!((ledger.blocks.merged(), ledger.blocks.put_off()), (4, 0));
}

#[test]
fn a_block_that_hangs_is_answered_without_and_merged_when_it_comes() {
    let (clock, hand) = Clock::manual();
    let (release, held) = bounded(1);
    let engine = Scripted::new("scripted", model(), {
        let hand = hand.clone();
        move |block| match block {
            1 => Act::Hang(held.clone()),
            _ => Act::Take(hand.clone(), BLOCK),
        }
    });
    let _ticking = Ticking::start(hand);
    let mut pipeline = pipeline(on_threads(&engine, 2), clock.clone());
    let (_, ledger, labels) = label(&mut pipeline, &row(-11, 22), 0, Deadline::at(clock.now() + FRAME));
    assert_eq!((ledger.blocks.late, ledger.blocks.failed()), (1, 0), "{:?}", ledger.blocks);
    assert!(ledger.blocks.own.merged > 0);
    assert!(labels.class.iter().any(|&class| class == INVALID_CLASS));
    // It goes on hanging: frames go on, on the other worker.
    let (_, ledger, _) = label(&mut pipeline, &row(-11, 22), PERIOD, Deadline::at(clock.now() + FRAME));
    assert!(ledger.blocks.own.merged > 0 && ledger.blocks.put_off_busy == 0, "{:?}", ledger.blocks);
    // Now the map changes under it, and it comes after all.
    release.send(()).expect("a listener");
    let (_, _, labels) = label(&mut pipeline, &row(-11, 22), 2 * PERIOD, Deadline::NONE);
    while pipeline.crew.out() > 0 {
        std::thread::yield_now();
        label(&mut pipeline, &row(-11, 22), 3 * PERIOD, Deadline::NONE);
    }
    let (report, _, last) = label(&mut pipeline, &row(-11, 22), 4 * PERIOD, Deadline::NONE);
    assert!(last.class.iter().all(|&class| class == CLASS));
    assert_eq!((report.blocks, report.voxels), (0, 2200));
    drop(labels);
}

#[test]
fn when_every_worker_hangs_the_frame_is_answered_all_the_same() {
    let (clock, hand) = Clock::manual();
    let (release, held) = bounded::<()>(0);
    let engine = Scripted::new("scripted", model(), move |_| Act::Hang(held.clone()));
    let mut pipeline = pipeline(on_threads(&engine, 2), clock.clone());
    let ticking = {
        let engine = engine.clone();
        std::thread::spawn(move || {
            while engine.blocks() < 2 {
                std::thread::yield_now();
            }
            hand.advance(FRAME);
        })
    };
    let (_, ledger, labels) = label(&mut pipeline, &row(0, 9), 0, Deadline::at(clock.now() + FRAME));
    ticking.join().expect("no panic");
    assert_eq!((ledger.blocks.late, ledger.blocks.put_off_time), (2, 7));
    assert!(labels.class.iter().all(|&class| class == INVALID_CLASS));
    let (_, ledger, _) = label(&mut pipeline, &row(0, 9), PERIOD, Deadline::at(clock.now()));
    assert_eq!((ledger.blocks.wanted, ledger.blocks.put_off_busy), (7, 7), "two are still being worked on");
    drop(release);
    let (report, _, _) = label(&mut pipeline, &row(0, 9), 2 * PERIOD, Deadline::NONE);
    assert!(report.blocks >= 7);
}

#[test]
fn late_blocks_of_a_map_that_was_forgotten_are_dropped() {
    let (clock, hand) = Clock::manual();
    let (release, held) = bounded::<()>(0);
    let engine = Scripted::new("scripted", model(), move |block| {
        hand.advance(FRAME);
        if block == 0 { Act::Hang(held.clone()) } else { Act::Answer }
    });
    let mut pipeline = pipeline(on_threads(&engine, 1), clock.clone());
    let (_, ledger, _) = label(&mut pipeline, &row(0, 1), 0, Deadline::at(clock.now() + FRAME));
    assert_eq!(ledger.blocks.late, 1);
    pipeline.clear();
    drop(release);
    let (report, ledger, labels) = label(&mut pipeline, &row(20, 1), PERIOD, Deadline::NONE);
    assert_eq!((report.blocks, report.failed, ledger.blocks.earlier.total()), (0, 0, 0));
    assert!(labels.class.iter().all(|&class| class == INVALID_CLASS), "20 m are out of range");
    assert_eq!(pipeline.map().len(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever blocks take, the frame ends in time, but for one block that was never seen before.
    #[test]
    fn a_frame_is_not_late(costs in prop::collection::vec(1_u64..30, 1..20), threads in 1_usize..3) {
        let (clock, hand) = Clock::manual();
        let engine = Scripted::new("scripted", model(), move |block| {
            Act::Take(hand.clone(), Duration::from_millis(costs[block % costs.len()]))
        });
        let mut pipeline = pipeline(on_threads(&engine, threads), clock.clone());
        for frame in 0..6 {
            let cloud = row(-10 + 2 * frame, 10);
            let (_, ledger, _) = label(&mut pipeline, &cloud, i64::from(frame) * PERIOD, Deadline::at(clock.now() + FRAME));
            prop_assert_eq!(ledger.blocks.failed(), 0);
            // The hand-turned clock jumps by a whole block of each thread.
            prop_assert!(ledger.took <= FRAME + Duration::from_millis(30) * threads as u32, "{:?}", ledger.took);
        }
    }

    #[test]
    fn labels_do_not_depend_on_threads(windows in 1_i32..9, frames in 1_i64..4) {
        let labels = [1, 2, 3].map(|threads| {
            let engine = Scripted::new("scripted", model(), |_| Act::Answer);
            let mut pipeline = pipeline(on_threads(&engine, threads), Clock::default());
            (0..frames)
                .map(|frame| label(&mut pipeline, &row(frame as i32 - 2, windows), frame * PERIOD, Deadline::NONE).2)
                .collect::<Vec<_>>()
        });
        prop_assert_eq!(&labels[0], &labels[1]);
        prop_assert_eq!(&labels[0], &labels[2]);
    }
}
