//! `rosgraph_msgs/msg/Clock`: the time of a simulation or of a bag.

use crate::ros::element::structure;
use crate::ros::message::{definition, time_definition};
use crate::ros::{Message, MessageType, Time};

structure! {
    /// What `/clock` carries.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Clock {
        /// The time now.
        pub clock: Time,
    }
}

impl<'a> Message<'a> for Clock {
    const TYPE: MessageType = MessageType {
        name: "rosgraph_msgs/msg/Clock",
        definition: definition!("builtin_interfaces/Time clock\n", "builtin_interfaces/Time": time_definition!()),
        hash: "RIHS01_692f7a66e93a3c83e71765d033b60349ba68023a8c689a79e48078bcb5c58564",
    };
}
