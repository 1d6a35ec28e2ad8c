//! What a node says of its objects and of itself: the messages and services beside clouds, pictures and transforms.
//!
//! The bytes of every one of them are compared with those that rclpy writes, and damaged at random, in the tests.

mod clock;
mod detection_3d;
mod diagnostic;
mod lifecycle;
mod lifecycle_services;
mod log;
mod marker;
mod parameter;
mod parameter_services;
mod pose;
mod service;
#[cfg(test)]
mod tests;

pub use clock::Clock;
pub use detection_3d::{BoundingBox3D, Detection3D, Detection3DArray, ObjectHypothesis};
pub use diagnostic::{DiagnosticArray, DiagnosticStatus, KeyValue, level};
pub use lifecycle::{StateView, TransitionDescription, TransitionEvent, TransitionView};
pub use lifecycle_services::{
    AvailableStates, AvailableTransitions, ChangeState, ChangeStateRequest, ChangeStateResponse, CurrentState,
    GetAvailableStates, GetAvailableStatesRequest, GetAvailableTransitions, GetAvailableTransitionsRequest, GetState,
    GetStateRequest,
};
pub use log::{Log, severity};
pub use marker::{Duration, Marker, MarkerArray, MeshFile, UvCoordinate, marker_action, marker_type};
pub use parameter::{
    FloatingPointRange, IntegerRange, ParameterDescriptor, ParameterEvent, ParameterValueView, ParameterView,
    SetParametersResult, parameter_type,
};
pub use parameter_services::{
    DescribeParameters, DescribeParametersRequest, DescribeParametersResponse, GetParameterTypes,
    GetParameterTypesRequest, GetParameterTypesResponse, GetParameters, GetParametersRequest, GetParametersResponse,
    ListParameters, ListParametersRequest, ListParametersResponse, SetParameters, SetParametersAtomically,
    SetParametersAtomicallyRequest, SetParametersAtomicallyResponse, SetParametersRequest, SetParametersResponse,
};
pub use pose::{Pose, PoseWithCovariance};
pub use service::{ServiceCall, serve};
