//! The live node: the labels of the replay, and a defined answer to what comes over a middleware.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use instanton::node::{DepthTopics, Health, Input, LabellingNode, NodeSettings};
use instanton::replay::{LABELLED_TOPIC, Orientation};
use instanton::ros::{
    CameraInfo, CompressedImageView, ImageView, LocalBus, LocalNode, Message, MessageType, Middleware, PointCloud2View,
    Publisher, Qos, Subscription, TfMessage,
};

use crate::drives::{POINTS, drive};
use crate::support::{Bag, Read, SECOND, START, decode, model, options, read, run};

/// Ends a test that would hang.
pub const PATIENCE: Duration = Duration::from_secs(60);

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
        assert_eq!((node.health().inputs[0].publishers, &node.health().inputs[0].mismatched), (1, &None));
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
        wait_for(|| self.node.health(), what, met)
    }
}

/// A node's health once it is as it should be.
pub fn wait_for(health: impl Fn() -> Health, what: &str, met: impl Fn(&Health) -> bool) -> Health {
    let start = Instant::now();
    loop {
        let health = health();
        if met(&health) {
            return health;
        }
        assert!(start.elapsed() < PATIENCE, "{what}: {health:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// As the replay runs: without a deadline.
pub fn settings() -> NodeSettings {
    let mut config = options(Orientation::Transforms).config;
    config.latency.deadline_ms = 0.0;
    NodeSettings {
        input: Input::Clouds(POINTS.to_owned()),
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
    // A frame is counted once its outputs are on their way.
    let health = talk.wait_for("counted", |health| health.counts.served == 5);
    assert_eq!((health.counts.offered, health.unsent), (5, 0));
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

/// A depth camera's images, raw and compressed, with calibration and colour that come when they like.
#[test]
fn depth_images_that_are_played_give_the_labels_of_their_replay() {
    const DEPTH: &str = "/camera/depth/image";
    const COMPRESSED: &str = "/camera/depth/image/compressedDepth";
    const INFO: &str = "/camera/depth/camera_info";
    const COLOUR: &str = "/camera/color/image";
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in.mcap"), folder.path().join("out.mcap"));
    let mut bag = Bag::create(&input);
    bag.transform("/tf_static", START, START, "map", "optical", 1.0);
    for frame in 0..4 {
        let stamp = START + frame * SECOND / 10;
        bag.image(DEPTH, stamp, "optical", "16UC1", 2);
        // The calibration comes later than the image, the colour once not at all.
        bag.camera_info(INFO, stamp + 5_000_000, "optical", 30.0);
        if frame != 2 {
            bag.image(COLOUR, stamp + 15_000_000, "optical", "bgr8", 3);
        }
    }
    bag.finish();
    run(&input, Some(&output), &options(Orientation::Transforms));
    let replayed: Vec<Read> = read(&output).into_iter().filter(|message| message.topic == LABELLED_TOPIC).collect();
    assert_eq!(replayed.len(), 4);
    let messages = read(&input);
    let (input, output) = (folder.path().join("packed.mcap"), folder.path().join("packed_out.mcap"));
    let mut bag = Bag::create(&input);
    for message in &messages {
        let time = message.log_time as i64;
        match message.topic.as_str() {
            DEPTH => bag.raw(COMPRESSED, CompressedImageView::TYPE.name, time, &packed(&message.data)),
            INFO => bag.raw(INFO, CameraInfo::TYPE.name, time, &message.data),
            COLOUR => bag.raw(COLOUR, ImageView::TYPE.name, time, &message.data),
            topic => bag.raw(topic, TfMessage::TYPE.name, time, &message.data),
        }
    }
    bag.finish();
    run(&input, Some(&output), &options(Orientation::Transforms));
    let of_packed = read(&output).into_iter().filter(|message| message.topic == LABELLED_TOPIC);
    assert!(of_packed.map(|message| message.data).eq(replayed.iter().map(|message| message.data.clone())));

    for image in [DEPTH, COMPRESSED] {
        let bus = LocalBus::new();
        let peer = bus.node("peer");
        let topics = DepthTopics { colour: Some(COLOUR.to_owned()), ..DepthTopics::new(image) };
        assert_eq!(topics.camera_info, INFO);
        let settings = NodeSettings { input: Input::Depth(topics), ..settings() };
        let node = LabellingNode::start(&bus.node("instanton"), model(), &settings, None).unwrap();
        let depth_type = if image == DEPTH { ImageView::TYPE } else { CompressedImageView::TYPE };
        let publishers = [
            (DEPTH, peer.publish(image, depth_type, Qos::DEFAULT).unwrap()),
            (INFO, peer.publish(INFO, CameraInfo::TYPE, Qos::DEFAULT).unwrap()),
            (COLOUR, peer.publish(COLOUR, ImageView::TYPE, Qos::DEFAULT).unwrap()),
            ("/tf_static", peer.publish("/tf_static", TfMessage::TYPE, Qos::LATCHED).unwrap()),
        ];
        let (sender, labelled) = channel();
        let on_message = move |received: instanton::ros::Received<'_>| drop(sender.send(received.bytes.to_vec()));
        let subscription =
            peer.subscribe("/instanton/labelled", PointCloud2View::TYPE, Qos::DEFAULT, Box::new(on_message));
        let _subscription = subscription.unwrap();
        // As recorded, but that no frame is offered before the one before it has been labelled.
        let mut expected = replayed.iter();
        let mut offered = 0;
        for message in &messages {
            if message.topic == DEPTH && offered > 0 {
                let live = labelled.recv_timeout(PATIENCE).expect("a labelled cloud");
                assert!(live == expected.next().unwrap().data, "the same bytes: {image}, frame {offered}");
            }
            let packed = if message.topic == DEPTH && image == COMPRESSED { Some(packed(&message.data)) } else { None };
            let publisher = &publishers.iter().find(|(topic, _)| *topic == message.topic).unwrap().1;
            publisher.send(packed.as_deref().unwrap_or(&message.data)).unwrap();
            offered += usize::from(message.topic == DEPTH);
        }
        let live = labelled.recv_timeout(PATIENCE).expect("a labelled cloud");
        assert!(live == expected.next().unwrap().data, "the same bytes: {image}, the last");
        let health = node.health();
        assert_eq!((health.counts.offered, health.counts.dropped, health.counts.undecoded), (4, 0, 0));
    }
}

/// A depth image as `compressed_depth_image_transport` packs it.
fn packed(image: &[u8]) -> Vec<u8> {
    let image = ImageView::decode(image).unwrap();
    // A PNG has the high byte first.
    let pixels: Vec<u8> = image.data.chunks_exact(2).flat_map(|two| [two[1], two[0]]).collect();
    let mut data = vec![0; 12];
    let mut encoder = png::Encoder::new(&mut data, image.width, image.height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Sixteen);
    encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels)).unwrap();
    let mut bytes = Vec::new();
    CompressedImageView { header: image.header, format: "16UC1; compressedDepth png", data: &data }
        .encode(&mut bytes)
        .unwrap();
    bytes
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
