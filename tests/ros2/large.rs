//! How much of large clouds reaches a peer, and how late. A measurement, not a promise: run with
//! `cargo test --release --test ros2 -- --ignored --nocapture large`. In the environment,
//! `INSTANTON_TEST_PEER` names the peer (`kilted`, `jazzy`, `cyclone`), `INSTANTON_TEST_SIZES` the megabytes (`1,5`),
//! `INSTANTON_TEST_PROFILE` a profile for Fast DDS, such as `ros2/config/fastdds_large_data.xml`, and
//! `INSTANTON_TEST_CYCLONE` a configuration for Cyclone DDS.

use crate::peer::{Kind, Peer, cloud, domain, node, stamp, until};
use instanton::ros::{Message, Middleware, PointCloud2View, Qos};
use std::time::{Duration, Instant};

const COUNT: usize = 40;
const PERIOD: Duration = Duration::from_millis(100);

fn variable(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

/// The value at a share of a sorted list.
fn at(sorted: &[f64], share: f64) -> String {
    let place = (sorted.len() as f64 * share) as usize;
    sorted.get(place.min(sorted.len().max(1) - 1)).map_or("-".to_owned(), |value| format!("{value:.1}"))
}

#[test]
#[ignore = "measures for half a minute"]
fn large_clouds_towards_a_peer() {
    let kind = match variable("INSTANTON_TEST_PEER", "kilted").as_str() {
        "cyclone" => Kind::Cyclone,
        "jazzy" => Kind::Jazzy,
        _ => Kind::Kilted,
    };
    if !kind.is_installed() {
        return;
    }
    println!("{kind:?}   | reliability | received/sent | p50, p99, max ms     | refused, longest send ms");
    let sizes = variable("INSTANTON_TEST_SIZES", "0.1,0.3,1,5");
    for megabytes in sizes.split(',').map(|size| size.parse::<f64>().unwrap()) {
        for (name, qos) in [("reliable", Qos::DEFAULT), ("best_effort", Qos { depth: 10, ..Qos::SENSOR_DATA })] {
            let domain = domain();
            let listener = Peer::start(kind, "listener.py", domain, &["--reliability", name]);
            let node = node(domain);
            let publisher = node.publish("/points", PointCloud2View::TYPE, qos).unwrap();
            until("matched", || publisher.subscriptions() == 1);
            std::thread::sleep(Duration::from_millis(500));
            let mut message = cloud((megabytes * 1e6) as usize);
            let (mut refused, mut longest, begin) = (0, Duration::ZERO, Instant::now());
            for count in 0..COUNT {
                let due = begin + PERIOD * count as u32;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                stamp(&mut message);
                let before = Instant::now();
                refused += usize::from(publisher.send(&message).is_err());
                longest = longest.max(before.elapsed());
            }
            let mut latencies = Vec::new();
            while let Some(said) = listener.next(Duration::from_secs(2)) {
                latencies.extend(said["latency"].as_f64().map(|seconds| seconds * 1e3));
            }
            latencies.sort_by(f64::total_cmp);
            println!(
                "{megabytes:>6} MB | {name:<11} | {:>9}/{COUNT} | {:>6} {:>6} {:>6} | {refused:>3} {:>6.1}",
                latencies.len(),
                at(&latencies, 0.5),
                at(&latencies, 0.99),
                at(&latencies, 1.0),
                longest.as_secs_f64() * 1e3
            );
        }
    }
}
