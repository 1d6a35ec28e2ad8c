//! Time from `/clock`.

use super::fake::Fake;
use crate::ros::interfaces::Clock;
use crate::ros::simulated_clock::{JumpCause, NodeClock, TimeJump, Waited};
use crate::ros::{Time, system_time};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

fn at(sec: i32) -> Time {
    Time { sec, nanosec: 0 }
}

fn tick(fake: &Fake, sec: i32) {
    fake.deliver("/clock", &Clock { clock: at(sec) });
}

fn clock() -> (Fake, Arc<NodeClock>, Arc<Mutex<Vec<TimeJump>>>) {
    let jumps = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&jumps);
    let clock = NodeClock::new(Duration::from_secs(10), Box::new(move |jump| told.lock().unwrap().push(jump)));
    (Fake::default(), Arc::new(clock), jumps)
}

#[test]
fn time_is_the_machines_or_that_of_the_clock_topic() {
    let (fake, clock, jumps) = clock();
    assert!(clock.now().sec >= system_time().sec - 5);
    clock.use_simulated_time(&fake, true).unwrap();
    clock.use_simulated_time(&fake, true).unwrap();
    assert_eq!((clock.now(), clock.is_simulated()), (at(0), true));
    tick(&fake, 100);
    assert_eq!((clock.now(), (clock.as_now())()), (at(100), at(100)));
    clock.use_simulated_time(&fake, false).unwrap();
    assert!(clock.now().sec > 1_000_000_000);
    assert_eq!(fake.names(), Vec::<String>::new());
    let jumps = jumps.lock().unwrap();
    assert_eq!(jumps.iter().map(|jump| jump.cause).collect::<Vec<_>>(), [JumpCause::Source; 2]);
}

#[test]
fn jumps_are_told_and_steps_are_not() {
    let (fake, clock, jumps) = clock();
    clock.use_simulated_time(&fake, true).unwrap();
    jumps.lock().unwrap().clear();
    for sec in [4000, 4001, 4001, 4011, 4022, 400, 401] {
        tick(&fake, sec);
    }
    let forward = TimeJump { from: at(4011), to: at(4022), cause: JumpCause::Forward };
    let back = TimeJump { from: at(4022), to: at(400), cause: JumpCause::Back };
    assert_eq!(*jumps.lock().unwrap(), [forward, back]);
    tick(&fake, i32::MIN);
    tick(&fake, i32::MAX);
    assert_eq!(clock.now(), at(i32::MAX));
}

#[test]
fn waiting_ends_when_the_time_comes_jumps_or_is_given_up() {
    let (fake, clock, _) = clock();
    clock.use_simulated_time(&fake, true).unwrap();
    tick(&fake, 100);
    let long = Duration::from_secs(60);
    assert_eq!(clock.wait_until(at(100), long), Waited::Reached);
    assert_eq!(clock.wait_until(at(101), Duration::ZERO), Waited::TimedOut);
    assert_eq!(clock.wait_until(at(101), Duration::from_millis(5)), Waited::TimedOut);
    let waiting = |stamp| {
        let (begun, started) = mpsc::channel();
        let clock = Arc::clone(&clock);
        let waiting = std::thread::spawn(move || {
            begun.send(()).unwrap();
            clock.wait_until(stamp, long)
        });
        started.recv().unwrap();
        // Whether the thread waits already or not, the outcome is the same but for a jump that it does not see.
        std::thread::sleep(Duration::from_millis(20));
        waiting
    };
    let reached = waiting(at(105));
    tick(&fake, 104);
    tick(&fake, 106);
    assert_eq!(reached.join().unwrap(), Waited::Reached);
    let jumped = waiting(at(110));
    tick(&fake, 50);
    assert_eq!(jumped.join().unwrap(), Waited::Jumped);
    let closed = waiting(at(110));
    clock.close();
    assert_eq!(closed.join().unwrap(), Waited::Closed);
}

#[test]
fn the_machines_time_can_be_waited_for() {
    let (_, clock, _) = clock();
    let soon = Time::from_nanoseconds(system_time().nanoseconds() + 5_000_000);
    assert_eq!(clock.wait_until(soon, Duration::from_secs(60)), Waited::Reached);
    assert!(clock.now() >= soon);
}

/// A thread that waits while the time stands takes hardly any of the processor.
#[cfg(target_os = "linux")]
#[test]
fn paused_time_does_not_spin() {
    let (fake, clock, _) = clock();
    clock.use_simulated_time(&fake, true).unwrap();
    tick(&fake, 100);
    let used = || rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let before = used();
    assert_eq!(clock.wait_until(at(101), Duration::from_millis(200)), Waited::TimedOut);
    let after = used();
    let spent = (after.tv_sec - before.tv_sec) * 1_000_000_000 + (after.tv_nsec - before.tv_nsec);
    assert!(spent < 50_000_000, "{spent} ns of 200 ms");
}
