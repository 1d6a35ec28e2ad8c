//! Clouds are large.

use crate::world::{PATIENCE, World, assert_same, connected, message, number};
use instanton::ros::Qos;
use std::time::Duration;

pub fn clouds_arrive_reliably(world: &dyn World) {
    let (publisher, _subscription, heard) = connected(world, &world.name("points"), Qos::DEFAULT);
    for (count, size) in [(1, 1_000_000), (2, 5_000_003), (3, 1_000_001)] {
        let sent = message(size, count);
        publisher.send(&sent).unwrap();
        assert_same(&heard.recv_timeout(PATIENCE).unwrap().1, &sent);
    }
}

/// Best effort promises nothing of a single one, on a network; what comes is whole, and something comes.
pub fn clouds_arrive_with_best_effort(world: &dyn World) {
    let (publisher, _subscription, heard) = connected(world, &world.name("points"), Qos::SENSOR_DATA);
    for size in [1_000_000, 5_000_000] {
        let came = (0..20).any(|count| {
            publisher.send(&message(size, count)).unwrap();
            heard.recv_timeout(Duration::from_millis(500)).is_ok_and(|(_, bytes)| {
                assert_same(&bytes, &message(size, number(&bytes)));
                true
            })
        });
        assert!(came, "none of 20 messages of {size} bytes");
        while heard.recv_timeout(Duration::from_millis(200)).is_ok() {}
    }
}
