//! What a labelling node is told.

use std::path::PathBuf;
use std::time::Duration;

use super::{Input, NodeError};
use crate::config::Config;
use crate::engine::EngineKind;
use crate::network::Class;
use crate::replay::{ColourBy, Orientation};
use crate::ros::Qos;

/// How a labelling node runs. Names are whole; remapping is the middleware's
/// ([`Remapped`](crate::ros::remapping::Remapped)).
#[derive(Clone, Debug, PartialEq)]
pub struct NodeSettings {
    /// The node's own name, before which `/labelled`, `/objects`, … are put: `/instanton`.
    pub name: String,
    /// Where the clouds come from.
    pub input: Input,
    /// Model folder.
    pub model: PathBuf,
    /// How clouds come into a frame whose z is up.
    pub orientation: Orientation,
    /// Longest wait for the transform of a cloud, and for what belongs to a depth image.
    pub transform_wait: Duration,
    /// What the colours of the labelled clouds mean.
    pub colour: ColourBy,
    /// Edge of the voxels of the obstacle cloud (m).
    pub obstacle_voxel: f32,
    /// Edge of the smallest voxels of the compact cloud (m).
    pub compact_voxel: f32,
    /// Names of the classes that are no obstacles.
    pub passable_classes: Vec<String>,
    /// Names of the classes whose instances are told of as objects; empty: all.
    pub object_classes: Vec<String>,
    /// Points that an instance must have in a frame to be told of as an object.
    pub object_points: usize,
    /// What runs the network, and through it what takes over.
    pub engine: EngineKind,
    /// Whether the node leads itself to the state active when it starts.
    pub autostart: bool,
    /// Quality of service of each topic.
    pub qos: TopicQos,
    /// Everything else: fixed frame, ranges, map, blocks, deadline.
    pub config: Config,
}

/// Quality of service of each topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicQos {
    /// Clouds, or depth images and their colour.
    pub cloud: Qos,
    /// Calibration of depth images.
    pub camera_info: Qos,
    /// `/tf`.
    pub tf: Qos,
    /// `~/labelled`.
    pub labelled: Qos,
    /// `~/labelled_compact`.
    pub labelled_compact: Qos,
    /// `~/objects`.
    pub objects: Qos,
    /// `~/markers`.
    pub markers: Qos,
    /// `~/obstacles`.
    pub obstacles: Qos,
}

impl Default for TopicQos {
    /// Sensor data in, reliable out.
    fn default() -> Self {
        Self {
            cloud: Qos::SENSOR_DATA,
            camera_info: Qos::SENSOR_DATA,
            tf: Qos { depth: 100, ..Qos::DEFAULT },
            labelled: Qos::DEFAULT,
            labelled_compact: Qos::DEFAULT,
            objects: Qos::DEFAULT,
            markers: Qos::DEFAULT,
            obstacles: Qos::DEFAULT,
        }
    }
}

impl TopicQos {
    /// Each with the name under which its parameters stand.
    pub fn each(&mut self) -> [(&'static str, &mut Qos); 8] {
        [
            ("cloud", &mut self.cloud),
            ("camera_info", &mut self.camera_info),
            ("tf", &mut self.tf),
            ("labelled", &mut self.labelled),
            ("labelled_compact", &mut self.labelled_compact),
            ("objects", &mut self.objects),
            ("markers", &mut self.markers),
            ("obstacles", &mut self.obstacles),
        ]
    }
}

impl NodeSettings {
    /// Whether all classes that are named are among those of a model.
    ///
    /// # Errors
    /// [`NodeError::Class`] of the first that is not.
    pub fn check_classes(&self, classes: &[Class]) -> Result<(), NodeError> {
        let named = [("passable_classes", &self.passable_classes), ("object_classes", &self.object_classes)];
        for (parameter, names) in named {
            if let Some(name) = names.iter().find(|name| classes.iter().all(|class| class.name != **name)) {
                let known: Vec<&str> = classes.iter().map(|class| class.name.as_str()).collect();
                return Err(NodeError::Class { parameter, name: name.clone(), known: known.join(", ") });
            }
        }
        Ok(())
    }
}

impl Default for NodeSettings {
    fn default() -> Self {
        Self {
            name: "/instanton".to_owned(),
            input: Input::Clouds("/points".to_owned()),
            model: PathBuf::new(),
            orientation: Orientation::Transforms,
            transform_wait: Duration::from_millis(100),
            colour: ColourBy::default(),
            obstacle_voxel: 0.05,
            compact_voxel: 0.1,
            passable_classes: ["floor", "ceiling"].map(str::to_owned).to_vec(),
            object_classes: Vec::new(),
            object_points: 30,
            engine: EngineKind::default(),
            autostart: true,
            qos: TopicQos::default(),
            config: Config::default(),
        }
    }
}
