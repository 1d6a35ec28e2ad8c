//! Answering requests.

use std::sync::{Arc, Mutex, PoisonError};

use instanton::recurring::Recurring;
use instanton::ros::{OnRequest, Service};
use rclrs::{RclPrimitive, RclPrimitiveHandle, WorkerService};

use crate::callback::Callback;
use crate::home::Home;
use crate::raw_message::RawService;
use crate::rcl::{CMessage, CdrBuffer, RclService, RequestId};
use crate::runtime::Taker;
use crate::type_support::ServiceFunctions;

/// Answers until it is dropped.
pub(crate) struct RclrsService {
    pub(crate) name: String,
    pub(crate) callback: Arc<Callback<OnRequest>>,
    /// See [`RclrsSubscription`](crate::subscription::RclrsSubscription).
    pub(crate) _service: WorkerService<RawService, Taker>,
    /// Dropped after it.
    pub(crate) _home: Arc<Home>,
}

impl Service for RclrsService {}

impl Drop for RclrsService {
    fn drop(&mut self) {
        self.callback.end(&self.name);
    }
}

/// What its worker does. rmw has no services over CDR: it reads requests into C structs and writes answers from them, so
/// that both are small messages once more there and back.
pub(crate) fn taker(
    name: &str,
    functions: ServiceFunctions,
    callback: &Arc<Callback<OnRequest>>,
) -> Result<Taker, String> {
    let answerer = Answerer { name: name.to_owned(), functions, callback: Arc::clone(callback) };
    let state = Mutex::new((CdrBuffer::new()?, Recurring::default()));
    Ok(Taker(Box::new(move |primitive: &mut dyn RclPrimitive| {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let (request, failures) = &mut *state;
        if let Err(reason) = answerer.answer(primitive, request)
            && let Some(count) = failures.happened()
        {
            log::warn!("{}: {count} request(s) were not answered, the last one: {reason}", answerer.name);
        }
    })))
}

struct Answerer {
    name: String,
    functions: ServiceFunctions,
    callback: Arc<Callback<OnRequest>>,
}

impl Answerer {
    fn answer(&self, primitive: &dyn RclPrimitive, request: &mut CdrBuffer) -> Result<(), String> {
        let Some(mut identity) = self.take(primitive, request)? else { return Ok(()) };
        let mut outcome = Err("the callback ended without an answer".to_owned());
        let mut answer = Vec::new();
        self.callback.call(&self.name, |on_request| {
            outcome = on_request(request.bytes(), &mut answer).map_err(|error| error.to_string());
        });
        outcome?;
        let answer = CMessage::read(self.functions.response, &answer)?;
        // SAFETY: the handle is locked, and the service of this type.
        with_handle(primitive, |service| unsafe { answer.respond(service, &mut identity) })
    }

    fn take(&self, primitive: &dyn RclPrimitive, request: &mut CdrBuffer) -> Result<Option<RequestId>, String> {
        let mut message = CMessage::new(self.functions.request)?;
        // SAFETY: the handle is locked, and the service of this type.
        let identity = with_handle(primitive, |service| unsafe { message.take_request(service) })?;
        message.write(request)?;
        Ok(identity)
    }
}

fn with_handle<T>(
    primitive: &dyn RclPrimitive,
    call: impl FnOnce(*const RclService) -> Result<T, String>,
) -> Result<T, String> {
    match primitive.handle() {
        RclPrimitiveHandle::Service(handle) => call(std::ptr::from_ref(&*handle).cast()),
        _ => Err("it is no service".to_owned()),
    }
}
