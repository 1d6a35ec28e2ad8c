//! `rcl_interfaces/msg/Log`: a line of `/rosout`.

use crate::ros::element::structure;
use crate::ros::message::{definition, time_definition};
use crate::ros::{Message, MessageType, Time};

/// The constants of `rcl_interfaces/msg/Log`.
pub mod severity {
    /// For whoever looks into the node.
    pub const DEBUG: u8 = 10;
    /// What is usual.
    pub const INFO: u8 = 20;
    /// What may be wrong.
    pub const WARN: u8 = 30;
    /// What is wrong.
    pub const ERROR: u8 = 40;
    /// What ends the node.
    pub const FATAL: u8 = 50;
}

structure! {
    /// One line.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Log<'a> {
        /// When it was said.
        pub stamp: Time,
        /// One of [`severity`].
        pub level: u8,
        /// Name of the logger.
        pub name: &'a str,
        /// What was said.
        pub msg: &'a str,
        /// Source file.
        pub file: &'a str,
        /// Function, or module where the function is not known.
        pub function: &'a str,
        /// Line of the file.
        pub line: u32,
    }
}

impl<'a> Message<'a> for Log<'a> {
    const TYPE: MessageType = MessageType {
        name: "rcl_interfaces/msg/Log",
        definition: definition!(
            "uint8 DEBUG=10\nuint8 INFO=20\nuint8 WARN=30\nuint8 ERROR=40\nuint8 FATAL=50\n\
             builtin_interfaces/Time stamp\nuint8 level\nstring name\nstring msg\nstring file\nstring function\n\
             uint32 line\n",
            "builtin_interfaces/Time": time_definition!(),
        ),
        hash: "RIHS01_e28ce254ca8abc06abf92773b74602cdbf116ed34fbaf294fb9f81da9f318eac",
    };
}
