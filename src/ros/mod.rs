//! ROS 2 without a transport: message structs, CDR, the tf buffer, and what a node needs of a middleware.
//!
//! Messages come and go as CDR bytes (whoever carries them: a bag, a socket). [`Message::decode`]
//! *borrows* everything that is long (texts, `data`) from those bytes, so decoding allocates
//! nothing; [`Message::encode`] writes little-endian CDR into a buffer that the caller reuses.
//!
//! ```
//! use instanton::ros::{Header, ImageView, Message, Time};
//!
//! let image = ImageView {
//!     header: Header { stamp: Time { sec: 12, nanosec: 500 }, frame_id: "camera_optical" },
//!     height: 1,
//!     width: 2,
//!     encoding: "mono8",
//!     is_bigendian: false,
//!     step: 2,
//!     data: &[7, 9],
//! };
//! let mut bytes = Vec::new();
//! image.encode(&mut bytes)?;
//! assert_eq!(ImageView::decode(&bytes)?, image);
//! # Ok::<(), instanton::ros::CdrError>(())
//! ```

pub mod arguments;
mod callback_thread;
mod camera_info;
pub mod cdr;
mod compressed_depth;
pub mod diagnostics;
mod element;
mod guard;
mod image;
pub mod interfaces;
mod interpolation;
pub mod lifecycle;
mod local_bus;
mod message;
mod message_writer;
mod middleware;
pub mod names;
mod now;
pub mod parameters;
mod point_cloud2;
mod qos;
pub mod remapping;
pub mod rosout;
mod sequence;
pub mod simulated_clock;
#[cfg(test)]
mod tests;
mod time;
mod transform;
mod transform_buffer;
mod transform_error;

pub(crate) use callback_thread::{CallbackThread, Stop, guarded};
pub use camera_info::{CameraInfo, Coefficients, RegionOfInterest};
pub use cdr::CdrError;
pub use compressed_depth::{CompressedDepthError, unpack_depth};
pub use element::Element;
pub use image::{CompressedImageView, ImageView};
pub use local_bus::{LocalBus, LocalNode};
pub use message::{Message, MessageType};
pub use message_writer::{MessageWriter, SendError};
pub use middleware::{
    Middleware, MiddlewareError, Mismatch, OnMessage, OnRequest, Publisher, PublisherId, Received, Service,
    ServiceType, Subscription,
};
pub use now::{Now, system_time};
pub use point_cloud2::{PointCloud2View, PointField, datatype};
pub use qos::{Durability, Qos, QosPolicy, Reliability};
pub use sequence::{Sequence, SequenceIter};
pub use time::{Header, Time};
pub use transform::{TfMessage, TransformStamped};
pub use transform_buffer::{BufferCounts, BufferLimits, TransformBuffer};
pub use transform_error::TransformError;
