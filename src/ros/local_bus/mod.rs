//! Several nodes in one process that hear each other: what tests run against, and what a program can run
//! the node on that has no network to speak to.
//!
//! It keeps the promises of [`Middleware`] as a network would: topics have types, qualities of service must
//! meet, the late get what a transient-local writer keeps, a slow callback loses the oldest messages beyond
//! its depth. Each subscription and each service has a thread, so that none waits for another's callback.
//!
//! ```
//! use instanton::ros::{LocalBus, MessageType, Middleware, Qos};
//!
//! let kind = MessageType { name: "std_msgs/msg/Empty", definition: "", hash: "" };
//! let bus = LocalBus::new();
//! let (talker, listener) = (bus.node("talker"), bus.node("listener"));
//! let (said, heard) = std::sync::mpsc::channel();
//! let to = move |message: instanton::ros::Received<'_>| { let _ = said.send(message.bytes.to_vec()); };
//! let subscription = listener.subscribe("/empty", kind, Qos::DEFAULT, Box::new(to))?;
//! let publisher = talker.publish("/empty", kind, Qos::DEFAULT)?;
//! publisher.send(&[0, 1, 0, 0])?;
//! assert_eq!(heard.recv().ok(), Some(vec![0, 1, 0, 0]));
//! # drop(subscription);
//! # Ok::<(), instanton::ros::MiddlewareError>(())
//! ```

mod queue;
mod services;
mod topics;

use super::{
    CallbackThread, MessageType, Middleware, MiddlewareError, Mismatch, OnMessage, OnRequest, Publisher, PublisherId,
    Qos, Received, Service, ServiceType, Subscription, guarded,
};
use queue::{Parcel, Queue};
use services::Services;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use topics::{End, Topics};

/// What the nodes of a process talk over. Clones are the same bus.
#[derive(Clone, Default)]
pub struct LocalBus {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    topics: Mutex<Topics>,
    services: Services,
    next_id: AtomicU64,
}

impl Shared {
    fn topics(&self) -> MutexGuard<'_, Topics> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn new_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }
}

impl LocalBus {
    /// A bus with no one on it.
    pub fn new() -> Self {
        Self::default()
    }

    /// A node on this bus. Names are for people; two nodes may have the same.
    pub fn node(&self, name: &str) -> LocalNode {
        LocalNode { shared: Arc::clone(&self.shared), name: name.to_owned() }
    }

    /// Calls a service with a request (CDR) and waits for the answer (CDR); `None` if no one serves it, if it
    /// refuses the request, or if it does not answer within `patience`.
    pub fn call(&self, service: &str, request: &[u8], patience: Duration) -> Option<Vec<u8>> {
        self.shared.services.call(service, request, patience)
    }
}

/// One node of a [`LocalBus`].
pub struct LocalNode {
    shared: Arc<Shared>,
    name: String,
}

impl Middleware for LocalNode {
    fn describe(&self) -> String {
        format!("{} on a bus within the process", self.name)
    }

    fn publish(&self, topic: &str, message: MessageType, qos: Qos) -> Result<Box<dyn Publisher>, MiddlewareError> {
        whole(topic, message.name)?;
        let shared = Arc::clone(&self.shared);
        let id = shared.new_id();
        shared.topics().add_writer(topic, id, End::new(message.name, qos));
        Ok(Box::new(Place { shared, topic: topic.to_owned(), id }))
    }

    fn subscribe(
        &self,
        topic: &str,
        message: MessageType,
        qos: Qos,
        mut on_message: OnMessage,
    ) -> Result<Box<dyn Subscription>, MiddlewareError> {
        whole(topic, message.name)?;
        let queue: Arc<Queue<Parcel>> = Arc::new(Queue::new(qos.depth));
        let (source, closes) = (Arc::clone(&queue), Arc::clone(&queue));
        let what = topic.to_owned();
        let body = move |stop: &super::Stop| {
            while let Some((publisher, bytes)) = source.pop() {
                if stop.is_wanted() {
                    return;
                }
                guarded(&what, || on_message(Received { bytes: &bytes, publisher }));
            }
        };
        let thread = CallbackThread::spawn(topic, move || closes.close(), body)
            .map_err(|error| refused(topic, message.name, &error.to_string()))?;
        let shared = Arc::clone(&self.shared);
        let id = shared.new_id();
        shared.topics().add_reader(topic, id, End::new(message.name, qos), queue);
        Ok(Box::new(LocalSubscription { place: Place { shared, topic: topic.to_owned(), id }, _thread: thread }))
    }

    fn serve(
        &self,
        name: &str,
        service: ServiceType,
        on_request: OnRequest,
    ) -> Result<Box<dyn Service>, MiddlewareError> {
        whole(name, service.name)?;
        let id = self.shared.new_id();
        let thread = self.shared.services.serve(name, id, on_request);
        let thread = thread.map_err(|error| refused(name, service.name, &error.to_string()))?;
        let shared = Arc::clone(&self.shared);
        Ok(Box::new(LocalService { shared, name: name.to_owned(), id, _thread: thread }))
    }
}

fn whole(name: &str, kind: &str) -> Result<(), MiddlewareError> {
    let is_whole = name.len() > 1 && name.starts_with('/') && !name.ends_with('/') && !name.contains("//");
    if is_whole { Ok(()) } else { Err(refused(name, kind, "expected a whole name, such as /camera/points")) }
}

fn refused(name: &str, kind: &str, reason: &str) -> MiddlewareError {
    MiddlewareError::Create { name: name.to_owned(), kind: kind.to_owned(), reason: reason.to_owned() }
}

/// A writer's or reader's place on the bus.
struct Place {
    shared: Arc<Shared>,
    topic: String,
    id: u64,
}

impl Place {
    fn peers(&self) -> (usize, Option<Mismatch>) {
        self.shared.topics().peers(&self.topic, self.id)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.topics().remove(&self.topic, self.id);
    }
}

impl Publisher for Place {
    fn send(&self, message: &[u8]) -> Result<(), MiddlewareError> {
        let mut publisher = [0; 16];
        publisher[..8].copy_from_slice(&self.id.to_be_bytes());
        self.shared.topics().send(&self.topic, self.id, (PublisherId(publisher), message.into()));
        Ok(())
    }

    fn subscriptions(&self) -> usize {
        self.peers().0
    }

    fn mismatched(&self) -> Option<Mismatch> {
        self.peers().1
    }
}

struct LocalSubscription {
    // Leaves the bus first, then ends the thread.
    place: Place,
    _thread: CallbackThread,
}

impl Subscription for LocalSubscription {
    fn publishers(&self) -> usize {
        self.place.peers().0
    }

    fn mismatched(&self) -> Option<Mismatch> {
        self.place.peers().1
    }
}

struct LocalService {
    shared: Arc<Shared>,
    name: String,
    id: u64,
    _thread: CallbackThread,
}

impl Drop for LocalService {
    fn drop(&mut self) {
        self.shared.services.remove(&self.name, self.id);
    }
}

impl Service for LocalService {}
