//! `sensor_msgs/msg/Image` and `sensor_msgs/msg/CompressedImage`.

use super::cdr::{CdrError, CdrReader, CdrWriter};
use super::element::structure;
use super::message::{definition, header_definition, time_definition};
use super::{Element, Header, Message, MessageType};

/// A picture: colour or depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageView<'a> {
    /// Stamp and (optical) frame.
    pub header: Header<'a>,
    /// Rows.
    pub height: u32,
    /// Pixels per row.
    pub width: u32,
    /// Meaning of a pixel, for example `rgb8` or `16UC1`.
    pub encoding: &'a str,
    /// Byte order of pixels wider than a byte.
    pub is_bigendian: bool,
    /// Bytes from one row to the next.
    pub step: u32,
    /// The pixels, row-major.
    pub data: &'a [u8],
}

impl<'a> Message<'a> for ImageView<'a> {
    const TYPE: MessageType = MessageType {
        name: "sensor_msgs/msg/Image",
        definition: definition!(
            "std_msgs/Header header\nuint32 height\nuint32 width\nstring encoding\nuint8 is_bigendian\nuint32 step\n\
             uint8[] data\n",
            "std_msgs/Header": header_definition!(),
            "builtin_interfaces/Time": time_definition!(),
        ),
        hash: "RIHS01_d31d41a9a4c4bc8eae9be757b0beed306564f7526c88ea6a4588fb9582527d47",
    };
}

// By hand because `is_bigendian` is a byte in the definition, not a bool: anything but 0 is true.
impl<'a> Element<'a> for ImageView<'a> {
    const SMALLEST: usize = Header::SMALLEST + 4 + 4 + 4 + 1 + 4 + 4;

    fn read(reader: &mut CdrReader<'a>, _field: &'static str) -> Result<Self, CdrError> {
        Ok(Self {
            header: Header::read(reader, "Image.header")?,
            height: reader.u32("Image.height")?,
            width: reader.u32("Image.width")?,
            encoding: reader.text("Image.encoding")?,
            is_bigendian: reader.u8("Image.is_bigendian")? != 0,
            step: reader.u32("Image.step")?,
            data: reader.bytes("Image.data")?,
        })
    }

    fn write(&self, writer: &mut CdrWriter<'_>, _field: &'static str) -> Result<(), CdrError> {
        self.header.write(writer, "Image.header")?;
        writer.u32(self.height);
        writer.u32(self.width);
        writer.text("Image.encoding", self.encoding)?;
        writer.bool(self.is_bigendian);
        writer.u32(self.step);
        writer.bytes("Image.data", self.data)
    }
}

structure! {
    /// A compressed picture; only its envelope is understood here.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct CompressedImageView<'a> {
        /// Stamp and (optical) frame.
        pub header: Header<'a>,
        /// For example `jpeg`, `png`, `16UC1; compressedDepth png`.
        pub format: &'a str,
        /// The compressed file.
        pub data: &'a [u8],
    }
}

impl<'a> Message<'a> for CompressedImageView<'a> {
    const TYPE: MessageType = MessageType {
        name: "sensor_msgs/msg/CompressedImage",
        definition: definition!(
            "std_msgs/Header header\nstring format\nuint8[] data\n",
            "std_msgs/Header": header_definition!(),
            "builtin_interfaces/Time": time_definition!(),
        ),
        hash: "RIHS01_15640771531571185e2efc8a100baf923961a4d15d5569652e6cb6691e8e371a",
    };
}
