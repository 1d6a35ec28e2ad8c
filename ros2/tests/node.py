"""Runs the installed node and talks to it: node.py WORKSPACE/install. Run by tests/ros2/colcon.sh node.

A cloud goes in and comes back labelled, parameters and lifecycle answer, and the node has the topics and services that
sros2/policy.xml allows it, no more and no fewer.
"""

import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as tree
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = Path(sys.argv[1]).resolve()
PATIENCE = 60.0


def paths(*folders):
    """What exists of these, as a path variable."""
    return os.pathsep.join(str(folder) for folder in folders if Path(folder).exists())


def overlay():
    """Starts this program again with the workspace's messages: libraries are looked for when a program starts."""
    if "INSTANTON_TEST_OVERLAY" in os.environ:
        return
    messages = [INSTALLED / "vision_msgs", INSTALLED / "tf2_msgs"]
    environment = dict(os.environ, INSTANTON_TEST_OVERLAY="1", RMW_IMPLEMENTATION="rmw_fastrtps_cpp")
    environment["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    environment["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 100)
    environment["PYTHONPATH"] = paths(*(next(folder.glob("lib/python3*/site-packages")) for folder in messages))
    # The wheels have put theirs there already.
    libraries = [*(folder / "lib" for folder in messages), *os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)]
    environment["LD_LIBRARY_PATH"] = paths(*libraries)
    os.execve(sys.executable, [sys.executable, *sys.argv], environment)


overlay()

import numpy  # noqa: E402
import rclpy  # noqa: E402
from geometry_msgs.msg import TransformStamped  # noqa: E402
from lifecycle_msgs.srv import GetState  # noqa: E402
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue  # noqa: E402
from rcl_interfaces.srv import ListParameters, SetParameters  # noqa: E402
from rclpy.qos import DurabilityPolicy, QoSProfile, qos_profile_sensor_data  # noqa: E402
from sensor_msgs.msg import PointCloud2, PointField  # noqa: E402
from tf2_msgs.msg import TFMessage  # noqa: E402
from vision_msgs.msg import Detection3DArray  # noqa: E402


def start():
    """The node as `ros2 run` would start it after `source install/setup.bash`."""
    packages = [INSTALLED / name for name in ("instanton_ros", "vision_msgs", "tf2_msgs")]
    environment = dict(os.environ, AMENT_PREFIX_PATH=paths(*packages, ROOT / "target/ros2/kilted"))
    del environment["PYTHONPATH"]
    program = [ROOT / "tests/ros2/with_libraries.sh", packages[0] / "lib/instanton_ros/instanton_node"]
    model = packages[0] / "share/instanton_ros/asis-pointnet2"
    parameters = packages[0] / "share/instanton_ros/config/instanton.yaml"
    words = ["--model", model, "--ros-args", "--params-file", parameters, "-p", "fixed_frame:=odom"]
    return subprocess.Popen([*program, *words, "-p", "deadline_ms:=0.0"], env=environment)


def until(node, what, holds):
    """Spins until something holds."""
    end = time.monotonic() + PATIENCE
    while not (held := holds()):
        assert time.monotonic() < end, f"not within {PATIENCE} s: {what}"
        rclpy.spin_once(node, timeout_sec=0.05)
    return held


def call(node, kind, name, **request):
    """What a service of the node answers."""
    client = node.create_client(kind, f"/instanton/{name}")
    until(node, f"{name} is served", client.service_is_ready)
    future = client.call_async(kind.Request(**request))
    until(node, f"{name} answers", future.done)
    node.destroy_client(client)
    return future.result()


def room():
    """A cloud of a corner: a floor and two walls, 1 cm apart or so."""
    random = numpy.random.default_rng(7)
    a, b, zero = random.uniform(0.0, 3.0, 20_000), random.uniform(0.0, 3.0, 20_000), numpy.zeros(20_000)
    sides = [(a, b, zero), (a, zero + 3.0, b), (zero + 3.0, a, b)]
    points = numpy.concatenate([numpy.stack(side, axis=1) for side in sides]).astype(numpy.float32)
    cloud = PointCloud2(height=1, width=len(points), point_step=12, row_step=12 * len(points), is_dense=True)
    cloud.header.frame_id = "camera"
    cloud.fields = [
        PointField(name=name, offset=4 * index, datatype=PointField.FLOAT32, count=1)
        for index, name in enumerate("xyz")
    ]
    cloud.data = points.tobytes()
    return cloud


def allowed():
    """Topics and services of the policy, by what may be done with them."""
    profile = tree.parse(ROOT / "ros2/sros2/policy.xml").find(".//profile")
    own = f"/{profile.get('node')}"
    found = {}
    for rules in profile:
        for verb in ("publish", "subscribe", "reply"):
            if rules.get(verb) == "ALLOW":
                names = (rule.text.replace("~", own) for rule in rules)
                found[verb] = {name if name.startswith("/") else f"/{name}" for name in names}
    return found


def known(node):
    """The same of the node as it is."""
    graph = {
        "publish": node.get_publisher_names_and_types_by_node,
        "subscribe": node.get_subscriber_names_and_types_by_node,
        "reply": node.get_service_names_and_types_by_node,
    }
    return {verb: {name for name, _ in ask("instanton", "/")} for verb, ask in graph.items()}


def check(node):
    """Everything, while the node runs."""
    until(node, "it is active", lambda: call(node, GetState, "get_state").current_state.label == "active")
    names = call(node, ListParameters, "list_parameters").result.names
    assert {"deadline_ms", "cloud.reliability", "use_sim_time"} <= set(names), names

    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    transforms = node.create_publisher(TFMessage, "/tf_static", latched)
    transform = TransformStamped(child_frame_id="camera")
    transform.header.frame_id = "odom"
    transform.transform.rotation.w = 1.0
    transforms.publish(TFMessage(transforms=[transform]))
    labelled, objects = [], []
    node.create_subscription(PointCloud2, "/instanton/labelled", labelled.append, 10)
    node.create_subscription(Detection3DArray, "/instanton/objects", objects.append, 10)
    clouds = node.create_publisher(PointCloud2, "/points", qos_profile_sensor_data)
    cloud, last = room(), [0.0]

    def comes():
        if time.monotonic() > last[0] + 0.5:
            cloud.header.stamp = node.get_clock().now().to_msg()
            clouds.publish(cloud)
            last[0] = time.monotonic()
        return labelled and objects

    until(node, "a labelled cloud comes", comes)
    fields = {field.name for field in labelled[0].fields}
    assert {"x", "y", "z", "label", "instance", "confidence", "rgb"} <= fields, fields
    assert (labelled[0].width, labelled[0].header.frame_id) == (cloud.width, "camera")
    assert objects[0].header.frame_id == "camera"

    on = ParameterValue(type=ParameterType.PARAMETER_BOOL, bool_value=True)
    answer = call(node, SetParameters, "set_parameters", parameters=[Parameter(name="use_sim_time", value=on)])
    assert answer.results[0].successful, answer
    until(node, "it follows the clock", lambda: "/clock" in known(node)["subscribe"])
    assert known(node) == allowed(), {"is": known(node), "policy": allowed()}


rclpy.init()
peer = rclpy.create_node("peer")
process = start()
try:
    check(peer)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 0, process.returncode
finally:
    process.kill()
print("the node answers, labels, and has what its policy allows")
