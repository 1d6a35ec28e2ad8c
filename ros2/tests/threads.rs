//! Each subscription and service has a thread, and none of them stays.

use std::time::{Duration, Instant};

use instanton::ros::{Message, Middleware, PointCloud2View, Qos, ServiceType};
use instanton_ros::{Rclrs, RclrsOptions};

/// Threads of this process that are ours, by name.
fn ours() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
    tasks.map(name).filter(|name| name.starts_with("rclrs ")).count()
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < end, "{what}: {} threads", ours());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn threads_end_with_what_they_serve() {
    let node = Rclrs::open(RclrsOptions::new("threads")).unwrap();
    // The node's own worker, and the task that hears of changes of the graph.
    until("the node's", || ours() == 2);
    let service = ServiceType { name: "std_srvs/srv/SetBool", hash: "" };
    for _ in 0..3 {
        let publisher = node.publish("/points", PointCloud2View::TYPE, Qos::DEFAULT).unwrap();
        let subscription = node.subscribe("/points", PointCloud2View::TYPE, Qos::DEFAULT, Box::new(|_| ())).unwrap();
        let served = node.serve("/set", service, Box::new(|_, _| Ok(()))).unwrap();
        until("one each", || ours() == 4);
        drop((publisher, subscription));
        until("the service's", || ours() == 3);
        drop(served);
        until("the node's again", || ours() == 2);
    }
    // Whatever is dropped last waits for all: a program that ends with a thread in the middleware may crash.
    let last = node.subscribe("/points", PointCloud2View::TYPE, Qos::DEFAULT, Box::new(|_| ())).unwrap();
    let publisher = node.publish("/points", PointCloud2View::TYPE, Qos::DEFAULT).unwrap();
    drop(node);
    drop(publisher);
    until("the node's, and the last subscription's", || ours() == 3);
    drop(last);
    until("none", || ours() == 0);
}
