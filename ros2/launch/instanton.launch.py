"""Starts the labelling node: ros2 launch instanton_ros instanton.launch.py cloud:=/camera/points fixed_frame:=odom."""

import os
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

SHARE = Path(get_package_share_directory("instanton_ros"))

# Name, default, description. Where the default is empty, nothing is said to the node, and the parameter file or the
# node's own default holds.
ARGUMENTS = [
    ("cloud", "points", "Topic of the clouds (sensor_msgs/msg/PointCloud2)."),
    ("depth", "", "Topic of depth images instead of clouds."),
    ("camera_info", "", "Topic of the depth images' calibration; empty: camera_info beside them."),
    ("colour_image", "", "Topic of colour images that are registered to the depth images."),
    ("fixed_frame", "", "Gravity-aligned frame in which the map lives; empty: the first of map, odom, world."),
    ("orientation", "transforms", "What says which way is up: transforms, upright (the sensor) or estimate_up."),
    ("deadline_ms", "", "Time from a cloud's arrival to its labels (ms); 0: as long as it takes."),
    ("model", "", "Model folder; empty: $INSTANTON_MODEL, else the one that is installed with the package."),
    ("autostart", "", "Whether the node leads itself to the state active; false: ros2 lifecycle set does."),
    ("params_file", str(SHARE / "config" / "instanton.yaml"), "Parameters."),
    ("namespace", "", "Namespace of the node."),
    ("name", "instanton", "Name of the node."),
    ("log_level", "info", "debug, info, warn, error or fatal."),
    ("use_sim_time", "", "Go by /clock."),
    ("cores", "", "Cores for the pipeline, such as 2,3."),
    ("realtime", "", "Priority of the pipeline in the real-time class, 1 to 99."),
    ("respawn", "true", "Start the node again if it ends."),
]


def text(context, name):
    """What an argument is, as text."""
    return LaunchConfiguration(name).perform(context).strip()


def node(context):
    """The node with the arguments that were given."""

    def said(name):
        return text(context, name)

    words = ["--depth", said("depth")] if said("depth") else ["--cloud", said("cloud")]
    for argument, option in [
        ("camera_info", "--camera-info"),
        ("colour_image", "--colour-image"),
        ("cores", "--cores"),
        ("realtime", "--realtime"),
    ]:
        if said(argument):
            words += [option, said(argument)]
    orientations = {"transforms": [], "upright": ["--upright"], "estimate_up": ["--estimate-up"]}
    if said("orientation") not in orientations:
        raise RuntimeError(f"orientation: expected {', '.join(orientations)}, found {said('orientation')!r}")
    words += orientations[said("orientation")]

    parameters = {}
    if said("fixed_frame"):
        parameters["fixed_frame"] = said("fixed_frame")
    if said("deadline_ms"):
        parameters["deadline_ms"] = float(said("deadline_ms"))
    for argument in ["autostart", "use_sim_time"]:
        if said(argument):
            parameters[argument] = truth(argument, said(argument))
    model = said("model") or installed_model()
    if model:
        words += ["--model", model]

    return [
        Node(
            package="instanton_ros",
            executable="instanton_node",
            name=said("name"),
            namespace=said("namespace"),
            output="screen",
            emulate_tty=True,
            respawn=truth("respawn", said("respawn")),
            respawn_delay=1.0,
            arguments=[*words, "--ros-args", "--log-level", said("log_level")],
            parameters=[said("params_file"), *([parameters] if parameters else [])],
        )
    ]


def installed_model():
    """The model that was installed with the package, unless the environment names one."""
    installed = SHARE / "asis-pointnet2"
    return str(installed) if "INSTANTON_MODEL" not in os.environ and installed.is_dir() else ""


def truth(name, said):
    """A switch."""
    if said.lower() not in {"true", "false"}:
        raise RuntimeError(f"{name}: expected true or false, found {said!r}")
    return said.lower() == "true"


def rviz(context):
    """RViz with what the node publishes, under whichever name."""
    name = "/".join(["", *text(context, "namespace").strip("/").split("/"), text(context, "name")]).replace("//", "/")
    topics = ["labelled", "obstacles", "markers"]
    return [
        Node(
            package="rviz2",
            executable="rviz2",
            arguments=["-d", str(SHARE / "rviz" / "instanton.rviz"), "-f", text(context, "fixed_frame") or "map"],
            remappings=[(f"/instanton/{topic}", f"{name}/{topic}") for topic in topics],
            condition=IfCondition(LaunchConfiguration("rviz")),
        )
    ]


def generate_launch_description():
    """What ros2 launch calls."""
    arguments = [*ARGUMENTS, ("rviz", "false", "Open RViz too.")]
    declared = [DeclareLaunchArgument(name, default_value=value, description=about) for name, value, about in arguments]
    return LaunchDescription([*declared, OpaqueFunction(function=node), OpaqueFunction(function=rviz)])
