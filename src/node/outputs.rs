//! Labelled frames → messages, each only while somebody listens.

use std::sync::Arc;

use super::NodeSettings;
use super::boxes::{ClassLook, send_detections, send_markers};
use super::health::Counters;
use super::objects::{ObjectFinder, SeenObject};
use super::obstacles::ObstacleFinder;
use crate::cloud::label_cloud;
use crate::live::{LiveOutput, OutputSink};
use crate::network::Model;
use crate::replay::ColourBy;
use crate::ros::interfaces::{Detection3DArray, MarkerArray};
use crate::ros::{Message, MessageWriter, Middleware, MiddlewareError, PointCloud2View, Publisher, Qos};

/// Publishers and what their messages are made with.
pub(super) struct Outputs {
    labelled: Box<dyn Publisher>,
    obstacles: Box<dyn Publisher>,
    objects: MessageWriter,
    markers: MessageWriter,
    obstacle_finder: ObstacleFinder,
    object_finder: ObjectFinder,
    object_points: usize,
    seen: Vec<SeenObject>,
    palette: Vec<[u8; 3]>,
    looks: Vec<ClassLook>,
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
        let look = |class: &crate::network::Class| ClassLook { name: class.name.clone(), colour: class.colour };
        Ok(Self {
            labelled: cloud("labelled")?,
            obstacles: cloud("obstacles")?,
            objects: MessageWriter::new(middleware, &topic("objects"), Detection3DArray::TYPE, Qos::DEFAULT)?,
            markers: MessageWriter::new(middleware, &topic("markers"), MarkerArray::TYPE, Qos::DEFAULT)?,
            obstacle_finder: ObstacleFinder::new(settings.obstacle_voxel, passable),
            object_finder: ObjectFinder::default(),
            object_points: settings.object_points,
            seen: Vec::new(),
            palette: classes.iter().map(|class| class.colour).collect(),
            looks: classes.iter().map(look).collect(),
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

    /// The small ones first, and each for itself: a reader of large clouds that does not keep up costs nobody else a
    /// message.
    fn give_out(&mut self, LiveOutput { frame, labels, .. }: LiveOutput<'_>) {
        let told = |what: &str, sent: Result<(), Box<dyn std::error::Error>>| {
            if let Err(reason) = sent {
                self.counters.unsent();
                log::warn!("{what} of the frame at {} ns: {reason}", frame.stamp);
            }
        };
        let input = match PointCloud2View::decode(&frame.message) {
            Ok(input) => input,
            Err(reason) => return told("output", Err(reason.into())),
        };
        let header = input.header;
        let heard = |writer: &MessageWriter| writer.publisher().subscriptions() > 0;
        let (objects, markers) = (heard(&self.objects), heard(&self.markers));
        if objects || markers {
            self.object_finder.find(frame, labels, self.object_points, &mut self.seen);
        }
        if objects {
            told("objects", send_detections(&mut self.objects, header, &self.seen, &self.looks).map_err(Into::into));
        }
        if markers {
            told("markers", send_markers(&mut self.markers, header, &self.seen, &self.looks).map_err(Into::into));
        }
        if self.obstacles.subscriptions() > 0 {
            let made = self.obstacle_finder.encode(header, frame, labels, self.ranges, &mut self.message);
            told("obstacles", made.map_err(Into::into).and_then(|()| Ok(self.obstacles.send(&self.message)?)));
        }
        if self.labelled.subscriptions() > 0 {
            let made = label_cloud(&input, labels, self.colour.colouring(&self.palette), &mut self.message);
            told("labelled cloud", made.map_err(Into::into).and_then(|()| Ok(self.labelled.send(&self.message)?)));
        }
    }
}
