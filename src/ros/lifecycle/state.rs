//! States and transitions, as a table: that of `rcl_lifecycle`'s default state machine.

use crate::ros::interfaces::{StateView, TransitionDescription, TransitionView};
use std::fmt;

/// A state of a managed node; its number is that of `lifecycle_msgs/msg/State`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum State {
    /// None of the others; never in fact.
    Unknown = 0,
    /// As made.
    Unconfigured = 1,
    /// All is ready, nothing is done.
    Inactive = 2,
    /// At work.
    Active = 3,
    /// For good.
    Finalized = 4,
    /// `on_configure` runs.
    Configuring = 10,
    /// `on_cleanup` runs.
    CleaningUp = 11,
    /// `on_shutdown` runs.
    ShuttingDown = 12,
    /// `on_activate` runs.
    Activating = 13,
    /// `on_deactivate` runs.
    Deactivating = 14,
    /// `on_error` runs.
    ErrorProcessing = 15,
}

impl State {
    /// All states, in the order in which `get_available_states` lists them.
    pub const ALL: [Self; 11] = [
        Self::Unknown,
        Self::Unconfigured,
        Self::Inactive,
        Self::Active,
        Self::Finalized,
        Self::Configuring,
        Self::CleaningUp,
        Self::ShuttingDown,
        Self::Activating,
        Self::Deactivating,
        Self::ErrorProcessing,
    ];

    /// Its name.
    pub fn label(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Unconfigured => "unconfigured",
            Self::Inactive => "inactive",
            Self::Active => "active",
            Self::Finalized => "finalized",
            Self::Configuring => "configuring",
            Self::CleaningUp => "cleaningup",
            Self::ShuttingDown => "shuttingdown",
            Self::Activating => "activating",
            Self::Deactivating => "deactivating",
            Self::ErrorProcessing => "errorprocessing",
        }
    }

    /// Whether the node stays in it until someone leads it on.
    pub fn is_primary(self) -> bool {
        (self as u8) < Self::Configuring as u8
    }

    /// As a message.
    pub fn view(self) -> StateView<'static> {
        StateView { id: self as u8, label: self.label() }
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.label())
    }
}

/// A transition between two states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Its number in `lifecycle_msgs/msg/Transition`.
    pub id: u8,
    /// Its name; not unique, but so among those of a state.
    pub label: &'static str,
    /// From where.
    pub start: State,
    /// To where.
    pub goal: State,
}

impl Transition {
    /// As a message.
    pub fn view(&self) -> TransitionView<'static> {
        TransitionView { id: self.id, label: self.label }
    }

    /// As a message, with its states.
    pub fn describe(&self) -> TransitionDescription<'static> {
        TransitionDescription { transition: self.view(), start_state: self.start.view(), goal_state: self.goal.view() }
    }

    /// The transition with a number that leaves a state.
    pub fn from_state(start: State, id: u8) -> Option<&'static Self> {
        TRANSITIONS.iter().find(|transition| transition.start == start && transition.id == id)
    }
}

const fn transition(id: u8, label: &'static str, start: State, goal: State) -> Transition {
    Transition { id, label, start, goal }
}

const SUCCESS: &str = "transition_success";
const FAILURE: &str = "transition_failure";
const ERROR: &str = "transition_error";

/// All transitions, in the order in which `get_transition_graph` lists them. Those out of a state in which a callback
/// runs come in threes: success, failure, error.
pub const TRANSITIONS: [Transition; 25] = {
    use State::*;
    [
        transition(1, "configure", Unconfigured, Configuring),
        transition(10, SUCCESS, Configuring, Inactive),
        transition(11, FAILURE, Configuring, Unconfigured),
        transition(12, ERROR, Configuring, ErrorProcessing),
        transition(2, "cleanup", Inactive, CleaningUp),
        transition(20, SUCCESS, CleaningUp, Unconfigured),
        transition(21, FAILURE, CleaningUp, Inactive),
        transition(22, ERROR, CleaningUp, ErrorProcessing),
        transition(3, "activate", Inactive, Activating),
        transition(30, SUCCESS, Activating, Active),
        transition(31, FAILURE, Activating, Inactive),
        transition(32, ERROR, Activating, ErrorProcessing),
        transition(4, "deactivate", Active, Deactivating),
        transition(40, SUCCESS, Deactivating, Inactive),
        transition(41, FAILURE, Deactivating, Active),
        transition(42, ERROR, Deactivating, ErrorProcessing),
        transition(5, "shutdown", Unconfigured, ShuttingDown),
        transition(6, "shutdown", Inactive, ShuttingDown),
        transition(7, "shutdown", Active, ShuttingDown),
        transition(50, SUCCESS, ShuttingDown, Finalized),
        transition(51, FAILURE, ShuttingDown, Finalized),
        transition(52, ERROR, ShuttingDown, ErrorProcessing),
        transition(60, SUCCESS, ErrorProcessing, Unconfigured),
        transition(61, FAILURE, ErrorProcessing, Finalized),
        transition(62, ERROR, ErrorProcessing, Finalized),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    /// `available_states` and `transition_graph` of a `rclpy.lifecycle.Node` (Kilted).
    #[test]
    fn the_table_is_that_of_rcl_lifecycle() {
        let states: Vec<String> = State::ALL.iter().map(|state| format!("{} {state}", *state as u8)).collect();
        assert_eq!(
            states.join(", "),
            "0 unknown, 1 unconfigured, 2 inactive, 3 active, 4 finalized, 10 configuring, 11 cleaningup, \
             12 shuttingdown, 13 activating, 14 deactivating, 15 errorprocessing"
        );
        let graph: Vec<String> = TRANSITIONS
            .iter()
            .map(|one| format!("{} {} {} {}", one.id, one.label, one.start as u8, one.goal as u8))
            .collect();
        assert_eq!(
            graph.join(", "),
            "1 configure 1 10, 10 transition_success 10 2, 11 transition_failure 10 1, 12 transition_error 10 15, \
             2 cleanup 2 11, 20 transition_success 11 1, 21 transition_failure 11 2, 22 transition_error 11 15, \
             3 activate 2 13, 30 transition_success 13 3, 31 transition_failure 13 2, 32 transition_error 13 15, \
             4 deactivate 3 14, 40 transition_success 14 2, 41 transition_failure 14 3, 42 transition_error 14 15, \
             5 shutdown 1 12, 6 shutdown 2 12, 7 shutdown 3 12, 50 transition_success 12 4, \
             51 transition_failure 12 4, 52 transition_error 12 15, 60 transition_success 15 1, \
             61 transition_failure 15 4, 62 transition_error 15 4"
        );
    }
}
