//! The threads that run blocks, and the jobs that go round between them and the frame.
//!
//! ```text
//!  spare ─► fill ─► [jobs] ─► worker 0, worker 1, … ─► [done] ─► merge ─► spare
//! ```
//!
//! There is a fixed number of jobs, both channels hold all of them, and every thread lives as long as the
//! crew: nothing waits for room, and nothing is allocated from frame to frame.

use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crossbeam::channel::{Receiver, Sender, bounded};

use super::PipelineError;
use super::job::Job;
use super::worker::Worker;
use crate::block::WindowKey;
use crate::latency::{Clock, Deadline};

/// What a thread is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ThreadRole {
    /// Makes clouds of messages.
    Decode,
    /// Takes frames from the map to their labels.
    Frame,
    /// Runs blocks; its number, from 0.
    Worker(usize),
}

/// Called on each new thread before anything else: the place to pin it or to raise its priority.
pub type ThreadHook = Arc<dyn Fn(ThreadRole) + Send + Sync>;

/// How often a clock turned by hand is looked at while waiting.
const LOOK: Duration = Duration::from_micros(200);

/// Jobs for so many threads: each has one in hand and one waiting, and one is being merged.
fn slots(threads: usize) -> usize {
    2 * threads + 1
}

/// Threads and jobs.
pub(super) struct Crew {
    /// `None` only while the crew is dismissed.
    jobs: Option<Sender<Box<Job>>>,
    done: Receiver<Box<Job>>,
    #[expect(clippy::vec_box, reason = "jobs are passed on by pointer, and go back to where they came from")]
    spare: Vec<Box<Job>>,
    /// Window and frame of each job that is out.
    out: Vec<(WindowKey, u64)>,
    threads: Vec<JoinHandle<()>>,
}

impl Crew {
    /// One thread for each worker.
    pub(super) fn new(workers: Vec<Worker>, hook: Option<ThreadHook>) -> Result<Self, PipelineError> {
        let count = workers.len();
        let refuse = |reason| PipelineError::Threads { threads: count, reason };
        if count == 0 {
            return Err(refuse("no engine to run on them".to_owned()));
        }
        let slots = slots(count);
        let (jobs, inbox) = bounded::<Box<Job>>(slots);
        let (outbox, done) = bounded::<Box<Job>>(slots);
        let mut crew = Self {
            jobs: Some(jobs),
            done,
            spare: (0..slots).map(|_| Box::default()).collect(),
            out: Vec::with_capacity(slots),
            threads: Vec::with_capacity(count),
        };
        for (number, mut worker) in workers.into_iter().enumerate() {
            let (inbox, outbox, hook) = (inbox.clone(), outbox.clone(), hook.clone());
            let work = move || {
                if let Some(hook) = hook {
                    hook(ThreadRole::Worker(number));
                }
                for mut job in inbox {
                    worker.run(&mut job);
                    if outbox.send(job).is_err() {
                        return;
                    }
                }
            };
            let thread = Builder::new().name(format!("worker {number}")).spawn(work);
            crew.threads.push(thread.map_err(|error| refuse(error.to_string()))?);
        }
        Ok(crew)
    }

    /// Threads.
    pub(super) fn threads(&self) -> usize {
        self.threads.len()
    }

    /// Jobs that are out: queued, running, or done and not yet taken back.
    pub(super) fn out(&self) -> usize {
        self.out.len()
    }

    /// Whether a job would be taken up at once.
    pub(super) fn is_free(&self) -> bool {
        self.out.len() < self.threads.len()
    }

    /// Whether there is a job to fill.
    pub(super) fn has_spare(&self) -> bool {
        !self.spare.is_empty()
    }

    /// Jobs of a frame that are out.
    pub(super) fn out_of_frame(&self, frame: u64) -> usize {
        self.out.iter().filter(|(_, of)| *of == frame).count()
    }

    /// Whether a window is being worked on.
    pub(super) fn works_on(&self, key: WindowKey) -> bool {
        self.out.iter().any(|(window, _)| *window == key)
    }

    /// Hands out a spare job after `fill` has filled it. Does nothing without one.
    pub(super) fn start(&mut self, key: WindowKey, frame: u64, fill: impl FnOnce(&mut Job)) {
        let Some(mut job) = self.spare.pop() else { return };
        fill(&mut job);
        job.frame = frame;
        // The channel holds every job there is, so this neither waits nor fails while threads live.
        match self.jobs.as_ref().map(|jobs| jobs.send(job)) {
            Some(Ok(())) => self.out.push((key, frame)),
            Some(Err(refused)) => self.spare.push(refused.into_inner()),
            None => {}
        }
    }

    /// The next job that is done, if there is one already.
    pub(super) fn take_done(&mut self) -> Option<Box<Job>> {
        let job = self.done.try_recv().ok()?;
        self.note_done(&job);
        Some(job)
    }

    /// The next job that is done; `None` once the deadline has passed or when there is no job out.
    pub(super) fn wait(&mut self, clock: &Clock, deadline: Deadline) -> Option<Box<Job>> {
        if self.out.is_empty() {
            return None;
        }
        let job = match (deadline.moment(), clock) {
            (None, _) => self.done.recv().ok(),
            (Some(moment), Clock::System) => self.done.recv_deadline(moment).ok(),
            (Some(moment), Clock::Manual(_)) => loop {
                match self.done.recv_timeout(LOOK) {
                    Ok(job) => break Some(job),
                    Err(_) if clock.now() >= moment => break None,
                    Err(_) => {}
                }
            },
        }?;
        self.note_done(&job);
        Some(job)
    }

    fn note_done(&mut self, job: &Job) {
        let is_this = |(key, frame): &(WindowKey, u64)| {
            *frame == job.frame && job.window.is_some_and(|window| window.key == *key)
        };
        if let Some(place) = self.out.iter().position(is_this) {
            self.out.swap_remove(place);
        }
    }

    /// Sees to it that there are as many jobs as ever, after a panic may have lost one. `held` are jobs that
    /// nobody waits for any more.
    #[expect(clippy::vec_box, reason = "jobs are passed on by pointer, and go back to where they came from")]
    pub(super) fn make_whole(&mut self, held: &mut Vec<Box<Job>>) {
        self.spare.append(held);
        let slots = slots(self.threads.len());
        while self.spare.len() + self.out.len() < slots {
            self.spare.push(Box::default());
        }
    }

    /// Takes a job back for the next block.
    pub(super) fn recycle(&mut self, job: Box<Job>) {
        self.spare.push(job);
    }
}

impl Drop for Crew {
    /// Threads that have nothing to do are waited for. One that hangs is left to itself: a robot must be
    /// able to stop a program whose engine does not answer.
    fn drop(&mut self) {
        self.jobs = None;
        while let Some(job) = self.take_done() {
            drop(job);
        }
        if self.out.is_empty() {
            for thread in self.threads.drain(..) {
                // A worker catches its panics, so there is nothing to learn from its end.
                let _ = thread.join();
            }
        }
    }
}
