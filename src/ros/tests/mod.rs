//! CDR against another implementation; what needs a middleware, over one that is not there.

mod cdr;
mod diagnostics;
mod fake;
mod lifecycle;
mod parameter_services;
mod parameter_store;
mod rosout;
mod simulated_clock;

use super::{Now, Time};
use std::sync::Arc;

/// A clock that stands.
fn noon() -> Now {
    Arc::new(|| Time { sec: 12, nanosec: 5 })
}
