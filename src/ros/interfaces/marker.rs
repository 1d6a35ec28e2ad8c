//! `visualization_msgs/msg/MarkerArray`: what RViz and Foxglove draw.

use super::Pose;
use super::pose::{point_definition, pose_definition, quaternion_definition};
use crate::ros::element::structure;
use crate::ros::message::{definition, header_definition, time_definition};
use crate::ros::{CompressedImageView, Header, Message, MessageType, Sequence};

/// Those constants of `visualization_msgs/msg/Marker` that say what is drawn and that are of use here.
pub mod marker_type {
    /// A box.
    pub const CUBE: i32 = 1;
    /// Pairs of points, each a line.
    pub const LINE_LIST: i32 = 5;
    /// A box about each point.
    pub const CUBE_LIST: i32 = 6;
    /// A text that faces the viewer; `scale[2]` is the height of a capital A in metres.
    pub const TEXT_VIEW_FACING: i32 = 9;
}

/// The constants of `visualization_msgs/msg/Marker` that say what is done with it.
pub mod marker_action {
    /// Show it, or replace the one of the same `ns` and `id`.
    pub const ADD: i32 = 0;
    /// Take away the one of the same `ns` and `id`.
    pub const DELETE: i32 = 2;
    /// Take away all that this publisher has shown.
    pub const DELETEALL: i32 = 3;
}

structure! {
    /// `builtin_interfaces/msg/Duration`.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Duration {
        /// Whole seconds.
        pub sec: i32,
        /// Nanoseconds on top, below 10⁹.
        pub nanosec: u32,
    }
}

structure! {
    /// Where on the texture a point lies.
    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    pub struct UvCoordinate {
        /// 0 (left) to 1 (right).
        pub u: f32,
        /// 0 (top) to 1 (bottom).
        pub v: f32,
    }
}

structure! {
    /// A mesh that travels with the marker.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct MeshFile<'a> {
        /// Its name: the ending says the format.
        pub filename: &'a str,
        /// The file.
        pub data: &'a [u8],
    }
}

structure! {
    /// One thing to draw. The default adds an invisible arrow at the origin: set what is wanted.
    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    pub struct Marker<'a> {
        /// Stamp and frame.
        pub header: Header<'a>,
        /// Namespace of `id`.
        pub ns: &'a str,
        /// With `ns`, the name of the marker.
        pub id: i32,
        /// `type` of the `.msg`: one of [`marker_type`].
        pub kind: i32,
        /// One of [`marker_action`].
        pub action: i32,
        /// Where it is.
        pub pose: Pose,
        /// Size along its axes, in metres.
        pub scale: [f64; 3],
        /// Red, green, blue, opacity: 0 to 1.
        pub color: [f32; 4],
        /// How long it stays; zero = for ever.
        pub lifetime: Duration,
        /// Whether it moves on with its frame between messages.
        pub frame_locked: bool,
        /// Points of those types that have some, in the marker's own frame, metres.
        pub points: Sequence<'a, [f64; 3]>,
        /// A colour for each point, or none.
        pub colors: Sequence<'a, [f32; 4]>,
        /// Where the texture is, as a URI.
        pub texture_resource: &'a str,
        /// The texture itself.
        pub texture: CompressedImageView<'a>,
        /// Where on the texture each point lies.
        pub uv_coordinates: Sequence<'a, UvCoordinate>,
        /// The text of [`marker_type::TEXT_VIEW_FACING`].
        pub text: &'a str,
        /// Where the mesh is, as a URI.
        pub mesh_resource: &'a str,
        /// The mesh itself.
        pub mesh_file: MeshFile<'a>,
        /// Whether the mesh brings its own materials.
        pub mesh_use_embedded_materials: bool,
    }
}

structure! {
    /// Things to draw, in order.
    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    pub struct MarkerArray<'a> {
        /// The things.
        pub markers: Sequence<'a, Marker<'a>>,
    }
}

impl<'a> Message<'a> for MarkerArray<'a> {
    const TYPE: MessageType = MessageType {
        name: "visualization_msgs/msg/MarkerArray",
        definition: definition!(
            "visualization_msgs/Marker[] markers\n",
            "visualization_msgs/Marker": "int32 ARROW=0\nint32 CUBE=1\nint32 SPHERE=2\nint32 CYLINDER=3\n\
                int32 LINE_STRIP=4\nint32 LINE_LIST=5\nint32 CUBE_LIST=6\nint32 SPHERE_LIST=7\nint32 POINTS=8\n\
                int32 TEXT_VIEW_FACING=9\nint32 MESH_RESOURCE=10\nint32 TRIANGLE_LIST=11\nint32 ARROW_STRIP=12\n\
                int32 ADD=0\nint32 MODIFY=0\nint32 DELETE=2\nint32 DELETEALL=3\n\
                std_msgs/Header header\nstring ns\nint32 id\nint32 type\nint32 action\ngeometry_msgs/Pose pose\n\
                geometry_msgs/Vector3 scale\nstd_msgs/ColorRGBA color\nbuiltin_interfaces/Duration lifetime\n\
                bool frame_locked\ngeometry_msgs/Point[] points\nstd_msgs/ColorRGBA[] colors\n\
                string texture_resource\nsensor_msgs/CompressedImage texture\n\
                visualization_msgs/UVCoordinate[] uv_coordinates\nstring text\nstring mesh_resource\n\
                visualization_msgs/MeshFile mesh_file\nbool mesh_use_embedded_materials\n",
            "std_msgs/Header": header_definition!(),
            "builtin_interfaces/Time": time_definition!(),
            "geometry_msgs/Pose": pose_definition!(),
            "geometry_msgs/Point": point_definition!(),
            "geometry_msgs/Quaternion": quaternion_definition!(),
            "geometry_msgs/Vector3": point_definition!(),
            "std_msgs/ColorRGBA": "float32 r\nfloat32 g\nfloat32 b\nfloat32 a\n",
            "builtin_interfaces/Duration": "int32 sec\nuint32 nanosec\n",
            "sensor_msgs/CompressedImage": "std_msgs/Header header\nstring format\nuint8[] data\n",
            "visualization_msgs/UVCoordinate": "float32 u\nfloat32 v\n",
            "visualization_msgs/MeshFile": "string filename\nuint8[] data\n",
        ),
        hash: "RIHS01_86cb8800b6fb05b5eff1abd7a56f62a5641d3ae9a1c29e78e67e704f1d067dcf",
    };
}
