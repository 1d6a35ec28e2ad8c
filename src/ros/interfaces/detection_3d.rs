//! `vision_msgs/msg/Detection3DArray` (vision_msgs 4.x: Humble to Kilted).

use super::pose::{point_definition, pose_definition, quaternion_definition};
use super::{Pose, PoseWithCovariance};
use crate::ros::element::structure;
use crate::ros::message::{definition, header_definition, time_definition};
use crate::ros::{Header, Message, MessageType, Sequence};

structure! {
    /// `vision_msgs/msg/ObjectHypothesisWithPose`: what an object may be, how likely, and where.
    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    pub struct ObjectHypothesis<'a> {
        /// Name of the class.
        pub class_id: &'a str,
        /// 0 to 1.
        pub score: f64,
        /// Pose of a reference point of the object in the frame of the message.
        pub pose: PoseWithCovariance,
    }
}

structure! {
    /// A box that may be turned.
    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    pub struct BoundingBox3D {
        /// Its centre.
        pub center: Pose,
        /// Whole edge lengths along its own x, y, z, in metres.
        pub size: [f64; 3],
    }
}

structure! {
    /// One object.
    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    pub struct Detection3D<'a> {
        /// Stamp and frame of the box.
        pub header: Header<'a>,
        /// What it may be, most likely first.
        pub results: Sequence<'a, ObjectHypothesis<'a>>,
        /// Where it is.
        pub bbox: BoundingBox3D,
        /// The same for the same object in later messages; may be empty.
        pub id: &'a str,
    }
}

structure! {
    /// All objects of a frame.
    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    pub struct Detection3DArray<'a> {
        /// Stamp and frame.
        pub header: Header<'a>,
        /// The objects.
        pub detections: Sequence<'a, Detection3D<'a>>,
    }
}

impl<'a> Message<'a> for Detection3DArray<'a> {
    const TYPE: MessageType = MessageType {
        name: "vision_msgs/msg/Detection3DArray",
        definition: definition!(
            "std_msgs/Header header\nvision_msgs/Detection3D[] detections\n",
            "std_msgs/Header": header_definition!(),
            "builtin_interfaces/Time": time_definition!(),
            "vision_msgs/Detection3D":
                "std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n\
                vision_msgs/BoundingBox3D bbox\nstring id\n",
            "vision_msgs/ObjectHypothesisWithPose":
                "vision_msgs/ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose\n",
            "vision_msgs/ObjectHypothesis": "string class_id\nfloat64 score\n",
            "geometry_msgs/PoseWithCovariance": "geometry_msgs/Pose pose\nfloat64[36] covariance\n",
            "geometry_msgs/Pose": pose_definition!(),
            "geometry_msgs/Point": point_definition!(),
            "geometry_msgs/Quaternion": quaternion_definition!(),
            "vision_msgs/BoundingBox3D": "geometry_msgs/Pose center\ngeometry_msgs/Vector3 size\n",
            "geometry_msgs/Vector3": point_definition!(),
        ),
        hash: "RIHS01_793f5eab9595ac1c0da07873cc859db42eae51f0ee76056db8562515d830e018",
    };
}
