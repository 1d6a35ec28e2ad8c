//! The services of `rcl_interfaces/srv`, by which parameters are read and set.

use super::parameter::{parameter_definition, parameter_value_definition};
use super::service::service;
use super::{ParameterDescriptor, ParameterValueView, ParameterView, SetParametersResult};
use crate::ros::element::structure;
use crate::ros::message::definition;
use crate::ros::{Message, MessageType, Sequence};

/// Declares one of the messages of these services, each of which has one field or two.
macro_rules! message {
    ($(#[$about:meta])* $name:ident { $($fields:tt)* } $ros:literal, $hash:literal, $definition:expr) => {
        structure! {
            $(#[$about])*
            #[derive(Clone, Copy, Debug, Default, PartialEq)]
            pub struct $name<'a> { $($fields)* }
        }

        impl<'a> Message<'a> for $name<'a> {
            const TYPE: MessageType =
                MessageType { name: concat!("rcl_interfaces/srv/", $ros), definition: $definition, hash: $hash };
        }
    };
}

message!(
    /// Whose values are wanted.
    GetParametersRequest {
        /// Their names.
        pub names: Sequence<'a, &'a str>,
    }
    "GetParameters_Request",
    "RIHS01_135a9e1c3d7cebef792f6687d7ddf99949b21a0bd9a320d863a9110a3f5cf4d6",
    "string[] names\n"
);

message!(
    /// Whose types are wanted.
    GetParameterTypesRequest {
        /// Their names.
        pub names: Sequence<'a, &'a str>,
    }
    "GetParameterTypes_Request",
    "RIHS01_87d7ec5ef545d4daa289d500025d31fb2437bc8b8365ca367161c4dac4be33fd",
    "string[] names\n"
);

message!(
    /// Whose descriptions are wanted.
    DescribeParametersRequest {
        /// Their names.
        pub names: Sequence<'a, &'a str>,
    }
    "DescribeParameters_Request",
    "RIHS01_05dd1c2bc87dec2627105c8070d6f9725c781a4f2ab852975bf105462b82b644",
    "string[] names\n"
);

message!(
    /// The values, in the order of the names.
    GetParametersResponse {
        /// One for each name; not set where there is no such parameter.
        pub values: Sequence<'a, ParameterValueView<'a>>,
    }
    "GetParameters_Response",
    "RIHS01_9fa773b46e39cc5d02db6224d8fd520bb9caeeffc2b27c96c1e59431baba9f2a",
    definition!("rcl_interfaces/ParameterValue[] values\n", "rcl_interfaces/ParameterValue": parameter_value_definition!())
);

message!(
    /// The types, in the order of the names.
    GetParameterTypesResponse {
        /// Each one of [`super::parameter_type`].
        pub types: &'a [u8],
    }
    "GetParameterTypes_Response",
    "RIHS01_ac1335dce67c478e669434f6ac2fbff34fcd529580f272d3006785ba8b54e47f",
    "uint8[] types\n"
);

message!(
    /// The descriptions, in the order of the names.
    DescribeParametersResponse {
        /// One for each name; its type is not set where there is no such parameter.
        pub descriptors: Sequence<'a, ParameterDescriptor<'a>>,
    }
    "DescribeParameters_Response",
    "RIHS01_ad6747319613c6131589e062e095b469a46cc764f7d0f12a001a49e6cd893995",
    definition!(
        "rcl_interfaces/ParameterDescriptor[] descriptors\n",
        "rcl_interfaces/ParameterDescriptor": "string name\nuint8 type\nstring description\n\
            string additional_constraints\nbool read_only false\nbool dynamic_typing false\n\
            rcl_interfaces/FloatingPointRange[<=1] floating_point_range\n\
            rcl_interfaces/IntegerRange[<=1] integer_range\n",
        "rcl_interfaces/FloatingPointRange": "float64 from_value\nfloat64 to_value\nfloat64 step\n",
        "rcl_interfaces/IntegerRange": "int64 from_value\nint64 to_value\nuint64 step\n",
    )
);

message!(
    /// What to set, each for itself.
    SetParametersRequest {
        /// The parameters.
        pub parameters: Sequence<'a, ParameterView<'a>>,
    }
    "SetParameters_Request",
    "RIHS01_130d46386b7e84ea9ecf60608a4d83cbe5e5cb7c6cc5b712b7a4e3a6c254e932",
    definition!(
        "rcl_interfaces/Parameter[] parameters\n",
        "rcl_interfaces/Parameter": parameter_definition!(),
        "rcl_interfaces/ParameterValue": parameter_value_definition!(),
    )
);

message!(
    /// What to set, all or nothing.
    SetParametersAtomicallyRequest {
        /// The parameters.
        pub parameters: Sequence<'a, ParameterView<'a>>,
    }
    "SetParametersAtomically_Request",
    "RIHS01_db0bd950ed5ed867a0e90b225e44dea382d762c0762ff3e0ee842190042a59e5",
    definition!(
        "rcl_interfaces/Parameter[] parameters\n",
        "rcl_interfaces/Parameter": parameter_definition!(),
        "rcl_interfaces/ParameterValue": parameter_value_definition!(),
    )
);

message!(
    /// What became of each parameter.
    SetParametersResponse {
        /// In the order of the request.
        pub results: Sequence<'a, SetParametersResult<'a>>,
    }
    "SetParameters_Response",
    "RIHS01_7a0e8140a0b8d98308fa81a5403a766e610af29a239caf54b7553227906fc266",
    definition!("rcl_interfaces/SetParametersResult[] results\n", "rcl_interfaces/SetParametersResult": "bool successful\nstring reason\n")
);

message!(
    /// What became of all of them.
    SetParametersAtomicallyResponse {
        /// One for all.
        pub result: SetParametersResult<'a>,
    }
    "SetParametersAtomically_Response",
    "RIHS01_31b1a38c5b0b9d893ee24da45f69638f4561c78461d82d52750f429b534502b8",
    definition!("rcl_interfaces/SetParametersResult result\n", "rcl_interfaces/SetParametersResult": "bool successful\nstring reason\n")
);

message!(
    /// Which names are wanted.
    ListParametersRequest {
        /// Names, or what stands before a dot of them; none for all.
        pub prefixes: Sequence<'a, &'a str>,
        /// How many dots deep, counted from the prefix; 0 = any.
        pub depth: u64,
    }
    "ListParameters_Request",
    "RIHS01_a1b0b5d6b967a5b8ac5bc8563c3ea678f349e312a6a4967227c5a96bc5ce38df",
    "uint64 DEPTH_RECURSIVE=0\nstring[] prefixes\nuint64 depth\n"
);

message!(
    /// `rcl_interfaces/msg/ListParametersResult`, which is the only field of the answer.
    ListParametersResponse {
        /// Names that were found.
        pub names: Sequence<'a, &'a str>,
        /// What stands before the last dot of them.
        pub prefixes: Sequence<'a, &'a str>,
    }
    "ListParameters_Response",
    "RIHS01_31b937b82de3612426be79f231e386259f97e8dc843e3f2845288b4bfa296bdd",
    definition!(
        "rcl_interfaces/ListParametersResult result\n",
        "rcl_interfaces/ListParametersResult": "string[] names\nstring[] prefixes\n",
    )
);

service!(
    /// `rcl_interfaces/srv/GetParameters`.
    ['a] GetParameters(GetParametersRequest<'a>) -> GetParametersResponse<'a>,
    "rcl_interfaces/srv/GetParameters",
    "RIHS01_bf9803d5c74cf989a5de3e0c2e99444599a627c7ff75f97b8c05b01003675cbc"
);

service!(
    /// `rcl_interfaces/srv/GetParameterTypes`.
    ['a] GetParameterTypes(GetParameterTypesRequest<'a>) -> GetParameterTypesResponse<'a>,
    "rcl_interfaces/srv/GetParameterTypes",
    "RIHS01_da199c878688b3e530bdfe3ca8f74cb9fa0c303101e980a9e8f260e25e1c80ca"
);

service!(
    /// `rcl_interfaces/srv/DescribeParameters`.
    ['a] DescribeParameters(DescribeParametersRequest<'a>) -> DescribeParametersResponse<'a>,
    "rcl_interfaces/srv/DescribeParameters",
    "RIHS01_845b484d71eb0673dae682f2e3ba3c4851a65a3dcfb97bddd82c5b57e91e4cff"
);

service!(
    /// `rcl_interfaces/srv/SetParameters`.
    ['a] SetParameters(SetParametersRequest<'a>) -> SetParametersResponse<'a>,
    "rcl_interfaces/srv/SetParameters",
    "RIHS01_56eed9a67e169f9cb6c1f987bc88f868c14a8fc9f743a263bc734c154015d7e0"
);

service!(
    /// `rcl_interfaces/srv/SetParametersAtomically`.
    ['a] SetParametersAtomically(SetParametersAtomicallyRequest<'a>) -> SetParametersAtomicallyResponse<'a>,
    "rcl_interfaces/srv/SetParametersAtomically",
    "RIHS01_0e192ef259c07fc3c07a13191d27002222e65e00ccec653ca05e856f79285fcd"
);

service!(
    /// `rcl_interfaces/srv/ListParameters`.
    ['a] ListParameters(ListParametersRequest<'a>) -> ListParametersResponse<'a>,
    "rcl_interfaces/srv/ListParameters",
    "RIHS01_3e6062bfbb27bfb8730d4cef2558221f51a11646d78e7bb30a1e83afac3aad9d"
);
