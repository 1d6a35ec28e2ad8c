//! Dropping a subscription is the end of its callback.

use crate::world::{BYTES, PATIENCE, World, connected, message, until};
use instanton::ros::{Qos, Subscription};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub fn nothing_is_called_after_the_drop(world: &dyn World) {
    let topic = world.name("points");
    let publisher = world.here().publish(&topic, BYTES, Qos::SENSOR_DATA).unwrap();
    let going = AtomicBool::new(true);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while going.load(Ordering::Relaxed) {
                publisher.send(&message(400, 0)).unwrap();
                std::thread::sleep(Duration::from_micros(200));
            }
        });
        for _ in 0..5 {
            let calls = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&calls);
            let on_message = Box::new(move |_: instanton::ros::Received<'_>| {
                counted.fetch_add(1, Ordering::SeqCst);
            });
            let subscription = world.there().subscribe(&topic, BYTES, Qos::SENSOR_DATA, on_message).unwrap();
            until("messages come", || calls.load(Ordering::SeqCst) > 3);
            drop(subscription);
            let at_drop = calls.load(Ordering::SeqCst);
            assert_eq!(Arc::strong_count(&calls), 1, "the callback itself is gone");
            std::thread::sleep(Duration::from_millis(50));
            assert_eq!(calls.load(Ordering::SeqCst), at_drop);
        }
        going.store(false, Ordering::Relaxed);
    });
}

pub fn a_callback_may_drop_its_own_subscription(world: &dyn World) {
    let topic = world.name("points");
    let own: Arc<Mutex<Option<Box<dyn Subscription>>>> = Arc::default();
    let (dropped, drops) = channel();
    let mine = Arc::clone(&own);
    let on_message = Box::new(move |_: instanton::ros::Received<'_>| {
        drop(mine.lock().unwrap().take());
        let _ = dropped.send(());
    });
    let publisher = world.here().publish(&topic, BYTES, Qos::DEFAULT).unwrap();
    let subscription = world.there().subscribe(&topic, BYTES, Qos::DEFAULT, on_message).unwrap();
    *own.lock().unwrap() = Some(subscription);
    until("matched", || publisher.subscriptions() == 1);
    (0..5).for_each(|count| publisher.send(&message(40, count)).unwrap());
    drops.recv_timeout(PATIENCE).unwrap();
    until("the subscription is gone", || publisher.subscriptions() == 0);
    assert!(drops.recv_timeout(Duration::from_millis(300)).is_err(), "called once more");
}

pub fn a_long_callback_does_not_hold_up_the_drop(world: &dyn World) {
    let topic = world.name("points");
    let (entered, enters) = channel();
    let (release, released) = channel::<()>();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let on_message = Box::new(move |_: instanton::ros::Received<'_>| {
        counted.fetch_add(1, Ordering::SeqCst);
        let _ = entered.send(());
        let _ = released.recv_timeout(PATIENCE);
    });
    let subscription = world.there().subscribe(&topic, BYTES, Qos::DEFAULT, on_message).unwrap();
    let publisher = world.here().publish(&topic, BYTES, Qos::DEFAULT).unwrap();
    until("matched", || publisher.subscriptions() == 1);
    (0..3).for_each(|count| publisher.send(&message(40, count)).unwrap());
    enters.recv_timeout(PATIENCE).unwrap();
    let before = Instant::now();
    drop(subscription);
    // The callback would wait for PATIENCE.
    assert!(before.elapsed() < PATIENCE / 4, "{:?}", before.elapsed());
    drop(release);
    until("the callback has returned", || Arc::strong_count(&calls) == 1);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    // What was dropped does not disturb what comes after.
    let (publisher, _subscription, heard) = connected(world, &world.name("other"), Qos::DEFAULT);
    publisher.send(&message(40, 1)).unwrap();
    assert!(heard.recv_timeout(PATIENCE).is_ok());
}
