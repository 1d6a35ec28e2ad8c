//! Who is matched is known, so that nothing is computed for no one.

use crate::world::{BYTES, SERVICE, World, listener, until};
use instanton::ros::{MiddlewareError, Qos};

pub fn counts_go_up_and_back(world: &dyn World) {
    let topic = world.name("points");
    let publisher = world.here().publish(&topic, BYTES, Qos::DEFAULT).unwrap();
    assert_eq!(publisher.subscriptions(), 0);
    let mut subscriptions = Vec::new();
    for count in 1..=12 {
        subscriptions.push(world.there().subscribe(&topic, BYTES, Qos::DEFAULT, listener().0).unwrap());
        if count % 4 == 0 {
            until("each is counted", || publisher.subscriptions() == count);
        }
    }
    until("each has its publisher", || subscriptions.iter().all(|subscription| subscription.publishers() == 1));
    subscriptions.truncate(1);
    until("those that went are gone", || publisher.subscriptions() == 1);
    drop(publisher);
    until("the publisher is gone", || subscriptions[0].publishers() == 0);
    assert_eq!(subscriptions[0].mismatched(), None);
}

pub fn names_that_are_none_are_refused(world: &dyn World) {
    for name in ["", "/", "points", "/a//b", "/a/"] {
        let published = world.here().publish(name, BYTES, Qos::DEFAULT).err();
        assert!(matches!(published, Some(MiddlewareError::Create { .. })), "{name:?}");
        assert!(world.here().subscribe(name, BYTES, Qos::DEFAULT, listener().0).is_err(), "{name:?}");
        assert!(world.here().serve(name, SERVICE, Box::new(|_, _| Ok(()))).is_err(), "{name:?}");
    }
    assert!(!world.here().describe().is_empty());
}
