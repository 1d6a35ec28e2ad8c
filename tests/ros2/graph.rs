//! Peers see our node, its topics with their types, and its services.

use crate::peer::{Kind, Peer, domain};
use instanton::ros::{Message, Middleware, PointCloud2View, Qos, ServiceType};
use instanton::transport::dds::{Dds, DdsOptions};

pub fn the_node_is_seen_with_its_topics_and_services(kind: Kind) {
    let domain = domain();
    let namespace = "/robot/head".to_owned();
    let node = Dds::open(DdsOptions { domain: Some(domain), namespace, ..DdsOptions::new("instanton") }).unwrap();
    let cloud = PointCloud2View::TYPE;
    let _out = node.publish("/robot/labelled", cloud, Qos::DEFAULT).unwrap();
    let _in = node.subscribe("/camera/points", cloud, Qos::SENSOR_DATA, Box::new(|_| ())).unwrap();
    let service = ServiceType { name: "std_srvs/srv/SetBool", hash: "" };
    let _service = node.serve("/robot/head/set", service, Box::new(|_, _| Ok(()))).unwrap();
    // Gone again, so it must not be listed.
    drop(node.publish("/robot/brief", cloud, Qos::DEFAULT).unwrap());
    let peer = Peer::start(kind, "graph.py", domain, &["--node", "instanton", "--namespace", "/robot/head"]);
    let seen = peer.says("nodes");
    let topic = |name: &str, of: &str| serde_json::json!([[name, [of]]]);
    assert_eq!(seen["publishers"], topic("/robot/labelled", "sensor_msgs/msg/PointCloud2"), "{seen}");
    assert_eq!(seen["subscriptions"], topic("/camera/points", "sensor_msgs/msg/PointCloud2"), "{seen}");
    assert_eq!(seen["services"], topic("/robot/head/set", "std_srvs/srv/SetBool"), "{seen}");
}
