//! What another client library makes of us, and we of it: clouds in both directions, services, the graph.

mod peer;

use std::sync::mpsc::channel;
use std::time::Instant;

use instanton::ros::cdr::{CdrReader, CdrWriter};
use instanton::ros::{
    Header, Message, Middleware, PointCloud2View, PointField, Qos, Sequence, ServiceType, Time, datatype,
};
use instanton_ros::{Rclrs, RclrsOptions};
use peer::{PATIENCE, Peer, domain};
use serde_json::{Value, json};

const KIND: &str = "sensor_msgs/msg/PointCloud2";

fn node(name: &str, namespace: &str) -> Rclrs {
    let namespace = namespace.to_owned();
    Rclrs::open(RclrsOptions { domain: Some(domain()), namespace, ..RclrsOptions::new(name) }).unwrap()
}

/// Points of 16 bytes as the peer makes them.
fn data(points: u32) -> Vec<u8> {
    (0..16 * points).map(|index| (index % 251) as u8).collect()
}

fn cloud(points: u32) -> Vec<u8> {
    let names = ["x", "y", "z", "intensity"];
    let field = |(name, index): (_, u32)| PointField { name, offset: index * 4, datatype: datatype::FLOAT32, count: 1 };
    let fields: Vec<PointField<'_>> = names.into_iter().zip(0..).map(field).collect();
    let view = PointCloud2View {
        header: Header { stamp: Time { sec: 7, nanosec: 8 }, frame_id: "camera" },
        height: 1,
        width: points,
        fields: Sequence::listed(&fields),
        is_bigendian: false,
        point_step: 16,
        row_step: points * 16,
        data: &data(points),
        is_dense: true,
    };
    let mut out = Vec::new();
    view.encode(&mut out).unwrap();
    out
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
fn clouds_come_from_rclpy_as_they_were_sent() {
    let (node, peer) = (node("hears", "/"), Peer::new(domain()));
    let (said, heard) = channel();
    let on_message = Box::new(move |message: instanton::ros::Received<'_>| drop(said.send(message.bytes.to_vec())));
    let topic = "/from_rclpy";
    let subscription = node.subscribe(topic, PointCloud2View::TYPE, Qos::DEFAULT, on_message).unwrap();
    for points in [50, 4_000, 62_500, 312_500] {
        let order = json!({ "do": "send", "topic": topic, "points": points, "reliability": "reliable" });
        let sent = peer.order(with_patience(order));
        let came = heard.recv_timeout(PATIENCE).unwrap();
        // To the byte, but for padding that the serialiser and the network each have their own way with.
        let view = PointCloud2View::decode(&came).unwrap();
        assert!(sent["crc"].is_u64(), "{sent}");
        assert_eq!((view.width, view.header.frame_id), (points, "camera"));
        assert!(view.data == data(points), "{points} points");
    }
    assert_eq!(subscription.publishers(), 1);
}

#[test]
fn clouds_come_to_rclpy_as_they_were_sent() {
    let (node, peer) = (node("says", "/"), Peer::new(domain()));
    let topic = "/to_rclpy";
    peer.order(json!({ "do": "listen", "topic": topic, "reliability": "reliable" }));
    let publisher = node.publish(topic, PointCloud2View::TYPE, Qos::DEFAULT).unwrap();
    until("matched", || publisher.subscriptions() == 1);
    for points in [50, 4_000, 62_500, 312_500] {
        publisher.send(&cloud(points)).unwrap();
        let heard = peer.order(with_patience(json!({ "do": "hear", "topic": topic })));
        let expected = json!({ "frame": "camera", "points": points, "crc": crc32fast::hash(&data(points)) });
        assert_eq!(heard, expected);
    }
}

/// RustDDS garbles these; rcl does not.
#[test]
fn answers_of_many_datagrams_come_whole() {
    let (node, peer) = (node("answers", "/"), Peer::new(domain()));
    let kind = ServiceType { name: "rcl_interfaces/srv/GetParameterTypes", hash: "" };
    let answer = |request: &[u8], out: &mut Vec<u8>| {
        let mut reader = CdrReader::new(request)?;
        assert_eq!(reader.u32("names")?, 1);
        let asked: usize = reader.text("names")?.parse().expect("a number");
        let types: Vec<u8> = (0..asked).map(|index| (index % 251) as u8).collect();
        CdrWriter::new(out).bytes("types", &types)
    };
    let _service = node.serve("/many", kind, Box::new(answer)).unwrap();
    for size in [10, 1_500, 70_000, 1_000_000] {
        let came = peer.types("/many", &size.to_string(), PATIENCE).unwrap();
        assert!(came.iter().enumerate().all(|(index, &byte)| byte == (index % 251) as u8));
        assert_eq!(came.len(), size);
    }
}

/// And nothing else: no parameter services, log or clock that `rclrs` would have by itself.
#[test]
fn rclpy_sees_the_node_with_its_topics_and_services_only() {
    let (node, peer) = (node("instanton", "/robot/head"), Peer::new(domain()));
    let kind = PointCloud2View::TYPE;
    let _out = node.publish("/robot/labelled", kind, Qos::DEFAULT).unwrap();
    let _in = node.subscribe("/camera/points", kind, Qos::SENSOR_DATA, Box::new(|_| ())).unwrap();
    let service = ServiceType { name: "std_srvs/srv/SetBool", hash: "" };
    let _service = node.serve("/robot/head/set", service, Box::new(|_, _| Ok(()))).unwrap();
    // Gone again, so it must not be listed.
    drop(node.publish("/robot/brief", kind, Qos::DEFAULT).unwrap());
    let order = json!({ "do": "graph", "node": "instanton", "namespace": "/robot/head", "count": 3 });
    let expected = json!({
        "publishers": [["/robot/labelled", [KIND]]],
        "subscriptions": [["/camera/points", [KIND]]],
        "services": [["/robot/head/set", ["std_srvs/srv/SetBool"]]],
    });
    assert_eq!(peer.order(with_patience(order)), expected);
    drop(_out);
    drop(_in);
    drop(_service);
    drop(node);
    let gone = json!({ "publishers": [], "subscriptions": [], "services": [] });
    let look = json!({ "do": "graph", "node": "instanton", "namespace": "/robot/head", "count": 1, "patience": 0.0 });
    until("the node has left", || peer.order(look.clone()) == gone);
}

fn with_patience(mut order: Value) -> Value {
    order["patience"] = PATIENCE.as_secs_f64().into();
    order
}
