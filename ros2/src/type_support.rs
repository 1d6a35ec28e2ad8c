//! Type supports of any message or service that is installed, found by name while the program runs.
//!
//! No message crates are generated for this: `rosidl` has made libraries for every interface package that is
//! installed, and `rclcpp`'s generic publishers find them in the same way. A library that was loaded stays: the type
//! supports in it are referred to for as long as anything may be sent.

use std::collections::HashMap;
use std::ffi::c_void;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use ament_rs::Ament;
use libloading::Library;

use crate::rcl::{MessageFunctions, MessageTypeSupport, ServiceTypeSupport};

/// What is known of a service type.
#[derive(Clone, Copy)]
pub(crate) struct ServiceFunctions {
    pub(crate) support: *const ServiceTypeSupport,
    pub(crate) request: MessageFunctions,
    pub(crate) response: MessageFunctions,
}

// SAFETY: constant data of libraries that stay loaded.
unsafe impl Send for ServiceFunctions {}
// SAFETY: as above.
unsafe impl Sync for ServiceFunctions {}

/// The parts of a name such as `sensor_msgs/msg/PointCloud2`.
struct TypeName<'a> {
    package: &'a str,
    kind: &'a str,
    name: &'a str,
}

impl<'a> TypeName<'a> {
    fn parse(whole: &'a str, expected_kind: &str) -> Result<Self, String> {
        let parts: Vec<&str> = whole.split('/').collect();
        let is_word = |part: &&str| {
            !part.is_empty() && part.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        };
        match parts[..] {
            [package, kind, name] if kind == expected_kind && parts.iter().all(is_word) => {
                Ok(Self { package, kind, name })
            }
            _ => Err(format!("expected a type such as package/{expected_kind}/Name, found {whole:?}")),
        }
    }
}

/// Finds a message type, such as `sensor_msgs/msg/PointCloud2`.
pub(crate) fn message(whole: &str) -> Result<MessageFunctions, String> {
    let TypeName { package, kind, name } = TypeName::parse(whole, "msg")?;
    message_functions(package, kind, name)
}

/// Finds a service type, such as `lifecycle_msgs/srv/GetState`.
pub(crate) fn service(whole: &str) -> Result<ServiceFunctions, String> {
    let TypeName { package, kind, name } = TypeName::parse(whole, "srv")?;
    let getter = format!("rosidl_typesupport_c__get_service_type_support_handle__{package}__{kind}__{name}");
    // SAFETY: `rosidl` generates this function for each service, without arguments, and gives constant data.
    let support = unsafe {
        let get: unsafe extern "C" fn() -> *const ServiceTypeSupport =
            symbol(package, "rosidl_typesupport_c", &getter)?;
        get()
    };
    Ok(ServiceFunctions {
        support,
        request: message_functions(package, kind, &format!("{name}_Request"))?,
        response: message_functions(package, kind, &format!("{name}_Response"))?,
    })
}

fn message_functions(package: &str, kind: &str, name: &str) -> Result<MessageFunctions, String> {
    let getter = format!("rosidl_typesupport_c__get_message_type_support_handle__{package}__{kind}__{name}");
    let of_c = |verb: &str| format!("{package}__{kind}__{name}__{verb}");
    // SAFETY: `rosidl` generates these functions for each message, with these arguments. The type support is constant
    // data.
    unsafe {
        let get: unsafe extern "C" fn() -> *const MessageTypeSupport =
            symbol(package, "rosidl_typesupport_c", &getter)?;
        let create: unsafe extern "C" fn() -> *mut c_void = symbol(package, "rosidl_generator_c", &of_c("create"))?;
        let destroy: unsafe extern "C" fn(*mut c_void) = symbol(package, "rosidl_generator_c", &of_c("destroy"))?;
        Ok(MessageFunctions { support: get(), create, destroy })
    }
}

/// A function of one of a package's libraries.
///
/// # Safety
/// The function has this type.
unsafe fn symbol<F: Copy>(package: &str, library: &str, name: &str) -> Result<F, String> {
    static LOADED: OnceLock<Mutex<HashMap<PathBuf, &'static Library>>> = OnceLock::new();
    let prefix = Ament::new().map_err(|_| "AMENT_PREFIX_PATH is not set: source ROS 2's setup first".to_owned())?;
    let prefix = prefix.find_package(package).ok_or_else(|| missing(package))?;
    let path = PathBuf::from(prefix).join(format!("lib/lib{package}__{library}.so"));
    let mut loaded = LOADED.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    let library = match loaded.get(&path) {
        Some(library) => library,
        None => {
            // SAFETY: a library of the ROS installation that this program is linked with anyway.
            let library = unsafe { Library::new(&path) }.map_err(|error| format!("{}: {error}", path.display()))?;
            loaded.entry(path).or_insert(Box::leak(Box::new(library)))
        }
    };
    // SAFETY: the caller speaks for the type.
    let found = unsafe { library.get::<F>(name.as_bytes()) };
    found.map(|function| *function).map_err(|_| format!("{package} has no such type: {name} is not there"))
}

fn missing(package: &str) -> String {
    let distribution = std::env::var("ROS_DISTRO").unwrap_or_else(|_| "DISTRIBUTION".to_owned());
    let debian = package.replace('_', "-");
    format!("{package} is not installed: apt install ros-{distribution}-{debian}, or build it in the workspace")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_types_have_three_parts() {
        let name = TypeName::parse("sensor_msgs/msg/PointCloud2", "msg").unwrap();
        assert_eq!((name.package, name.kind, name.name), ("sensor_msgs", "msg", "PointCloud2"));
        for bad in ["", "PointCloud2", "sensor_msgs/PointCloud2", "sensor_msgs/srv/A", "a/msg/b/c", "a//b", "../msg/a"]
        {
            let error = TypeName::parse(bad, "msg").err().unwrap();
            assert!(error.contains(&format!("{bad:?}")), "{error}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = message("no_such_msgs/msg/Thing").err().unwrap();
        assert!(error.contains("no_such_msgs is not installed") && error.contains("no-such-msgs"), "{error}");
        let error = message("std_msgs/msg/NoSuchThing").err().unwrap();
        assert!(error.contains("std_msgs has no such type"), "{error}");
        assert!(message("std_msgs/msg/Header").is_ok());
        assert!(service("rcl_interfaces/srv/GetParameters").is_ok());
    }
}
