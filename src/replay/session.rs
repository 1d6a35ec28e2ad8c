//! Pipeline, labels, counts: what bags and files have in common.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use nalgebra::Isometry3;

use super::{DropReason, Event, ReplayError, ReplayOptions, ReplaySummary, ReplayedFrame, picture};
use crate::cloud::{Cloud, Colouring, INVALID_CLASS, Labels, NO_INSTANCE};
use crate::config::Config;
use crate::engine::Engine;
use crate::latency::{LatencyLedger, StageTimes};
use crate::network::Model;
use crate::pipeline::{Frame, FrameReport, Pipeline};

/// A stamp this much before the one of the frame before is a jump of the clock (ns); less is disorder.
const JUMP: i64 = 1_000_000_000;

/// How a frame was taken.
#[derive(Clone, Copy, Debug)]
pub struct TakenFrom {
    /// Sensor → fixed frame.
    pub pose: Isometry3<f64>,
    /// Whether the sensor's frame is an optical one.
    pub optical: bool,
}

/// One run of the pipeline over many frames.
pub struct Session<'o> {
    /// What happened so far.
    pub summary: ReplaySummary,
    /// Labels of the last frame.
    pub labels: Labels,
    /// The last labelled frame in the sensor's frame; whoever labels hands it in.
    pub last_cloud: Cloud,
    pipeline: Pipeline,
    model: &'o Model,
    palette: Vec<[u8; 3]>,
    options: &'o ReplayOptions,
    observe: &'o mut dyn FnMut(Event<'_>),
    ledger: LatencyLedger,
    seen: BTreeSet<u32>,
    last_stamp: Option<i64>,
    last_view: Option<TakenFrom>,
}

impl<'o> Session<'o> {
    /// An empty map.
    pub fn new(
        input: &Path,
        model: &'o Model,
        options: &'o ReplayOptions,
        config: Config,
        engines: Option<Vec<Box<dyn Engine>>>,
        observe: &'o mut dyn FnMut(Event<'_>),
    ) -> Result<Self, ReplayError> {
        let summary =
            ReplaySummary { input: input.to_owned(), single_frame: config.map.single_frame, ..Default::default() };
        Ok(Self {
            summary,
            labels: Labels::default(),
            last_cloud: Cloud::default(),
            pipeline: match engines {
                Some(engines) => Pipeline::with_engines(model, config, engines)?,
                None => Pipeline::new(model, config)?,
            },
            model,
            palette: model.manifest().classes.iter().map(|class| class.colour).collect(),
            options,
            observe,
            ledger: LatencyLedger::default(),
            seen: BTreeSet::new(),
            last_stamp: None,
            last_view: None,
        })
    }

    /// Tells the observer.
    pub fn tell(&mut self, event: Event<'_>) {
        (self.observe)(event);
    }

    /// Notes and tells that a frame has no labels.
    pub fn drop_frame(&mut self, stamp: i64, reason: &DropReason) {
        self.summary.note_drop(reason);
        log::info!("frame at {stamp} ns dropped: {reason}");
        self.tell(Event::Dropped { stamp, reason });
    }

    /// What the colours of the output mean.
    pub fn colouring(&self) -> Colouring<'_> {
        self.options.colour.colouring(&self.palette)
    }

    /// Labels one frame. `alone`: nothing is known of where the sensor was before.
    pub fn label(
        &mut self,
        cloud: &Cloud,
        view: TakenFrom,
        stamp: i64,
        alone: bool,
        times: &mut StageTimes,
    ) -> FrameReport {
        let jumped = self.last_stamp.is_some_and(|last| stamp < last.saturating_sub(JUMP));
        if jumped {
            log::warn!("the clock jumped back to {stamp} ns: the map is forgotten");
            self.summary.time_jumps += 1;
        }
        if jumped || alone {
            self.pipeline.clear();
        }
        if jumped || alone || self.summary.single_frame {
            self.count_instances();
        }
        self.summary.single_frame |= alone;
        self.last_stamp = Some(stamp);
        self.last_view = Some(view);
        let report = self.pipeline.process(Frame { cloud, pose: view.pose, stamp }, &mut self.labels, times);
        let mut last = NO_INSTANCE;
        for &instance in &self.labels.instance {
            if instance != last && instance != NO_INSTANCE {
                self.seen.insert(instance);
            }
            last = instance;
        }
        let summary = &mut self.summary;
        summary.points += report.points as u64;
        summary.invalid += report.invalid as u64;
        summary.overflow += report.overflow as u64;
        summary.labelled += self.labels.class.iter().filter(|&&class| class != INVALID_CLASS).count() as u64;
        summary.blocks += report.blocks as u64;
        summary.failed_blocks += report.failed as u64;
        report
    }

    /// Ids begin anew when the map is forgotten.
    fn count_instances(&mut self) {
        self.summary.instances += self.seen.len() as u64;
        self.seen.clear();
    }

    /// Notes a frame that is complete, and tells the observer.
    pub fn complete(
        &mut self,
        cloud: &Cloud,
        pose: Isometry3<f64>,
        stamp: i64,
        report: FrameReport,
        times: &StageTimes,
        took: Duration,
    ) {
        self.ledger.record(times, took);
        let index = self.summary.frames as usize;
        self.summary.frames += 1;
        (self.observe)(Event::Frame(&ReplayedFrame { index, stamp, pose, cloud, labels: &self.labels, report }));
    }

    /// The picture, if one is wanted and there is something to see, and the last figures.
    pub fn finish(mut self) -> Result<ReplaySummary, ReplayError> {
        self.count_instances();
        self.summary.latency = self.ledger.rows();
        if let (Some(path), Some(view)) = (&self.options.picture, self.last_view) {
            let start = Instant::now();
            let painter = picture::Painter { classes: &self.model.manifest().classes };
            if self.summary.single_frame && view.optical {
                painter.frame(path, &self.last_cloud, &self.labels)?;
            } else {
                painter.map(path, &self.pipeline)?;
            }
            log::info!("picture painted in {:.1} s", start.elapsed().as_secs_f64());
            self.summary.picture = Some(path.clone());
        }
        Ok(self.summary)
    }
}
