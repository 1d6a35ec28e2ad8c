"""Sends a PointCloud2 as it lies in a file, as soon as someone listens (or at once, if no one needs to)."""

import threading
import time

import rclpy
from ros_peer import arguments, mismatch, quality, run, say
from rclpy.event_handler import PublisherEventCallbacks
from sensor_msgs.msg import PointCloud2

options = arguments(("file", str, None), ("count", int, 1), ("rate", float, 10.0), ("listeners", int, 1))
message = open(options.file, "rb").read()
rclpy.init()
node = rclpy.create_node(options.name)
events = PublisherEventCallbacks(incompatible_qos=mismatch)
publisher = node.create_publisher(PointCloud2, options.topic, quality(options), event_callbacks=events)


def talk():
    while rclpy.ok() and publisher.get_subscription_count() < options.listeners:
        time.sleep(0.02)
    for _ in range(options.count):
        if not rclpy.ok():
            return
        publisher.publish(message)
        time.sleep(1.0 / options.rate)
    say(sent=options.count)


threading.Thread(target=talk, daemon=True).start()
say(ready=True)
run(node)
