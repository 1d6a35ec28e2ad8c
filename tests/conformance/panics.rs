//! A callback that panics is reported and called again.

use crate::world::{BYTES, PATIENCE, SERVICE, World, answer, asked, is_answer, message, number, request, until};
use instanton::ros::Qos;
use std::sync::mpsc::channel;

pub fn a_callback_that_panics_is_called_again(world: &dyn World) {
    let topic = world.name("points");
    let (said, heard) = channel();
    let on_message = Box::new(move |received: instanton::ros::Received<'_>| {
        let count = number(received.bytes);
        assert_ne!(count % 2, 0, "a panic that belongs to the test");
        let _ = said.send(count);
    });
    let _subscription = world.there().subscribe(&topic, BYTES, Qos::DEFAULT, on_message).unwrap();
    let publisher = world.here().publish(&topic, BYTES, Qos::DEFAULT).unwrap();
    until("matched", || publisher.subscriptions() == 1);
    (0..6).for_each(|count| publisher.send(&message(40, count)).unwrap());
    let heard: Vec<u32> = (0..3).map(|_| heard.recv_timeout(PATIENCE).unwrap()).collect();
    assert_eq!(heard, [1, 3, 5]);

    let service = world.name("service");
    let _service = world.here().serve(
        &service,
        SERVICE,
        Box::new(|request, out| {
            assert_ne!(asked(request), b"panic", "a panic that belongs to the test");
            out.extend_from_slice(&answer(asked(request)));
            Ok(())
        }),
    );
    assert_eq!(world.call(&service, &request("panic"), crate::world::QUIET), None);
    assert!(is_answer(world.call(&service, &request("calm"), PATIENCE), b"calm"));
}
