//! How much of large clouds reaches a stock Fast DDS, and how late. A measurement, not a promise: run with
//! `cargo test --release --test ros2 -- --ignored --nocapture large`. `INSTANTON_TEST_PROFILE` names a profile
//! for Fast DDS, such as `ros2/config/fastdds_large_data.xml`.

use crate::peer::{Peer, cloud, domain, node, stamp, until};
use instanton::ros::{Message, Middleware, PointCloud2View, Qos};
use std::time::{Duration, Instant};

const COUNT: usize = 40;
const PERIOD: Duration = Duration::from_millis(100);

#[test]
#[ignore = "measures for half a minute"]
fn large_clouds_towards_ros() {
    println!("size      | reliability | received/sent | refused | p50 ms | max ms");
    for megabytes in [0.1, 0.3, 1.0, 5.0] {
        for (name, qos) in [("reliable", Qos::DEFAULT), ("best_effort", Qos { depth: 10, ..Qos::SENSOR_DATA })] {
            let domain = domain();
            let Some(listener) = Peer::start("listener.py", domain, &["--reliability", name]) else { return };
            let node = node(domain);
            let publisher = node.publish("/points", PointCloud2View::TYPE, qos).unwrap();
            until("matched", || publisher.subscriptions() == 1);
            std::thread::sleep(Duration::from_millis(500));
            let mut message = cloud((megabytes * 1e6) as usize);
            let (mut refused, begin) = (0, Instant::now());
            for count in 0..COUNT {
                let due = begin + PERIOD * count as u32;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                stamp(&mut message);
                refused += usize::from(publisher.send(&message).is_err());
            }
            let mut latencies = Vec::new();
            while let Some(said) = listener.next(Duration::from_secs(2)) {
                latencies.extend(said["latency"].as_f64().map(|seconds| seconds * 1e3));
            }
            latencies.sort_by(f64::total_cmp);
            let at =
                |share: f64| latencies.get(((latencies.len() as f64 * share) as usize).min(latencies.len().max(1) - 1));
            let show = |value: Option<&f64>| value.map_or("-".to_owned(), |value| format!("{value:.1}"));
            println!(
                "{megabytes:>6} MB | {name:<11} | {:>9}/{COUNT} | {refused:>7} | {:>6} | {:>6}",
                latencies.len(),
                show(at(0.5)),
                show(latencies.last())
            );
        }
    }
}
