//! The services by which a managed node is led from outside, and `~/transition_event`.

use super::{Lifecycle, Outcome, State, TRANSITIONS, Transition};
use crate::ros::interfaces::{
    AvailableStates, AvailableTransitions, ChangeState, ChangeStateResponse, CurrentState, GetAvailableStates,
    GetAvailableTransitions, GetState, TransitionEvent, serve,
};
use crate::ros::names::NodeName;
use crate::ros::{Message, MessageWriter, Middleware, MiddlewareError, Now, Qos, Sequence, Service};

/// Serves `change_state`, `get_state`, `get_available_states`, `get_available_transitions` and
/// `get_transition_graph` below the node's name, and publishes `~/transition_event`, until it is dropped.
///
/// `change_state` goes by the label if there is one (numbers of `shutdown` differ by state, and are 0 where a caller
/// leaves them out), and answers when the transition is over: success is that of the callback. What there is not is
/// no success.
pub struct LifecycleServices {
    _services: Vec<Box<dyn Service>>,
    lifecycle: Lifecycle,
}

impl LifecycleServices {
    /// Serves `lifecycle` as that of `node`.
    ///
    /// # Errors
    /// [`MiddlewareError`] if the middleware refuses any of it.
    pub fn new(
        middleware: &dyn Middleware,
        node: &NodeName,
        lifecycle: &Lifecycle,
        now: Now,
    ) -> Result<Self, MiddlewareError> {
        let name = |name: &str| format!("{}/{name}", node.whole());
        let topic = name("transition_event");
        let mut events = MessageWriter::new(middleware, &topic, TransitionEvent::TYPE, Qos::DEFAULT)?;
        lifecycle.listen(Some(Box::new(move |made: &Transition| {
            let event = TransitionEvent {
                timestamp: u64::try_from(now().nanoseconds()).unwrap_or(0),
                transition: made.view(),
                start_state: made.start.view(),
                goal_state: made.goal.view(),
            };
            if let Err(error) = events.send(&event) {
                log::warn!("{topic}: {error}");
            }
        })));
        let lifecycle = || lifecycle.clone();
        let services = vec![
            {
                let lifecycle = lifecycle();
                serve::<ChangeState>(middleware, &name("change_state"), move |request, out| {
                    let asked = request.transition;
                    let outcome = match asked.label {
                        "" => lifecycle.change(asked.id),
                        label => lifecycle.change_by_label(label),
                    };
                    if let Err(refused) = &outcome {
                        log::warn!("change_state: {refused}");
                    }
                    ChangeStateResponse { success: outcome == Ok(Outcome::Success) }.encode(out)
                })?
            },
            {
                let lifecycle = lifecycle();
                serve::<GetState>(middleware, &name("get_state"), move |_, out| {
                    CurrentState { current_state: lifecycle.state().view() }.encode(out)
                })?
            },
            serve::<GetAvailableStates>(middleware, &name("get_available_states"), |_, out| {
                AvailableStates { available_states: Sequence::listed(&State::ALL.map(State::view)) }.encode(out)
            })?,
            {
                let lifecycle = lifecycle();
                serve::<GetAvailableTransitions>(middleware, &name("get_available_transitions"), move |_, out| {
                    let available: Vec<_> = lifecycle.available().map(Transition::describe).collect();
                    AvailableTransitions { available_transitions: Sequence::listed(&available) }.encode(out)
                })?
            },
            serve::<GetAvailableTransitions>(middleware, &name("get_transition_graph"), |_, out| {
                let all = TRANSITIONS.each_ref().map(Transition::describe);
                AvailableTransitions { available_transitions: Sequence::listed(&all) }.encode(out)
            })?,
        ];
        Ok(Self { _services: services, lifecycle: lifecycle() })
    }
}

impl Drop for LifecycleServices {
    fn drop(&mut self) {
        self.lifecycle.listen(None);
    }
}
