//! What a labelling node is told.

use std::time::Duration;

use crate::config::Config;
use crate::engine::EngineKind;
use crate::replay::{ColourBy, Orientation};
use crate::ros::Qos;

/// How a labelling node runs. Names are whole: remapping has been done.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeSettings {
    /// Topic of the clouds (`sensor_msgs/msg/PointCloud2`).
    pub cloud_topic: String,
    /// Quality of service of the cloud subscription.
    pub cloud_qos: Qos,
    /// The node's own name, before which `/labelled`, `/objects`, `/markers` and `/obstacles` are put: `/instanton`.
    pub name: String,
    /// How clouds come into a frame whose z is up.
    pub orientation: Orientation,
    /// Longest wait for the transform of a cloud.
    pub transform_wait: Duration,
    /// What the colours of the labelled cloud mean.
    pub colour: ColourBy,
    /// Edge of the voxels of the obstacle cloud (m).
    pub obstacle_voxel: f32,
    /// Names of the classes that are no obstacles.
    pub passable_classes: Vec<String>,
    /// Points that an instance must have in a frame to be told of as an object.
    pub object_points: usize,
    /// What runs the network, and through it what takes over.
    pub engine: EngineKind,
    /// Everything else: fixed frame, ranges, map, blocks, deadline.
    pub config: Config,
}

impl Default for NodeSettings {
    fn default() -> Self {
        Self {
            cloud_topic: "/points".to_owned(),
            cloud_qos: Qos::SENSOR_DATA,
            name: "/instanton".to_owned(),
            orientation: Orientation::Transforms,
            transform_wait: Duration::from_millis(100),
            colour: ColourBy::default(),
            obstacle_voxel: 0.05,
            passable_classes: ["floor", "ceiling"].map(str::to_owned).to_vec(),
            object_points: 30,
            engine: EngineKind::default(),
            config: Config::default(),
        }
    }
}
