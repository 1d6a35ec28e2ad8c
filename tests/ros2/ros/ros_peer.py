"""What the peers over rclpy share: quality of service, mismatches, spinning until stdin ends."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import rclpy
from peer import arguments, at_end, same, say
from rclpy.executors import ExternalShutdownException
from rclpy.qos import DurabilityPolicy, QoSPolicyKind, QoSProfile, ReliabilityPolicy

__all__ = ["arguments", "mismatch", "quality", "run", "same", "say"]


def quality(options):
    return QoSProfile(
        depth=options.depth,
        reliability=ReliabilityPolicy[options.reliability.upper()],
        durability=DurabilityPolicy[options.durability.upper()],
    )


def mismatch(event):
    say(mismatch=QoSPolicyKind(event.last_policy_kind).name.lower(), count=event.total_count)


def run(node):
    at_end(rclpy.try_shutdown)
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except (RuntimeError, TypeError):
        # Told to end before it had begun.
        if rclpy.ok():
            raise
