//! `geometry_msgs/msg/TransformStamped` and `tf2_msgs/msg/TFMessage`.

use super::cdr::{CdrError, CdrReader, CdrWriter};
use super::message::{definition, header_definition, time_definition};
use super::{Element, Header, Message, MessageType, Sequence};

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

impl<'a> Element<'a> for TransformStamped<'a> {
    // Stamp, lengths of the two names, seven doubles.
    const SMALLEST: usize = 8 + 4 + 4 + 7 * 8;

    fn read(reader: &mut CdrReader<'a>) -> Result<Self, CdrError> {
        let header = Header::read(reader)?;
        let child_frame_id = reader.text("TransformStamped.child_frame_id")?;
        let mut value = [0.0; 7];
        for place in &mut value {
            *place = reader.f64("TransformStamped.transform")?;
        }
        let [x, y, z, qx, qy, qz, qw] = value;
        Ok(Self { header, child_frame_id, translation: [x, y, z], rotation: [qx, qy, qz, qw] })
    }

    fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), CdrError> {
        self.header.write(writer)?;
        writer.text("TransformStamped.child_frame_id", self.child_frame_id)?;
        for value in self.translation.iter().chain(&self.rotation) {
            writer.f64(*value);
        }
        Ok(())
    }
}

/// What `/tf` and `/tf_static` carry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TfMessage<'a> {
    /// The transforms.
    pub transforms: Sequence<'a, TransformStamped<'a>>,
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

    fn decode(message: &'a [u8]) -> Result<Self, CdrError> {
        let reader = &mut CdrReader::new(message)?;
        Ok(Self { transforms: Sequence::read(reader, "TFMessage.transforms")? })
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), CdrError> {
        self.transforms.write(&mut CdrWriter::new(out), "TFMessage.transforms")
    }
}
