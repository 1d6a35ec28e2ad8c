//! Which blocks are started, when, and what becomes of them.

use std::time::Duration;

use super::job::Job;
use super::{BlockFailure, Pipeline};
use crate::cloud::NO_INSTANCE;
use crate::latency::{BlockResults, Deadline, FrameLedger, Stage};
use crate::map::{LabelledWindow, NO_VOXEL, Outlook, sort_by_neighbourhood};

/// How much a voxel trusts the label of its nearest sampled neighbour, against its own.
const BORROWED_TRUST: f32 = 0.5;

/// A window with this many points is believed in full. One with fewer sees the edge of things, and
/// every point is in other windows that see more of them.
const FULL_WINDOW: usize = 1024;

/// Poses further apart in time than this (s) say nothing of where the robot is going.
const LONGEST_STEP: f64 = 1.0;

impl Pipeline {
    /// Where the robot is and, if it moved since the last frame, where it will be soon.
    pub(super) fn look_ahead(&mut self, robot: [f64; 2], stamp: i64) -> Outlook {
        let ahead = match self.last_place.replace((robot, stamp)) {
            Some((before, then)) => {
                let seconds = stamp.saturating_sub(then) as f64 * 1e-9;
                let known = seconds > 0.0 && seconds <= LONGEST_STEP;
                let steps = if known { self.config.latency.look_ahead / seconds } else { 0.0 };
                [0, 1].map(|axis| robot[axis] + (robot[axis] - before[axis]) * steps)
            }
            None => robot,
        };
        Outlook { robot: robot.map(|value| value as f32), ahead: ahead.map(|value| value as f32) }
    }

    /// Which of the dirty windows this frame may label, and in which order.
    pub(super) fn choose_windows(&mut self, deadline: Deadline, ledger: &mut FrameLedger) {
        let crew = &self.crew;
        self.dirty.retain(|window| !crew.works_on(window.key));
        ledger.blocks.wanted = self.dirty.len() as u32;
        let most = self.config.blocks.maximum_per_frame;
        if let Some(put_off) = self.dirty.get(most..) {
            ledger.blocks.put_off_count = put_off.len() as u32;
            note_age(ledger, put_off.iter().filter_map(|window| window.labelled));
            self.dirty.truncate(most);
        }
        if deadline.is_none() {
            sort_by_neighbourhood(&mut self.dirty);
        }
        self.started = 0;
        self.sequence.1 = self.sequence.0;
    }

    /// Starts blocks while they fit, and merges those that come in time. Returns whether no block could be
    /// started because every worker was busy with earlier ones.
    pub(super) fn label_windows(&mut self, points: u64, deadline: Deadline, ledger: &mut FrameLedger) -> bool {
        let until = deadline.earlier_by(self.reserve(points));
        loop {
            while self.may_start(until) {
                self.start_next();
                self.note_budgets(ledger);
            }
            let more = self.started < self.dirty.len() && self.fits(until) && self.crew.out() > 0;
            if self.crew.out_of_frame(self.frame) == 0 && !more {
                break;
            }
            let Some(job) = self.crew.wait(&self.clock, until) else { break };
            // The worker that became free gets its next block before this one is merged.
            while self.may_start(until) {
                self.start_next();
                self.note_budgets(ledger);
            }
            self.take_back(job, deadline, ledger);
        }
        ledger.blocks.late = self.crew.out_of_frame(self.frame) as u32;
        self.started == 0 && !self.crew.is_free()
    }

    /// Time to keep back for what comes after the blocks.
    fn reserve(&self, points: u64) -> Duration {
        let merging = self.costs.bound(Stage::Merging, self.crew.threads() as u64);
        let after = self.costs.bound(Stage::Labelling, points) + self.costs.bound(Stage::Encode, points);
        merging + after + self.config.latency.margin()
    }

    /// Whether a block started now would be ready in time. A block of which nothing is known is tried.
    fn fits(&self, until: Deadline) -> bool {
        match until.is_none() {
            true => true,
            false => {
                let left = until.left(self.clock.now());
                left > Duration::ZERO && self.costs.block.bound(1).is_none_or(|bound| bound <= left)
            }
        }
    }

    fn may_start(&self, until: Deadline) -> bool {
        // With a deadline nothing is queued: what waits for a worker would not be ready when expected.
        let room = if until.is_none() { self.crew.has_spare() } else { self.crew.is_free() };
        self.started < self.dirty.len() && room && self.fits(until)
    }

    fn start_next(&mut self) {
        let Self { crew, dirty, started, book, map, extent, frame, sequence, epoch, last_place, room, .. } = self;
        let Some(extent) = *extent else {
            // Nothing is in the map, so no window is dirty.
            *started = dirty.len();
            return;
        };
        let window = dirty[*started];
        *room = (*room).max(window.voxels.next_power_of_two());
        crew.start(window.key, *frame, |job| {
            job.room = *room;
            job.fill(window, book, map, extent);
            (job.sequence, job.epoch) = (sequence.0, *epoch);
            job.stamp = last_place.map_or(0, |(_, stamp)| stamp);
        });
        *started += 1;
        sequence.0 += 1;
    }

    fn note_budgets(&self, ledger: &mut FrameLedger) {
        if ledger.allowed.is_some() {
            for stage in Stage::OF_BLOCK.into_iter().chain([Stage::Merging]) {
                ledger.budgets.note(stage, self.costs.bound(stage, 1));
            }
        }
    }

    /// Merges what came between the frames.
    pub(super) fn take_what_is_done(&mut self, ledger: &mut FrameLedger) {
        while let Some(job) = self.crew.take_done() {
            self.merge(job, ledger);
        }
    }

    /// Without a deadline in the order in which the blocks were started, otherwise as they come.
    fn take_back(&mut self, job: Box<Job>, deadline: Deadline, ledger: &mut FrameLedger) {
        if !deadline.is_none() {
            self.merge(job, ledger);
            return;
        }
        self.waiting.push(job);
        while let Some(place) = self.waiting.iter().position(|job| job.sequence <= self.sequence.1) {
            let job = self.waiting.swap_remove(place);
            self.merge(job, ledger);
        }
    }

    /// One block's result into the map, or into the books.
    pub(super) fn merge(&mut self, mut job: Box<Job>, ledger: &mut FrameLedger) {
        self.sequence.1 = self.sequence.1.max(job.sequence + 1);
        self.learn_from(&job, ledger);
        let result = match job.failure.take() {
            Some(failure) => Err(failure),
            None if job.epoch == self.epoch => {
                let start = self.clock.now();
                let result = self.merge_into_map(&mut job);
                let took = self.clock.now().saturating_duration_since(start);
                ledger.times.note(Stage::Merging, took);
                ledger.work.note(Stage::Merging, 1);
                if ledger.allowed.is_some() {
                    self.costs.observe(Stage::Merging, 1, took);
                }
                result
            }
            // The map that it belongs to is gone.
            None => {
                self.crew.recycle(job);
                return;
            }
        };
        let results = if job.frame == self.frame { &mut ledger.blocks.own } else { &mut ledger.blocks.earlier };
        note_result(results, &job, &result);
        if let (Err(failure), Some(window)) = (&result, &job.window) {
            log::warn!("window {:?} of the frame at {} ns: {failure}", window.key, job.stamp);
        }
        if job.epoch == self.epoch {
            if result.is_err_and(|failure| failure.is_not_finite()) {
                self.forget_labels(&mut job);
            }
            // A block whose engine lost its place is tried again by the next one.
            if let (None, Some(window)) = (&job.fallback, job.window) {
                self.book.mark_labelled(window.key, LabelledWindow { voxels: window.voxels, stamp: job.stamp });
            }
        }
        if let Some(fallback) = job.fallback.take() {
            log::warn!("{fallback}");
            ledger.blocks.fallbacks += 1;
            self.fallbacks.push(fallback);
        }
        self.crew.recycle(job);
    }

    fn learn_from(&mut self, job: &Job, ledger: &mut FrameLedger) {
        ledger.times.add(&job.times);
        for stage in Stage::OF_BLOCK {
            ledger.work.note(stage, 1);
        }
        if ledger.allowed.is_some() {
            self.costs.block.observe(1, job.took);
            if job.failure.is_none() {
                Stage::OF_BLOCK.into_iter().for_each(|stage| self.costs.observe(stage, 1, job.times.of(stage)));
            }
        }
    }

    /// One block's clusters and opinions into the map.
    fn merge_into_map(&mut self, job: &mut Job) -> Result<(), BlockFailure> {
        job.find_members(&self.map);
        let instance = self.map.instance();
        self.current.clear();
        self.current.extend(job.block.index[..job.block.distinct].iter().map(|&member| {
            match job.members[member as usize] {
                NO_VOXEL => NO_INSTANCE,
                voxel => instance[voxel as usize],
            }
        }));
        self.merger.merge_block(&job.clusters.label, &job.cluster_class, &self.current, &mut self.assigned)?;
        let trust = (job.block.distinct as f32 / FULL_WINDOW as f32).min(1.0);
        for ((member, &voxel), &sample) in (0..).zip(&job.members).zip(&job.speaker) {
            if voxel == NO_VOXEL {
                continue;
            }
            let itself = job.block.index[sample as usize] == member;
            let trust = if itself { trust } else { trust * BORROWED_TRUST };
            self.map.votes_mut().add(voxel, job.opinion_of(sample, self.classes), trust);
            // A cluster without an instance leaves what the map knows: another view may know better.
            let cluster = job.clusters.label[sample as usize];
            match self.assigned.get(cluster as usize) {
                Some(&instance) if instance != NO_INSTANCE => {
                    let before = self.map.set_instance(voxel, instance);
                    if before != instance {
                        self.merger.registry.lose(before, 1);
                        self.merger.registry.gain(instance, 1);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// A network that answers with something that is no number knows nothing of the window.
    fn forget_labels(&mut self, job: &mut Job) {
        job.find_members(&self.map);
        for &voxel in job.members.iter().filter(|&&voxel| voxel != NO_VOXEL) {
            let before = self.map.forget_labels(voxel);
            self.merger.registry.lose(before, 1);
        }
    }

    /// Idle workers begin with what would not have been ready for this frame.
    pub(super) fn work_ahead(&mut self, deadline: Deadline, ledger: &mut FrameLedger) {
        // A map that is forgotten before the next frame has no use for it.
        if deadline.is_none() || self.config.map.single_frame {
            return;
        }
        while self.started < self.dirty.len() && self.crew.is_free() {
            self.start_next();
            ledger.blocks.ahead += 1;
        }
    }

    /// Counts and ages of the windows that were not started, after all.
    pub(super) fn account_for_what_was_put_off(&self, workers_were_busy: bool, ledger: &mut FrameLedger) {
        let left = &self.dirty[self.started..];
        note_age(ledger, left.iter().filter_map(|window| window.labelled));
        match workers_were_busy {
            true => ledger.blocks.put_off_busy = left.len() as u32,
            false => ledger.blocks.put_off_time = left.len() as u32,
        }
    }
}

fn note_age(ledger: &mut FrameLedger, labelled: impl Iterator<Item = LabelledWindow>) {
    let age = |labelled: LabelledWindow| ledger.stamp.saturating_sub(labelled.stamp).max(0) as u64;
    let oldest = labelled.map(age).max().unwrap_or(0);
    ledger.oldest_put_off = ledger.oldest_put_off.max(Duration::from_nanos(oldest));
}

fn note_result(results: &mut BlockResults, job: &Job, result: &Result<(), BlockFailure>) {
    match result {
        Ok(()) => {
            results.merged += 1;
            results.grouping_cut += u32::from(job.grouping_cut);
        }
        Err(failure) if failure.is_not_finite() => results.not_finite += 1,
        Err(_) => results.failed += 1,
    }
}
