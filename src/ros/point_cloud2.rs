//! `sensor_msgs/msg/PointCloud2`.

use super::element::structure;
use super::message::{definition, header_definition, time_definition};
use super::{Header, Message, MessageType, Sequence};

/// The constants of `sensor_msgs/msg/PointField`.
pub mod datatype {
    /// Signed byte.
    pub const INT8: u8 = 1;
    /// Unsigned byte.
    pub const UINT8: u8 = 2;
    /// Signed, two bytes.
    pub const INT16: u8 = 3;
    /// Unsigned, two bytes.
    pub const UINT16: u8 = 4;
    /// Signed, four bytes.
    pub const INT32: u8 = 5;
    /// Unsigned, four bytes.
    pub const UINT32: u8 = 6;
    /// IEEE 754 binary32.
    pub const FLOAT32: u8 = 7;
    /// IEEE 754 binary64.
    pub const FLOAT64: u8 = 8;
}

structure! {
    /// One named value inside every point.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct PointField<'a> {
        /// Its name, for example `x`.
        pub name: &'a str,
        /// Bytes from the start of the point.
        pub offset: u32,
        /// One of [`datatype`].
        pub datatype: u8,
        /// How many values of the type follow each other.
        pub count: u32,
    }
}

structure! {
    /// A point cloud message. The numbers are what the message claims; [`crate::cloud::CloudLayout`]
    /// checks them.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct PointCloud2View<'a> {
        /// Stamp and frame.
        pub header: Header<'a>,
        /// Rows; 1 for clouds that are not organised.
        pub height: u32,
        /// Points per row.
        pub width: u32,
        /// What a point is made of.
        pub fields: Sequence<'a, PointField<'a>>,
        /// Byte order of `data` (not of the message around it).
        pub is_bigendian: bool,
        /// Bytes from one point to the next.
        pub point_step: u32,
        /// Bytes from one row to the next.
        pub row_step: u32,
        /// The points.
        pub data: &'a [u8],
        /// Whether no point is invalid, as the sender claims. Never relied on.
        pub is_dense: bool,
    }
}

impl<'a> Message<'a> for PointCloud2View<'a> {
    const TYPE: MessageType = MessageType {
        name: "sensor_msgs/msg/PointCloud2",
        definition: definition!(
            "std_msgs/Header header\nuint32 height\nuint32 width\nsensor_msgs/PointField[] fields\nbool is_bigendian\n\
             uint32 point_step\nuint32 row_step\nuint8[] data\nbool is_dense\n",
            "std_msgs/Header": header_definition!(),
            "builtin_interfaces/Time": time_definition!(),
            "sensor_msgs/PointField": "uint8 INT8=1\nuint8 UINT8=2\nuint8 INT16=3\nuint8 UINT16=4\nuint8 INT32=5\n\
                uint8 UINT32=6\nuint8 FLOAT32=7\nuint8 FLOAT64=8\nstring name\nuint32 offset\nuint8 datatype\n\
                uint32 count\n",
        ),
        hash: "RIHS01_9198cabf7da3796ae6fe19c4cb3bdd3525492988c70522628af5daa124bae2b5",
    };
}
