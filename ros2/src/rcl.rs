//! The functions of rcl that `rclrs` does not pass on: messages as CDR, services of any type.
//!
//! `rclrs` links the libraries and owns every handle; its bindings to them are private. What is declared here is what
//! has been the same since Humble, checked against the bindings that `rclrs` 0.8 generated for Humble, Jazzy, Kilted
//! and Lyrical. Handles are opaque: they come from
//! [`RclPrimitiveHandle`](rclrs::RclPrimitiveHandle) and go back to rcl.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::{NonNull, null_mut};

use instanton::ros::PublisherId;

/// `RCL_RET_OK` and `RMW_RET_OK`.
const OK: c_int = 0;
/// `RCL_RET_SUBSCRIPTION_TAKE_FAILED`: there was nothing.
const NO_MESSAGE: c_int = 401;
/// `RCL_RET_SERVICE_TAKE_FAILED`: there was nothing.
const NO_REQUEST: c_int = 601;
/// `RMW_GID_STORAGE_SIZE` of Humble; later releases have 16.
const LONGEST_GID: usize = 24;

/// `rcl_subscription_t`.
#[repr(C)]
pub(crate) struct RclSubscription {
    _opaque: [u8; 0],
}

/// `rcl_service_t`.
#[repr(C)]
pub(crate) struct RclService {
    _opaque: [u8; 0],
}

/// `rosidl_message_type_support_t`.
#[repr(C)]
pub(crate) struct MessageTypeSupport {
    _opaque: [u8; 0],
}

/// `rosidl_service_type_support_t`.
#[repr(C)]
pub(crate) struct ServiceTypeSupport {
    _opaque: [u8; 0],
}

/// `rcutils_allocator_t`: four functions and a state.
#[repr(C)]
#[derive(Clone, Copy)]
struct Allocator([*mut c_void; 5]);

/// `rcutils_uint8_array_t`, which is what rmw calls a serialised message.
#[repr(C)]
struct Uint8Array {
    buffer: *mut u8,
    length: usize,
    capacity: usize,
    allocator: Allocator,
}

/// `rmw_message_info_t`; what follows the identifier lies elsewhere in each release and is not looked at.
#[repr(C)]
struct MessageInfo {
    source_timestamp: i64,
    received_timestamp: i64,
    publication_sequence_number: u64,
    reception_sequence_number: u64,
    implementation_identifier: *const c_char,
    publisher: [u8; LONGEST_GID],
    from_intra_process: bool,
}

/// `rmw_request_id_t`: which request of whom is answered.
#[repr(C)]
pub(crate) struct RequestId {
    writer: [u8; 16],
    number: i64,
}

/// `rcutils_error_string_t`.
#[repr(C)]
struct ErrorString([c_char; 1024]);

unsafe extern "C" {
    fn rcutils_get_default_allocator() -> Allocator;
    fn rcutils_uint8_array_init(array: *mut Uint8Array, capacity: usize, allocator: *const Allocator) -> c_int;
    fn rcutils_uint8_array_fini(array: *mut Uint8Array) -> c_int;
    fn rcutils_get_error_string() -> ErrorString;
    fn rcutils_reset_error();
    fn rcl_take_serialized_message(
        subscription: *const RclSubscription,
        message: *mut Uint8Array,
        info: *mut MessageInfo,
        allocation: *mut c_void,
    ) -> c_int;
    fn rcl_take_request(service: *const RclService, header: *mut RequestId, request: *mut c_void) -> c_int;
    fn rcl_send_response(service: *const RclService, header: *mut RequestId, response: *mut c_void) -> c_int;
    fn rmw_serialize(message: *const c_void, support: *const MessageTypeSupport, into: *mut Uint8Array) -> c_int;
    fn rmw_deserialize(from: *const Uint8Array, support: *const MessageTypeSupport, message: *mut c_void) -> c_int;
    fn rmw_get_implementation_identifier() -> *const c_char;
}

/// What rcl says of the call that has just failed on this thread.
fn said(what: &str, code: c_int) -> String {
    // SAFETY: neither function asks for anything; the text is copied out of the thread's own storage and ends with a
    // zero within its 1024 bytes.
    let text = unsafe {
        let error = rcutils_get_error_string();
        rcutils_reset_error();
        CStr::from_ptr(error.0.as_ptr()).to_string_lossy().into_owned()
    };
    format!("{what} said {code}: {text}")
}

/// The middleware that rcl runs on, such as `rmw_fastrtps_cpp`.
pub(crate) fn implementation() -> String {
    // SAFETY: a text that lives as long as the library.
    unsafe { CStr::from_ptr(rmw_get_implementation_identifier()) }.to_string_lossy().into_owned()
}

/// CDR bytes in a buffer of rcl's, which grows as it must and is used again.
pub(crate) struct CdrBuffer(Uint8Array);

// SAFETY: the memory belongs to this value alone, and the default allocator is malloc.
unsafe impl Send for CdrBuffer {}

impl CdrBuffer {
    /// An empty one.
    pub(crate) fn new() -> Result<Self, String> {
        // SAFETY: the array is zero, as the function wants it, and the allocator outlives the call.
        unsafe {
            let allocator = rcutils_get_default_allocator();
            let mut array = Uint8Array { buffer: null_mut(), length: 0, capacity: 0, allocator };
            match rcutils_uint8_array_init(&mut array, 0, &allocator) {
                OK => Ok(Self(array)),
                code => Err(said("rcutils_uint8_array_init", code)),
            }
        }
    }

    /// What it holds.
    pub(crate) fn bytes(&self) -> &[u8] {
        match NonNull::new(self.0.buffer) {
            // SAFETY: rcl wrote so many bytes there, and nobody else has the buffer.
            Some(buffer) => unsafe { std::slice::from_raw_parts(buffer.as_ptr(), self.0.length) },
            None => &[],
        }
    }

    /// Takes the next message of a subscription as it came over the network; `None` where there is none.
    ///
    /// # Safety
    /// The subscription is a valid one, and nobody else uses it during the call.
    pub(crate) unsafe fn take(&mut self, subscription: *const RclSubscription) -> Result<Option<PublisherId>, String> {
        let mut info = MessageInfo {
            source_timestamp: 0,
            received_timestamp: 0,
            publication_sequence_number: 0,
            reception_sequence_number: 0,
            implementation_identifier: std::ptr::null(),
            publisher: [0; LONGEST_GID],
            from_intra_process: false,
        };
        // SAFETY: the array is initialised, `info` is at least as large as any release's, no allocation is a null.
        match unsafe { rcl_take_serialized_message(subscription, &mut self.0, &mut info, null_mut()) } {
            OK => {
                let mut publisher = [0; 16];
                publisher.copy_from_slice(&info.publisher[..16]);
                Ok(Some(PublisherId(publisher)))
            }
            NO_MESSAGE => {
                // SAFETY: asks for nothing.
                unsafe { rcutils_reset_error() };
                Ok(None)
            }
            code => Err(said("rcl_take_serialized_message", code)),
        }
    }
}

impl Drop for CdrBuffer {
    fn drop(&mut self) {
        // SAFETY: initialised by `new`, and not used again. It can only fail for a null.
        unsafe { rcutils_uint8_array_fini(&mut self.0) };
    }
}

/// How a message type is made, freed, written and read: functions of its `rosidl` libraries, which are never unloaded.
#[derive(Clone, Copy)]
pub(crate) struct MessageFunctions {
    pub(crate) support: *const MessageTypeSupport,
    pub(crate) create: unsafe extern "C" fn() -> *mut c_void,
    pub(crate) destroy: unsafe extern "C" fn(*mut c_void),
}

// SAFETY: the type support is constant data of a library that stays loaded; the functions only touch what they are given.
unsafe impl Send for MessageFunctions {}
// SAFETY: as above.
unsafe impl Sync for MessageFunctions {}

/// A message as a C struct.
pub(crate) struct CMessage {
    pointer: NonNull<c_void>,
    functions: MessageFunctions,
}

impl CMessage {
    /// One with the default values of its type.
    pub(crate) fn new(functions: MessageFunctions) -> Result<Self, String> {
        // SAFETY: the function allocates and initialises, and says null where it cannot.
        let pointer = NonNull::new(unsafe { (functions.create)() });
        let pointer = pointer.ok_or_else(|| "no memory for a message".to_owned())?;
        Ok(Self { pointer, functions })
    }

    /// One that is read from CDR.
    pub(crate) fn read(functions: MessageFunctions, cdr: &[u8]) -> Result<Self, String> {
        if cdr.len() < 4 {
            return Err(format!("expected 4 bytes of encapsulation header, found {}", cdr.len()));
        }
        let message = Self::new(functions)?;
        // SAFETY: rmw reads `length` bytes and changes neither them nor the array; the message is one of this type.
        let code = unsafe {
            let allocator = rcutils_get_default_allocator();
            let buffer = cdr.as_ptr().cast_mut();
            let array = Uint8Array { buffer, length: cdr.len(), capacity: cdr.len(), allocator };
            rmw_deserialize(&array, functions.support, message.pointer.as_ptr())
        };
        if code == OK { Ok(message) } else { Err(said("rmw_deserialize", code)) }
    }

    /// Writes it as CDR.
    pub(crate) fn write(&self, into: &mut CdrBuffer) -> Result<(), String> {
        // SAFETY: the message is one of this type, the buffer is initialised and grows.
        match unsafe { rmw_serialize(self.pointer.as_ptr(), self.functions.support, &mut into.0) } {
            OK => Ok(()),
            code => Err(said("rmw_serialize", code)),
        }
    }

    /// Where it lies, for as long as it lives.
    pub(crate) fn as_ptr(&self) -> *const c_void {
        self.pointer.as_ptr()
    }

    /// Takes the next request of a service into this message, which is one of its requests; `None` where there is none.
    ///
    /// # Safety
    /// The service is a valid one of this type, and nobody else uses it during the call.
    pub(crate) unsafe fn take_request(&mut self, service: *const RclService) -> Result<Option<RequestId>, String> {
        let mut header = RequestId { writer: [0; 16], number: 0 };
        // SAFETY: both are valid for writing, and the caller speaks for the service.
        match unsafe { rcl_take_request(service, &mut header, self.pointer.as_ptr()) } {
            OK => Ok(Some(header)),
            NO_REQUEST => {
                // SAFETY: asks for nothing.
                unsafe { rcutils_reset_error() };
                Ok(None)
            }
            code => Err(said("rcl_take_request", code)),
        }
    }

    /// Sends this message, which is a response of the service, to whoever made the request.
    ///
    /// # Safety
    /// As [`CMessage::take_request`].
    pub(crate) unsafe fn respond(&self, service: *const RclService, header: &mut RequestId) -> Result<(), String> {
        // SAFETY: rcl reads the response; the caller speaks for the service.
        match unsafe { rcl_send_response(service, header, self.pointer.as_ptr()) } {
            OK => Ok(()),
            code => Err(said("rcl_send_response", code)),
        }
    }
}

impl Drop for CMessage {
    fn drop(&mut self) {
        // SAFETY: made by `create`, and not used again.
        unsafe { (self.functions.destroy)(self.pointer.as_ptr()) };
    }
}
