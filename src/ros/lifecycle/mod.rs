//! A managed node: one that is led through its states from outside (design page "Managed nodes").
//!
//! ```text
//!                 configure              activate
//!  unconfigured ────────────► inactive ────────────► active
//!               ◄────────────          ◄────────────
//!                  cleanup              deactivate
//!  any of them ── shutdown ──► finalized
//! ```
//!
//! Each arrow is two transitions: into the state in which a callback of [`ManagedNode`] runs, and out of it by what
//! the callback returns. An error, or a panic, leads through [`ManagedNode::on_error`] back to *unconfigured* or to
//! *finalized*. Numbers and labels are those of `rcl_lifecycle`.

mod controller;
mod services;
mod state;

pub use controller::{Lifecycle, ManagedNode, Outcome, TransitionRefused};
pub use services::LifecycleServices;
pub use state::{State, TRANSITIONS, Transition};
