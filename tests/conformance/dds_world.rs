//! Over DDS in pure Rust.

use crate::world::{SERVICE, World};
use instanton::ros::Middleware;
use instanton::transport::dds::{Dds, DdsOptions, DiscoveryRange};
use std::time::Duration;

/// Two nodes on this machine.
pub struct DdsWorld {
    promise: String,
    here: Dds,
    there: Dds,
}

/// A domain for this process, so that tests that run at the same time do not hear each other.
pub fn domain() -> u16 {
    // Up to 101: above, the ports are those that Linux hands out to anyone.
    u16::try_from(1 + std::process::id().wrapping_mul(31) % 101).unwrap()
}

impl DdsWorld {
    pub fn new(promise: &str) -> Self {
        let _ = env_logger::builder().is_test(true).try_init();
        Self { promise: promise.to_owned(), here: Self::node("here"), there: Self::node("there") }
    }

    pub fn node(name: &str) -> Dds {
        let range = Some(DiscoveryRange::Localhost);
        Dds::open(DdsOptions { domain: Some(domain()), range, ..DdsOptions::new(name) }).unwrap()
    }
}

impl World for DdsWorld {
    fn here(&self) -> &dyn Middleware {
        &self.here
    }

    fn there(&self) -> &dyn Middleware {
        &self.there
    }

    fn call(&self, service: &str, request: &[u8], patience: Duration) -> Option<Vec<u8>> {
        let client = self.there.client(service, SERVICE).unwrap();
        client.call(request, patience).inspect_err(|error| eprintln!("{error}")).ok()
    }

    fn name(&self, last: &str) -> String {
        format!("/{}/{last}", self.promise)
    }
}
