//! Names of topics and frames in a simulated recording.

use crate::ros::Message;
use crate::transport::Topic;

/// Cloud of the depth camera: x, y, z, rgb.
pub const POINTS: &str = "/camera/depth/points";
/// Depth image, `16UC1`, millimetres, 0 = none.
pub const DEPTH: &str = "/camera/depth/image_rect_raw";
/// Calibration of the depth image (and of the colour image, which is registered to it).
pub const DEPTH_INFO: &str = "/camera/depth/camera_info";
/// Colour image, `rgb8`.
pub const COLOUR: &str = "/camera/color/image_raw";
/// Cloud of the LiDAR: x, y, z, intensity, ring, time.
pub const LIDAR: &str = "/lidar/points";
/// The sensor's points with their true labels.
pub const TRUTH: &str = "/truth/points";
/// Moving transforms.
pub const TF: &str = "/tf";
/// Fixed transforms.
pub const TF_STATIC: &str = "/tf_static";

/// The room: z up, floor at 0.
pub const MAP_FRAME: &str = "map";
/// Where the robot's odometry began. A simulated robot does not drift: it lies on `map`.
pub const ODOM_FRAME: &str = "odom";
/// The robot: x forward, z up, on the floor.
pub const BASE_FRAME: &str = "base_link";
/// Optical frame of the depth camera: z forward, y down.
pub const CAMERA_FRAME: &str = "camera_depth_optical_frame";
/// Frame of the LiDAR: x forward, z up.
pub const LIDAR_FRAME: &str = "lidar";

/// A topic of messages of type `M`, with everything that a viewer needs to decode them.
pub(super) fn of<'a, M: Message<'a>>(name: &str, offered_qos: &str) -> Topic {
    Topic {
        schema_encoding: "ros2msg".into(),
        schema: M::TYPE.definition.as_bytes().to_vec(),
        type_hash: M::TYPE.hash.into(),
        offered_qos: offered_qos.into(),
        ..Topic::new(name, M::TYPE.name)
    }
}
