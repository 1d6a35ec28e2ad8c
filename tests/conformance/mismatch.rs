//! Two that never hear each other are told why.

use crate::world::{BYTES, IMAGE, QUIET, World, listener, message, until};
use instanton::ros::{Mismatch, Qos, QosPolicy};

pub fn reliability_is_told_on_both_sides(world: &dyn World) {
    differ(world, Qos::SENSOR_DATA, Qos::DEFAULT, QosPolicy::Reliability);
}

pub fn durability_is_told_on_both_sides(world: &dyn World) {
    differ(world, Qos::DEFAULT, Qos::LATCHED, QosPolicy::Durability);
}

fn differ(world: &dyn World, offered: Qos, asked: Qos, policy: QosPolicy) {
    let topic = world.name("points");
    let (on_message, heard) = listener();
    let publisher = world.here().publish(&topic, BYTES, offered).unwrap();
    let subscription = world.there().subscribe(&topic, BYTES, asked, on_message).unwrap();
    let expected = Some(Mismatch { count: 1, policy });
    until("both sides know", || publisher.mismatched() == expected && subscription.mismatched() == expected);
    publisher.send(&message(40, 0)).unwrap();
    assert!(heard.recv_timeout(QUIET).is_err());
    assert_eq!((publisher.subscriptions(), subscription.publishers()), (0, 0));
    // One that meets is matched all the same, and the mismatch is not forgotten.
    let (on_message, _heard) = listener();
    let good = world.there().subscribe(&topic, BYTES, offered, on_message).unwrap();
    until("the other one is matched", || publisher.subscriptions() == 1 && good.publishers() == 1);
    assert_eq!((publisher.mismatched(), good.mismatched()), (expected, None));
}

pub fn types_that_differ_are_strangers(world: &dyn World) {
    let topic = world.name("points");
    let (on_message, heard) = listener();
    let publisher = world.here().publish(&topic, BYTES, Qos::DEFAULT).unwrap();
    let subscription = world.there().subscribe(&topic, IMAGE, Qos::DEFAULT, on_message).unwrap();
    assert!(heard.recv_timeout(QUIET).is_err());
    publisher.send(&message(40, 0)).unwrap();
    assert!(heard.recv_timeout(QUIET).is_err(), "a message of another type");
    assert_eq!((publisher.subscriptions(), subscription.publishers()), (0, 0));
}
