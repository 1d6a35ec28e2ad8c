//! The node put together.

use std::sync::Arc;

use super::NodeSettings;
use super::cloud_message::{CloudMessage, decoder};
use super::health::{Counters, Health};
use super::outputs::Outputs;
use super::transforms::Transforms;
use crate::live::{LiveOptions, LiveRunner, ThreadHook};
use crate::network::Model;
use crate::pipeline::PipelineError;
use crate::replay::Orientation;
use crate::ros::{Message, Middleware, MiddlewareError, PointCloud2View, Qos, Received, Subscription, TfMessage};

/// Transforms that are kept until they are taken.
const TRANSFORM_DEPTH: usize = 100;

/// Why a node does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The model, the engine or the threads refuse.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The middleware refuses.
    #[error(transparent)]
    Middleware(#[from] MiddlewareError),
}

/// A node that labels clouds. Dropping it stops it.
pub struct LabellingNode {
    /// Dropped first: no callback runs once they are gone.
    clouds: Box<dyn Subscription>,
    _transforms: Vec<Box<dyn Subscription>>,
    runner: Arc<LiveRunner<CloudMessage>>,
    buffer: Arc<Transforms>,
    counters: Arc<Counters>,
}

impl LabellingNode {
    /// Loads the engine, warms it up, and begins to listen. `hook` is called at the start of each thread.
    ///
    /// # Errors
    /// [`NodeError`]; nothing is left running then.
    pub fn start(
        middleware: &dyn Middleware,
        model: &Model,
        settings: &NodeSettings,
        hook: Option<ThreadHook>,
    ) -> Result<Self, NodeError> {
        let counters = Arc::new(Counters::default());
        let buffer = Arc::new(Transforms::new(settings.orientation, &settings.config.input.fixed_frame));
        let outputs = Outputs::new(middleware, model, settings, Arc::clone(&counters))?;
        let options =
            LiveOptions { engine: settings.engine, thread_hook: hook, warm_up: true, ..LiveOptions::default() };
        let mut config = settings.config.clone();
        // A pose that says nothing of where the sensor was before makes no map.
        config.map.single_frame |= buffer.forgets();
        let decoder = decoder(Arc::clone(&buffer), settings.transform_wait, Arc::clone(&counters));
        let runner = Arc::new(LiveRunner::start(model, config, options, decoder, outputs.into_sink())?);
        let mut transforms = Vec::new();
        if settings.orientation == Orientation::Transforms {
            // The fixed ones first, so that no cloud waits for them longer than it must.
            for (topic, is_static) in [("/tf_static", true), ("/tf", false)] {
                let (buffer, counters) = (Arc::clone(&buffer), Arc::clone(&counters));
                let on_message = move |received: Received<'_>| {
                    if let Err(error) = buffer.take(received.bytes, is_static) {
                        counters.unreadable_transforms();
                        log::warn!("{topic}: {error}");
                    }
                };
                let qos = if is_static { Qos::LATCHED } else { Qos::DEFAULT };
                let qos = Qos { depth: TRANSFORM_DEPTH, ..qos };
                transforms.push(middleware.subscribe(topic, TfMessage::TYPE, qos, Box::new(on_message))?);
            }
        }
        let on_cloud = {
            let (runner, counters) = (Arc::clone(&runner), Arc::clone(&counters));
            move |received: Received<'_>| {
                counters.input();
                let mut message = runner.spare().unwrap_or_default();
                message.bytes.clear();
                message.bytes.extend_from_slice(received.bytes);
                drop(runner.offer(message));
            }
        };
        let clouds = middleware.subscribe(
            &settings.cloud_topic,
            PointCloud2View::TYPE,
            settings.cloud_qos,
            Box::new(on_cloud),
        )?;
        Ok(Self { clouds, _transforms: transforms, runner, buffer, counters })
    }

    /// How it fares.
    pub fn health(&self) -> Health {
        let latency = self.runner.latency();
        let age = latency.rows().into_iter().find(|row| row.stage == "age").map_or([0.0; 2], |row| [row.p50, row.p99]);
        Health {
            counts: self.runner.counts(),
            publishers: (self.clouds.publishers(), self.clouds.mismatched()),
            fixed_frame: self.buffer.fixed_frame(),
            age,
            misses: latency.totals().misses,
            ..self.counters.health()
        }
    }

    /// The clock was set back by whoever sets it: moving transforms are forgotten at once; the map is when the next
    /// cloud comes.
    pub fn clock_was_reset(&self) {
        self.buffer.clear_moving();
    }
}
