//! After warming up, the frame path allocates nothing: not the pipeline, not its workers, not the live runner.
//!
//! A robot drives in a circle through a room that is larger than its map, so that voxels, windows and
//! instances come and go. Every allocation of every thread counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use nalgebra::{Isometry3, Point3, Translation3, UnitQuaternion, Vector3};

use instanton::cloud::{Cloud, Labels};
use instanton::config::Config;
use instanton::engine::{BlockInput, Engine, EngineChain, EngineError, EngineKind, Prediction};
use instanton::latency::{Deadline, FrameLedger};
use instanton::live::{LiveFrame, LiveOptions, LiveOutput, LiveRunner};
use instanton::network::asis::Asis;
use instanton::network::{Model, ModelMetadata, Weights, write_model};
use instanton::pipeline::{Frame, Pipeline};

/// The system's allocator, which counts while it is told to.
struct Counting;

static ARMED: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

/// Whether each allocation says where it comes from (`INSTANTON_TRACE_ALLOCATIONS`).
static TRACING: AtomicBool = AtomicBool::new(false);

// SAFETY: every call goes to the system's allocator as it came; counting touches atomics only.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller keeps the contract of `alloc`, which is the system's too.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above; the pointer came from the system.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note();
        // SAFETY: as above; the pointer came from the system.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn note() {
    if ARMED.load(Ordering::Relaxed) {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // A trace allocates, too: no counting meanwhile.
        if TRACING.load(Ordering::Relaxed) && ARMED.swap(false, Ordering::Relaxed) {
            eprintln!("{}", std::backtrace::Backtrace::force_capture());
            ARMED.store(true, Ordering::Relaxed);
        }
    }
}

/// Allocations of the whole process during `work`.
fn allocations_of(work: impl FnOnce()) -> u64 {
    ALLOCATIONS.store(0, Ordering::SeqCst);
    ARMED.store(true, Ordering::SeqCst);
    work();
    ARMED.store(false, Ordering::SeqCst);
    ALLOCATIONS.load(Ordering::SeqCst)
}

/// Answers from the features alone, without allocating: a class by height, embeddings by place.
struct ByPlace {
    classes: usize,
    embedding_size: usize,
}

impl Engine for ByPlace {
    fn name(&self) -> &'static str {
        "by place"
    }

    fn run(&mut self, block: BlockInput<'_>, prediction: &mut Prediction) -> Result<(), EngineError> {
        prediction.logits.clear();
        prediction.embeddings.clear();
        for row in block.features.chunks_exact(9) {
            let class = if row[2] > 0.5 { 3 } else { 1 };
            prediction.logits.extend((0..self.classes).map(|of| if of == class { 5.0 } else { 0.0 }));
            let place = |axis: usize| row.get(axis).filter(|_| axis < 3).map_or(0.0, |value| value * 3.0);
            prediction.embeddings.extend((0..self.embedding_size).map(place));
        }
        Ok(())
    }
}

fn chains(model: &Model) -> Vec<EngineChain> {
    let (classes, embedding_size) = (model.architecture().classes(), model.architecture().embedding_size());
    (0..2).map(|_| EngineChain::new(Box::new(ByPlace { classes, embedding_size }), Vec::new())).collect()
}

fn small_model(folder: &std::path::Path) -> Model {
    let mut network = Asis { points: 128, ..Asis::default() };
    for (level, points) in network.levels.iter_mut().zip([32, 16, 8, 4]) {
        level.points = points;
    }
    let architecture = network.architecture().expect("sound sizes");
    let parameters = Weights::untrained(&architecture, 0).fold(&architecture).expect("sound weights");
    write_model(&folder.join("model"), &architecture, &parameters, &ModelMetadata::s3dis()).expect("a writable place")
}

/// Frames of one lap.
const LAP: usize = 100;

/// A frame's time (ns).
const PERIOD: i64 = 100_000_000;

/// Floor and posts, in the fixed frame.
struct Room(Vec<[f32; 3]>);

impl Room {
    fn new() -> Self {
        let floor = (0..60).flat_map(|x| (0..60).map(move |y| [x as f32 * 0.17 - 5.0, y as f32 * 0.17 - 5.0, 0.02]));
        let post = |at: usize| {
            let (x, y) = ((at % 8) as f32 * 1.2 - 4.3, (at / 8) as f32 * 1.2 - 4.3);
            (0..30).map(move |i| [x + (i % 3) as f32 * 0.06, y, 0.1 + (i / 3) as f32 * 0.1])
        };
        Self(floor.chain((0..64).flat_map(post)).collect())
    }

    /// What the robot sees on its way, within 2 m.
    fn see(&self, step: usize, frame: &mut LiveFrame) {
        let angle = (step % LAP) as f64 / LAP as f64 * std::f64::consts::TAU;
        let place = Translation3::new(3.0 * angle.cos(), 3.0 * angle.sin(), 0.5);
        frame.pose = Isometry3::from_parts(place, UnitQuaternion::from_axis_angle(&Vector3::z_axis(), angle));
        frame.stamp = step as i64 * PERIOD;
        let into_sensor = frame.pose.inverse();
        frame.cloud.position.clear();
        for &[x, y, z] in &self.0 {
            let seen = into_sensor * Point3::new(f64::from(x), f64::from(y), f64::from(z));
            if seen.coords.norm() < 2.0 {
                frame.cloud.position.push([seen.x as f32, seen.y as f32, seen.z as f32]);
            }
        }
    }
}

fn configuration() -> Config {
    let mut config = Config::default();
    config.map.radius = 2.5;
    config.map.maximum_age = 3.0;
    config.blocks.minimum_points = 15;
    config.grouping.minimum_instance = 5;
    config.grouping.minimum_points = 5;
    config
}

/// Frames that are counted.
fn counted() -> usize {
    if cfg!(debug_assertions) { 200 } else { 10_000 }
}

/// A program of its own: the usual test harness allocates while a test runs.
fn main() {
    TRACING.store(std::env::var_os("INSTANTON_TRACE_ALLOCATIONS").is_some(), Ordering::Relaxed);
    let folder = tempfile::tempdir().expect("a writable place");
    let model = small_model(folder.path());
    let room = Room::new();
    recorded_frames(&model, &room, chains(&model));
    println!("0 allocations in {} recorded frames", counted());
    recorded_frames(&model, &room, EngineKind::Native.chains(&model, 2).expect("the native engine"));
    println!("0 allocations in {} recorded frames on the native engine", counted());
    live_frames(&model, &room);
    println!("0 allocations in {} live frames", counted());
}

fn recorded_frames(model: &Model, room: &Room, chains: Vec<EngineChain>) {
    let mut pipeline = Pipeline::with_chains(model, configuration(), chains, Default::default()).expect("sound sizes");
    pipeline.prepare_thread();
    let (mut labels, mut ledger, mut seen) = (Labels::default(), FrameLedger::default(), LiveFrame::default());
    let (mut step, mut blocks, mut gone) = (0, 0, 0);
    let mut run = |frames: usize| {
        for _ in 0..frames {
            room.see(step, &mut seen);
            let frame = Frame { cloud: &seen.cloud, pose: seen.pose, stamp: seen.stamp };
            let before = pipeline.map().revision();
            let report = pipeline.process_within(frame, Deadline::NONE, &mut labels, &mut ledger);
            blocks += report.blocks;
            gone += usize::from(pipeline.map().revision() != before);
            assert_eq!(report.failed, 0);
            step += 1;
        }
    };
    run(3 * LAP);
    assert_eq!(allocations_of(|| run(counted())), 0, "recorded frames");
    assert!(blocks > counted() && gone > counted(), "{blocks} blocks; {gone} frames lost voxels");
}

fn live_frames(model: &Model, room: &Room) {
    let mut config = configuration();
    config.latency.deadline_ms = 20.0;
    let served = Arc::new(AtomicU64::new(0));
    let sink = {
        let served = Arc::clone(&served);
        Box::new(move |output: LiveOutput<'_>| {
            assert_eq!(output.labels.class.len(), output.frame.cloud.len());
            served.fetch_add(1, Ordering::Release);
        })
    };
    let exchange = |message: &mut LiveFrame, frame: &mut LiveFrame| {
        std::mem::swap(message, frame);
        Ok(())
    };
    let runner =
        LiveRunner::with_chains(model, config, chains(model), LiveOptions::default(), Box::new(exchange), sink)
            .expect("sound sizes");
    let big = || LiveFrame {
        cloud: Cloud { position: Vec::with_capacity(room.0.len()), colour: None },
        ..LiveFrame::default()
    };
    let mut at_hand = Vec::with_capacity(16);
    at_hand.extend((0..8).map(|_| big()));
    let mut step = 0;
    let mut run = |frames: usize| {
        for _ in 0..frames {
            let mut frame = at_hand.pop().expect("a frame comes back for each that was offered");
            room.see(step, &mut frame);
            // Two in three are waited for; the others may be replaced.
            let before = served.load(Ordering::Acquire);
            at_hand.extend(runner.offer(frame));
            while step % 3 != 0 && served.load(Ordering::Acquire) == before {
                std::thread::yield_now();
            }
            while at_hand.len() < 4 {
                at_hand.extend(runner.spare());
            }
            step += 1;
        }
    };
    run(5 * LAP);
    let allocations = allocations_of(|| run(counted()));
    assert_eq!(allocations, 0, "live frames");
    let summary = runner.finish();
    assert!(summary.counts.served as usize > counted() / 2, "{:?}", summary.counts);
    assert!(summary.latency.totals().merged > 0);
}
