//! A callback that panics is reported and called again.

use crate::world::{CLOUD, PATIENCE, SERVICE, World, message, number, until};
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
    let _subscription = world.there().subscribe(&topic, CLOUD, Qos::DEFAULT, on_message).unwrap();
    let publisher = world.here().publish(&topic, CLOUD, Qos::DEFAULT).unwrap();
    until("matched", || publisher.subscriptions() == 1);
    (0..6).for_each(|count| publisher.send(&message(40, count)).unwrap());
    let heard: Vec<u32> = (0..3).map(|_| heard.recv_timeout(PATIENCE).unwrap()).collect();
    assert_eq!(heard, [1, 3, 5]);

    let service = world.name("service");
    let _service = world.here().serve(
        &service,
        SERVICE,
        Box::new(|request, answer| {
            assert_ne!(request[4], 0, "a panic that belongs to the test");
            answer.extend_from_slice(request);
            Ok(())
        }),
    );
    assert_eq!(world.call(&service, &[0, 1, 0, 0, 0, 0, 0, 0], crate::world::QUIET), None);
    assert_eq!(world.call(&service, &[0, 1, 0, 0, 1, 0, 0, 0], PATIENCE), Some(vec![0, 1, 0, 0, 1, 0, 0, 0]));
}
