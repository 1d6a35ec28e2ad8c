//! `diagnostic_msgs/msg/DiagnosticArray`: how a node is, for people and supervisors.

use crate::ros::element::structure;
use crate::ros::message::{definition, header_definition, time_definition};
use crate::ros::{Header, Message, MessageType, Sequence};

/// The constants of `diagnostic_msgs/msg/DiagnosticStatus`.
pub mod level {
    /// All is well.
    pub const OK: u8 = 0;
    /// Look at it when there is time.
    pub const WARN: u8 = 1;
    /// It does not do its work.
    pub const ERROR: u8 = 2;
    /// Nothing is known of late.
    pub const STALE: u8 = 3;
}

structure! {
    /// A value and what it is.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct KeyValue<'a> {
        /// What it is.
        pub key: &'a str,
        /// The value, as people read it.
        pub value: &'a str,
    }
}

structure! {
    /// How one component is.
    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    pub struct DiagnosticStatus<'a> {
        /// One of [`level`].
        pub level: u8,
        /// Which component: by convention `node: component`.
        pub name: &'a str,
        /// In a few words.
        pub message: &'a str,
        /// Which piece of hardware, if any.
        pub hardware_id: &'a str,
        /// The numbers behind it.
        pub values: Sequence<'a, KeyValue<'a>>,
    }
}

structure! {
    /// How several components are.
    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    pub struct DiagnosticArray<'a> {
        /// When; no frame.
        pub header: Header<'a>,
        /// The components.
        pub status: Sequence<'a, DiagnosticStatus<'a>>,
    }
}

impl<'a> Message<'a> for DiagnosticArray<'a> {
    const TYPE: MessageType = MessageType {
        name: "diagnostic_msgs/msg/DiagnosticArray",
        definition: definition!(
            "std_msgs/Header header\ndiagnostic_msgs/DiagnosticStatus[] status\n",
            "std_msgs/Header": header_definition!(),
            "builtin_interfaces/Time": time_definition!(),
            "diagnostic_msgs/DiagnosticStatus": "byte OK=0\nbyte WARN=1\nbyte ERROR=2\nbyte STALE=3\nbyte level\n\
                string name\nstring message\nstring hardware_id\ndiagnostic_msgs/KeyValue[] values\n",
            "diagnostic_msgs/KeyValue": "string key\nstring value\n",
        ),
        hash: "RIHS01_5a8a36efb05fb25070fa0fb3810290c0e6cd4862b54a8fb975a1ee8dc55a333e",
    };
}
