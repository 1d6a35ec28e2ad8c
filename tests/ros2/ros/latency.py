"""Sends clouds, stamped when they leave, to a labelling node, and says how old each is when it comes back labelled."""

import struct
import threading
import time

import rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from ros_peer import arguments, quality, run, say
from sensor_msgs.msg import PointCloud2

options = arguments(("file", str, None), ("count", int, 40), ("rate", float, 10.0), ("node", str, "/instanton"))
message = bytearray(open(options.file, "rb").read())
rclpy.init()
node = rclpy.create_node(options.name)
publisher = node.create_publisher(PointCloud2, options.topic, quality(options))


def hear(raw):
    now = time.time()
    sec, nanosec = struct.unpack_from("<iI", raw, 4)
    say(latency=now - (sec + nanosec * 1e-9), size=len(raw))


def talk():
    while publisher.get_subscription_count() < 1 or node.count_publishers(f"{options.node}/labelled") < 1:
        time.sleep(0.02)
    time.sleep(1.0)
    due = time.time()
    for _ in range(options.count):
        time.sleep(max(0.0, due - time.time()))
        due += 1.0 / options.rate
        now = time.time_ns()
        struct.pack_into("<iI", message, 4, now // 10**9, now % 10**9)
        publisher.publish(bytes(message))
    say(sent=options.count)


best_effort = options.reliability == "best_effort"
asked = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT if best_effort else ReliabilityPolicy.RELIABLE)
node.create_subscription(PointCloud2, f"{options.node}/labelled", hear, asked, raw=True)
threading.Thread(target=talk, daemon=True).start()
run(node)
