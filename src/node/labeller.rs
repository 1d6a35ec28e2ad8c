//! What a node that is configured holds: the pipeline, warm, and what leads to it and away from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::companions::{Companion, LiveCompanions};
use super::current::CurrentSettings;
use super::health::{Counters, Health, InputTopic};
use super::input::{DepthTopics, Input};
use super::outputs::Outputs;
use super::sensor_message::{FrameMaker, SensorMessage};
use super::transforms::Transforms;
use super::{NodeError, NodeSettings};
use crate::config::milliseconds;
use crate::live::{LiveOptions, LiveRunner, ThreadHook};
use crate::network::Model;
use crate::recurring::Recurring;
use crate::replay::Orientation;
use crate::ros::{
    CameraInfo, CdrError, CompressedImageView, ImageView, Message, MessageType, Middleware, MiddlewareError,
    PointCloud2View, Qos, Received, Subscription, TfMessage,
};

/// A subscription and its topic.
type Heard = (String, Box<dyn Subscription>);

/// A pipeline between topics. It labels while it is active. Dropping it stops it.
pub struct LabellingNode {
    /// Dropped first: no callback runs once they are gone. Empty while inactive.
    sensor: Vec<Heard>,
    transforms: Vec<Heard>,
    runner: Arc<LiveRunner<SensorMessage>>,
    buffer: Arc<Transforms>,
    companions: Arc<LiveCompanions>,
    counters: Arc<Counters>,
    current: Arc<CurrentSettings>,
    is_active: Arc<AtomicBool>,
    activated: Option<Instant>,
}

impl LabellingNode {
    /// Loads the engine and warms it up, listens to transforms, and makes the publishers. Labels nothing yet. `hook` is
    /// called at the start of each thread that works on frames.
    ///
    /// # Errors
    /// [`NodeError`]; nothing is left running then.
    pub fn configure(
        middleware: &dyn Middleware,
        model: &Model,
        settings: &NodeSettings,
        hook: Option<ThreadHook>,
    ) -> Result<Self, NodeError> {
        settings.check_classes(&model.manifest().classes)?;
        let counters = Arc::new(Counters::default());
        let buffer = Arc::new(Transforms::new(settings.orientation, &settings.config.input.fixed_frame));
        let wants_colour = matches!(&settings.input, Input::Depth(DepthTopics { colour: Some(_), .. }));
        let companions = Arc::new(LiveCompanions::new(wants_colour));
        let current = Arc::new(CurrentSettings::new(settings.clone()));
        let is_active = Arc::new(AtomicBool::new(false));
        let outputs =
            Outputs::new(middleware, model, Arc::clone(&current), Arc::clone(&is_active), Arc::clone(&counters))?;
        let options =
            LiveOptions { engine: settings.engine, thread_hook: hook, warm_up: true, ..LiveOptions::default() };
        let mut config = settings.config.clone();
        // A pose that says nothing of where the sensor was before makes no map.
        config.map.single_frame |= buffer.forgets();
        let maker = FrameMaker {
            input: settings.input.clone(),
            transforms: Arc::clone(&buffer),
            companions: Arc::clone(&companions),
            settings: Arc::clone(&current),
            counters: Arc::clone(&counters),
        };
        let runner = LiveRunner::start(model, config, options, maker.into_decoder(), outputs.into_sink())?;
        let mut node = Self {
            sensor: Vec::new(),
            transforms: Vec::new(),
            runner: Arc::new(runner),
            buffer,
            companions,
            counters,
            current,
            is_active,
            activated: None,
        };
        if settings.orientation == Orientation::Transforms {
            // The fixed ones first, so that no cloud waits for them longer than it must.
            for (topic, is_static) in [("/tf_static", true), ("/tf", false)] {
                let asked = settings.qos.tf;
                let qos = if is_static { Qos { depth: asked.depth, ..Qos::LATCHED } } else { asked };
                let (buffer, counters) = (Arc::clone(&node.buffer), Arc::clone(&node.counters));
                let take = move |bytes: &[u8]| {
                    buffer.take(bytes, is_static).inspect_err(|_| {
                        counters.unreadable_transforms();
                    })
                };
                node.transforms.push(hear(middleware, topic, TfMessage::TYPE, qos, take)?);
            }
        }
        Ok(node)
    }

    /// As [`LabellingNode::configure`], and labels at once.
    ///
    /// # Errors
    /// [`NodeError`]; nothing is left running then.
    pub fn start(
        middleware: &dyn Middleware,
        model: &Model,
        settings: &NodeSettings,
        hook: Option<ThreadHook>,
    ) -> Result<Self, NodeError> {
        let mut node = Self::configure(middleware, model, settings, hook)?;
        node.activate(middleware)?;
        Ok(node)
    }

    /// Listens to the sensor from now on.
    ///
    /// # Errors
    /// [`MiddlewareError`]; it is inactive then.
    pub fn activate(&mut self, middleware: &dyn Middleware) -> Result<(), MiddlewareError> {
        self.counters.begin();
        let settings = self.current.now();
        let mut sensor = Vec::new();
        let (runner, counters) = (Arc::clone(&self.runner), Arc::clone(&self.counters));
        let on_message = move |received: Received<'_>| {
            counters.input();
            let mut message = runner.spare().unwrap_or_default();
            message.bytes.clear();
            message.bytes.extend_from_slice(received.bytes);
            drop(runner.offer(message));
        };
        let (topic, qos) = (settings.input.topic(), settings.qos.cloud);
        let (message, beside) = match &settings.input {
            Input::Clouds(_) => (PointCloud2View::TYPE, None),
            Input::Depth(topics) if topics.is_compressed() => (CompressedImageView::TYPE, Some(topics)),
            Input::Depth(topics) => (ImageView::TYPE, Some(topics)),
        };
        sensor.push((topic.to_owned(), middleware.subscribe(topic, message, qos, Box::new(on_message))?));
        if let Some(topics) = beside {
            let take = |which| {
                let companions = Arc::clone(&self.companions);
                move |bytes: &[u8]| companions.take(which, bytes)
            };
            let (info, asked) = (take(Companion::CameraInfo), settings.qos.camera_info);
            sensor.push(hear(middleware, &topics.camera_info, CameraInfo::TYPE, asked, info)?);
            if let Some(colour) = &topics.colour {
                sensor.push(hear(middleware, colour, ImageView::TYPE, qos, take(Companion::Colour))?);
            }
        }
        self.sensor = sensor;
        self.activated = Some(Instant::now());
        self.is_active.store(true, Ordering::Release);
        Ok(())
    }

    /// Listens to the sensor no more; a frame under way is not given out any more.
    pub fn deactivate(&mut self) {
        self.is_active.store(false, Ordering::Release);
        self.activated = None;
        self.sensor.clear();
    }

    /// Takes other settings up with the next frame: deadline, waiting, colours, objects, obstacles. The others stay as
    /// they were when it was configured.
    pub fn change(&self, settings: NodeSettings) {
        self.runner.set_deadline(settings.config.latency.deadline());
        self.current.change(settings);
    }

    /// How it fares.
    pub fn health(&self) -> Health {
        let heard = self.sensor.iter().chain(&self.transforms);
        let inputs = heard.map(|(topic, subscription)| InputTopic {
            topic: topic.clone(),
            publishers: subscription.publishers(),
            mismatched: subscription.mismatched(),
        });
        Health {
            counts: self.runner.counts(),
            inputs: inputs.collect(),
            fixed_frame: self.buffer.fixed_frame(),
            misses: self.runner.totals().misses,
            ..self.counters.health()
        }
    }

    /// The settings that hold now.
    pub(super) fn settings(&self) -> Arc<NodeSettings> {
        self.current.now()
    }

    /// Median and 99th percentile of the age of the frames since this was last called, from the arrival of the sensor's
    /// message to the outputs' being handed over; zero where there were none.
    pub(super) fn take_recent_age(&self) -> [Duration; 2] {
        let recent = self.runner.take_recent_latency();
        let age = recent.rows().into_iter().find(|row| row.stage == "age");
        age.map_or([Duration::ZERO; 2], |row| [milliseconds(row.p50), milliseconds(row.p99)])
    }

    /// Since when it has been active.
    pub(super) fn active_for(&self) -> Option<Duration> {
        self.activated.map(|since| since.elapsed())
    }

    /// The clock was set back by whoever sets it: moving transforms are forgotten at once; the map is when the next
    /// cloud comes.
    pub fn clock_was_reset(&self) {
        self.buffer.clear_moving();
    }
}

/// A subscription whose messages are taken where they come; what cannot be read is told now and then.
fn hear(
    middleware: &dyn Middleware,
    topic: &str,
    message: MessageType,
    qos: Qos,
    take: impl Fn(&[u8]) -> Result<(), CdrError> + Send + 'static,
) -> Result<Heard, MiddlewareError> {
    let (name, unreadable) = (topic.to_owned(), Recurring::default());
    let on_message = move |received: Received<'_>| {
        if let Err(error) = take(received.bytes)
            && let Some(count) = unreadable.happened()
        {
            log::warn!("{name}: {error} ({count} so far)");
        }
    };
    Ok((topic.to_owned(), middleware.subscribe(topic, message, qos, Box::new(on_message))?))
}
