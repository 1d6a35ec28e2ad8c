//! A managed node, led directly and over the services.

use super::fake::Fake;
use super::noon;
use crate::ros::Message;
use crate::ros::interfaces::*;
use crate::ros::lifecycle::*;
use crate::ros::names::NodeName;
use std::sync::{Arc, Mutex};

/// Answers as the test says, and notes what it was asked.
#[derive(Default)]
struct Script {
    answers: Vec<(&'static str, Outcome)>,
    panics: Option<&'static str>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Script {
    fn answer(&self, callback: &str) -> Outcome {
        self.log.lock().unwrap().push(callback.to_owned());
        assert_ne!(self.panics, Some(callback), "as told");
        self.answers.iter().find(|(name, _)| *name == callback).map_or(Outcome::Success, |(_, outcome)| *outcome)
    }
}

impl ManagedNode for Script {
    fn on_configure(&mut self) -> Outcome {
        self.answer("configure")
    }

    fn on_cleanup(&mut self) -> Outcome {
        self.answer("cleanup")
    }

    fn on_activate(&mut self) -> Outcome {
        self.answer("activate")
    }

    fn on_deactivate(&mut self) -> Outcome {
        self.answer("deactivate")
    }

    fn on_shutdown(&mut self) -> Outcome {
        self.answer("shutdown")
    }

    fn on_error(&mut self, before: State) -> Outcome {
        self.log.lock().unwrap().push(format!("from {before}"));
        self.answer("error")
    }
}

fn node(answers: &[(&'static str, Outcome)], panics: Option<&'static str>) -> (Lifecycle, Arc<Mutex<Vec<String>>>) {
    let script = Script { answers: answers.to_vec(), panics, ..Script::default() };
    let log = Arc::clone(&script.log);
    (Lifecycle::new(Box::new(script)), log)
}

/// Leads a new node along labels, and says where it comes to.
fn led(answers: &[(&'static str, Outcome)], panics: Option<&'static str>, labels: &[&str]) -> State {
    let (lifecycle, _) = node(answers, panics);
    for label in labels {
        let _ = lifecycle.change_by_label(label);
    }
    lifecycle.state()
}

#[test]
fn callbacks_decide_where_it_goes() {
    use Outcome::{Error, Failure};
    assert_eq!(led(&[], None, &["configure"]), State::Inactive);
    assert_eq!(led(&[], None, &["configure", "activate"]), State::Active);
    assert_eq!(led(&[], None, &["configure", "activate", "deactivate", "cleanup"]), State::Unconfigured);
    assert_eq!(led(&[("configure", Failure)], None, &["configure"]), State::Unconfigured);
    assert_eq!(led(&[("activate", Failure)], None, &["configure", "activate"]), State::Inactive);
    assert_eq!(led(&[("deactivate", Failure)], None, &["configure", "activate", "deactivate"]), State::Active);
    assert_eq!(led(&[("cleanup", Failure)], None, &["configure", "cleanup"]), State::Inactive);
    assert_eq!(led(&[("shutdown", Failure)], None, &["shutdown"]), State::Finalized);
    // An error that is put right, one that is not, and one on top of the other.
    assert_eq!(led(&[("activate", Error)], None, &["configure", "activate"]), State::Unconfigured);
    assert_eq!(led(&[("activate", Error), ("error", Failure)], None, &["configure", "activate"]), State::Finalized);
    assert_eq!(led(&[("activate", Error)], Some("error"), &["configure", "activate"]), State::Finalized);
    assert_eq!(led(&[], Some("configure"), &["configure"]), State::Unconfigured);
    assert_eq!(led(&[("shutdown", Error)], None, &["shutdown"]), State::Unconfigured);
}

#[test]
fn what_there_is_not_is_refused() {
    let (lifecycle, log) = node(&[], None);
    for id in [0, 2, 3, 4, 6, 7, 8, 10, 60, 99] {
        assert!(lifecycle.change(id).is_err(), "{id}");
    }
    let refused = lifecycle.change_by_label("activate").unwrap_err();
    assert_eq!(refused.to_string(), "there is no transition activate out of the state unconfigured");
    lifecycle.change(5).unwrap();
    assert_eq!(lifecycle.state(), State::Finalized);
    assert!(lifecycle.change(5).is_err());
    assert!(lifecycle.autostart().is_err());
    assert_eq!(*log.lock().unwrap(), ["shutdown"]);
}

#[test]
fn a_hundred_cycles_leave_it_as_it_was() {
    let (lifecycle, log) = node(&[], None);
    for _ in 0..100 {
        for label in ["configure", "activate", "deactivate", "cleanup"] {
            assert_eq!(lifecycle.change_by_label(label), Ok(Outcome::Success));
        }
        assert_eq!(lifecycle.state(), State::Unconfigured);
    }
    assert_eq!(log.lock().unwrap().len(), 400);
    assert_eq!(lifecycle.autostart(), Ok(Outcome::Success));
    assert_eq!(lifecycle.autostart(), Ok(Outcome::Success));
    assert_eq!(lifecycle.state(), State::Active);
    assert_eq!(lifecycle.shutdown(), State::Finalized);
}

#[test]
fn a_node_that_cannot_shut_down_is_given_up() {
    let (lifecycle, log) = node(&[("shutdown", Outcome::Error)], None);
    assert_eq!(lifecycle.shutdown(), State::Unconfigured);
    assert_eq!(log.lock().unwrap().iter().filter(|line| *line == "shutdown").count(), 3);
}

/// Looks at its own state and tries to lead itself on while it is configured.
struct Curious(Arc<Mutex<Option<Lifecycle>>>);

impl ManagedNode for Curious {
    fn on_configure(&mut self) -> Outcome {
        let lifecycle = self.0.lock().unwrap().clone().unwrap();
        assert_eq!(lifecycle.state(), State::Configuring);
        assert_eq!(lifecycle.available().count(), 3);
        assert!(lifecycle.change_by_label("shutdown").is_err());
        // Nor can anyone reach past the callback.
        assert!(lifecycle.change(10).is_err());
        Outcome::Success
    }
}

#[test]
fn one_transition_at_a_time_and_the_state_can_be_read() {
    let place = Arc::new(Mutex::new(None));
    let lifecycle = Lifecycle::new(Box::new(Curious(Arc::clone(&place))));
    *place.lock().unwrap() = Some(lifecycle.clone());
    assert_eq!(lifecycle.change_by_label("configure"), Ok(Outcome::Success));
    assert_eq!(lifecycle.state(), State::Inactive);
    *place.lock().unwrap() = None;
}

#[test]
fn it_is_led_over_the_services() {
    let (fake, (lifecycle, _)) = (Fake::default(), node(&[("activate", Outcome::Error)], None));
    let name = NodeName::new("/robot", "eye").unwrap();
    let services = LifecycleServices::new(&fake, &name, &lifecycle, noon()).unwrap();
    let change = |id, label| {
        let request = ChangeStateRequest { transition: TransitionView { id, label } };
        ChangeStateResponse::decode(&fake.call::<ChangeState>("/robot/eye/change_state", request)).unwrap().success
    };
    let state = || {
        let bytes = fake.call::<GetState>("/robot/eye/get_state", GetStateRequest);
        CurrentState::decode(&bytes).unwrap().current_state.label.to_owned()
    };
    let transitions = |service: &str| -> Vec<u8> {
        let bytes = fake.call::<GetAvailableTransitions>(service, GetAvailableTransitionsRequest);
        let available = AvailableTransitions::decode(&bytes).unwrap().available_transitions;
        available.iter().map(|one| one.transition.id).collect()
    };
    assert_eq!(transitions("/robot/eye/get_available_transitions"), [1, 5]);
    assert_eq!(transitions("/robot/eye/get_transition_graph").len(), 25);
    let bytes = fake.call::<GetAvailableStates>("/robot/eye/get_available_states", GetAvailableStatesRequest);
    assert_eq!(AvailableStates::decode(&bytes).unwrap().available_states.len(), 11);

    assert!(!change(3, ""));
    assert!(!change(99, ""));
    assert!(!change(1, "dance"));
    assert_eq!(fake.take("/robot/eye/transition_event").len(), 0);
    assert!(change(1, ""));
    assert_eq!(state(), "inactive");
    assert_eq!(transitions("/robot/eye/get_available_transitions"), [2, 3, 6]);
    assert!(!change(0, "activate"));
    assert_eq!(state(), "unconfigured");
    assert!(change(0, "shutdown"));
    assert_eq!(state(), "finalized");

    let made: Vec<String> = fake
        .take("/robot/eye/transition_event")
        .iter()
        .map(|bytes| {
            let event = TransitionEvent::decode(bytes).unwrap();
            assert_eq!(event.timestamp, 12_000_000_005);
            format!("{} {}>{}", event.transition.label, event.start_state.label, event.goal_state.id)
        })
        .collect();
    let expected = [
        "configure unconfigured>10",
        "transition_success configuring>2",
        "activate inactive>13",
        "transition_error activating>15",
        "transition_success errorprocessing>1",
        "shutdown unconfigured>12",
        "transition_success shuttingdown>4",
    ];
    assert_eq!(made, expected);
    drop(services);
    assert_eq!(fake.names(), Vec::<String>::new());
}
