//! The services of `lifecycle_msgs/srv`, by which a managed node is led.

use super::lifecycle::labelled_definition;
use super::service::service;
use super::{StateView, TransitionDescription, TransitionView};
use crate::ros::cdr::{CdrReader, CdrWriter};
use crate::ros::element::structure;
use crate::ros::message::definition;
use crate::ros::{CdrError, Element, Message, MessageType, Sequence};

structure! {
    /// Which transition to make.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct ChangeStateRequest<'a> {
        /// By its label if it has one, else by its number.
        pub transition: TransitionView<'a>,
    }
}

structure! {
    /// Whether the transition was made.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct ChangeStateResponse {
        /// Whether it was.
        pub success: bool,
    }
}

structure! {
    /// Where the node is: the answer of [`GetState`].
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct CurrentState<'a> {
        /// The state.
        pub current_state: StateView<'a>,
    }
}

structure! {
    /// All states: the answer of [`GetAvailableStates`].
    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    pub struct AvailableStates<'a> {
        /// The states.
        pub available_states: Sequence<'a, StateView<'a>>,
    }
}

structure! {
    /// Transitions: the answer of [`GetAvailableTransitions`].
    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    pub struct AvailableTransitions<'a> {
        /// The transitions.
        pub available_transitions: Sequence<'a, TransitionDescription<'a>>,
    }
}

/// A request without a field. CDR has no empty structure, so that ROS puts one byte into it; those who leave it
/// out are understood too.
macro_rules! empty_request {
    ($(#[$about:meta])* $name:ident, $ros:literal, $hash:literal) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name;

        impl<'a> Element<'a> for $name {
            const SMALLEST: usize = 1;

            fn read(_reader: &mut CdrReader<'a>, _field: &'static str) -> Result<Self, CdrError> {
                Ok(Self)
            }

            fn write(&self, writer: &mut CdrWriter<'_>, _field: &'static str) -> Result<(), CdrError> {
                writer.u8(0);
                Ok(())
            }
        }

        impl<'a> Message<'a> for $name {
            const TYPE: MessageType = MessageType {
                name: $ros,
                definition: "uint8 structure_needs_at_least_one_member\n",
                hash: $hash,
            };
        }
    };
}

empty_request!(
    /// Asks for the state.
    GetStateRequest,
    "lifecycle_msgs/srv/GetState_Request",
    "RIHS01_77a9c844e7975f15bc2221e8bbebafc4d118afb78c7f7071eef91f83f940f2f6"
);
empty_request!(
    /// Asks for all states.
    GetAvailableStatesRequest,
    "lifecycle_msgs/srv/GetAvailableStates_Request",
    "RIHS01_c2c0c12de6023822f284929577d4ca2862e0501150010966e8a90b632e4424de"
);
empty_request!(
    /// Asks for transitions.
    GetAvailableTransitionsRequest,
    "lifecycle_msgs/srv/GetAvailableTransitions_Request",
    "RIHS01_52a73c0b5d7489bee0df6ddb0aec45c41289d223ff225b58fe11d859ac8109a6"
);

impl<'a> Message<'a> for ChangeStateRequest<'a> {
    const TYPE: MessageType = MessageType {
        name: "lifecycle_msgs/srv/ChangeState_Request",
        definition: definition!(
            "lifecycle_msgs/Transition transition\n",
            "lifecycle_msgs/Transition": labelled_definition!(),
        ),
        hash: "RIHS01_d74c6f524e14cade7b67e7297190360ed749264af300524fc1456f27cc2a553a",
    };
}

impl<'a> Message<'a> for ChangeStateResponse {
    const TYPE: MessageType = MessageType {
        name: "lifecycle_msgs/srv/ChangeState_Response",
        definition: "bool success\n",
        hash: "RIHS01_e1ddfed0271fefe63767aa71561926e4d9eac0f1ddf9e71a8873eb46b36deac2",
    };
}

impl<'a> Message<'a> for CurrentState<'a> {
    const TYPE: MessageType = MessageType {
        name: "lifecycle_msgs/srv/GetState_Response",
        definition: definition!(
            "lifecycle_msgs/State current_state\n",
            "lifecycle_msgs/State": labelled_definition!(),
        ),
        hash: "RIHS01_fe249babab472e42cb5653b5d6a6b0c42a003b0fdfb84851aea3fde08760b4f5",
    };
}

impl<'a> Message<'a> for AvailableStates<'a> {
    const TYPE: MessageType = MessageType {
        name: "lifecycle_msgs/srv/GetAvailableStates_Response",
        definition: definition!(
            "lifecycle_msgs/State[] available_states\n",
            "lifecycle_msgs/State": labelled_definition!(),
        ),
        hash: "RIHS01_223e0dd5bb8a847ebb9532adaf8b5e2a97e6e68e79faeaabd81a45fb32925bd1",
    };
}

impl<'a> Message<'a> for AvailableTransitions<'a> {
    const TYPE: MessageType = MessageType {
        name: "lifecycle_msgs/srv/GetAvailableTransitions_Response",
        definition: definition!(
            "lifecycle_msgs/TransitionDescription[] available_transitions\n",
            "lifecycle_msgs/TransitionDescription": "lifecycle_msgs/Transition transition\n\
                lifecycle_msgs/State start_state\nlifecycle_msgs/State goal_state\n",
            "lifecycle_msgs/Transition": labelled_definition!(),
            "lifecycle_msgs/State": labelled_definition!(),
        ),
        hash: "RIHS01_4711339461aadf02bcfff797a198de911f885074bd3f2fe9f7b677ef87f0741c",
    };
}

service!(
    /// `lifecycle_msgs/srv/ChangeState`.
    ['a] ChangeState(ChangeStateRequest<'a>) -> ChangeStateResponse,
    "lifecycle_msgs/srv/ChangeState",
    "RIHS01_356fe34f0475a43acf54542013af4167b0e729f77ea22ffb045c6ad8e20668e5"
);
service!(
    /// `lifecycle_msgs/srv/GetState`.
    ['a] GetState(GetStateRequest) -> CurrentState<'a>,
    "lifecycle_msgs/srv/GetState",
    "RIHS01_800a0a5aae599782b02932de0caf563f6dc4e7e94b794eadde075ba2cbef9795"
);
service!(
    /// `lifecycle_msgs/srv/GetAvailableStates`.
    ['a] GetAvailableStates(GetAvailableStatesRequest) -> AvailableStates<'a>,
    "lifecycle_msgs/srv/GetAvailableStates",
    "RIHS01_00a07d79d2207d71e81a8cbc1880e5d924cc16d4688ea8e8e06e443dc8f8aa1d"
);
service!(
    /// `lifecycle_msgs/srv/GetAvailableTransitions`: of the state under `~/get_available_transitions`, of all
    /// states under `~/get_transition_graph`.
    ['a] GetAvailableTransitions(GetAvailableTransitionsRequest) -> AvailableTransitions<'a>,
    "lifecycle_msgs/srv/GetAvailableTransitions",
    "RIHS01_59b7ecefce0982a8a844b9f2c4f14764c1c4543cc55e72924e2aa4adad83e9bc"
);
