//! `geometry_msgs/msg/Pose` and `PoseWithCovariance`, as parts of other messages.

use crate::ros::element::structure;

structure! {
    /// Where something is and how it is turned.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Pose {
        /// x, y, z in metres.
        pub position: [f64; 3],
        /// Unit quaternion x, y, z, w.
        pub orientation: [f64; 4],
    }
}

impl Default for Pose {
    /// At the origin, not turned: the defaults of the `.msg`.
    fn default() -> Self {
        Self { position: [0.0; 3], orientation: [0.0, 0.0, 0.0, 1.0] }
    }
}

structure! {
    /// A pose and how certain it is.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct PoseWithCovariance {
        /// The pose.
        pub pose: Pose,
        /// Covariance of x, y, z (metres) and the rotations about X, Y, Z (radians), row-major 6×6; all zero if unknown.
        pub covariance: [f64; 36],
    }
}

impl Default for PoseWithCovariance {
    fn default() -> Self {
        Self { pose: Pose::default(), covariance: [0.0; 36] }
    }
}

macro_rules! pose_definition {
    () => {
        "geometry_msgs/Point position\ngeometry_msgs/Quaternion orientation\n"
    };
}

macro_rules! point_definition {
    () => {
        "float64 x\nfloat64 y\nfloat64 z\n"
    };
}

macro_rules! quaternion_definition {
    () => {
        "float64 x\nfloat64 y\nfloat64 z\nfloat64 w\n"
    };
}

pub(super) use {point_definition, pose_definition, quaternion_definition};
