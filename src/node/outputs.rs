//! Labelled frames → messages, each only while somebody listens.

use std::sync::Arc;

use super::health::Counters;
use super::obstacles::ObstacleFinder;
use crate::cloud::{Colouring, label_cloud};
use crate::live::{LiveOutput, OutputSink};
use crate::network::Model;
use crate::replay::ColourBy;
use crate::ros::{Message, Middleware, MiddlewareError, PointCloud2View, Publisher, Qos};

use super::NodeSettings;

/// Publishers and what their messages are made with.
pub(super) struct Outputs {
    labelled: Box<dyn Publisher>,
    obstacles: Box<dyn Publisher>,
    obstacle_finder: ObstacleFinder,
    palette: Vec<[u8; 3]>,
    colour: ColourBy,
    ranges: [f32; 2],
    message: Vec<u8>,
    counters: Arc<Counters>,
}

impl Outputs {
    /// Publishes under the node's name.
    pub(super) fn new(
        middleware: &dyn Middleware,
        model: &Model,
        settings: &NodeSettings,
        counters: Arc<Counters>,
    ) -> Result<Self, MiddlewareError> {
        let topic = |name: &str| format!("{}/{name}", settings.name);
        let cloud = |name| middleware.publish(&topic(name), PointCloud2View::TYPE, Qos::DEFAULT);
        let classes = &model.manifest().classes;
        let passable = classes.iter().map(|class| settings.passable_classes.contains(&class.name)).collect();
        let input = &settings.config.input;
        Ok(Self {
            labelled: cloud("labelled")?,
            obstacles: cloud("obstacles")?,
            obstacle_finder: ObstacleFinder::new(settings.obstacle_voxel, passable),
            palette: classes.iter().map(|class| class.colour).collect(),
            colour: settings.colour,
            ranges: [input.minimum_range, input.maximum_range],
            message: Vec::new(),
            counters,
        })
    }

    /// What the live runner calls with each frame.
    pub(super) fn into_sink(mut self) -> OutputSink {
        Box::new(move |output| self.give_out(output))
    }

    fn give_out(&mut self, output: LiveOutput<'_>) {
        if let Err(reason) = self.try_give_out(output) {
            self.counters.unsent();
            log::warn!("the output of the frame at {} ns: {reason}", output.frame.stamp);
        }
    }

    fn try_give_out(
        &mut self,
        LiveOutput { frame, labels, .. }: LiveOutput<'_>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let input = PointCloud2View::decode(&frame.message)?;
        if self.labelled.subscriptions() > 0 {
            let colouring = match self.colour {
                ColourBy::Sensor => Colouring::Sensor,
                ColourBy::Class => Colouring::Class(&self.palette),
                ColourBy::Instance => Colouring::Instance,
            };
            label_cloud(&input, labels, colouring, &mut self.message)?;
            self.labelled.send(&self.message)?;
        }
        if self.obstacles.subscriptions() > 0 {
            self.obstacle_finder.encode(input.header, frame, labels, self.ranges, &mut self.message)?;
            self.obstacles.send(&self.message)?;
        }
        Ok(())
    }
}
