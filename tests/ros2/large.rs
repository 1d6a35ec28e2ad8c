//! How much of large clouds reaches a peer, and how late; and how old a cloud is when it comes back labelled.
//! Measurements, not promises: run with `cargo test --release --test ros2 -- --ignored --nocapture --test-threads 1 large`.
//! In the environment, `INSTANTON_TEST_PEER` names the peer (`kilted`, `jazzy`, `cyclone`), `INSTANTON_TEST_SIZES` the
//! megabytes (`1,5`), `INSTANTON_TEST_PROFILE` a profile for Fast DDS, such as `ros2/config/fastdds_large_data.xml`, and
//! `INSTANTON_TEST_CYCLONE` a configuration for Cyclone DDS.

use crate::peer::{Kind, Peer, cloud, domain, file, node, stamp, until};
use crate::program::Program;
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

/// A row of the table: how many came of a size (MB), and how late (sorted).
fn row(megabytes: f64, reliability: &str, latencies: &[f64]) -> String {
    let [median, p99, longest] = [0.5, 0.99, 1.0].map(|share| at(latencies, share));
    let count = latencies.len();
    format!("{megabytes:>6} MB | {reliability:<11} | {count:>9}/{COUNT} | {median:>6} {p99:>6} {longest:>6}")
}

fn kind() -> Kind {
    match variable("INSTANTON_TEST_PEER", "kilted").as_str() {
        "cyclone" => Kind::Cyclone,
        "jazzy" => Kind::Jazzy,
        _ => Kind::Kilted,
    }
}

/// Megabytes.
fn sizes(default: &str) -> Vec<f64> {
    variable("INSTANTON_TEST_SIZES", default).split(',').map(|size| size.parse().unwrap()).collect()
}

/// What a peer tells until it tells nothing more (ms), in order.
fn latencies(peer: &Peer) -> Vec<f64> {
    let mut latencies = Vec::new();
    // It takes its time to begin.
    let mut patience = Duration::from_secs(15);
    while let Some(said) = peer.next(patience) {
        patience = Duration::from_secs(3);
        latencies.extend(said["latency"].as_f64().map(|seconds| seconds * 1e3));
    }
    latencies.sort_by(f64::total_cmp);
    latencies
}

#[test]
#[ignore = "measures for half a minute"]
fn large_clouds_towards_a_peer() {
    let kind = kind();
    if !kind.is_installed() {
        return;
    }
    println!("{kind:?}   | reliability | received/sent | p50, p99, max ms     | refused, longest send ms");
    for megabytes in sizes("0.1,0.3,1,5") {
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
            println!(
                "{} | {refused:>3} {:>6.1}",
                row(megabytes, name, &latencies(&listener)),
                longest.as_secs_f64() * 1e3
            );
        }
    }
}

/// From a peer through the program with the shipped network and its defaults, and back.
#[test]
#[ignore = "measures for half a minute"]
fn large_clouds_that_come_back_labelled() {
    let kind = kind();
    if !kind.is_installed() {
        return;
    }
    println!("{kind:?}   | reliability | labelled/sent | p50, p99, max ms");
    for megabytes in sizes("1,5") {
        for reliability in ["reliable", "best_effort"] {
            let domain = domain();
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_instanton"));
            command
                .args(["run", "--cloud", "/points", "--upright", "--deadline-ms", "100"])
                .env("ROS_DOMAIN_ID", domain.to_string());
            command.arg("--model").arg(concat!(env!("CARGO_MANIFEST_DIR"), "/models/asis-pointnet2-int8"));
            if reliability == "reliable" {
                command.arg("--reliable");
            }
            let program = Program::spawn(&mut command);
            program.says("/labelled");
            let (_folder, path) = file(&scene((megabytes * 1e6) as usize));
            let more = ["--file", path.to_str().unwrap(), "--reliability", reliability];
            let peer = Peer::start(kind, "latency.py", domain, &more);
            println!("{}", row(megabytes, reliability, &latencies(&peer)));
        }
    }
}

/// A corner of a room in so many bytes.
fn scene(bytes: usize) -> Vec<u8> {
    crate::robot::cloud(0, "lidar", bytes / 16)
}

/// From a peer to us.
#[test]
#[ignore = "measures for half a minute"]
fn large_clouds_from_a_peer() {
    let kind = kind();
    if !kind.is_installed() {
        return;
    }
    println!("{kind:?}   | reliability | received/sent | p50, p99, max ms");
    for megabytes in sizes("1,5") {
        for (reliability, qos) in [("reliable", Qos::DEFAULT), ("best_effort", Qos { depth: 10, ..Qos::SENSOR_DATA })] {
            let domain = domain();
            let node = node(domain);
            // The peer waits for somebody who labels.
            let _labelled = node.publish("/instanton/labelled", PointCloud2View::TYPE, Qos::DEFAULT).unwrap();
            let (said, heard) = std::sync::mpsc::channel();
            let on_message = move |message: instanton::ros::Received<'_>| {
                let stamp = PointCloud2View::decode(message.bytes).unwrap().header.stamp.nanoseconds();
                let _ = said.send((crate::robot::now() - stamp) as f64 * 1e-6);
            };
            let _clouds = node.subscribe("/points", PointCloud2View::TYPE, qos, Box::new(on_message)).unwrap();
            let (_folder, path) = file(&scene((megabytes * 1e6) as usize));
            let more = ["--file", path.to_str().unwrap(), "--reliability", reliability];
            let peer = Peer::start(kind, "latency.py", domain, &more);
            peer.says("sent");
            std::thread::sleep(Duration::from_secs(3));
            let mut latencies: Vec<f64> = heard.try_iter().collect();
            latencies.sort_by(f64::total_cmp);
            println!("{}", row(megabytes, reliability, &latencies));
        }
    }
}
