//! The labelling node: clouds of a middleware in, the same clouds labelled out.
//!
//! ```text
//!  CameraInfo, colour ─► companions ─┐ (of depth images)
//!  /tf, /tf_static ─► transforms ────┤ (waited for, a bounded time)
//!                                    ▼
//!  cloud or depth ─► [mailbox] ─► decode, pose ─► live runner ─► [mailbox] ─► labelled cloud
//!  (callback)        newest wins                             ├─► [mailbox] ─► objects, markers, obstacles, …
//!                                                            (each only while somebody listens)
//! ```
//!
//! The problem: sensors publish whenever they like, transforms come later than the clouds that need them, peers come
//! and go. The contract:
//!
//! * A cloud is labelled in a gravity-aligned fixed frame found through the transforms at its very stamp, as
//!   [`replay`](crate::replay) finds it, so without a deadline a bag that is played gives the labels of its replay. A
//!   frame that drives with the robot is taken only where it is named, because a better one may only be late. A cloud
//!   whose transform does not come in time is dropped and counted by reason; it is never placed at the origin.
//! * Output messages carry the stamp and frame of the cloud that they belong to; the labelled cloud has all of its
//!   fields, points and their order.
//! * Nothing is computed for a topic that nobody hears.
//! * Callbacks of the middleware copy bytes into a mailbox and return; a cloud that was not taken up when the next one
//!   comes is replaced by it. Outputs are sent from threads of their own in the same way: no listener holds a frame up.
//! * It is a managed node ([`RosNode`]): the model is loaded and warm before the first cloud is listened to; parameters
//!   that may change do so with the next frame, the others while it is unconfigured.
//!
//! Nothing here knows which middleware it is ([`crate::ros::Middleware`]).

mod boxes;
mod compact;
mod companions;
mod current;
mod error;
mod frame_voxels;
mod health;
mod input;
mod labeller;
mod managed;
mod objects;
mod obstacles;
mod outbox;
mod outputs;
pub mod parameters;
mod ros_node;
mod sensor_message;
mod settings;
mod transforms;
mod watch;

pub use compact::CompactCloud;
pub use error::NodeError;
pub use frame_voxels::Ranges;
pub use health::{Health, InputTopic};
pub use input::{DepthTopics, Input};
pub use labeller::LabellingNode;
pub use objects::{ObjectFinder, SeenObject};
pub use obstacles::{ObstacleFinder, ObstacleRules};
pub use ros_node::RosNode;
pub use settings::{NodeSettings, TopicQos};
