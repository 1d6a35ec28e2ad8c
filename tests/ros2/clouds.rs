//! Clouds in both directions, late and mismatched ones too.

use crate::peer::{PATIENCE, Peer, cloud, domain, file, node, until};
use instanton::ros::{Message, Middleware, OnMessage, PointCloud2View, Publisher, Qos, QosPolicy};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

fn listener() -> (OnMessage, Receiver<Vec<u8>>) {
    let (said, heard) = channel();
    (Box::new(move |message| drop(said.send(message.bytes.to_vec()))), heard)
}

/// What the peer says of a message that is sent again until it says something: with best effort one may be lost.
fn sent_until_heard(publisher: &dyn Publisher, message: &[u8], listener: &Peer) -> serde_json::Value {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        publisher.send(message).unwrap();
        if let Some(said) = listener.next(Duration::from_secs(1)).filter(|said| said.get("equal").is_some()) {
            return said;
        }
    }
    panic!("the peer heard nothing within {PATIENCE:?}");
}

fn arguments(qos: Qos) -> [&'static str; 4] {
    let reliability = if qos.reliability == Qos::DEFAULT.reliability { "reliable" } else { "best_effort" };
    let durability = if qos.durability == Qos::DEFAULT.durability { "volatile" } else { "transient_local" };
    ["--reliability", reliability, "--durability", durability]
}

#[test]
fn clouds_come_from_ros_as_they_were_sent() {
    for (bytes, qos) in [(900, Qos::DEFAULT), (900, Qos::SENSOR_DATA), (1_000_000, Qos::DEFAULT)] {
        let domain = domain();
        let sent = cloud(bytes);
        let (_folder, path) = file(&sent);
        let path = path.to_str().unwrap();
        let node = node(domain);
        let (on_message, heard) = listener();
        let subscription = node.subscribe("/points", PointCloud2View::TYPE, qos, on_message).unwrap();
        let more = [&arguments(qos)[..], &["--file", path, "--count", "20"]].concat();
        let Some(_talker) = Peer::start("talker.py", domain, &more) else { return };
        // Not each of them: what ROS sends with best effort before we have met it is lost.
        for _ in 0..3 {
            let came = heard.recv_timeout(PATIENCE).unwrap();
            assert_eq!(came[4..sent.len()], sent[4..], "{bytes} bytes, {qos:?}");
            assert!(came.len() < sent.len() + 4);
            assert_eq!(PointCloud2View::decode(&came).unwrap().header.frame_id, "camera");
        }
        assert_eq!(subscription.publishers(), 1);
    }
}

#[test]
fn clouds_come_to_ros_as_they_were_sent() {
    for (bytes, qos) in [(900, Qos::DEFAULT), (900, Qos::SENSOR_DATA), (60_000, Qos::DEFAULT)] {
        let domain = domain();
        let sent = cloud(bytes);
        let (_folder, path) = file(&sent);
        let more = [&arguments(qos)[..], &["--expect", path.to_str().unwrap()]].concat();
        let Some(listener) = Peer::start("listener.py", domain, &more) else { return };
        let node = node(domain);
        let publisher = node.publish("/points", PointCloud2View::TYPE, qos).unwrap();
        until("matched", || publisher.subscriptions() == 1);
        for _ in 0..3 {
            let heard = sent_until_heard(&*publisher, &sent, &listener);
            assert_eq!(heard["equal"], true, "{heard}");
            assert_eq!(heard["points"], bytes / 16, "{heard}");
            assert_eq!(heard["frame"], "camera", "{heard}");
        }
    }
}

#[test]
fn the_late_get_what_is_latched_by_ros() {
    let domain = domain();
    let sent = cloud(5_000);
    let (_folder, path) = file(&sent);
    let more = [&arguments(Qos::LATCHED)[..], &["--file", path.to_str().unwrap(), "--listeners", "0"]].concat();
    let Some(talker) = Peer::start("talker.py", domain, &more) else { return };
    talker.says("sent");
    let node = node(domain);
    let (on_message, heard) = listener();
    let _subscription = node.subscribe("/points", PointCloud2View::TYPE, Qos::LATCHED, on_message).unwrap();
    assert_eq!(heard.recv_timeout(PATIENCE).unwrap()[4..sent.len()], sent[4..]);
}

#[test]
fn late_ros_gets_what_we_latched() {
    let domain = domain();
    let sent = cloud(5_000);
    let (_folder, path) = file(&sent);
    let node = node(domain);
    let publisher = node.publish("/points", PointCloud2View::TYPE, Qos::LATCHED).unwrap();
    publisher.send(&sent).unwrap();
    let more = [&arguments(Qos::LATCHED)[..], &["--expect", path.to_str().unwrap()]].concat();
    let Some(listener) = Peer::start("listener.py", domain, &more) else { return };
    assert_eq!(listener.says("equal")["equal"], true);
}

#[test]
fn a_mismatch_is_told_on_both_sides() {
    let domain = domain();
    let (_folder, path) = file(&cloud(900));
    let node = node(domain);
    let (on_message, _heard) = listener();
    let subscription = node.subscribe("/points", PointCloud2View::TYPE, Qos::DEFAULT, on_message).unwrap();
    let more = [&arguments(Qos::SENSOR_DATA)[..], &["--file", path.to_str().unwrap()]].concat();
    let Some(talker) = Peer::start("talker.py", domain, &more) else { return };
    assert_eq!(talker.says("mismatch")["mismatch"], "reliability");
    until("we know", || subscription.mismatched().is_some_and(|found| found.policy == QosPolicy::Reliability));
    assert_eq!((subscription.publishers(), subscription.mismatched().unwrap().count), (0, 1));

    let publisher = node.publish("/map", PointCloud2View::TYPE, Qos::DEFAULT).unwrap();
    let more = [&arguments(Qos::LATCHED)[..], &["--topic", "/map", "--name", "late"]].concat();
    let Some(listener) = Peer::start("listener.py", domain, &more) else { return };
    assert_eq!(listener.says("mismatch")["mismatch"], "durability");
    until("we know", || publisher.mismatched().is_some_and(|found| found.policy == QosPolicy::Durability));
    assert_eq!(publisher.subscriptions(), 0);
}

#[test]
fn a_peer_that_ends_is_counted_no_more() {
    let domain = domain();
    let Some(listener) = Peer::start("listener.py", domain, &[]) else { return };
    let node = node(domain);
    let publisher = node.publish("/points", PointCloud2View::TYPE, Qos::DEFAULT).unwrap();
    until("matched", || publisher.subscriptions() == 1);
    drop(listener);
    until("gone", || publisher.subscriptions() == 0);
}
