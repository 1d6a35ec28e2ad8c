//! Requests and their answers.

use super::queue::Queue;
use crate::ros::{CallbackThread, OnRequest, Qos, Stop, guarded};
use std::collections::HashMap;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

struct Request {
    bytes: Vec<u8>,
    answer: SyncSender<Vec<u8>>,
}

struct Server {
    id: u64,
    requests: Arc<Queue<Request>>,
}

/// Who answers which service. Where several serve the same name, the first one does.
#[derive(Default)]
pub(super) struct Services(Mutex<HashMap<String, Vec<Server>>>);

impl Services {
    pub(super) fn serve(&self, name: &str, id: u64, mut on_request: OnRequest) -> std::io::Result<CallbackThread> {
        let requests: Arc<Queue<Request>> = Arc::new(Queue::new(Qos::SERVICES.depth));
        let (source, closes) = (Arc::clone(&requests), Arc::clone(&requests));
        let what = name.to_owned();
        let body = move |stop: &Stop| {
            while let Some(request) = source.pop() {
                if stop.is_wanted() {
                    return;
                }
                let mut answer = Vec::new();
                match guarded(&what, || on_request(&request.bytes, &mut answer)) {
                    // A caller that has given up in the meantime does not listen any more.
                    Some(Ok(())) => drop(request.answer.try_send(answer)),
                    Some(Err(error)) => log::warn!("{what}: a request was not understood: {error}"),
                    None => {}
                }
            }
        };
        let thread = CallbackThread::spawn(name, move || closes.close(), body)?;
        self.lock().entry(name.to_owned()).or_default().push(Server { id, requests });
        Ok(thread)
    }

    pub(super) fn remove(&self, name: &str, id: u64) {
        let mut services = self.lock();
        let Some(servers) = services.get_mut(name) else { return };
        servers.retain(|server| server.id != id);
        if servers.is_empty() {
            services.remove(name);
        }
    }

    pub(super) fn call(&self, name: &str, request: &[u8], patience: Duration) -> Option<Vec<u8>> {
        let (answer, answered) = sync_channel(1);
        let requests = Arc::clone(&self.lock().get(name)?.first()?.requests);
        requests.push(Request { bytes: request.to_vec(), answer });
        answered.recv_timeout(patience).ok()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<Server>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
