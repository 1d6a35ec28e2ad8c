//! `geometry_msgs/msg/TransformStamped` and `tf2_msgs/msg/TFMessage`.

use super::element::structure;
use super::message::{definition, header_definition, time_definition};
use super::{Header, Message, MessageType, Sequence};

structure! {
    /// Where a child frame is in its parent frame at a stamp: `p_parent = rotation · p_child + translation`.
    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    pub struct TransformStamped<'a> {
        /// Stamp; `frame_id` is the parent.
        pub header: Header<'a>,
        /// Name of the child frame.
        pub child_frame_id: &'a str,
        /// x, y, z in metres.
        pub translation: [f64; 3],
        /// Quaternion x, y, z, w, as the message says it: not necessarily of unit length.
        pub rotation: [f64; 4],
    }
}

structure! {
    /// What `/tf` and `/tf_static` carry.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct TfMessage<'a> {
        /// The transforms.
        pub transforms: Sequence<'a, TransformStamped<'a>>,
    }
}

impl<'a> Message<'a> for TfMessage<'a> {
    const TYPE: MessageType = MessageType {
        name: "tf2_msgs/msg/TFMessage",
        definition: definition!(
            "geometry_msgs/TransformStamped[] transforms\n",
            "geometry_msgs/TransformStamped":
                "std_msgs/Header header\nstring child_frame_id\ngeometry_msgs/Transform transform\n",
            "std_msgs/Header": header_definition!(),
            "builtin_interfaces/Time": time_definition!(),
            "geometry_msgs/Transform": "geometry_msgs/Vector3 translation\ngeometry_msgs/Quaternion rotation\n",
            "geometry_msgs/Vector3": "float64 x\nfloat64 y\nfloat64 z\n",
            "geometry_msgs/Quaternion": "float64 x\nfloat64 y\nfloat64 z\nfloat64 w\n",
        ),
        hash: "RIHS01_e369d0f05a23ae52508854b66f6aa0437f3449d652e8cbf22d5abe85d020f087",
    };
}
