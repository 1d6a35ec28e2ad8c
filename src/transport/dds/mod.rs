//! Live topics over DDS in pure Rust: a ROS 2 node on a machine without ROS 2.
//!
//! The problem: a ROS 2 node is a DDS participant that follows conventions; the contract is
//! [`Middleware`], kept over the crate `rustdds`. Messages stay CDR bytes. Other nodes see this one with
//! its topics, types and services (`ros2 node info`), whichever of the ROS 2 middlewares over DDS they run.
//!
//! ```no_run
//! use instanton::ros::{Message, Middleware, PointCloud2View, Qos};
//! use instanton::transport::dds::{Dds, DdsOptions};
//!
//! let node = Dds::open(DdsOptions::new("listener"))?;
//! let subscription = node.subscribe(
//!     "/camera/points",
//!     PointCloud2View::TYPE,
//!     Qos::SENSOR_DATA,
//!     Box::new(|message| println!("{} bytes", message.bytes.len())),
//! )?;
//! # drop(subscription);
//! # Ok::<(), instanton::ros::MiddlewareError>(())
//! ```
//!
//! The RustDDS that this is built with is 0.15.1 with a patch (`vendor/README.md`). What it does not let us do:
//!
//! * say the hash of a type: it sends no user data;
//! * keep a transient-local history to exactly its depth: a late reader may get up to 16 messages, the newest last;
//! * receive with best effort while the system's clock is behind a time that it had before.

mod client;
mod delivery;
mod environment;
mod graph;
mod matches;
mod names;
mod node;
mod payload;
mod publisher;
mod quality;
mod service;
mod service_header;
mod subscription;

pub use client::DdsClient;
pub use environment::DiscoveryRange;

use crate::recurring::Recurring;
use crate::ros::{
    Durability, MessageType, Middleware, MiddlewareError, OnMessage, OnRequest, Publisher, PublisherId, Qos, Received,
    Service, ServiceType, Subscription,
};
use delivery::deliver;
use graph::IdentifierSize;
use node::Node;
use publisher::DdsPublisher;
use rustdds::Timestamp;
use service::{Answerer, DdsService};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, mpsc};
use subscription::DdsSubscription;

/// Answers that may wait for [`DdsClient::call`]; more than that are other callers'.
const ANSWERS_WAITING: usize = 64;

/// Which node to be, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DdsOptions {
    /// DDS domain, 0 to 232; `None`: as `ROS_DOMAIN_ID` says, 0 without it.
    pub domain: Option<u16>,
    /// The node's name, without namespace: `instanton`.
    pub node_name: String,
    /// The node's namespace: `/`, or `/robot/head`.
    pub namespace: String,
    /// How far to be heard; `None`: as `ROS_AUTOMATIC_DISCOVERY_RANGE` and `ROS_LOCALHOST_ONLY` say.
    pub range: Option<DiscoveryRange>,
}

impl DdsOptions {
    /// A node of this name in the namespace `/`; everything else as the environment says.
    pub fn new(node_name: &str) -> Self {
        Self { domain: None, node_name: node_name.to_owned(), namespace: "/".to_owned(), range: None }
    }
}

/// A node on a DDS domain.
pub struct Dds {
    node: Arc<Node>,
    description: String,
}

impl Dds {
    /// Joins the domain and announces the node.
    ///
    /// # Errors
    /// [`MiddlewareError::Start`] for a name that is none, a domain beyond 232 (or a `ROS_DOMAIN_ID` that is
    /// no number), and if the sockets cannot be had.
    pub fn open(options: DdsOptions) -> Result<Self, MiddlewareError> {
        let variable = |name: &str| std::env::var(name).ok();
        let start = |reason: String| MiddlewareError::Start { what: format!("DDS node {}", options.node_name), reason };
        names::check_token(&options.node_name).map_err(start)?;
        if options.namespace != "/" {
            names::check_name(&options.namespace).map_err(start)?;
        }
        let domain = environment::domain(options.domain, variable("ROS_DOMAIN_ID").as_deref())?;
        let (range, unheeded) = environment::range(
            options.range,
            variable("ROS_AUTOMATIC_DISCOVERY_RANGE").as_deref(),
            variable("ROS_LOCALHOST_ONLY").as_deref(),
        );
        if variable("ROS_STATIC_PEERS").is_some_and(|peers| !peers.is_empty()) {
            log::warn!("ROS_STATIC_PEERS: RustDDS finds peers by multicast and on this machine only; not heeded");
        }
        unheeded.inspect(|said| log::warn!("{said}"));
        let size = IdentifierSize::of_distribution(variable("ROS_DISTRO").as_deref());
        let node = Node::new(domain, range, &options.namespace, &options.node_name, size).map_err(start)?;
        let parent = options.namespace.trim_end_matches('/');
        let description = format!("RustDDS, domain {domain}, node {parent}/{}", options.node_name);
        Ok(Self { node: Arc::new(node), description })
    }

    /// Something that calls a service.
    ///
    /// # Errors
    /// [`MiddlewareError::Create`] when the name is none or RustDDS refuses.
    pub fn client(&self, name: &str, service: ServiceType) -> Result<DdsClient, MiddlewareError> {
        let refused = refused(name, service.name);
        names::check_name(name).map_err(&refused)?;
        let request = names::type_name(service.name, "_Request").map_err(&refused)?;
        let reply = names::type_name(service.name, "_Response").map_err(&refused)?;
        let (node, since) = (&self.node, Timestamp::now());
        let (reply_reader, reader) =
            node.reader(&names::reply_topic(name), &reply, &Qos::SERVICES).map_err(&refused)?;
        let (request_writer, writer) =
            node.writer(&names::request_topic(name), &request, &Qos::SERVICES).map_err(&refused)?;
        let (answer, answers) = mpsc::sync_channel(ANSWERS_WAITING);
        let hand_on = move |sample| drop(answer.try_send(sample));
        let thread = deliver(name, reader, node.terms(reply_reader, Qos::SERVICES.depth, Some(since)), hand_on);
        let thread = Some(thread.map_err(|error| refused(error.to_string()))?);
        let (node, name, answers) = (Arc::clone(node), name.to_owned(), Mutex::new(answers));
        Ok(DdsClient { node, name, writer, request_writer, reply_reader, answers, thread, calls: AtomicU64::new(1) })
    }
}

impl Drop for Dds {
    fn drop(&mut self) {
        self.node.graph.leave();
    }
}

impl Middleware for Dds {
    fn describe(&self) -> String {
        self.description.clone()
    }

    fn publish(&self, topic: &str, message: MessageType, qos: Qos) -> Result<Box<dyn Publisher>, MiddlewareError> {
        let refused = refused(topic, message.name);
        names::check_name(topic).map_err(&refused)?;
        let kind = names::type_name(message.name, "").map_err(&refused)?;
        let (id, writer) = self.node.writer(&names::topic(topic), &kind, &qos).map_err(&refused)?;
        let (node, topic, reliability) = (Arc::clone(&self.node), topic.to_owned(), qos.reliability);
        let (kept, large_kept, is_stalled) = (quality::kept(&qos), quality::large_kept(&qos), AtomicBool::new(false));
        Ok(Box::new(DdsPublisher { node, writer, id, topic, reliability, kept, large_kept, is_stalled }))
    }

    fn subscribe(
        &self,
        topic: &str,
        message: MessageType,
        qos: Qos,
        mut on_message: OnMessage,
    ) -> Result<Box<dyn Subscription>, MiddlewareError> {
        let refused = refused(topic, message.name);
        names::check_name(topic).map_err(&refused)?;
        let kind = names::type_name(message.name, "").map_err(&refused)?;
        let since = (qos.durability == Durability::Volatile).then(Timestamp::now);
        let (id, reader) = self.node.reader(&names::topic(topic), &kind, &qos).map_err(&refused)?;
        let thread = deliver(topic, reader, self.node.terms(id, qos.depth, since), move |sample| {
            on_message(Received { bytes: &sample.bytes, publisher: PublisherId(sample.writer.to_bytes()) });
        });
        let thread = Some(thread.map_err(|error| refused(error.to_string()))?);
        Ok(Box::new(DdsSubscription { node: Arc::clone(&self.node), id, thread }))
    }

    fn serve(
        &self,
        name: &str,
        service: ServiceType,
        on_request: OnRequest,
    ) -> Result<Box<dyn Service>, MiddlewareError> {
        let refused = refused(name, service.name);
        names::check_name(name).map_err(&refused)?;
        let request = names::type_name(service.name, "_Request").map_err(&refused)?;
        let reply = names::type_name(service.name, "_Response").map_err(&refused)?;
        let (node, since) = (&self.node, Timestamp::now());
        let (reply_writer, writer) =
            node.writer(&names::reply_topic(name), &reply, &Qos::SERVICES).map_err(&refused)?;
        let (request_reader, reader) =
            node.reader(&names::request_topic(name), &request, &Qos::SERVICES).map_err(&refused)?;
        let (name, shared) = (name.to_owned(), Arc::clone(node));
        let mut answerer = Answerer {
            name: name.clone(),
            node: shared,
            writer,
            id: reply_writer,
            on_request,
            refused: Recurring::default(),
        };
        let answer = move |sample| answerer.answer(&sample);
        let thread = deliver(&name, reader, node.terms(request_reader, Qos::SERVICES.depth, Some(since)), answer);
        let thread = Some(thread.map_err(|error| refused(error.to_string()))?);
        Ok(Box::new(DdsService { node: Arc::clone(node), request_reader, reply_writer, thread }))
    }
}

fn refused(name: &str, kind: &str) -> impl Fn(String) -> MiddlewareError {
    let (name, kind) = (name.to_owned(), kind.to_owned());
    move |reason| MiddlewareError::Create { name: name.clone(), kind: kind.clone(), reason }
}
