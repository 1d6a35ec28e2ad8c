//! A message or service type for `rclrs` whose type support is told when it is used.
//!
//! `rclrs` knows types at compile time: it asks the Rust type for its type support, once, while it creates a
//! publisher, subscription or service, on the thread that creates it. [`with_message`] and [`with_service`] say what to
//! answer during that time, so that one Rust type stands for all of them.
//!
//! A [`RawMessage`] has no size: a reference to one *is* a pointer to a C struct, and `rclrs` hands pointers to what it
//! publishes on to rcl as they are. It must therefore never be received by `rclrs` itself, which would let rcl write
//! into it: [`runtime`](crate::runtime) takes messages and requests before `rclrs` does.

use std::borrow::Cow;
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::null;

use crate::rcl::{CMessage, MessageFunctions};
use crate::type_support::ServiceFunctions;

thread_local! {
    static ANSWER: Cell<*const c_void> = const { Cell::new(null()) };
}

/// Stands for a C struct of whichever type.
#[repr(C)]
#[derive(Clone, Debug, Default)]
pub(crate) struct RawMessage {
    _opaque: [u8; 0],
}

/// Stands for whichever service type.
pub(crate) struct RawService;

/// Lets `create` create something of this message type.
pub(crate) fn with_message<T>(functions: MessageFunctions, create: impl FnOnce() -> T) -> T {
    answering(functions.support.cast(), create)
}

/// Lets `create` create something of this service type.
pub(crate) fn with_service<T>(functions: ServiceFunctions, create: impl FnOnce() -> T) -> T {
    answering(functions.support.cast(), create)
}

fn answering<T>(support: *const c_void, create: impl FnOnce() -> T) -> T {
    ANSWER.set(support);
    let created = create();
    ANSWER.set(null());
    created
}

impl RawMessage {
    /// What `rclrs` is to publish.
    pub(crate) fn of(message: &CMessage) -> &Self {
        // SAFETY: of no size and no alignment, so that any pointer which is not null will do; the message outlives it.
        unsafe { &*message.as_ptr().cast() }
    }
}

impl rclrs::MessageIDL for RawMessage {
    type RmwMsg = Self;

    fn into_rmw_message(message: Cow<'_, Self>) -> Cow<'_, Self> {
        message
    }

    fn from_rmw_message(message: Self) -> Self {
        message
    }
}

impl rclrs::RmwMessageIDL for RawMessage {
    const TYPE_NAME: &'static str = "";

    fn get_type_support() -> *const c_void {
        ANSWER.get()
    }
}

impl rclrs::ServiceIDL for RawService {
    type Request = RawMessage;
    type Response = RawMessage;

    fn get_type_support() -> *const c_void {
        ANSWER.get()
    }
}
