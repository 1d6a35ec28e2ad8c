"""Says of each PointCloud2 how big it is, how late, and whether it is the expected one."""

import struct
import time

import rclpy
from ros_peer import arguments, mismatch, quality, run, same, say
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import PointCloud2

options = arguments(("expect", str, None))
expected = open(options.expect, "rb").read() if options.expect else None
rclpy.init()
node = rclpy.create_node(options.name)


def hear(raw):
    now = time.time()
    sec, nanosec = struct.unpack_from("<iI", raw, 4)
    said = {"size": len(raw), "latency": now - (sec + nanosec * 1e-9)}
    if expected:
        said["equal"] = same(raw, expected)
        cloud = deserialize_message(raw, PointCloud2)
        said["points"] = cloud.width * cloud.height
        said["frame"] = cloud.header.frame_id
    say(**said)


events = SubscriptionEventCallbacks(incompatible_qos=mismatch)
node.create_subscription(PointCloud2, options.topic, hear, quality(options), raw=True, event_callbacks=events)
say(ready=True)
run(node)
