//! Simulated measurements as ROS messages.

use nalgebra::Isometry3;

use super::topic;
use crate::cloud::{CloudError, LabelledCloud};
use crate::cloud::{Colouring, INVALID_CLASS, Labels, NO_INSTANCE, label_organised};
use crate::ros::{
    CameraInfo, CdrError, Coefficients, Header, ImageView, Message, PointCloud2View, PointField, Sequence, TfMessage,
    TransformStamped, datatype,
};
use crate::sim::{CLASS_COLOURS, DepthCamera, DepthFrame, LidarFrame, NO_CLASS};

/// Encodes messages; keeps the buffers.
#[derive(Default)]
pub(super) struct Encoder {
    /// Pixels or points of the message in the making.
    data: Vec<u8>,
    /// The message that was encoded last.
    pub message: Vec<u8>,
}

const fn field(name: &'static str, offset: u32, datatype: u8) -> PointField<'static> {
    PointField { name, offset, datatype, count: 1 }
}

/// Fields of the depth camera's cloud.
const CAMERA_FIELDS: [PointField<'static>; 4] = [
    field("x", 0, datatype::FLOAT32),
    field("y", 4, datatype::FLOAT32),
    field("z", 8, datatype::FLOAT32),
    field("rgb", 12, datatype::FLOAT32),
];
const CAMERA_STEP: u32 = 16;

/// Fields of the LiDAR's cloud; `time` is seconds after the stamp.
const LIDAR_FIELDS: [PointField<'static>; 6] = [
    field("x", 0, datatype::FLOAT32),
    field("y", 4, datatype::FLOAT32),
    field("z", 8, datatype::FLOAT32),
    field("intensity", 12, datatype::FLOAT32),
    field("ring", 16, datatype::UINT16),
    field("time", 20, datatype::FLOAT32),
];
const LIDAR_STEP: u32 = 24;

impl Encoder {
    /// Depth in millimetres.
    pub fn depth_image(&mut self, header: Header<'_>, frame: &DepthFrame) -> Result<(), CdrError> {
        self.data.clear();
        self.data.extend(frame.depth.iter().flat_map(|millimetres| millimetres.to_le_bytes()));
        self.image(header, frame, "16UC1", 2)
    }

    /// Colour registered to the depth.
    pub fn colour_image(&mut self, header: Header<'_>, frame: &DepthFrame) -> Result<(), CdrError> {
        self.data.clear();
        self.data.extend(frame.colour.iter().flatten());
        self.image(header, frame, "rgb8", 3)
    }

    fn image(&mut self, header: Header<'_>, frame: &DepthFrame, encoding: &str, pixel: usize) -> Result<(), CdrError> {
        let image = ImageView {
            header,
            height: frame.height as u32,
            width: frame.width as u32,
            encoding,
            is_bigendian: false,
            step: (frame.width * pixel) as u32,
            data: &self.data,
        };
        image.encode(&mut self.message)
    }

    /// Intrinsics of a rectified pinhole camera.
    pub fn camera_info(&mut self, header: Header<'_>, camera: &DepthCamera) -> Result<(), CdrError> {
        let DepthCamera { fx, fy, cx, cy, .. } = *camera;
        let info = CameraInfo {
            header,
            height: camera.height as u32,
            width: camera.width as u32,
            distortion_model: "plumb_bob",
            d: Coefficients::from_slice(&[0.0; 5])?,
            k: [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0],
            r: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
            p: [fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
            ..CameraInfo::default()
        };
        info.encode(&mut self.message)
    }

    /// Cloud of a depth camera, one point per pixel.
    pub fn camera_points(&mut self, header: Header<'_>, frame: &DepthFrame) -> Result<(), CdrError> {
        self.data.clear();
        for (position, &[red, green, blue]) in frame.position.iter().zip(&frame.colour) {
            self.data.extend(position.iter().flat_map(|value| value.to_le_bytes()));
            self.data.extend([blue, green, red, 0]);
        }
        self.points(header, [frame.width, frame.height], &CAMERA_FIELDS, CAMERA_STEP)
    }

    /// Cloud of a LiDAR, one row per ring.
    pub fn lidar_points(&mut self, header: Header<'_>, frame: &LidarFrame) -> Result<(), CdrError> {
        self.data.clear();
        for (point, position) in frame.position.iter().enumerate() {
            self.data.extend(position.iter().flat_map(|value| value.to_le_bytes()));
            self.data.extend(frame.intensity[point].to_le_bytes());
            self.data.extend(frame.ring[point].to_le_bytes());
            self.data.extend([0, 0]);
            self.data.extend((frame.time_offset[point] as f32 * 1e-9).to_le_bytes());
        }
        self.points(header, [frame.columns, frame.rings], &LIDAR_FIELDS, LIDAR_STEP)
    }

    fn points(
        &mut self,
        header: Header<'_>,
        [width, height]: [usize; 2],
        fields: &[PointField<'_>],
        point_step: u32,
    ) -> Result<(), CdrError> {
        let cloud = PointCloud2View {
            header,
            height: height as u32,
            width: width as u32,
            fields: Sequence::listed(fields),
            is_bigendian: false,
            point_step,
            row_step: point_step * width as u32,
            data: &self.data,
            is_dense: false,
        };
        cloud.encode(&mut self.message)
    }

    /// The points with their truth, coloured by class.
    pub fn truth(
        &mut self,
        header: Header<'_>,
        [width, height]: [usize; 2],
        truth: &LabelledCloud,
    ) -> Result<(), CloudError> {
        let colouring = Colouring::Class(&CLASS_COLOURS);
        let labels = true_labels(truth);
        label_organised(header, width as u32, height as u32, &truth.cloud, &labels, colouring, &mut self.message)
    }

    /// Where child frames are in their parents.
    pub fn transforms(&mut self, transforms: &[TransformStamped<'_>]) -> Result<(), CdrError> {
        TfMessage { transforms: Sequence::listed(transforms) }.encode(&mut self.message)
    }
}

/// What a perfect model would say of the points: true class and instance (from 1) of every
/// measurement, nothing of the rest.
fn true_labels(truth: &LabelledCloud) -> Labels {
    let mut labels = Labels::unknown(truth.cloud.len());
    for (point, position) in truth.cloud.position.iter().enumerate() {
        if truth.class[point] == NO_CLASS || !position.iter().all(|value| value.is_finite()) {
            continue;
        }
        labels.class[point] = u16::from(truth.class[point]);
        labels.instance[point] = u32::try_from(truth.instance[point]).map_or(NO_INSTANCE, |instance| instance + 1);
        labels.confidence[point] = 1.0;
    }
    debug_assert!(labels.class.iter().all(|&class| class < 13 || class == INVALID_CLASS));
    labels
}

/// A pose (child → parent) as a message.
pub(super) fn transform<'a>(
    stamp: crate::ros::Time,
    parent: &'a str,
    child: &'a str,
    pose: &Isometry3<f64>,
) -> TransformStamped<'a> {
    let (translation, rotation) = (pose.translation.vector, pose.rotation.coords);
    TransformStamped {
        header: Header { stamp, frame_id: parent },
        child_frame_id: child,
        translation: [translation.x, translation.y, translation.z],
        rotation: [rotation.x, rotation.y, rotation.z, rotation.w],
    }
}

/// What does not move: the odometry on the map, the sensor on the robot.
pub(super) fn fixed_transforms<'a>(
    stamp: crate::ros::Time,
    sensor: &'a str,
    mount: &Isometry3<f64>,
) -> [TransformStamped<'a>; 2] {
    [
        transform(stamp, topic::MAP_FRAME, topic::ODOM_FRAME, &Isometry3::identity()),
        transform(stamp, topic::BASE_FRAME, sensor, mount),
    ]
}
