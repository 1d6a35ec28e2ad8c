//! A middleware without a network: the test takes what was sent, and delivers and asks itself.

use crate::ros::interfaces::ServiceCall;
use crate::ros::{
    Message, MessageType, Middleware, MiddlewareError, Mismatch, OnMessage, OnRequest, Publisher, PublisherId, Qos,
    Received, Service, ServiceType, Subscription,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// The middleware. Clones are the same one.
#[derive(Clone, Default)]
pub struct Fake(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    sent: Vec<(String, Vec<u8>)>,
    publishers: Vec<String>,
    subscriptions: BTreeMap<String, OnMessage>,
    services: BTreeMap<String, (ServiceType, OnRequest)>,
}

/// A publisher, subscription or service by its name; dropping it takes it out.
struct Handle {
    name: String,
    state: Arc<Mutex<State>>,
    forget: fn(&mut State, &str),
}

impl Drop for Handle {
    fn drop(&mut self) {
        (self.forget)(&mut self.state.lock().unwrap(), &self.name);
    }
}

impl Fake {
    fn handle(&self, name: &str, forget: fn(&mut State, &str)) -> Box<Handle> {
        Box::new(Handle { name: name.to_owned(), state: Arc::clone(&self.0), forget })
    }

    /// Takes what was sent to a topic so far.
    pub fn take(&self, topic: &str) -> Vec<Vec<u8>> {
        let mut state = self.0.lock().unwrap();
        let (here, others) = std::mem::take(&mut state.sent).into_iter().partition(|(name, _)| name == topic);
        state.sent = others;
        let here: Vec<(String, Vec<u8>)> = here;
        here.into_iter().map(|(_, bytes)| bytes).collect()
    }

    /// Gives a message to the subscription of a topic.
    pub fn deliver<'m>(&self, topic: &str, message: &impl Message<'m>) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes).unwrap();
        let mut callback = self.0.lock().unwrap().subscriptions.remove(topic).expect("a subscription");
        callback(Received { bytes: &bytes, publisher: PublisherId::default() });
        self.0.lock().unwrap().subscriptions.insert(topic.to_owned(), callback);
    }

    /// Calls a service with bytes that may be anything.
    pub fn call_raw(&self, name: &str, request: &[u8]) -> Result<Vec<u8>, crate::ros::CdrError> {
        let (kind, mut callback) = self.0.lock().unwrap().services.remove(name).expect("a service");
        let mut out = Vec::new();
        let outcome = callback(request, &mut out);
        self.0.lock().unwrap().services.insert(name.to_owned(), (kind, callback));
        outcome.map(|()| out)
    }

    /// Calls a service.
    pub fn call<'m, S: ServiceCall>(&self, name: &str, request: S::Request<'m>) -> Vec<u8> {
        assert_eq!(self.0.lock().unwrap().services[name].0, S::TYPE);
        let mut bytes = Vec::new();
        request.encode(&mut bytes).unwrap();
        self.call_raw(name, &bytes).unwrap()
    }

    /// Names of all that is there now.
    pub fn names(&self) -> Vec<String> {
        let state = self.0.lock().unwrap();
        state.publishers.iter().chain(state.subscriptions.keys()).chain(state.services.keys()).cloned().collect()
    }
}

impl Middleware for Fake {
    fn describe(&self) -> String {
        "nothing".into()
    }

    fn publish(&self, topic: &str, _: MessageType, _: Qos) -> Result<Box<dyn Publisher>, MiddlewareError> {
        self.0.lock().unwrap().publishers.push(topic.to_owned());
        Ok(self.handle(topic, |state, name| state.publishers.retain(|topic| topic != name)))
    }

    fn subscribe(
        &self,
        topic: &str,
        _: MessageType,
        _: Qos,
        on_message: OnMessage,
    ) -> Result<Box<dyn Subscription>, MiddlewareError> {
        self.0.lock().unwrap().subscriptions.insert(topic.to_owned(), on_message);
        Ok(self.handle(topic, |state, name| {
            state.subscriptions.remove(name);
        }))
    }

    fn serve(
        &self,
        name: &str,
        service: ServiceType,
        on_request: OnRequest,
    ) -> Result<Box<dyn Service>, MiddlewareError> {
        self.0.lock().unwrap().services.insert(name.to_owned(), (service, on_request));
        Ok(self.handle(name, |state, name| {
            state.services.remove(name);
        }))
    }
}

impl Publisher for Handle {
    fn send(&self, message: &[u8]) -> Result<(), MiddlewareError> {
        self.state.lock().unwrap().sent.push((self.name.clone(), message.to_vec()));
        Ok(())
    }

    fn subscriptions(&self) -> usize {
        1
    }

    fn mismatched(&self) -> Option<Mismatch> {
        None
    }
}

impl Subscription for Handle {
    fn publishers(&self) -> usize {
        1
    }

    fn mismatched(&self) -> Option<Mismatch> {
        None
    }
}

impl Service for Handle {}
