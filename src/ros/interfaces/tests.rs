//! Bytes of rclpy, and damaged ones, through every decoder.

use super::*;
use crate::ros::{
    CameraInfo, CdrError, CompressedImageView, Header, ImageView, Message, PointCloud2View, Sequence, TfMessage, Time,
};
use proptest::prelude::*;

/// What rclpy wrote (`rclpy_bytes.py`).
fn fixture(name: &str) -> Vec<u8> {
    let line = include_str!("rclpy_bytes.txt").lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let digits = line.unwrap_or_else(|| panic!("no bytes of {name}"));
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// The message must be in the bytes, and we must write the same; but where we pad with zeros, rclpy pads with
/// whatever was in its memory, and appends some of that.
fn check<'a, M: Message<'a> + PartialEq + std::fmt::Debug>(bytes: &'a [u8], expected: M) {
    assert_eq!(M::decode(bytes).unwrap(), expected);
    let mut ours = Vec::new();
    expected.encode(&mut ours).unwrap();
    assert!(ours.len() <= bytes.len(), "{}", M::TYPE.name);
    let same = ours.iter().zip(bytes).all(|(ours, theirs)| ours == theirs || *ours == 0);
    assert!(same, "{}: {ours:02x?} instead of {bytes:02x?}", M::TYPE.name);
}

fn header() -> Header<'static> {
    Header { stamp: Time { sec: 12, nanosec: 500 }, frame_id: "odom" }
}

#[test]
fn outputs_are_those_of_rclpy() {
    let marker = Marker {
        header: header(),
        ns: "boxes",
        id: 7,
        kind: marker_type::TEXT_VIEW_FACING,
        action: marker_action::ADD,
        pose: Pose { position: [1.0, 2.0, 3.0], orientation: [0.0, 0.0, 0.6, 0.8] },
        scale: [0.5, 0.25, 1.5],
        color: [1.0, 0.5, 0.25, 0.75],
        lifetime: Duration { sec: 1, nanosec: 5 },
        frame_locked: true,
        points: Sequence::listed(&[[4.0, 5.0, 6.0]]),
        colors: Sequence::listed(&[[0.125, 0.0, 0.0, 1.0]]),
        texture_resource: "t",
        texture: CompressedImageView { header: Header::default(), format: "png", data: &[1, 2, 3] },
        uv_coordinates: Sequence::listed(&[UvCoordinate { u: 0.5, v: 0.25 }]),
        text: "chair",
        mesh_resource: "m",
        mesh_file: MeshFile { filename: "f", data: &[9] },
        mesh_use_embedded_materials: true,
    };
    let markers = [marker, Marker { action: marker_action::DELETEALL, ..Marker::default() }];
    check(&fixture("MarkerArray"), MarkerArray { markers: Sequence::listed(&markers) });

    let values = [KeyValue { key: "rate", value: "9.9" }, KeyValue { key: "k", value: "" }];
    let status = [DiagnosticStatus {
        level: level::WARN,
        name: "n: x",
        message: "slow",
        hardware_id: "hw",
        values: Sequence::listed(&values),
    }];
    check(&fixture("DiagnosticArray"), DiagnosticArray { header: header(), status: Sequence::listed(&status) });
    let stamp = Time { sec: 3, nanosec: 4 };
    check(&fixture("Clock"), Clock { clock: stamp });
    let line = Log { stamp, level: severity::WARN, name: "node", msg: "hello", file: "a.rs", function: "f", line: 77 };
    check(&fixture("Log"), line);
}

/// vision_msgs is in no wheel: the crate `cdr-encoding` is the witness.
#[test]
fn detections_are_those_of_another_encoder() {
    type Pose = ([f64; 3], [f64; 4]);
    type Hypothesis = (&'static str, f64, Pose, [f64; 32], [f64; 4]);
    type Detection = (i32, u32, &'static str, Vec<Hypothesis>, Pose, [f64; 3], &'static str);
    let pose = PoseWithCovariance {
        pose: super::Pose { position: [1.0, 2.0, 3.0], ..super::Pose::default() },
        covariance: [0.5; 36],
    };
    let results = [ObjectHypothesis { class_id: "chair", score: 0.75, pose }];
    let detections = [Detection3D {
        header: header(),
        results: Sequence::listed(&results),
        bbox: BoundingBox3D { center: pose.pose, size: [0.5, 0.25, 2.0] },
        id: "17",
    }];
    let array = Detection3DArray { header: header(), detections: Sequence::listed(&detections) };
    let pose: Pose = ([1.0, 2.0, 3.0], [0.0, 0.0, 0.0, 1.0]);
    let hypotheses: Vec<Hypothesis> = vec![("chair", 0.75, pose, [0.5; 32], [0.5; 4])];
    let theirs: (i32, u32, &str, Vec<Detection>) =
        (12, 500, "odom", vec![(12, 500, "odom", hypotheses, pose, [0.5, 0.25, 2.0], "17")]);
    let mut bytes = vec![0, 1, 0, 0];
    bytes.extend(cdr_encoding::to_vec::<_, byteorder::LittleEndian>(&theirs).unwrap());
    check(&bytes, array);
}

#[test]
fn parameters_are_those_of_rclpy() {
    let of = |kind| ParameterValueView { kind, ..ParameterValueView::default() };
    let named = |name, value| ParameterView { name, value };
    let values = [
        named("a", of(parameter_type::NOT_SET)),
        named("b", ParameterValueView { bool_value: true, ..of(parameter_type::BOOL) }),
        named("i", ParameterValueView { integer_value: -5, ..of(parameter_type::INTEGER) }),
        named("d", ParameterValueView { double_value: 0.5, ..of(parameter_type::DOUBLE) }),
        named("s", ParameterValueView { string_value: "odom", ..of(parameter_type::STRING) }),
        named("y", ParameterValueView { byte_array_value: &[1, 2], ..of(parameter_type::BYTE_ARRAY) }),
        named(
            "ba",
            ParameterValueView {
                bool_array_value: Sequence::listed(&[true, false, true]),
                ..of(parameter_type::BOOL_ARRAY)
            },
        ),
        named(
            "ia",
            ParameterValueView { integer_array_value: Sequence::listed(&[1, -2]), ..of(parameter_type::INTEGER_ARRAY) },
        ),
        named(
            "da",
            ParameterValueView {
                double_array_value: Sequence::listed(&[0.5, 1.5]),
                ..of(parameter_type::DOUBLE_ARRAY)
            },
        ),
        named(
            "sa",
            ParameterValueView {
                string_array_value: Sequence::listed(&["x", "yy", ""]),
                ..of(parameter_type::STRING_ARRAY)
            },
        ),
    ];
    let event = ParameterEvent {
        stamp: Time { sec: 3, nanosec: 4 },
        node: "/n",
        new_parameters: Sequence::listed(&values),
        changed_parameters: Sequence::listed(&values[..1]),
        deleted_parameters: Sequence::default(),
    };
    check(&fixture("ParameterEvent"), event);
    let request = SetParametersRequest { parameters: Sequence::listed(&values[2..4]) };
    check(&fixture("SetParametersRequest"), request);
    let refused = SetParametersResult { successful: false, reason: "why" };
    let results = [SetParametersResult { successful: true, reason: "" }, refused];
    check(&fixture("SetParametersResponse"), SetParametersResponse { results: Sequence::listed(&results) });
    check(&fixture("SetParametersAtomicallyResponse"), SetParametersAtomicallyResponse { result: refused });
    check(&fixture("GetParametersRequest"), GetParametersRequest { names: Sequence::listed(&["a", "bc"]) });
    let two = [values[3].value, values[8].value];
    check(&fixture("GetParametersResponse"), GetParametersResponse { values: Sequence::listed(&two) });
    let request = ListParametersRequest { prefixes: Sequence::listed(&["q"]), depth: 3 };
    check(&fixture("ListParametersRequest"), request);
    let (names, prefixes) = (Sequence::listed(&["q.a", "q.b"]), Sequence::listed(&["q"]));
    check(&fixture("ListParametersResponse"), ListParametersResponse { names, prefixes });
    check(&fixture("GetParameterTypesResponse"), GetParameterTypesResponse { types: &[1, 2, 9] });
    let descriptors = [
        ParameterDescriptor {
            name: "r",
            kind: parameter_type::DOUBLE,
            description: "d",
            additional_constraints: "c",
            read_only: true,
            floating_point_range: Some(FloatingPointRange { from_value: 0.0, to_value: 1.0, step: 0.5 }),
            ..ParameterDescriptor::default()
        },
        ParameterDescriptor {
            name: "i",
            kind: parameter_type::INTEGER,
            integer_range: Some(IntegerRange { from_value: -1, to_value: 9, step: 2 }),
            ..ParameterDescriptor::default()
        },
    ];
    let response = DescribeParametersResponse { descriptors: Sequence::listed(&descriptors) };
    check(&fixture("DescribeParametersResponse"), response);
}

#[test]
fn lifecycle_is_that_of_rclpy() {
    let state = |id, label| StateView { id, label };
    let transition = |id, label| TransitionView { id, label };
    let event = TransitionEvent {
        timestamp: 99,
        transition: transition(3, "activate"),
        start_state: state(2, "inactive"),
        goal_state: state(13, "activating"),
    };
    check(&fixture("TransitionEvent"), event);
    check(&fixture("ChangeStateRequest"), ChangeStateRequest { transition: transition(1, "configure") });
    check(&fixture("ChangeStateResponse"), ChangeStateResponse { success: true });
    check(&fixture("GetStateRequest"), GetStateRequest);
    assert_eq!(GetStateRequest::decode(&[0, 1, 0, 0]).unwrap(), GetStateRequest);
    let unconfigured = state(1, "unconfigured");
    check(&fixture("GetStateResponse"), CurrentState { current_state: unconfigured });
    let states = [unconfigured, state(2, "inactive")];
    check(&fixture("GetAvailableStatesResponse"), AvailableStates { available_states: Sequence::listed(&states) });
    let transitions = [TransitionDescription {
        transition: transition(1, "configure"),
        start_state: unconfigured,
        goal_state: state(10, "configuring"),
    }];
    check(
        &fixture("GetAvailableTransitionsResponse"),
        AvailableTransitions { available_transitions: Sequence::listed(&transitions) },
    );
}

/// What decodes can be walked over and written again, and takes no more room than it came in, padding aside.
fn survives<'a, M: Message<'a>>(bytes: &'a [u8]) {
    let Ok(message) = M::decode(bytes) else { return };
    let mut out = Vec::new();
    message.encode(&mut out).unwrap();
    // A text without its NUL takes four bytes, and five with it, and eight when the next is aligned.
    assert!(out.len() <= 2 * bytes.len() + 8, "{}: {} from {}", M::TYPE.name, out.len(), bytes.len());
}

fn all_survive(bytes: &[u8]) {
    survives::<PointCloud2View<'_>>(bytes);
    survives::<ImageView<'_>>(bytes);
    survives::<CompressedImageView<'_>>(bytes);
    survives::<CameraInfo<'_>>(bytes);
    survives::<TfMessage<'_>>(bytes);
    survives::<Detection3DArray<'_>>(bytes);
    survives::<MarkerArray<'_>>(bytes);
    survives::<DiagnosticArray<'_>>(bytes);
    survives::<Clock>(bytes);
    survives::<Log<'_>>(bytes);
    survives::<ParameterEvent<'_>>(bytes);
    survives::<TransitionEvent<'_>>(bytes);
    survives::<ChangeStateRequest<'_>>(bytes);
    survives::<ChangeStateResponse>(bytes);
    survives::<GetStateRequest>(bytes);
    survives::<CurrentState<'_>>(bytes);
    survives::<AvailableStates<'_>>(bytes);
    survives::<AvailableTransitions<'_>>(bytes);
    survives::<GetParametersRequest<'_>>(bytes);
    survives::<GetParametersResponse<'_>>(bytes);
    survives::<GetParameterTypesResponse<'_>>(bytes);
    survives::<DescribeParametersResponse<'_>>(bytes);
    survives::<SetParametersRequest<'_>>(bytes);
    survives::<SetParametersResponse<'_>>(bytes);
    survives::<SetParametersAtomicallyResponse<'_>>(bytes);
    survives::<ListParametersRequest<'_>>(bytes);
    survives::<ListParametersResponse<'_>>(bytes);
}

proptest! {
    #[test]
    fn damage_never_panics(
        line in 0..21usize, cut in 0..=100usize, places in prop::collection::vec((0..100usize, any::<u8>()), 0..4),
    ) {
        let name = include_str!("rclpy_bytes.txt").lines().nth(line).unwrap().split(' ').next().unwrap();
        let mut bytes = fixture(name);
        for (percent, value) in places {
            let at = bytes.len() * percent / 100;
            bytes[at] = value;
        }
        bytes.truncate(bytes.len() * cut / 100);
        all_survive(&bytes);
    }

    #[test]
    fn noise_never_panics(mut bytes in prop::collection::vec(0..9u8, 0..300)) {
        bytes.splice(0..bytes.len().min(4), [0, 1, 0, 0]);
        all_survive(&bytes);
    }
}

#[test]
fn a_range_that_is_two_is_refused() {
    let mut bytes = fixture("DescribeParametersResponse");
    let one = bytes.windows(12).position(|window| window == [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).unwrap();
    bytes[one] = 2;
    assert_eq!(
        DescribeParametersResponse::decode(&bytes),
        Err(CdrError::TooMany { field: "ParameterDescriptor.floating_point_range", maximum: 1, actual: 2 })
    );
}
