//! The threads of a live run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam::queue::ArrayQueue;
use log::Level;

use super::frame::Arrived;
use super::mailbox::{Mailbox, Reader, mailbox};
use super::{Decoder, LiveCounts, LiveFrame, LiveOutput, LiveSummary, OutputSink, ThreadHook, ThreadRole};
use crate::cloud::Labels;
use crate::config::Config;
use crate::engine::{EngineChain, EngineKind, words};
use crate::latency::{Clock, Deadline, FrameLedger, FrameOutcome, LatencyLedger, LatencyTotals, Stage};
use crate::network::Model;
use crate::pipeline::{Frame, FrameReport, Pipeline, PipelineError, PipelineOptions};
use crate::recurring::worth_telling;

/// A stamp this much before the one of the frame before is a jump of the clock (ns); less is disorder.
const JUMP: i64 = 1_000_000_000;

/// Decoded frames that go round: one is being filled, one waits, one is being labelled.
const FRAMES: usize = 3;

/// Used messages that are kept for whoever offers.
const SPARES: usize = 4;

/// How a live run is done, beside the configuration.
#[derive(Clone, Default)]
pub struct LiveOptions {
    /// The engine, and through it those that take over.
    pub engine: EngineKind,
    /// Called at the start of each thread: decoding, frames, workers.
    pub thread_hook: Option<ThreadHook>,
    /// The clock that deadlines are on.
    pub clock: Clock,
    /// Run made-up blocks before the first frame, so that it is as fast as the others.
    pub warm_up: bool,
}

/// What the threads and the outside share.
struct Shared<M> {
    spares: ArrayQueue<M>,
    undecoded: AtomicU64,
    served: AtomicU64,
    clock_jumps: AtomicU64,
    /// Nanoseconds; 0: none.
    deadline: AtomicU64,
    latency: Mutex<Latency>,
}

/// Where time went: since the start, and since somebody last asked.
#[derive(Default)]
struct Latency {
    whole: LatencyLedger,
    recent: LatencyLedger,
}

fn nanoseconds(deadline: Option<Duration>) -> u64 {
    deadline.map_or(0, |deadline| u64::try_from(deadline.as_nanos()).unwrap_or(u64::MAX))
}

impl<M> Shared<M> {
    fn latency(&self) -> MutexGuard<'_, Latency> {
        self.latency.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn deadline(&self) -> Option<Duration> {
        let nanoseconds = self.deadline.load(Ordering::Acquire);
        (nanoseconds > 0).then(|| Duration::from_nanos(nanoseconds))
    }
}

/// A live run. Dropping it ends it as [`finish`](Self::finish) does.
pub struct LiveRunner<M: Send + 'static> {
    messages: Mailbox<Arrived<M>>,
    frames: Mailbox<Arrived<LiveFrame>>,
    shared: Arc<Shared<M>>,
    clock: Clock,
    threads: Vec<JoinHandle<()>>,
}

impl LiveRunner<LiveFrame> {
    /// A run on frames that need no decoding.
    ///
    /// # Errors
    /// As [`LiveRunner::start`].
    pub fn of_frames(
        model: &Model,
        config: Config,
        options: LiveOptions,
        sink: OutputSink,
    ) -> Result<Self, PipelineError> {
        let exchange = |message: &mut LiveFrame, frame: &mut LiveFrame| {
            std::mem::swap(message, frame);
            Ok(())
        };
        Self::start(model, config, options, Box::new(exchange), sink)
    }
}

impl<M: Send + 'static> LiveRunner<M> {
    /// Loads the engines and starts the threads.
    ///
    /// # Errors
    /// When the model's sizes, the engines or the threads refuse.
    pub fn start(
        model: &Model,
        config: Config,
        options: LiveOptions,
        decoder: Decoder<M>,
        sink: OutputSink,
    ) -> Result<Self, PipelineError> {
        let chains = options.engine.chains(model, config.blocks.threads)?;
        Self::with_chains(model, config, chains, options, decoder, sink)
    }

    /// As [`LiveRunner::start`], on other engines for the same model, one chain to a worker.
    ///
    /// # Errors
    /// When the model's sizes or the threads refuse.
    pub fn with_chains(
        model: &Model,
        config: Config,
        chains: Vec<EngineChain>,
        options: LiveOptions,
        decoder: Decoder<M>,
        sink: OutputSink,
    ) -> Result<Self, PipelineError> {
        let LiveOptions { clock, thread_hook, warm_up, .. } = options;
        let deadline = config.latency.deadline();
        let inner = PipelineOptions { clock: clock.clone(), thread_hook: thread_hook.clone() };
        let mut pipeline = Pipeline::with_chains(model, config, chains, inner)?;
        if warm_up {
            pipeline.warm_up();
        }
        let (messages, incoming) = mailbox();
        let (frames, decoded) = mailbox();
        let free = Arc::new(ArrayQueue::new(FRAMES));
        (0..FRAMES).for_each(|_| drop(free.push(LiveFrame::default())));
        let shared = Arc::new(Shared {
            spares: ArrayQueue::new(SPARES),
            undecoded: AtomicU64::new(0),
            served: AtomicU64::new(0),
            clock_jumps: AtomicU64::new(0),
            deadline: AtomicU64::new(nanoseconds(deadline)),
            latency: Mutex::default(),
        });
        let decoding = Decoding {
            messages: incoming,
            frames: frames.clone(),
            free: Arc::clone(&free),
            shared: Arc::clone(&shared),
            clock: clock.clone(),
            decoder,
        };
        let serving = Serving {
            frames: decoded,
            free,
            shared: Arc::clone(&shared),
            clock: clock.clone(),
            pipeline,
            sink,
            labels: Labels::default(),
            ledger: FrameLedger::default(),
            last_stamp: None,
        };
        let mut runner = Self { messages, frames, shared, clock, threads: Vec::with_capacity(2) };
        runner.spawn("decode", thread_hook.clone(), ThreadRole::Decode, move || decoding.run())?;
        runner.spawn("frame", thread_hook, ThreadRole::Frame, move || serving.run())?;
        Ok(runner)
    }

    fn spawn(
        &mut self,
        name: &str,
        hook: Option<ThreadHook>,
        role: ThreadRole,
        work: impl FnOnce() + Send + 'static,
    ) -> Result<(), PipelineError> {
        let work = move || {
            if let Some(hook) = hook {
                hook(role);
            }
            work();
        };
        let thread = Builder::new().name(name.to_owned()).spawn(work);
        self.threads.push(thread.map_err(|error| PipelineError::Threads { threads: 2, reason: error.to_string() })?);
        Ok(())
    }

    /// A message has come. Never waits. Gives back the message that it replaces, if that one was not
    /// taken up yet: its buffers are the caller's again.
    pub fn offer(&self, message: M) -> Option<M> {
        let arrived = Arrived { what: message, at: self.clock.now(), decoding: Duration::ZERO };
        self.messages.offer(arrived).map(|displaced| displaced.what)
    }

    /// A message that was used, if there is one: its buffers are the caller's again.
    pub fn spare(&self) -> Option<M> {
        self.shared.spares.pop()
    }

    /// What came in and what became of it so far.
    pub fn counts(&self) -> LiveCounts {
        let load = |count: &AtomicU64| count.load(Ordering::Acquire);
        LiveCounts {
            offered: self.messages.offered(),
            dropped: self.messages.dropped() + self.frames.dropped(),
            undecoded: load(&self.shared.undecoded),
            served: load(&self.shared.served),
            clock_jumps: load(&self.shared.clock_jumps),
        }
    }

    /// The latency so far.
    pub fn latency(&self) -> LatencyLedger {
        self.shared.latency().whole.clone()
    }

    /// Counts of the run so far.
    pub fn totals(&self) -> LatencyTotals {
        *self.shared.latency().whole.totals()
    }

    /// The latency of the frames since this was last called.
    pub fn take_recent_latency(&self) -> LatencyLedger {
        std::mem::take(&mut self.shared.latency().recent)
    }

    /// Frames that are taken up from now on have this deadline after their arrival; `None`: as long as it takes.
    pub fn set_deadline(&self, deadline: Option<Duration>) {
        self.shared.deadline.store(nanoseconds(deadline), Ordering::Release);
    }

    /// Takes no more messages, serves what is under way, and says what the run came to.
    pub fn finish(mut self) -> LiveSummary {
        self.end();
        LiveSummary { counts: self.counts(), latency: self.latency() }
    }

    fn end(&mut self) {
        self.messages.close();
        for thread in self.threads.drain(..) {
            // Both threads catch what panics in them.
            let _ = thread.join();
        }
    }
}

impl<M: Send + 'static> Drop for LiveRunner<M> {
    fn drop(&mut self) {
        self.end();
    }
}

/// The thread that makes frames of messages.
struct Decoding<M> {
    messages: Reader<Arrived<M>>,
    frames: Mailbox<Arrived<LiveFrame>>,
    free: Arc<ArrayQueue<LiveFrame>>,
    shared: Arc<Shared<M>>,
    clock: Clock,
    decoder: Decoder<M>,
}

impl<M> Decoding<M> {
    fn run(mut self) {
        while let Some(Arrived { what: mut message, at, .. }) = self.messages.take() {
            let mut frame = self.free.pop().unwrap_or_default();
            let start = self.clock.now();
            let made = catch_unwind(AssertUnwindSafe(|| (self.decoder)(&mut message, &mut frame)));
            let decoding = self.clock.now().saturating_duration_since(start);
            let displaced = match made {
                Ok(Ok(())) => self.frames.offer(Arrived { what: frame, at, decoding }).map(|arrived| arrived.what),
                Ok(Err(error)) => self.refuse(frame, Level::Debug, &error.to_string()),
                Err(panic) => {
                    self.refuse(frame, Level::Error, &format!("decoding panicked: {}", words(panic.as_ref())))
                }
            };
            // Whoever offers may have stopped taking spares: then there are enough of them.
            let _ = self.shared.spares.push(message);
            if let Some(frame) = displaced {
                let _ = self.free.push(frame);
            }
        }
        self.frames.close();
    }

    /// `level`: whoever decodes says what is wrong with a message, by its kind; nobody else says that it panicked.
    fn refuse(&self, frame: LiveFrame, level: Level, reason: &str) -> Option<LiveFrame> {
        let count = self.shared.undecoded.fetch_add(1, Ordering::AcqRel) + 1;
        if worth_telling(count).is_some() {
            log::log!(level, "a message is no frame: {reason} ({count} so far)");
        }
        Some(frame)
    }
}

/// The thread that takes frames to their labels.
struct Serving<M> {
    frames: Reader<Arrived<LiveFrame>>,
    free: Arc<ArrayQueue<LiveFrame>>,
    shared: Arc<Shared<M>>,
    clock: Clock,
    pipeline: Pipeline,
    sink: OutputSink,
    labels: Labels,
    ledger: FrameLedger,
    last_stamp: Option<i64>,
}

impl<M> Serving<M> {
    fn run(mut self) {
        self.pipeline.prepare_thread();
        while let Some(arrived) = self.frames.take() {
            self.serve(&arrived);
            let _ = self.free.push(arrived.what);
        }
    }

    fn serve(&mut self, arrived: &Arrived<LiveFrame>) {
        let frame = &arrived.what;
        if self.last_stamp.is_some_and(|last| frame.stamp < last.saturating_sub(JUMP)) {
            log::warn!("the clock jumped back to {} ns: the map is forgotten", frame.stamp);
            self.shared.clock_jumps.fetch_add(1, Ordering::AcqRel);
            self.pipeline.clear();
        }
        self.last_stamp = Some(frame.stamp);
        let deadline = self.shared.deadline();
        let report = self.label(frame, arrived.at, deadline);
        self.ledger.times.note(Stage::Decode, arrived.decoding);
        self.give_out(frame, &report, arrived.at, deadline.is_some());
        self.ledger.age = self.since(arrived.at);
        let mut latency = self.shared.latency();
        latency.whole.record_frame(&self.ledger, deadline);
        latency.recent.record_frame(&self.ledger, deadline);
        drop(latency);
        self.shared.served.fetch_add(1, Ordering::AcqRel);
    }

    fn label(&mut self, frame: &LiveFrame, arrived: Instant, deadline: Option<Duration>) -> FrameReport {
        let deadline = deadline.map_or(Deadline::NONE, |deadline| Deadline::at(arrived + deadline));
        let input = Frame { cloud: &frame.cloud, pose: frame.pose, stamp: frame.stamp };
        let (pipeline, labels, ledger) = (&mut self.pipeline, &mut self.labels, &mut self.ledger);
        let labelled = catch_unwind(AssertUnwindSafe(|| pipeline.process_within(input, deadline, labels, ledger)));
        labelled.unwrap_or_else(|panic| {
            log::error!("the frame at {} ns failed: {}", frame.stamp, words(panic.as_ref()));
            self.ledger.outcome = FrameOutcome::Panicked;
            self.pipeline.clear();
            self.labels = Labels::unknown(frame.cloud.len());
            FrameReport { points: frame.cloud.len(), ..FrameReport::default() }
        })
    }

    fn give_out(&mut self, frame: &LiveFrame, report: &FrameReport, arrived: Instant, bounded: bool) {
        let start = self.clock.now();
        let output = LiveOutput { frame, labels: &self.labels, report, ledger: &self.ledger, age: self.since(arrived) };
        let sink = &mut self.sink;
        let given = catch_unwind(AssertUnwindSafe(|| sink(output)));
        let took = self.clock.now().saturating_duration_since(start);
        if let Err(panic) = given {
            log::error!("the output of the frame at {} ns failed: {}", frame.stamp, words(panic.as_ref()));
            self.ledger.outcome = FrameOutcome::Panicked;
        }
        let points = frame.cloud.len();
        self.ledger.times.note(Stage::Encode, took);
        self.ledger.work.note(Stage::Encode, points as u64);
        self.ledger.work.note(Stage::Decode, points as u64);
        if bounded {
            self.ledger.budgets.note(Stage::Encode, self.pipeline.costs().bound(Stage::Encode, points as u64));
            self.pipeline.learn(Stage::Encode, points, took);
        }
    }

    fn since(&self, moment: Instant) -> Duration {
        self.clock.now().saturating_duration_since(moment)
    }
}
