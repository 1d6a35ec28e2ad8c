//! Clouds in both directions, late and mismatched ones too.

use crate::peer::{Kind, PATIENCE, Peer, cloud, domain, file, node, until};
use instanton::ros::{
    Durability, Message, Middleware, OnMessage, PointCloud2View, Publisher, Qos, QosPolicy, Reliability,
};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Bytes of a cloud, what its publisher offers, and what its subscription asks for.
const EXCHANGES: [(usize, Qos, Qos); 5] = [
    (900, Qos::DEFAULT, Qos::DEFAULT),
    (900, Qos::SENSOR_DATA, Qos::SENSOR_DATA),
    (900, Qos::LATCHED, Qos::SENSOR_DATA),
    (60_000, Qos::DEFAULT, Qos::SENSOR_DATA),
    (1_000_000, Qos::DEFAULT, Qos::DEFAULT),
];

/// A callback that hands on what it gets.
pub fn listener() -> (OnMessage, Receiver<Vec<u8>>) {
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
    let reliability = if qos.reliability == Reliability::Reliable { "reliable" } else { "best_effort" };
    let durability = if qos.durability == Durability::Volatile { "volatile" } else { "transient_local" };
    ["--reliability", reliability, "--durability", durability]
}

pub fn clouds_come_as_they_were_sent(kind: Kind) {
    for (bytes, offered, asked) in EXCHANGES {
        let domain = domain();
        let sent = cloud(bytes);
        let (_folder, path) = file(&sent);
        let node = node(domain);
        let (on_message, heard) = listener();
        let subscription = node.subscribe("/points", PointCloud2View::TYPE, asked, on_message).unwrap();
        let more = [&arguments(offered)[..], &["--file", path.to_str().unwrap(), "--count", "20"]].concat();
        let _talker = Peer::start(kind, "talker.py", domain, &more);
        // Not each of them: what comes with best effort before we have met its publisher is lost.
        for _ in 0..3 {
            let came = heard.recv_timeout(PATIENCE).unwrap();
            assert_eq!(came[4..sent.len()], sent[4..], "{bytes} bytes, {offered:?}");
            assert!(came.len() < sent.len() + 4);
            assert_eq!(PointCloud2View::decode(&came).unwrap().header.frame_id, "camera");
        }
        assert_eq!(subscription.publishers(), 1);
    }
}

pub fn clouds_go_as_they_are_sent(kind: Kind) {
    for (bytes, offered, asked) in EXCHANGES {
        let domain = domain();
        let sent = cloud(bytes);
        let (_folder, path) = file(&sent);
        let more = [&arguments(asked)[..], &["--expect", path.to_str().unwrap()]].concat();
        let listener = Peer::start(kind, "listener.py", domain, &more);
        let node = node(domain);
        let publisher = node.publish("/points", PointCloud2View::TYPE, offered).unwrap();
        until("matched", || publisher.subscriptions() == 1);
        for _ in 0..3 {
            let heard = sent_until_heard(&*publisher, &sent, &listener);
            assert_eq!(heard["equal"], true, "{heard}");
            assert_eq!(heard["points"], bytes / 16, "{heard}");
            assert_eq!(heard["frame"], "camera", "{heard}");
        }
    }
}

/// As `/tf_static` is.
pub fn the_late_get_what_was_latched_there(kind: Kind) {
    let domain = domain();
    let sent = cloud(5_000);
    let (_folder, path) = file(&sent);
    let more = [&arguments(Qos::LATCHED)[..], &["--file", path.to_str().unwrap(), "--listeners", "0"]].concat();
    let talker = Peer::start(kind, "talker.py", domain, &more);
    talker.says("sent");
    let node = node(domain);
    let (on_message, heard) = listener();
    let _subscription = node.subscribe("/points", PointCloud2View::TYPE, Qos::LATCHED, on_message).unwrap();
    assert_eq!(heard.recv_timeout(PATIENCE).unwrap()[4..sent.len()], sent[4..]);
}

pub fn the_late_there_get_what_was_latched(kind: Kind) {
    let domain = domain();
    let sent = cloud(5_000);
    let (_folder, path) = file(&sent);
    let node = node(domain);
    let publisher = node.publish("/points", PointCloud2View::TYPE, Qos::LATCHED).unwrap();
    publisher.send(&sent).unwrap();
    let more = [&arguments(Qos::LATCHED)[..], &["--expect", path.to_str().unwrap()]].concat();
    let listener = Peer::start(kind, "listener.py", domain, &more);
    assert_eq!(listener.says("equal")["equal"], true);
}

pub fn a_mismatch_is_told_on_both_sides(kind: Kind) {
    let domain = domain();
    let (_folder, path) = file(&cloud(900));
    let node = node(domain);
    let (on_message, _heard) = listener();
    let subscription = node.subscribe("/points", PointCloud2View::TYPE, Qos::DEFAULT, on_message).unwrap();
    let more = [&arguments(Qos::SENSOR_DATA)[..], &["--file", path.to_str().unwrap()]].concat();
    let talker = Peer::start(kind, "talker.py", domain, &more);
    assert_eq!(talker.says("mismatch")["mismatch"], "reliability");
    until("we know", || subscription.mismatched().is_some_and(|found| found.policy == QosPolicy::Reliability));
    assert_eq!((subscription.publishers(), subscription.mismatched().unwrap().count), (0, 1));

    let publisher = node.publish("/map", PointCloud2View::TYPE, Qos::DEFAULT).unwrap();
    let more = [&arguments(Qos::LATCHED)[..], &["--topic", "/map", "--name", "late"]].concat();
    let listener = Peer::start(kind, "listener.py", domain, &more);
    assert_eq!(listener.says("mismatch")["mismatch"], "durability");
    until("we know", || publisher.mismatched().is_some_and(|found| found.policy == QosPolicy::Durability));
    assert_eq!(publisher.subscriptions(), 0);
}

pub fn a_peer_that_ends_is_counted_no_more(kind: Kind) {
    let domain = domain();
    let listener = Peer::start(kind, "listener.py", domain, &[]);
    let node = node(domain);
    let publisher = node.publish("/points", PointCloud2View::TYPE, Qos::DEFAULT).unwrap();
    until("matched", || publisher.subscriptions() == 1);
    drop(listener);
    until("gone", || publisher.subscriptions() == 0);
}
