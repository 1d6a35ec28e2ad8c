//! `rcl_interfaces/msg/ParameterEvent` and the messages that parameters are made of.

use crate::ros::element::structure;
use crate::ros::message::{definition, time_definition};
use crate::ros::{Message, MessageType, Sequence, Time};

/// The constants of `rcl_interfaces/msg/ParameterType`.
pub mod parameter_type {
    /// No value.
    pub const NOT_SET: u8 = 0;
    /// True or false.
    pub const BOOL: u8 = 1;
    /// 64 bits, signed.
    pub const INTEGER: u8 = 2;
    /// IEEE 754 binary64.
    pub const DOUBLE: u8 = 3;
    /// UTF-8.
    pub const STRING: u8 = 4;
    /// Bytes.
    pub const BYTE_ARRAY: u8 = 5;
    /// A list of the above.
    pub const BOOL_ARRAY: u8 = 6;
    /// A list of the above.
    pub const INTEGER_ARRAY: u8 = 7;
    /// A list of the above.
    pub const DOUBLE_ARRAY: u8 = 8;
    /// A list of the above.
    pub const STRING_ARRAY: u8 = 9;
}

structure! {
    /// The value of a parameter: the field that `kind` names.
    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    pub struct ParameterValueView<'a> {
        /// `type` of the `.msg`: one of [`parameter_type`].
        pub kind: u8,
        /// For [`parameter_type::BOOL`].
        pub bool_value: bool,
        /// For [`parameter_type::INTEGER`].
        pub integer_value: i64,
        /// For [`parameter_type::DOUBLE`].
        pub double_value: f64,
        /// For [`parameter_type::STRING`].
        pub string_value: &'a str,
        /// For [`parameter_type::BYTE_ARRAY`].
        pub byte_array_value: &'a [u8],
        /// For [`parameter_type::BOOL_ARRAY`].
        pub bool_array_value: Sequence<'a, bool>,
        /// For [`parameter_type::INTEGER_ARRAY`].
        pub integer_array_value: Sequence<'a, i64>,
        /// For [`parameter_type::DOUBLE_ARRAY`].
        pub double_array_value: Sequence<'a, f64>,
        /// For [`parameter_type::STRING_ARRAY`].
        pub string_array_value: Sequence<'a, &'a str>,
    }
}

structure! {
    /// A parameter and its value.
    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    pub struct ParameterView<'a> {
        /// Its name, such as `tf.timeout`.
        pub name: &'a str,
        /// Its value.
        pub value: ParameterValueView<'a>,
    }
}

structure! {
    /// What a real parameter may be.
    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    pub struct FloatingPointRange {
        /// Least value.
        pub from_value: f64,
        /// Greatest value.
        pub to_value: f64,
        /// Distance between values, from the least on; 0 = any.
        pub step: f64,
    }
}

structure! {
    /// What a whole parameter may be.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct IntegerRange {
        /// Least value.
        pub from_value: i64,
        /// Greatest value.
        pub to_value: i64,
        /// Distance between values, from the least on; 0 = any.
        pub step: u64,
    }
}

structure! {
    /// What a parameter is.
    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    pub struct ParameterDescriptor<'a> {
        /// Its name.
        pub name: &'a str,
        /// `type` of the `.msg`: one of [`parameter_type`].
        pub kind: u8,
        /// For people.
        pub description: &'a str,
        /// Constraints that the ranges cannot say, for people.
        pub additional_constraints: &'a str,
        /// Whether it cannot be set any more.
        pub read_only: bool,
        /// Whether its type may change.
        pub dynamic_typing: bool,
        /// For [`parameter_type::DOUBLE`].
        pub floating_point_range: Option<FloatingPointRange>,
        /// For [`parameter_type::INTEGER`].
        pub integer_range: Option<IntegerRange>,
    }
}

structure! {
    /// What became of a parameter that was to be set.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct SetParametersResult<'a> {
        /// Whether it is set.
        pub successful: bool,
        /// Why not.
        pub reason: &'a str,
    }
}

structure! {
    /// What `/parameter_events` carries.
    #[derive(Clone, Copy, Debug, Default, PartialEq)]
    pub struct ParameterEvent<'a> {
        /// When.
        pub stamp: Time,
        /// Whole name of the node.
        pub node: &'a str,
        /// Declared.
        pub new_parameters: Sequence<'a, ParameterView<'a>>,
        /// Set to another value.
        pub changed_parameters: Sequence<'a, ParameterView<'a>>,
        /// Gone.
        pub deleted_parameters: Sequence<'a, ParameterView<'a>>,
    }
}

macro_rules! parameter_definition {
    () => {
        "string name\nrcl_interfaces/ParameterValue value\n"
    };
}

macro_rules! parameter_value_definition {
    () => {
        "uint8 type\nbool bool_value\nint64 integer_value\nfloat64 double_value\nstring string_value\n\
         byte[] byte_array_value\nbool[] bool_array_value\nint64[] integer_array_value\n\
         float64[] double_array_value\nstring[] string_array_value\n"
    };
}

pub(super) use {parameter_definition, parameter_value_definition};

impl<'a> Message<'a> for ParameterEvent<'a> {
    const TYPE: MessageType = MessageType {
        name: "rcl_interfaces/msg/ParameterEvent",
        definition: definition!(
            "builtin_interfaces/Time stamp\nstring node\nrcl_interfaces/Parameter[] new_parameters\n\
             rcl_interfaces/Parameter[] changed_parameters\nrcl_interfaces/Parameter[] deleted_parameters\n",
            "builtin_interfaces/Time": time_definition!(),
            "rcl_interfaces/Parameter": parameter_definition!(),
            "rcl_interfaces/ParameterValue": parameter_value_definition!(),
        ),
        hash: "RIHS01_043e627780fcad87a22d225bc2a037361dba713fca6a6b9f4b869a5aa0393204",
    };
}
