//! Leads a node through its states.

use super::{State, TRANSITIONS, Transition};
use crate::ros::guard::{guarded, lock};
use std::sync::{Arc, Mutex};

/// What a callback made of its transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Success,
    /// Not done, and the node is as it was before.
    Failure,
    /// Not done, and the node is in disorder: [`ManagedNode::on_error`] follows.
    Error,
}

/// What a managed node does on its way. What is not written succeeds, but for [`ManagedNode::on_error`]. A panic is
/// an [`Outcome::Error`]. Callbacks run one at a time, on the thread that asked for the transition; they may take
/// long, during which the state can be read and further transitions are refused.
pub trait ManagedNode: Send {
    /// Loads and allocates what is needed.
    fn on_configure(&mut self) -> Outcome {
        Outcome::Success
    }

    /// Lets go of what `on_configure` took.
    fn on_cleanup(&mut self) -> Outcome {
        Outcome::Success
    }

    /// Begins to work.
    fn on_activate(&mut self) -> Outcome {
        Outcome::Success
    }

    /// Ceases to work, and can begin again at once.
    fn on_deactivate(&mut self) -> Outcome {
        Outcome::Success
    }

    /// Ends for good, from whichever state.
    fn on_shutdown(&mut self) -> Outcome {
        Outcome::Success
    }

    /// Puts a node in order that was in `before` when a callback failed with an error: success leads to
    /// *unconfigured*, anything else to *finalized*.
    fn on_error(&mut self, before: State) -> Outcome {
        let _ = before;
        Outcome::Failure
    }
}

/// Why a transition was not begun.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no transition {asked} out of the state {state}")]
pub struct TransitionRefused {
    /// Number or label of the transition.
    pub asked: String,
    /// Where the node is.
    pub state: State,
}

/// Told of each transition that was made.
pub type OnTransition = Box<dyn FnMut(&Transition) + Send>;

/// A managed node and its state. Clones lead the same node.
#[derive(Clone)]
pub struct Lifecycle(Arc<Inner>);

struct Inner {
    // Never held while a callback runs, so that the state can be read meanwhile.
    state: Mutex<State>,
    node: Mutex<Box<dyn ManagedNode>>,
    listener: Mutex<Option<OnTransition>>,
}

impl Lifecycle {
    /// A node that is *unconfigured*.
    pub fn new(node: Box<dyn ManagedNode>) -> Self {
        Self(Arc::new(Inner {
            state: Mutex::new(State::Unconfigured),
            node: Mutex::new(node),
            listener: Mutex::default(),
        }))
    }

    /// Where the node is now.
    pub fn state(&self) -> State {
        *lock(&self.0.state)
    }

    /// The transitions out of where it is now.
    pub fn available(&self) -> impl Iterator<Item = &'static Transition> {
        let state = self.state();
        TRANSITIONS.iter().filter(move |transition| transition.start == state)
    }

    /// Has `listener` told of each transition from now on, instead of whoever was before.
    pub(super) fn listen(&self, listener: Option<OnTransition>) {
        *lock(&self.0.listener) = listener;
    }

    /// Makes the transition with a number out of the state in which the node is.
    ///
    /// # Errors
    /// [`TransitionRefused`] if there is none such, or while another one is being made.
    pub fn change(&self, id: u8) -> Result<Outcome, TransitionRefused> {
        self.make(&id.to_string(), |transition| transition.id == id)
    }

    /// Makes the transition with a label, such as `configure`, out of the state in which the node is.
    ///
    /// # Errors
    /// As [`Lifecycle::change`].
    pub fn change_by_label(&self, label: &str) -> Result<Outcome, TransitionRefused> {
        self.make(label, |transition| transition.label == label)
    }

    /// Goes on until the node is *active*: what *autostart* means.
    ///
    /// # Errors
    /// As [`Lifecycle::change`], if the node is finalized, or led by someone else at the same time.
    pub fn autostart(&self) -> Result<Outcome, TransitionRefused> {
        if self.state() == State::Unconfigured {
            let outcome = self.change_by_label("configure")?;
            if outcome != Outcome::Success {
                return Ok(outcome);
            }
        }
        if self.state() == State::Active { Ok(Outcome::Success) } else { self.change_by_label("activate") }
    }

    /// Makes the node *finalized* from wherever it is, once the transition is over that may be under way. A node whose
    /// callbacks fail again and again is given up after three tries, wherever it is then.
    pub fn shutdown(&self) -> State {
        for _ in 0..3 {
            // Whoever makes a transition holds the node, so this waits for the end of it.
            drop(lock(&self.0.node));
            if self.state() == State::Finalized {
                break;
            }
            // Refused if another transition has begun meanwhile: then the next try waits for it.
            if let Err(refused) = self.change_by_label("shutdown") {
                log::debug!("shutdown: {refused}");
            }
        }
        self.state()
    }

    fn make(&self, asked: &str, is_it: impl Fn(&Transition) -> bool) -> Result<Outcome, TransitionRefused> {
        let (begun, mut node) = {
            let mut state = lock(&self.0.state);
            // Transitions out of the other states are for callbacks alone.
            let mut possible = TRANSITIONS.iter().filter(|one| one.start == *state && state.is_primary());
            let refused = || TransitionRefused { asked: asked.to_owned(), state: *state };
            let begun = possible.find(|one| is_it(one)).ok_or_else(refused)?;
            // Free, or about to be: only transitions hold it, and none is under way in a primary state.
            let node = lock(&self.0.node);
            *state = begun.goal;
            (begun, node)
        };
        self.tell(begun);
        let outcome = run(&mut **node, begun);
        let mut ended = self.leave(begun.goal, outcome);
        if ended.goal == State::ErrorProcessing {
            let repaired = guarded(|| node.on_error(begun.start)).unwrap_or_else(|panic| {
                log::error!("on_error panicked: {panic}");
                Outcome::Error
            });
            ended = self.leave(State::ErrorProcessing, repaired);
        }
        log::info!("{}: {outcome:?}, now {}", begun.label, ended.goal);
        Ok(outcome)
    }

    /// Goes out of a state in which a callback ran.
    fn leave(&self, state: State, outcome: Outcome) -> &'static Transition {
        let mut three = TRANSITIONS.iter().filter(|one| one.start == state);
        let which = match outcome {
            Outcome::Success => 0,
            Outcome::Failure => 1,
            Outcome::Error => 2,
        };
        // Each of those states has three; were it not so, the node would be of no use.
        let ended = three.nth(which).unwrap_or(&TRANSITIONS[TRANSITIONS.len() - 1]);
        *lock(&self.0.state) = ended.goal;
        self.tell(ended);
        ended
    }

    fn tell(&self, transition: &Transition) {
        if let Some(listener) = &mut *lock(&self.0.listener) {
            listener(transition);
        }
    }
}

/// Calls the callback of the state into which a transition has led.
fn run(node: &mut dyn ManagedNode, begun: &Transition) -> Outcome {
    let callback = || match begun.goal {
        State::Configuring => node.on_configure(),
        State::CleaningUp => node.on_cleanup(),
        State::Activating => node.on_activate(),
        State::Deactivating => node.on_deactivate(),
        _ => node.on_shutdown(),
    };
    guarded(callback).unwrap_or_else(|panic| {
        log::error!("{} panicked: {panic}", begun.label);
        Outcome::Error
    })
}
