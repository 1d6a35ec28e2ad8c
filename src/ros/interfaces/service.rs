//! A service as a pair of messages.

use crate::ros::{CdrError, Message, Middleware, MiddlewareError, Service, ServiceType};

/// A service type: its name and hash, and the messages that go in and out.
pub trait ServiceCall {
    /// Name and hash.
    const TYPE: ServiceType;
    /// What is asked.
    type Request<'a>: Message<'a>;
    /// What is answered.
    type Response<'a>: Message<'a>;
}

/// Serves `S` under a whole name. `answer` gets each request and encodes a [`ServiceCall::Response`] into the buffer.
///
/// # Errors
/// [`MiddlewareError::Create`] if the middleware refuses. A request that cannot be decoded is reported by the
/// middleware and gets no answer.
pub fn serve<S: ServiceCall>(
    middleware: &dyn Middleware,
    name: &str,
    mut answer: impl for<'a> FnMut(S::Request<'a>, &mut Vec<u8>) -> Result<(), CdrError> + Send + 'static,
) -> Result<Box<dyn Service>, MiddlewareError> {
    middleware.serve(name, S::TYPE, Box::new(move |request, out| answer(Message::decode(request)?, out)))
}

/// Declares a service type: `[lifetime] Name(Request) -> Response`, its name and its hash.
macro_rules! service {
    ($(#[$about:meta])* [$life:lifetime] $name:ident($request:ty) -> $response:ty, $ros:literal, $hash:literal) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl $crate::ros::interfaces::ServiceCall for $name {
            const TYPE: $crate::ros::ServiceType = $crate::ros::ServiceType { name: $ros, hash: $hash };
            type Request<$life> = $request;
            type Response<$life> = $response;
        }
    };
}

pub(super) use service;
