//! The labelling node: clouds of a middleware in, the same clouds labelled out.
//!
//! ```text
//!  /tf, /tf_static ─► transforms ──┐ (waited for, a bounded time)
//!                                  ▼
//!  cloud topic ─► [mailbox] ─► decode, pose ─► live runner ─► labelled cloud, objects, obstacles
//!  (callback)      newest wins                                 (each only while somebody listens)
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
//!   comes is replaced by it.
//!
//! Nothing here knows which middleware it is ([`crate::ros::Middleware`]).

mod boxes;
mod cloud_message;
mod health;
mod labeller;
mod objects;
mod obstacles;
mod outputs;
pub mod parameters;
mod ros_node;
mod settings;
mod transforms;

pub use health::Health;
pub use labeller::{LabellingNode, NodeError};
pub use objects::{ObjectFinder, SeenObject};
pub use obstacles::ObstacleFinder;
pub use ros_node::RosNode;
pub use settings::NodeSettings;
