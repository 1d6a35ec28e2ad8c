"""Plays clouds to a labelling node and looks at what it makes of each: one is sent when the one before has come back.

The clouds lie in a folder as 0.cdr, 1.cdr, …; the labelled ones are put beside them as labelled_0.cdr, ….
"""

import pathlib
import threading
import time

import numpy
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import Log
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message
from ros_peer import arguments, run, say
from sensor_msgs.msg import PointCloud2, PointField
from visualization_msgs.msg import MarkerArray

options = arguments(("folder", str, None), ("node", str, "/instanton"))
folder = pathlib.Path(options.folder)
rclpy.init()
node = rclpy.create_node(options.name)
arrived = threading.Condition()
labelled, obstacles, markers = [], [], []
SIZES = {
    PointField.INT8: 1,
    PointField.UINT8: 1,
    PointField.INT16: 2,
    PointField.UINT16: 2,
    PointField.INT32: 4,
    PointField.UINT32: 4,
    PointField.FLOAT32: 4,
    PointField.FLOAT64: 8,
}


def into(place):
    def hear(message):
        with arrived:
            place.append(message)
            arrived.notify_all()

    return hear


def wait(place, count, seconds=40.0):
    with arrived:
        return arrived.wait_for(lambda: len(place) >= count, seconds)


def column(cloud, field):
    """The bytes of one field, point by point."""
    data = numpy.frombuffer(cloud.data, numpy.uint8).reshape(-1, cloud.point_step)
    return data[:, field.offset : field.offset + SIZES[field.datatype] * field.count]


def compare(before, after):
    """What of a cloud is not in the labelled one as it was."""
    found = {field.name: field for field in after.fields}
    wrong = [name for name in ("label", "instance", "confidence") if name not in found]
    for field in before.fields:
        if field.name in ("rgb", "rgba"):
            continue
        other = found.get(field.name)
        if other is None or (other.datatype, other.count) != (field.datatype, field.count):
            wrong.append(field.name)
        elif not numpy.array_equal(column(before, field), column(after, other)):
            wrong.append(field.name)
    if before.header != after.header:
        wrong.append("header")
    if (before.height, before.width, before.is_dense) != (after.height, after.width, after.is_dense):
        wrong.append("shape")
    return wrong


def play():
    files = sorted(folder.glob("[0-9]*.cdr"), key=lambda path: int(path.stem))
    while publisher.get_subscription_count() < 1 or node.count_publishers(f"{options.node}/labelled") < 1:
        time.sleep(0.02)
    for at, path in enumerate(files):
        raw = path.read_bytes()
        before = deserialize_message(raw, PointCloud2)
        publisher.publish(raw)
        if not wait(labelled, at + 1):
            say(lost=at)
            return
        (folder / f"labelled_{at}.cdr").write_bytes(labelled[at])
        after = deserialize_message(labelled[at], PointCloud2)
        fields = {field.name: field for field in after.fields}
        labels = column(after, fields["label"]).copy().view(numpy.uint16)
        wait(markers, at + 1)
        wait(obstacles, at + 1)
        shown, hindering = markers[at], obstacles[at]
        say(
            frame=at,
            wrong=compare(before, after),
            classes=sorted(int(label) for label in numpy.unique(labels)),
            points=after.width * after.height,
            markers=len(shown.markers),
            marker_headers=all(marker.header == before.header for marker in shown.markers),
            obstacles=hindering.width * hindering.height,
            obstacle_header=hindering.header == before.header,
        )
    say(played=len(files))


def report(message):
    for status in message.status:
        values = {value.key: value.value for value in status.values}
        say(report=status.name, level=status.level[0], message=status.message, values=values)


publisher = node.create_publisher(PointCloud2, options.topic, QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE))
node.create_subscription(PointCloud2, f"{options.node}/labelled", into(labelled), 10, raw=True)
node.create_subscription(PointCloud2, f"{options.node}/obstacles", into(obstacles), 10)
node.create_subscription(MarkerArray, f"{options.node}/markers", into(markers), 10)
node.create_subscription(DiagnosticArray, "/diagnostics", report, 10)
node.create_subscription(Log, "/rosout", lambda line: say(log=line.msg, by=line.name, level=line.level), 10)
threading.Thread(target=play, daemon=True).start()
say(ready=True)
run(node)
