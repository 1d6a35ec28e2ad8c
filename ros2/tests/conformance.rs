//! The promises of every middleware, kept over `rclrs`: the suite of `tests/conformance`, which is shared and not copied.
//!
//! The caller of services is rclpy, so that another client library judges them.

#[path = "../../tests/conformance/big.rs"]
mod big;
#[path = "../../tests/conformance/counts.rs"]
mod counts;
#[path = "../../tests/conformance/ends.rs"]
mod ends;
#[path = "../../tests/conformance/late.rs"]
mod late;
#[path = "../../tests/conformance/mismatch.rs"]
mod mismatch;
#[path = "../../tests/conformance/order.rs"]
mod order;
#[path = "../../tests/conformance/panics.rs"]
mod panics;
mod peer;
#[path = "../../tests/conformance/services.rs"]
mod services;
#[path = "../../tests/conformance/suite.rs"]
mod suite;
#[path = "../../tests/conformance/world.rs"]
mod world;

use std::time::Duration;

use instanton::ros::Middleware;
use instanton_ros::{Rclrs, RclrsOptions};
use peer::{Peer, domain};
use world::{World, answer, asked};

/// Two nodes of `rclrs`, each with a context of its own, on this machine.
struct RclrsWorld {
    promise: String,
    peer: Peer,
    here: Rclrs,
    there: Rclrs,
}

impl RclrsWorld {
    fn new(promise: &str) -> Self {
        let _ = env_logger::builder().is_test(true).try_init();
        let domain = domain();
        let node = |name| Rclrs::open(RclrsOptions { domain: Some(domain), ..RclrsOptions::new(name) }).unwrap();
        Self { promise: promise.to_owned(), peer: Peer::new(domain), here: node("here"), there: node("there") }
    }
}

impl World for RclrsWorld {
    fn here(&self) -> &dyn Middleware {
        &self.here
    }

    fn there(&self) -> &dyn Middleware {
        &self.there
    }

    fn call(&self, service: &str, request: &[u8], patience: Duration) -> Option<Vec<u8>> {
        let asked = std::str::from_utf8(asked(request)).unwrap();
        self.peer.types(service, asked, patience).map(|types| answer(&types))
    }

    fn name(&self, last: &str) -> String {
        format!("/{}/{last}", self.promise)
    }

    fn reads_messages(&self) -> bool {
        true
    }
}

suite::suite! {
    crate::RclrsWorld, in rclrs;
}
