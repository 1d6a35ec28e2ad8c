#!/usr/bin/env python3
"""Says what labelled clouds hold: for each cloud how many points of each class, and how many instances.

Listens to `/instanton/labelled_compact`, which always arrives, or to the topic that is named:
`listener.py /instanton/labelled`.
"""

import sys

import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.utilities import remove_ros_args
from sensor_msgs.msg import PointCloud2, PointField

CLASSES = "ceiling floor wall beam column window door table chair sofa bookcase board clutter".split()
TYPES = {PointField.UINT16: "<u2", PointField.UINT32: "<u4", PointField.FLOAT32: "<f4"}


class Listener(Node):
    """Prints a line a cloud."""

    def __init__(self, topic):
        super().__init__("listener")
        self.create_subscription(PointCloud2, topic, self.hear, 10)

    def hear(self, message):
        fields = {field.name: field for field in message.fields}

        def column(name):
            field = fields[name]
            kind = np.dtype(TYPES[field.datatype])
            points = np.frombuffer(message.data, np.uint8).reshape(-1, message.point_step)
            return points[:, field.offset : field.offset + kind.itemsize].copy().view(kind)[:, 0]

        label, instance = column("label"), column("instance")
        counts = [(int((label == number).sum()), name) for number, name in enumerate(CLASSES)]
        said = ", ".join(f"{count} {name}" for count, name in sorted(counts, reverse=True) if count)
        unknown = int((label == 65535).sum())
        instances = len(np.unique(instance[instance > 0]))
        print(f"{len(label)} points: {said or 'nothing yet'}, {unknown} not labelled, {instances} instances", flush=True)


def main():
    rclpy.init(args=sys.argv)
    arguments = remove_ros_args(sys.argv)[1:]
    try:
        rclpy.spin(Listener(arguments[0] if arguments else "/instanton/labelled_compact"))
    except (KeyboardInterrupt, ExternalShutdownException):
        pass


if __name__ == "__main__":
    main()
