//! Frames offered at a rate, whatever becomes of them, and what became of them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::load::Burners;
use super::report::{BenchReport, DriveFacts, KIND, ModelFacts, SCHEMA, Sample, Setting, Tally};
use super::series::Series;
use crate::cloud::{Colouring, label_organised};
use crate::config::Config;
use crate::engine::{EngineKind, thread_count};
use crate::latency::Stage;
use crate::live::{LiveFrame, LiveOptions, LiveOutput, LiveRunner, ThreadHook, ThreadRole};
use crate::machine::{Condition, Machine};
use crate::network::Model;
use crate::pipeline::PipelineError;
use crate::replay::{FrameDecoder, LoadedFrame};
use crate::ros::{Header, Time};
use crate::scheduling::{Scheduling, SchedulingError};

/// Every stage, the frame, its age.
const ROWS: usize = Stage::ALL.len() + 2;
/// Most frames for which room is made in advance: later ones are kept too, but the memory then grows.
const ROOM: usize = 1_000_000;

/// How a run is done.
#[derive(Clone, Debug)]
pub struct BenchOptions {
    /// What runs the network.
    pub engine: EngineKind,
    /// Threads, deadline, everything else.
    pub config: Config,
    /// Frames offered a second.
    pub rate: f64,
    /// How long.
    pub duration: Duration,
    /// Threads that compete.
    pub load: usize,
    /// What is asked of the operating system for the pipeline's threads.
    pub scheduling: Scheduling,
}

/// Why a run did not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The pipeline could not be built.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The system forbids what was asked of it.
    #[error(transparent)]
    Scheduling(#[from] SchedulingError),
    /// The competing threads could not be started.
    #[error("starting {count} competing threads: {source}")]
    Load {
        /// How many.
        count: usize,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is no frame to offer.
    #[error("expected at least one frame, found none")]
    NoFrames,
}

/// A frame's number; the decoder knows the frame.
struct Numbered(u64);

/// What the sink writes down.
struct Record {
    rows: Vec<[u32; ROWS]>,
    stale: u64,
}

/// Offers the frames to and fro, at the rate, for the duration. The sensor does not wait: a frame that
/// nobody has taken up when the next one comes is replaced. `observe` hears of the seconds.
///
/// # Errors
/// [`RunError`] when the run cannot begin. What goes wrong in it is counted.
pub fn bench(
    model: &Model,
    frames: Vec<LoadedFrame>,
    drive: DriveFacts,
    options: &BenchOptions,
    observe: &mut dyn FnMut(u64),
) -> Result<BenchReport, RunError> {
    let Some(first) = frames.first() else { return Err(RunError::NoFrames) };
    let (start_stamp, period) = (first.stamp, Duration::from_secs_f64(1.0 / options.rate));
    let offers = (options.duration.as_secs_f64() * options.rate).ceil().max(1.0) as u64;
    if options.scheduling.lock_memory {
        crate::scheduling::lock_memory()?;
    }
    let burners = Burners::start(options.load).map_err(|source| RunError::Load { count: options.load, source })?;

    // Written once, so that the pages are there and the resident set stays.
    let mut rows = vec![[u32::MAX; ROWS]; (offers as usize).min(ROOM)];
    rows.clear();
    let record = Arc::new(Mutex::new(Record { rows, stale: 0 }));
    // Blocks may come late; what every frame passes through may not wait for a block to end.
    let hook: ThreadHook = options.scheduling.hook(|role| matches!(role, ThreadRole::Worker(_)));
    let runner = LiveRunner::start(
        model,
        options.config.clone(),
        LiveOptions { engine: options.engine, thread_hook: Some(hook), warm_up: true, ..LiveOptions::default() },
        decoder(frames, start_stamp, period),
        sink(model, Arc::clone(&record), period),
    )?;

    let mut samples = vec![Sample { second: 0.0, condition: Condition::now() }];
    let start = Instant::now();
    for number in 0..offers {
        let due = start + Duration::from_secs_f64(number as f64 / options.rate);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        runner.offer(Numbered(number));
        let second = start.elapsed().as_secs();
        observe(second);
        // In the gap between two frames.
        if second / 60 >= samples.len() as u64 {
            samples.push(Sample { second: start.elapsed().as_secs_f64(), condition: Condition::now() });
        }
    }
    let live = runner.finish();
    samples.push(Sample { second: start.elapsed().as_secs_f64(), condition: Condition::now() });
    drop(burners);

    let record = std::mem::replace(
        &mut *record.lock().unwrap_or_else(PoisonError::into_inner),
        Record { rows: Vec::new(), stale: 0 },
    );
    let series = |row: usize, name: &str| {
        let durations: Vec<u32> = record.rows.iter().map(|rows| rows[row]).collect();
        Series::new(name, &durations)
    };
    let names = Stage::ALL.iter().map(|stage| stage.name()).chain(["frame", "age"]);
    let deadline = options.config.latency.deadline();
    let age = |rows: &&[u32; ROWS]| deadline.is_some_and(|deadline| u128::from(rows[ROWS - 1]) > deadline.as_micros());
    let totals = live.latency.totals();
    Ok(BenchReport {
        kind: KIND.to_owned(),
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        setting: Setting {
            engine: engine_name(options.engine),
            threads: thread_count(options.config.blocks.threads),
            rate: options.rate,
            deadline_ms: deadline.map(|_| options.config.latency.deadline_ms),
            load: options.load,
            duration: options.duration.as_secs_f64(),
            cores: options.scheduling.cores.clone(),
            realtime: options.scheduling.realtime,
            lock_memory: options.scheduling.lock_memory,
        },
        drive,
        model: facts(model),
        machine: Machine::here(),
        load_before: None,
        tally: Tally {
            offered: live.counts.offered,
            served: record.rows.len() as u64,
            dropped: live.counts.offered - record.rows.len() as u64,
            misses: record.rows.iter().filter(age).count() as u64,
            stale: record.stale,
            wanted: totals.wanted,
            merged: totals.merged,
            put_off: totals.put_off_time + totals.put_off_busy + totals.put_off_count,
            late: totals.late,
            failed: totals.failed + totals.not_finite,
            panicked: totals.panicked,
        },
        samples,
        stages: names.enumerate().map(|(row, name)| series(row, name)).collect(),
    })
}

/// Number → frame: to the drive's end and back again, so that the robot never jumps; time goes on.
fn decoder(frames: Vec<LoadedFrame>, start: i64, period: Duration) -> crate::live::Decoder<Numbered> {
    let mut decoder = FrameDecoder::default();
    Box::new(move |message: &mut Numbered, live: &mut LiveFrame| {
        let number = message.0;
        let frame = &frames[to_and_fro(number, frames.len())];
        live.pose = frame.pose;
        live.stamp = start.saturating_add((period.as_nanos() as i64).saturating_mul(number as i64));
        decoder.decode(&frame.parts(), &mut live.cloud)?;
        Ok(())
    })
}

/// 0, 1, 2, 2, 1, 0, 0, … of three.
fn to_and_fro(number: u64, count: usize) -> usize {
    let step = (number % (2 * count as u64)) as usize;
    if step < count { step } else { 2 * count - 1 - step }
}

/// Labelled frame → message, as a robot would publish it; and its row of the record.
fn sink(model: &Model, record: Arc<Mutex<Record>>, period: Duration) -> crate::live::OutputSink {
    let palette: Vec<[u8; 3]> = model.manifest().classes.iter().map(|class| class.colour).collect();
    let mut encoded = Vec::new();
    Box::new(move |output: LiveOutput<'_>| {
        let start = Instant::now();
        let header = Header { stamp: Time::from_nanoseconds(output.frame.stamp), frame_id: "sensor" };
        let points = output.frame.cloud.len() as u32;
        let colouring = Colouring::Class(&palette);
        let cloud = &output.frame.cloud;
        if let Err(error) = label_organised(header, points, 1, cloud, output.labels, colouring, &mut encoded) {
            log::error!("a labelled cloud is no message: {error}");
        }
        let encoding = start.elapsed();
        let age = output.age + encoding;
        let times = &output.ledger.times;
        let mut row = [0; ROWS];
        for (place, stage) in row.iter_mut().zip(Stage::ALL) {
            *place = microseconds(if stage == Stage::Encode { encoding } else { times.of(stage) });
        }
        row[ROWS - 2] = microseconds(output.ledger.took);
        row[ROWS - 1] = microseconds(age);
        let own = times.of(Stage::Decode) + output.ledger.took + encoding;
        let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
        record.rows.push(row);
        record.stale += u64::from(age > period + own);
    })
}

fn microseconds(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

fn engine_name(engine: EngineKind) -> String {
    clap::ValueEnum::to_possible_value(&engine).map_or_else(|| format!("{engine:?}"), |it| it.get_name().to_owned())
}

fn facts(model: &Model) -> ModelFacts {
    let manifest = model.manifest();
    ModelFacts {
        architecture: manifest.architecture.clone(),
        precision: manifest.precision.to_string(),
        sha256: manifest.parts.iter().map(|part| part.sha256.clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drive_is_driven_to_and_fro() {
        let order: Vec<usize> = (0..8).map(|number| to_and_fro(number, 3)).collect();
        assert_eq!(order, [0, 1, 2, 2, 1, 0, 0, 1]);
        assert_eq!((to_and_fro(u64::MAX, 1), to_and_fro(5, 1)), (0, 0));
    }
}
