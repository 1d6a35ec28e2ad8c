//! Two nodes that hear each other, and how to wait for what they hear.

use instanton::ros::{
    LocalBus, LocalNode, MessageType, Middleware, OnMessage, Publisher, PublisherId, Qos, ServiceType, Subscription,
};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Longest time for what is to happen. Nothing is measured by it: it ends tests that would hang.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// How long nothing must happen for us to believe that it does not.
pub const QUIET: Duration = Duration::from_millis(700);

/// The message type that the suite uses; the bytes behind the header are whatever a test wants.
pub const CLOUD: MessageType = MessageType {
    name: "sensor_msgs/msg/PointCloud2",
    definition: "",
    hash: "RIHS01_9198cabf7da3796ae6fe19c4cb3bdd3525492988c70522628af5daa124bae2b5",
};
/// A type that is another one.
pub const IMAGE: MessageType = MessageType { name: "sensor_msgs/msg/Image", ..CLOUD };
/// The service type that the suite uses.
pub const SERVICE: ServiceType = ServiceType { name: "std_srvs/srv/SetBool", hash: "" };

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
}

/// Over the bus within the process.
pub struct LocalWorld {
    bus: LocalBus,
    here: LocalNode,
    there: LocalNode,
}

impl LocalWorld {
    pub fn new(_promise: &str) -> Self {
        let bus = LocalBus::new();
        Self { here: bus.node("here"), there: bus.node("there"), bus }
    }
}

impl World for LocalWorld {
    fn here(&self) -> &dyn Middleware {
        &self.here
    }

    fn there(&self) -> &dyn Middleware {
        &self.there
    }

    fn call(&self, service: &str, request: &[u8], patience: Duration) -> Option<Vec<u8>> {
        self.bus.call(service, request, patience)
    }

    fn name(&self, last: &str) -> String {
        format!("/{last}")
    }
}

/// Over DDS, both nodes on this machine.
#[cfg(feature = "dds")]
pub struct DdsWorld {
    promise: String,
    here: instanton::transport::dds::Dds,
    there: instanton::transport::dds::Dds,
}

/// A domain for this process, so that tests that run at the same time do not hear each other.
#[cfg(feature = "dds")]
pub fn domain() -> u16 {
    // Up to 101: above, the ports are those that Linux hands out to anyone.
    u16::try_from(1 + std::process::id().wrapping_mul(31) % 101).unwrap()
}

#[cfg(feature = "dds")]
impl DdsWorld {
    pub fn new(promise: &str) -> Self {
        let _ = env_logger::builder().is_test(true).try_init();
        Self { promise: promise.to_owned(), here: Self::node("here"), there: Self::node("there") }
    }

    pub fn node(name: &str) -> instanton::transport::dds::Dds {
        use instanton::transport::dds::{Dds, DdsOptions, DiscoveryRange};
        let range = Some(DiscoveryRange::Localhost);
        Dds::open(DdsOptions { domain: Some(domain()), range, ..DdsOptions::new(name) }).unwrap()
    }
}

#[cfg(feature = "dds")]
impl World for DdsWorld {
    fn here(&self) -> &dyn Middleware {
        &self.here
    }

    fn there(&self) -> &dyn Middleware {
        &self.there
    }

    fn call(&self, service: &str, request: &[u8], patience: Duration) -> Option<Vec<u8>> {
        let client = self.there.client(service, SERVICE).unwrap();
        client.call(request, patience).inspect_err(|error| eprintln!("{error}")).ok()
    }

    fn name(&self, last: &str) -> String {
        format!("/{}/{last}", self.promise)
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
    let subscription = world.there().subscribe(topic, CLOUD, qos, on_message).unwrap();
    let publisher = world.here().publish(topic, CLOUD, qos).unwrap();
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

/// A message of this many bytes, header included, that no other number makes.
pub fn message(size: usize, number: u32) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9) | 1;
    let mut bytes = vec![0, 1, 0, 0];
    bytes.resize_with(size.max(8), || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 24) as u8
    });
    bytes[4..8].copy_from_slice(&number.to_le_bytes());
    bytes
}

/// The number that [`message`] was given.
pub fn number(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes[4..8].try_into().unwrap())
}

/// The same bytes, but for the padding that a network may add to a multiple of four.
pub fn assert_same(heard: &[u8], sent: &[u8]) {
    let padded = heard.len() < sent.len() + 4 && heard.starts_with(sent);
    assert!(padded, "{} bytes were sent, {} came", sent.len(), heard.len());
}
