"""Prints what rclpy writes for messages whose values the tests know: `python3 rclpy_bytes.py > rclpy_bytes.txt`.

Padding, between fields and at the end, is whatever was in the memory.
Needs the wheels ros-rclpy, ros-rmw-fastrtps-cpp, ros-visualization-msgs, ros-diagnostic-msgs (ROS 2 Kilted).
"""

from builtin_interfaces.msg import Duration, Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from geometry_msgs.msg import Point, Pose, Quaternion, Vector3
from lifecycle_msgs.msg import State, Transition, TransitionDescription, TransitionEvent
from lifecycle_msgs.srv import ChangeState, GetAvailableStates, GetAvailableTransitions, GetState
from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ListParametersResult,
    Log,
    Parameter,
    ParameterDescriptor,
    ParameterEvent,
    ParameterValue,
    SetParametersResult,
)
from rcl_interfaces.srv import (
    DescribeParameters,
    GetParameters,
    GetParameterTypes,
    ListParameters,
    SetParameters,
    SetParametersAtomically,
)
from rclpy.serialization import serialize_message
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray, MeshFile, UVCoordinate


def show(name, message):
    print(name, serialize_message(message).hex())


header = Header(stamp=Time(sec=12, nanosec=500), frame_id="odom")
marker = Marker(
    header=header,
    ns="boxes",
    id=7,
    type=9,
    action=0,
    pose=Pose(position=Point(x=1.0, y=2.0, z=3.0), orientation=Quaternion(x=0.0, y=0.0, z=0.6, w=0.8)),
    scale=Vector3(x=0.5, y=0.25, z=1.5),
    color=ColorRGBA(r=1.0, g=0.5, b=0.25, a=0.75),
    lifetime=Duration(sec=1, nanosec=5),
    frame_locked=True,
    points=[Point(x=4.0, y=5.0, z=6.0)],
    colors=[ColorRGBA(r=0.125, g=0.0, b=0.0, a=1.0)],
    texture_resource="t",
    texture=CompressedImage(format="png", data=[1, 2, 3]),
    uv_coordinates=[UVCoordinate(u=0.5, v=0.25)],
    text="chair",
    mesh_resource="m",
    mesh_file=MeshFile(filename="f", data=[9]),
    mesh_use_embedded_materials=True,
)
show("MarkerArray", MarkerArray(markers=[marker, Marker(action=3)]))
show(
    "DiagnosticArray",
    DiagnosticArray(
        header=header,
        status=[
            DiagnosticStatus(
                level=b"\x01",
                name="n: x",
                message="slow",
                hardware_id="hw",
                values=[KeyValue(key="rate", value="9.9"), KeyValue(key="k", value="")],
            )
        ],
    ),
)
show("Clock", Clock(clock=Time(sec=3, nanosec=4)))
show("Log", Log(stamp=Time(sec=3, nanosec=4), level=30, name="node", msg="hello", file="a.rs", function="f", line=77))
values = [
    Parameter(name="a", value=ParameterValue()),
    Parameter(name="b", value=ParameterValue(type=1, bool_value=True)),
    Parameter(name="i", value=ParameterValue(type=2, integer_value=-5)),
    Parameter(name="d", value=ParameterValue(type=3, double_value=0.5)),
    Parameter(name="s", value=ParameterValue(type=4, string_value="odom")),
    Parameter(name="y", value=ParameterValue(type=5, byte_array_value=[b"\x01", b"\x02"])),
    Parameter(name="ba", value=ParameterValue(type=6, bool_array_value=[True, False, True])),
    Parameter(name="ia", value=ParameterValue(type=7, integer_array_value=[1, -2])),
    Parameter(name="da", value=ParameterValue(type=8, double_array_value=[0.5, 1.5])),
    Parameter(name="sa", value=ParameterValue(type=9, string_array_value=["x", "yy", ""])),
]
show(
    "ParameterEvent",
    ParameterEvent(
        stamp=Time(sec=3, nanosec=4),
        node="/n",
        new_parameters=values,
        changed_parameters=values[:1],
        deleted_parameters=[],
    ),
)
show("SetParametersRequest", SetParameters.Request(parameters=values[2:4]))
show(
    "SetParametersResponse",
    SetParameters.Response(
        results=[SetParametersResult(successful=True), SetParametersResult(successful=False, reason="why")]
    ),
)
show(
    "SetParametersAtomicallyResponse",
    SetParametersAtomically.Response(result=SetParametersResult(successful=False, reason="why")),
)
show("GetParametersRequest", GetParameters.Request(names=["a", "bc"]))
show("GetParametersResponse", GetParameters.Response(values=[values[3].value, values[8].value]))
show("ListParametersRequest", ListParameters.Request(prefixes=["q"], depth=3))
show(
    "ListParametersResponse", ListParameters.Response(result=ListParametersResult(names=["q.a", "q.b"], prefixes=["q"]))
)
show("GetParameterTypesResponse", GetParameterTypes.Response(types=[1, 2, 9]))
show(
    "DescribeParametersResponse",
    DescribeParameters.Response(
        descriptors=[
            ParameterDescriptor(
                name="r",
                type=3,
                description="d",
                additional_constraints="c",
                read_only=True,
                dynamic_typing=False,
                floating_point_range=[FloatingPointRange(from_value=0.0, to_value=1.0, step=0.5)],
            ),
            ParameterDescriptor(name="i", type=2, integer_range=[IntegerRange(from_value=-1, to_value=9, step=2)]),
        ]
    ),
)
show(
    "TransitionEvent",
    TransitionEvent(
        timestamp=99,
        transition=Transition(id=3, label="activate"),
        start_state=State(id=2, label="inactive"),
        goal_state=State(id=13, label="activating"),
    ),
)
show("ChangeStateRequest", ChangeState.Request(transition=Transition(id=1, label="configure")))
show("ChangeStateResponse", ChangeState.Response(success=True))
show("GetStateRequest", GetState.Request())
show("GetStateResponse", GetState.Response(current_state=State(id=1, label="unconfigured")))
show(
    "GetAvailableStatesResponse",
    GetAvailableStates.Response(available_states=[State(id=1, label="unconfigured"), State(id=2, label="inactive")]),
)
show(
    "GetAvailableTransitionsResponse",
    GetAvailableTransitions.Response(
        available_transitions=[
            TransitionDescription(
                transition=Transition(id=1, label="configure"),
                start_state=State(id=1, label="unconfigured"),
                goal_state=State(id=10, label="configuring"),
            )
        ]
    ),
)
