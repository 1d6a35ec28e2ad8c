//! Simulated drives as bags, and simulated rooms as files: what a recording of a real robot would
//! hold, with the truth beside it.
//!
//! [`Recorder`] turns each [`Frame`](crate::sim::Frame) of a drive into the messages that a robot
//! publishes, and puts them into an `.mcap`:
//!
//! | topic | type | content |
//! |---|---|---|
//! | [`POINTS`](topic::POINTS) or [`LIDAR`](topic::LIDAR) | PointCloud2 | the sensor's cloud, organised |
//! | [`DEPTH`](topic::DEPTH), [`DEPTH_INFO`](topic::DEPTH_INFO) | Image `16UC1`, CameraInfo | depth in millimetres |
//! | [`COLOUR`](topic::COLOUR) | Image `rgb8` | colour registered to the depth |
//! | [`TRUTH`](topic::TRUTH) | PointCloud2 | the same points, in the same order, with true `label` and `instance` |
//! | `/tf`, `/tf_static` | TFMessage | `map` → `odom` → `base_link` → sensor |
//!
//! The truth has the layout of the runtime's own output ([`label_organised`]): it is what a
//! perfect model would have answered.
//!
//! Rooms come from seeds that no training has seen: see [`held_out`].
//!
//! [`label_organised`]: crate::cloud::label_organised

mod message;
mod recorder;
mod room;
pub mod topic;

pub use recorder::{Recorder, RecordingError};
pub use room::{held_out, scan_held_out};
