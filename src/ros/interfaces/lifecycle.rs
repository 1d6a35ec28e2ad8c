//! `lifecycle_msgs/msg/TransitionEvent` and the messages that states and transitions are made of.

use crate::ros::element::structure;
use crate::ros::message::definition;
use crate::ros::{Message, MessageType};

structure! {
    /// A state of a managed node: `lifecycle_msgs/msg/State`.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct StateView<'a> {
        /// Its number.
        pub id: u8,
        /// Its name.
        pub label: &'a str,
    }
}

structure! {
    /// A transition of a managed node: `lifecycle_msgs/msg/Transition`.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct TransitionView<'a> {
        /// Its number.
        pub id: u8,
        /// Its name.
        pub label: &'a str,
    }
}

structure! {
    /// A transition and the states that it joins.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct TransitionDescription<'a> {
        /// The transition.
        pub transition: TransitionView<'a>,
        /// From where.
        pub start_state: StateView<'a>,
        /// To where.
        pub goal_state: StateView<'a>,
    }
}

structure! {
    /// What `~/transition_event` carries: a transition that was made.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct TransitionEvent<'a> {
        /// When, in nanoseconds since the epoch.
        pub timestamp: u64,
        /// The transition.
        pub transition: TransitionView<'a>,
        /// From where.
        pub start_state: StateView<'a>,
        /// To where.
        pub goal_state: StateView<'a>,
    }
}

/// The fields of `State` and of `Transition` after their constants. The constants, which no hash covers, are left out.
macro_rules! labelled_definition {
    () => {
        "uint8 id\nstring label\n"
    };
}

pub(super) use labelled_definition;

impl<'a> Message<'a> for TransitionEvent<'a> {
    const TYPE: MessageType = MessageType {
        name: "lifecycle_msgs/msg/TransitionEvent",
        definition: definition!(
            "uint64 timestamp\nlifecycle_msgs/Transition transition\nlifecycle_msgs/State start_state\n\
             lifecycle_msgs/State goal_state\n",
            "lifecycle_msgs/Transition": labelled_definition!(),
            "lifecycle_msgs/State": labelled_definition!(),
        ),
        hash: "RIHS01_d5f8873a2f0146498f812d7885c7327ce27e463d36811d8792f35ee38c0d6c38",
    };
}
