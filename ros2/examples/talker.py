#!/usr/bin/env python3
"""A sensor to try things out with: publishes the cloud of a small furnished room ten times a second.

The frame's z is up, so that `instanton run --cloud /points --upright` needs no transforms. Needs rclpy, sensor_msgs and
numpy, as every ROS 2 installation has them.
"""

import sys

import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import PointCloud2, PointField

# The sensor is 1.1 m above the floor of a room of 4 m by 3.5 m by 2.6 m, near a corner.
LOW = np.array([-0.8, -1.6, -1.1])
HIGH = np.array([3.2, 1.9, 1.5])
# Boxes as corner, size and colour: a table's top and legs, a chair's seat, back and legs, a bookcase.
BROWN, GREY, DARK = (150, 110, 70), (90, 90, 95), (95, 65, 40)
BOXES = [((1.2, -0.6, -0.40), (0.8, 1.4, 0.04), BROWN)]
BOXES += [((1.2 + x, -0.6 + y, -1.1), (0.05, 0.05, 0.70), BROWN) for x in (0.0, 0.75) for y in (0.0, 1.35)]
BOXES += [((0.55, -0.1, -0.65), (0.45, 0.45, 0.05), GREY), ((0.55, -0.1, -0.60), (0.04, 0.45, 0.45), GREY)]
BOXES += [((0.55 + x, -0.1 + y, -1.1), (0.04, 0.04, 0.45), GREY) for x in (0.0, 0.41) for y in (0.0, 0.41)]
BOXES += [((0.6, 1.5, -1.1), (1.2, 0.35, 1.9), DARK)]


def surface(random, corner, size, colour, density=2500.0):
    """Points on the six sides of a box, a few thousand on a square metre, and their colours."""
    corner, size = np.asarray(corner), np.asarray(size)
    sides = []
    for axis in range(3):
        a, b = [other for other in range(3) if other != axis]
        count = int(density * size[a] * size[b]) + 1
        for at in (0.0, 1.0):
            points = random.random((count, 3))
            points[:, axis] = at
            sides.append(corner + points * size)
    points = np.concatenate(sides)
    return points, np.tile(np.asarray(colour, np.uint8), (len(points), 1))


def room(random):
    """The points of the room and its furniture, with a sensor's noise, and their colours."""
    parts = [surface(random, LOW, HIGH - LOW, (205, 200, 190), 700.0)]
    parts += [surface(random, corner, size, colour) for corner, size, colour in BOXES]
    points = np.concatenate([points for points, _ in parts])
    colours = np.concatenate([colours for _, colours in parts])
    return points + random.normal(0.0, 0.003, points.shape), colours


class Talker(Node):
    """Publishes `points`."""

    def __init__(self):
        super().__init__("talker")
        self.random = np.random.default_rng(1)
        self.publisher = self.create_publisher(PointCloud2, "points", qos_profile_sensor_data)
        self.create_timer(0.1, self.talk)
        self.points, self.colours = room(self.random)
        self.get_logger().info(f"{len(self.points)} points on {self.publisher.topic_name}")

    def talk(self):
        cloud = np.zeros(len(self.points), [("xyz", np.float32, 3), ("rgb", np.uint32)])
        cloud["xyz"] = self.points + self.random.normal(0.0, 0.002, self.points.shape)
        red, green, blue = self.colours.astype(np.uint32).T
        cloud["rgb"] = red << 16 | green << 8 | blue
        message = PointCloud2(height=1, width=len(cloud), point_step=16, row_step=16 * len(cloud), is_dense=True)
        message.header.stamp = self.get_clock().now().to_msg()
        message.header.frame_id = "sensor"
        message.fields = [
            PointField(name=name, offset=4 * index, datatype=PointField.FLOAT32, count=1)
            for index, name in enumerate(("x", "y", "z", "rgb"))
        ]
        message.data = cloud.tobytes()
        self.publisher.publish(message)


def main():
    rclpy.init(args=sys.argv)
    try:
        rclpy.spin(Talker())
    except (KeyboardInterrupt, ExternalShutdownException):
        pass


if __name__ == "__main__":
    main()
