//! One made-up block through every worker before the first frame.
//!
//! The first block of an engine is slow: its memory is touched for the first time. Without it the first frames would
//! pay for that, and would start blocks without an idea of what a block costs.

use std::time::Duration;

use super::Pipeline;
use super::job::Job;
use crate::block::{Extent, WindowKey};
use crate::cloud::Cloud;
use crate::latency::{Deadline, FrameLedger};
use crate::map::DirtyWindow;

/// Blocks for each worker: the first one touches the memory, the second one tells the cost.
const ROUNDS: usize = 2;

impl Pipeline {
    /// Runs made-up blocks until the engines are at their speed and the cost of a block is known. What comes of them is
    /// forgotten; an engine that fails gives its place to the next one, as it would in a frame. Only before the first
    /// frame.
    pub fn warm_up(&mut self) {
        let (points, extent) = corner(self.points, self.window);
        let key = WindowKey { x: 0, y: 0 };
        for round in 0..ROUNDS {
            for _ in 0..self.crew.threads() {
                self.crew.start(key, self.frame, |job| {
                    let window = DirtyWindow::new(key, points.len());
                    made_up(job, window, &points, extent);
                });
            }
            // With a deadline, however far, blocks are learnt from.
            let allowed = (round + 1 == ROUNDS).then_some(Duration::MAX);
            let mut ledger = FrameLedger { allowed, ..FrameLedger::default() };
            while let Some(job) = self.crew.wait(&self.clock, Deadline::NONE) {
                self.merge(job, &mut ledger);
            }
        }
        self.sequence = (0, 0);
    }
}

fn made_up(job: &mut Job, window: DirtyWindow, points: &Cloud, extent: Extent) {
    (job.window, job.extent) = (Some(window), Some(extent));
    // Of no map: so it is merged into none.
    job.epoch = u64::MAX;
    job.room = points.len();
    job.members.clear();
    job.members.extend(0..points.len() as u32);
    job.points.clone_from(points);
}

/// A floor and two walls in the window at the origin, `size` metres wide.
fn corner(points: usize, size: f32) -> (Cloud, Extent) {
    let side = ((points.div_ceil(3)) as f32).sqrt().ceil() as usize;
    let at = |number: usize| (number as f32 + 0.5) * size / side as f32;
    let square = |face: usize| {
        (0..side * side).map(move |i| {
            let mut point = [0.01 * size, at(i % side), at(i / side)];
            point.rotate_right(face);
            point
        })
    };
    let position: Vec<[f32; 3]> = (0..3).flat_map(square).take(points).collect();
    let colour = Some(vec![[128; 3]; position.len()]);
    (Cloud { position, colour }, Extent { minimum: [0.0; 3], maximum: [size; 3] })
}
