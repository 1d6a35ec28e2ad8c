//! Who comes late gets what is latched, and only that.

use crate::world::{BYTES, PATIENCE, QUIET, World, assert_same, connected, listener, message, number, until};
use instanton::ros::Qos;

pub fn the_late_get_what_is_latched(world: &dyn World) {
    let topic = world.name("map");
    let latched = Qos { depth: 2, ..Qos::LATCHED };
    let publisher = world.here().publish(&topic, BYTES, latched).unwrap();
    (0..5).for_each(|count| publisher.send(&message(2_000, count)).unwrap());
    let (on_message, heard) = listener();
    let _subscription = world.there().subscribe(&topic, BYTES, latched, on_message).unwrap();
    // A middleware may keep more than the depth, but never less, and the newest comes last.
    let mut numbers = vec![number(&heard.recv_timeout(PATIENCE).unwrap().1)];
    while let Ok((_, bytes)) = heard.recv_timeout(QUIET) {
        assert_same(&bytes, &message(2_000, number(&bytes)));
        numbers.push(number(&bytes));
    }
    assert!(numbers.ends_with(&[3, 4]), "{numbers:?}");
    assert!(numbers.is_sorted(), "{numbers:?}");
    publisher.send(&message(2_000, 5)).unwrap();
    assert_eq!(number(&heard.recv_timeout(PATIENCE).unwrap().1), 5);
    assert!(heard.recv_timeout(QUIET).is_err(), "twice");
}

pub fn the_late_get_nothing_of_the_volatile(world: &dyn World) {
    let topic = world.name("points");
    let publisher = world.here().publish(&topic, BYTES, Qos::DEFAULT).unwrap();
    (0..5).for_each(|count| publisher.send(&message(40, count)).unwrap());
    let (on_message, heard) = listener();
    let _subscription = world.there().subscribe(&topic, BYTES, Qos::DEFAULT, on_message).unwrap();
    until("matched", || publisher.subscriptions() == 1);
    assert!(heard.recv_timeout(QUIET).is_err(), "what was sent before");
    publisher.send(&message(40, 5)).unwrap();
    assert_eq!(number(&heard.recv_timeout(PATIENCE).unwrap().1), 5);
}

pub fn a_second_subscription_does_not_get_what_the_first_got(world: &dyn World) {
    let topic = world.name("points");
    let (publisher, first, heard) = connected(world, &topic, Qos::DEFAULT);
    (0..3).for_each(|count| publisher.send(&message(40, count)).unwrap());
    (0..3).for_each(|count| assert_eq!(number(&heard.recv_timeout(PATIENCE).unwrap().1), count));
    drop(first);
    until("the first is gone", || publisher.subscriptions() == 0);
    let (on_message, heard) = listener();
    let _second = world.there().subscribe(&topic, BYTES, Qos::DEFAULT, on_message).unwrap();
    until("matched", || publisher.subscriptions() == 1);
    assert!(heard.recv_timeout(QUIET).is_err(), "what the first one got");
    publisher.send(&message(40, 3)).unwrap();
    assert_eq!(number(&heard.recv_timeout(PATIENCE).unwrap().1), 3);
}
