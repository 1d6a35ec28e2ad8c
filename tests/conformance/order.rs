//! Messages arrive whole, in order, and with the name of who sent them.

use crate::world::{BYTES, PATIENCE, World, assert_same, connected, listener, message, number, until};
use instanton::ros::{MiddlewareError, Qos};
use std::sync::mpsc::channel;
use std::time::Duration;

pub fn messages_arrive_whole_and_in_order(world: &dyn World) {
    let deep = Qos { depth: 300, ..Qos::DEFAULT };
    let (publisher, _subscription, heard) = connected(world, &world.name("points"), deep);
    for count in 0..200 {
        publisher.send(&message(400, count)).unwrap();
    }
    for count in 0..200 {
        let (_, bytes) = heard.recv_timeout(PATIENCE).unwrap();
        assert_same(&bytes, &message(400, count));
    }
}

pub fn sizes_around_the_padding_arrive(world: &dyn World) {
    let (publisher, _subscription, heard) = connected(world, &world.name("points"), Qos::DEFAULT);
    // Fragments begin above one datagram: 65 kB on loopback, 1.4 kB elsewhere.
    for size in [16, 17, 18, 19, 20, 1443, 1444, 1445, 1446, 65_400, 65_401, 65_535, 65_536, 65_537] {
        let sent = message(size, 7);
        publisher.send(&sent).unwrap();
        assert_same(&heard.recv_timeout(PATIENCE).unwrap().1, &sent);
    }
    let no_fields = publisher.send(&[0, 1, 0, 0]);
    if world.reads_messages() {
        assert!(matches!(no_fields, Err(MiddlewareError::Send { bytes: 4, .. })), "{no_fields:?}");
        return;
    }
    no_fields.unwrap();
    assert_eq!(heard.recv_timeout(PATIENCE).unwrap().1, [0, 1, 0, 0], "a message without fields");
}

pub fn publishers_are_told_apart(world: &dyn World) {
    let (first, subscription, heard) = connected(world, &world.name("points"), Qos::DEFAULT);
    let second = world.here().publish(&world.name("points"), BYTES, Qos::DEFAULT).unwrap();
    until("both are matched", || second.subscriptions() == 1 && subscription.publishers() == 2);
    let mut who = [Vec::new(), Vec::new()];
    for count in 0..4 {
        let which = count as usize % 2;
        [&first, &second][which].send(&message(40, count)).unwrap();
        let (publisher, bytes) = heard.recv_timeout(PATIENCE).unwrap();
        assert_eq!(number(&bytes), count);
        who[which].push(publisher);
    }
    assert_eq!(who[0][0], who[0][1]);
    assert_eq!(who[1][0], who[1][1]);
    assert_ne!(who[0][0], who[1][0]);
}

pub fn a_slow_callback_gets_the_newest(world: &dyn World) {
    let shallow = Qos { depth: 3, ..Qos::DEFAULT };
    let topic = world.name("points");
    let (entered, enters) = channel();
    let (release, released) = channel::<()>();
    let (mut on_message, heard) = listener();
    let slow = Box::new(move |received: instanton::ros::Received<'_>| {
        on_message(received);
        let _ = entered.send(());
        let _ = released.recv_timeout(PATIENCE);
    });
    let _subscription = world.there().subscribe(&topic, BYTES, shallow, slow).unwrap();
    let publisher = world.here().publish(&topic, BYTES, shallow).unwrap();
    until("matched", || publisher.subscriptions() == 1);
    publisher.send(&message(40, 0)).unwrap();
    enters.recv_timeout(PATIENCE).unwrap();
    for count in 1..10 {
        publisher.send(&message(40, count)).unwrap();
    }
    // Until the last one has travelled.
    std::thread::sleep(Duration::from_millis(300));
    (0..20).for_each(|_| release.send(()).unwrap_or_default());
    let first = number(&heard.recv_timeout(PATIENCE).unwrap().1);
    let then: Vec<u32> = (0..3).map(|_| number(&heard.recv_timeout(PATIENCE).unwrap().1)).collect();
    assert_eq!((first, then), (0, vec![7, 8, 9]));
}
