//! Over the bus within the process.

use crate::world::World;
use instanton::ros::{LocalBus, LocalNode, Middleware};
use std::time::Duration;

/// Two nodes on one bus.
pub struct LocalWorld {
    bus: LocalBus,
    here: LocalNode,
    there: LocalNode,
}

impl LocalWorld {
    pub fn new(_promise: &str) -> Self {
        let bus = LocalBus::new();
        Self { here: bus.node("here"), there: bus.node("there"), bus }
    }
}

impl World for LocalWorld {
    fn here(&self) -> &dyn Middleware {
        &self.here
    }

    fn there(&self) -> &dyn Middleware {
        &self.there
    }

    fn call(&self, service: &str, request: &[u8], patience: Duration) -> Option<Vec<u8>> {
        self.bus.call(service, request, patience)
    }

    fn name(&self, last: &str) -> String {
        format!("/{last}")
    }
}
