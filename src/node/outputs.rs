//! Labelled frames → messages, each only while somebody listens.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::boxes::{write_detections, write_markers};
use super::compact::CompactCloud;
use super::current::CurrentSettings;
use super::frame_voxels::Ranges;
use super::health::Counters;
use super::objects::{ObjectFinder, SeenObject};
use super::obstacles::{ObstacleFinder, ObstacleRules};
use super::outbox::Outbox;
use super::{Input, NodeSettings};
use crate::cloud::{CloudError, label_cloud, label_organised};
use crate::live::{LiveOutput, OutputSink};
use crate::network::{Class, Model};
use crate::recurring::worth_telling;
use crate::ros::interfaces::{Detection3DArray, MarkerArray};
use crate::ros::{CdrError, ImageView, Message, MessageType, Middleware, MiddlewareError, PointCloud2View, Qos};

/// Why an output was not made.
#[derive(Debug, thiserror::Error)]
enum OutputError {
    #[error(transparent)]
    Cdr(#[from] CdrError),
    #[error(transparent)]
    Cloud(#[from] CloudError),
}

/// Outboxes, and what their messages are made with.
pub(super) struct Outputs {
    labelled: Outbox,
    compact: Outbox,
    obstacles: Outbox,
    objects: Outbox,
    markers: Outbox,
    compact_cloud: CompactCloud,
    obstacle_finder: ObstacleFinder,
    object_finder: ObjectFinder,
    seen: Vec<SeenObject>,
    classes: Vec<Class>,
    palette: Vec<[u8; 3]>,
    current: Arc<CurrentSettings>,
    /// What the rest is made of.
    settings: Arc<NodeSettings>,
    rules: ObstacleRules,
    is_active: Arc<AtomicBool>,
    counters: Arc<Counters>,
}

impl Outputs {
    /// Publishes under the node's name, while `is_active`.
    pub(super) fn new(
        middleware: &dyn Middleware,
        model: &Model,
        current: Arc<CurrentSettings>,
        is_active: Arc<AtomicBool>,
        counters: Arc<Counters>,
    ) -> Result<Self, MiddlewareError> {
        let settings = current.now();
        let outbox = |name: &str, message: MessageType, qos: Qos| {
            let topic = format!("{}/{name}", settings.name);
            Outbox::new(&topic, middleware.publish(&topic, message, qos)?, &counters)
        };
        let (cloud, qos) = (PointCloud2View::TYPE, settings.qos);
        let classes = model.manifest().classes.clone();
        Ok(Self {
            labelled: outbox("labelled", cloud, qos.labelled)?,
            compact: outbox("labelled_compact", cloud, qos.labelled_compact)?,
            obstacles: outbox("obstacles", cloud, qos.obstacles)?,
            objects: outbox("objects", Detection3DArray::TYPE, qos.objects)?,
            markers: outbox("markers", MarkerArray::TYPE, qos.markers)?,
            compact_cloud: CompactCloud::default(),
            obstacle_finder: ObstacleFinder::default(),
            object_finder: ObjectFinder::default(),
            seen: Vec::new(),
            palette: classes.iter().map(|class| class.colour).collect(),
            rules: rules(&settings, &classes),
            classes,
            current,
            settings,
            is_active,
            counters,
        })
    }

    /// What the live runner calls with each frame.
    pub(super) fn into_sink(mut self) -> OutputSink {
        Box::new(move |output| {
            if self.is_active.load(Ordering::Acquire) {
                self.give_out(&output);
            }
        })
    }

    /// Takes up what has been changed since the frame before.
    fn keep_up(&mut self) {
        let now = self.current.now();
        if !Arc::ptr_eq(&now, &self.settings) {
            self.rules = rules(&now, &self.classes);
            self.settings = now;
        }
    }

    /// Each for itself: one that cannot be made keeps none of the others back.
    fn give_out(&mut self, output: &LiveOutput<'_>) {
        self.keep_up();
        let told = |what: &str, made: Result<(), OutputError>| {
            if let Err(reason) = made
                && let Some(count) = worth_telling(self.counters.unsent())
            {
                log::warn!("{what} of the frame at {} ns: {reason} ({count} unsent so far)", output.frame.stamp);
            }
        };
        let (frame, labels) = (output.frame, output.labels);
        let header = match &self.settings.input {
            Input::Clouds(_) => PointCloud2View::decode(&frame.message).map(|cloud| cloud.header),
            Input::Depth(_) => ImageView::decode(&frame.message).map(|image| image.header),
        };
        let header = match header {
            Ok(header) => header,
            Err(reason) => return told("output", Err(reason.into())),
        };
        let (objects, markers) = (self.objects.is_heard(), self.markers.is_heard());
        if objects || markers {
            self.object_finder.find(frame, labels, self.settings.object_points, &mut self.seen);
            let (wanted, classes) = (&self.settings.object_classes, &self.classes);
            self.seen.retain(|object| is_wanted(object, wanted, classes));
        }
        let (seen, classes) = (&self.seen, &self.classes);
        if objects {
            let made = self.objects.post(|out| write_detections(header, seen, classes, out));
            told("objects", made.map_err(OutputError::from));
        }
        if markers {
            let made = self.markers.post(|out| write_markers(header, seen, classes, out));
            told("markers", made.map_err(OutputError::from));
        }
        if self.obstacles.is_heard() {
            let (finder, rules) = (&mut self.obstacle_finder, &self.rules);
            let made = self.obstacles.post(|out| finder.encode(header, frame, labels, rules, out));
            told("obstacles", made.map_err(OutputError::from));
        }
        let colouring = self.settings.colour.colouring(&self.palette);
        if self.compact.is_heard() {
            let how = (self.settings.compact_voxel, self.rules.ranges);
            let compact = &mut self.compact_cloud;
            let made = self.compact.post(|out| compact.encode(header, frame, labels, how, colouring, out));
            told("compact cloud", made.map_err(OutputError::from));
        }
        if self.labelled.is_heard() {
            let is_cloud = matches!(self.settings.input, Input::Clouds(_));
            let made = self.labelled.post(|out| {
                if is_cloud {
                    return Ok(label_cloud(&PointCloud2View::decode(&frame.message)?, labels, colouring, out)?);
                }
                let ImageView { width, height, .. } = ImageView::decode(&frame.message)?;
                Ok(label_organised(header, width, height, &frame.cloud, labels, colouring, out)?)
            });
            told("labelled cloud", made);
        }
    }
}

fn rules(settings: &NodeSettings, classes: &[Class]) -> ObstacleRules {
    let input = &settings.config.input;
    ObstacleRules {
        voxel: settings.obstacle_voxel,
        passable: classes.iter().map(|class| settings.passable_classes.contains(&class.name)).collect(),
        ranges: Ranges::new(input.minimum_range, input.maximum_range),
    }
}

fn is_wanted(object: &SeenObject, wanted: &[String], classes: &[Class]) -> bool {
    wanted.is_empty() || classes.get(usize::from(object.class)).is_some_and(|class| wanted.contains(&class.name))
}
