//! Two nodes that hear each other, and how to wait for what they hear.

use instanton::ros::{MessageType, Middleware, OnMessage, Publisher, PublisherId, Qos, ServiceType, Subscription};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Longest time for what is to happen. Nothing is measured by it: it ends tests that would hang.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// How long nothing must happen for us to believe that it does not.
pub const QUIET: Duration = Duration::from_millis(700);

/// The message type that the suite uses: one whose messages have any size, [`message`] makes them.
pub const BYTES: MessageType = MessageType {
    name: "std_msgs/msg/UInt8MultiArray",
    definition: "",
    hash: "RIHS01_5687e861b8d307a5e48b7515467ae7a5fc2daf805bd0ce6d8e9e604bade9f385",
};
/// A type that is another one.
pub const IMAGE: MessageType = MessageType { name: "sensor_msgs/msg/Image", ..BYTES };
/// The service type that the suite uses: names in, bytes out. [`request`] and [`answer`] make its messages.
pub const SERVICE: ServiceType = ServiceType { name: "rcl_interfaces/srv/GetParameterTypes", hash: "" };

/// Two nodes, on names that no other test uses.
pub trait World {
    /// The one that mostly sends and serves.
    fn here(&self) -> &dyn Middleware;
    /// The one that mostly receives and calls.
    fn there(&self) -> &dyn Middleware;
    /// Calls a service from there.
    fn call(&self, service: &str, request: &[u8], patience: Duration) -> Option<Vec<u8>>;
    /// A topic or service name of this test.
    fn name(&self, last: &str) -> String;
    /// Whether what is sent is read as a message of its type, so that other bytes are refused: rcl publishes C structs.
    fn reads_messages(&self) -> bool {
        false
    }
}

/// What a subscription hears.
pub type Heard = Receiver<(PublisherId, Vec<u8>)>;

/// A callback that hands on what it gets.
pub fn listener() -> (OnMessage, Heard) {
    let (said, heard) = channel();
    (Box::new(move |message| drop(said.send((message.publisher, message.bytes.to_vec())))), heard)
}

/// A publisher here and a subscription there that are matched.
pub fn connected(world: &dyn World, topic: &str, qos: Qos) -> (Box<dyn Publisher>, Box<dyn Subscription>, Heard) {
    let (on_message, heard) = listener();
    let subscription = world.there().subscribe(topic, BYTES, qos, on_message).unwrap();
    let publisher = world.here().publish(topic, BYTES, qos).unwrap();
    until("the two are matched", || publisher.subscriptions() == 1 && subscription.publishers() == 1);
    (publisher, subscription, heard)
}

/// Waits until something holds.
pub fn until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Bytes of a [`message`] before its data: header, no dimensions, an offset, the length.
pub const LEAST: usize = 16;

/// A message of this many bytes, header included, that no other number makes.
pub fn message(size: usize, number: u32) -> Vec<u8> {
    let data = size.checked_sub(LEAST).expect("as many bytes as an empty message has");
    let mut bytes = vec![0, 1, 0, 0];
    for word in [0, number, u32::try_from(data).unwrap()] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.extend(noise(data, number));
    bytes
}

/// As many bytes, which are others for each number.
pub fn noise(size: usize, number: u32) -> impl Iterator<Item = u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9) | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 24) as u8
    })
    .take(size)
}

/// The number that [`message`] was given.
pub fn number(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes[8..12].try_into().unwrap())
}

/// A request for the types of one parameter of this name.
pub fn request(name: &str) -> Vec<u8> {
    let mut bytes = vec![0, 1, 0, 0];
    for word in [1, u32::try_from(name.len() + 1).unwrap()] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.extend_from_slice(name.as_bytes());
    bytes.push(0);
    bytes
}

/// The name in a [`request`].
pub fn asked(request: &[u8]) -> &[u8] {
    let length = u32::from_le_bytes(request[8..12].try_into().unwrap()) as usize;
    &request[12..12 + length - 1]
}

/// An answer of these types.
pub fn answer(types: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 1, 0, 0];
    bytes.extend_from_slice(&u32::try_from(types.len()).unwrap().to_le_bytes());
    bytes.extend_from_slice(types);
    bytes
}

/// Whether it is this answer, but for the padding that a network may add.
pub fn is_answer(heard: Option<Vec<u8>>, types: &[u8]) -> bool {
    let expected = answer(types);
    heard.is_some_and(|heard| heard.len() < expected.len() + 4 && heard[4..].starts_with(&expected[4..]))
}

/// The same bytes, but for the padding that a network may add to a multiple of four.
pub fn assert_same(heard: &[u8], sent: &[u8]) {
    // The last two bytes of the header are the sender's own.
    let padded = heard.len() < sent.len() + 4 && heard[..2] == sent[..2] && heard[4..].starts_with(&sent[4..]);
    assert!(padded, "{} bytes were sent, {} came", sent.len(), heard.len());
}
