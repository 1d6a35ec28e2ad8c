//! The live node: the labels of the replay, and a defined answer to what comes over a middleware.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use instanton::node::{Health, LabellingNode, NodeSettings};
use instanton::replay::{LABELLED_TOPIC, Orientation};
use instanton::ros::{
    LocalBus, LocalNode, Message, MessageType, Middleware, PointCloud2View, Publisher, Qos, Subscription, TfMessage,
};

use crate::drives::{POINTS, drive};
use crate::support::{Read, decode, model, options, read, run};

/// Ends a test that would hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// A node on a bus, and somebody who talks to it.
struct Talk {
    node: LabellingNode,
    clouds: Box<dyn Publisher>,
    transforms: [Box<dyn Publisher>; 2],
    peer: LocalNode,
}

impl Talk {
    fn start(settings: &NodeSettings) -> Self {
        let bus = LocalBus::new();
        let peer = bus.node("peer");
        let publish = |topic, message, qos| peer.publish(topic, message, qos).unwrap();
        let clouds = publish(POINTS, PointCloud2View::TYPE, Qos { depth: 100, ..Qos::DEFAULT });
        let transforms = [
            publish("/tf_static", TfMessage::TYPE, Qos::LATCHED),
            publish("/tf", TfMessage::TYPE, Qos { depth: 100, ..Qos::DEFAULT }),
        ];
        let node = LabellingNode::start(&bus.node("instanton"), model(), settings, None).unwrap();
        assert_eq!(node.health().publishers, (1, None));
        Self { node, clouds, transforms, peer }
    }

    fn hear(&self, topic: &str, message: MessageType) -> (Receiver<Vec<u8>>, Box<dyn Subscription>) {
        let (sender, heard) = channel();
        let on_message = move |received: instanton::ros::Received<'_>| drop(sender.send(received.bytes.to_vec()));
        (heard, self.peer.subscribe(topic, message, Qos::DEFAULT, Box::new(on_message)).unwrap())
    }

    /// All transforms of a recording.
    fn send_transforms(&self, messages: &[Read]) {
        for message in messages {
            match message.topic.as_str() {
                "/tf_static" => self.transforms[0].send(&message.data).unwrap(),
                "/tf" => self.transforms[1].send(&message.data).unwrap(),
                _ => {}
            }
        }
    }

    fn wait_for(&self, what: &str, met: impl Fn(&Health) -> bool) -> Health {
        let start = Instant::now();
        loop {
            let health = self.node.health();
            if met(&health) {
                return health;
            }
            assert!(start.elapsed() < PATIENCE, "{what}: {health:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// As the replay runs: without a deadline.
fn settings() -> NodeSettings {
    let mut config = options(Orientation::Transforms).config;
    config.latency.deadline_ms = 0.0;
    NodeSettings {
        cloud_topic: POINTS.to_owned(),
        transform_wait: Duration::from_millis(300),
        config,
        ..Default::default()
    }
}

fn recording(folder: &Path, frames: i64) -> (Vec<Read>, Vec<Read>) {
    let (input, output) = (folder.join("in.mcap"), folder.join("out.mcap"));
    drive(&input, frames);
    run(&input, Some(&output), &options(Orientation::Transforms));
    let labelled = read(&output).into_iter().filter(|message| message.topic == LABELLED_TOPIC).collect();
    (read(&input), labelled)
}

fn clouds(messages: &[Read]) -> impl Iterator<Item = &Read> {
    messages.iter().filter(|message| message.topic == POINTS)
}

#[test]
fn a_bag_that_is_played_gives_the_labels_of_its_replay() {
    let folder = tempfile::tempdir().unwrap();
    let (messages, replayed) = recording(folder.path(), 5);
    let talk = Talk::start(&settings());
    let (labelled, _subscription) = talk.hear("/instanton/labelled", PointCloud2View::TYPE);
    talk.send_transforms(&messages);
    for (cloud, expected) in clouds(&messages).zip(&replayed) {
        talk.clouds.send(&cloud.data).unwrap();
        let live = labelled.recv_timeout(PATIENCE).expect("a labelled cloud");
        assert!(live == expected.data, "the same bytes");
    }
    let health = talk.node.health();
    assert_eq!((health.counts.offered, health.counts.served, health.unsent), (5, 5, 0));
    assert_eq!(health.fixed_frame.as_deref(), Some("odom"));
}

#[test]
fn nothing_is_sent_that_nobody_hears_and_what_is_heard_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let (messages, _) = recording(folder.path(), 2);
    let talk = Talk::start(&settings());
    talk.send_transforms(&messages);
    let both: Vec<&Read> = clouds(&messages).collect();
    talk.clouds.send(&both[0].data).unwrap();
    talk.wait_for("served without listeners", |health| health.counts.served == 1);
    let (obstacles, _subscription) = talk.hear("/instanton/obstacles", PointCloud2View::TYPE);
    talk.clouds.send(&both[1].data).unwrap();
    let bytes = obstacles.recv_timeout(PATIENCE).expect("obstacles");
    let (input, message) = (PointCloud2View::decode(&both[1].data).unwrap(), PointCloud2View::decode(&bytes).unwrap());
    assert_eq!(message.header, input.header, "stamp and frame of the cloud");
    let (all, found) = (decode(&both[1].data).position, decode(&bytes).position);
    assert!(found.len() < all.len() && found.iter().all(|point| all.contains(point)));
}

#[test]
fn a_cloud_without_a_transform_is_dropped_and_the_next_one_labelled() {
    let folder = tempfile::tempdir().unwrap();
    let (messages, _) = recording(folder.path(), 2);
    let talk = Talk::start(&NodeSettings { transform_wait: Duration::from_millis(20), ..settings() });
    let both: Vec<&Read> = clouds(&messages).collect();
    talk.clouds.send(&both[0].data).unwrap();
    let health = talk.wait_for("dropped", |health| health.counts.undecoded == 1);
    assert_eq!(health.dropped.get("no transform"), Some(&1));
    talk.send_transforms(&messages);
    talk.clouds.send(&both[1].data).unwrap();
    assert_eq!(talk.wait_for("served", |health| health.counts.served == 1).counts.offered, 2);
}

#[test]
fn what_is_no_cloud_is_counted_and_survived() {
    let folder = tempfile::tempdir().unwrap();
    let (messages, _) = recording(folder.path(), 2);
    let talk = Talk::start(&settings());
    talk.send_transforms(&messages);
    talk.transforms[1].send(&[0, 1, 0, 0, 1, 2, 3]).unwrap();
    let good = clouds(&messages).next().unwrap();
    let lengths = [0, 3, 4, 40, good.data.len() / 2, good.data.len() - 1];
    for (served, length) in (1..).zip(lengths) {
        let before = talk.node.health().counts.undecoded;
        talk.clouds.send(&good.data[..length]).unwrap();
        talk.wait_for("refused", |health| health.counts.undecoded > before);
        talk.clouds.send(&good.data).unwrap();
        talk.wait_for("served in between", |health| health.counts.served == served);
    }
    let health = talk.wait_for("transforms counted", |health| health.unreadable_transforms == 1);
    assert_eq!(health.dropped.values().sum::<u64>(), health.counts.undecoded);
}

/// Clouds of another layout, of another sensor, one after the other.
#[test]
fn a_layout_may_change_from_cloud_to_cloud() {
    let folder = tempfile::tempdir().unwrap();
    let (messages, _) = recording(folder.path(), 2);
    let talk = Talk::start(&settings());
    let (labelled, _subscription) = talk.hear("/instanton/labelled", PointCloud2View::TYPE);
    talk.send_transforms(&messages);
    let cloud = clouds(&messages).next().unwrap();
    talk.clouds.send(&cloud.data).unwrap();
    let once = labelled.recv_timeout(PATIENCE).expect("labelled");
    // A labelled cloud has more fields than what it was made of.
    talk.clouds.send(&once).unwrap();
    let twice = labelled.recv_timeout(PATIENCE).expect("labelled again");
    assert_eq!(PointCloud2View::decode(&once).unwrap().fields, PointCloud2View::decode(&twice).unwrap().fields);
}
