"""What the peers share: arguments, quality of service, lines of JSON on stdout, an end when stdin ends."""

import argparse
import json
import sys
import threading

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.qos import DurabilityPolicy, QoSPolicyKind, QoSProfile, ReliabilityPolicy


def arguments(*more):
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", default="peer")
    parser.add_argument("--topic", default="/points")
    parser.add_argument("--reliability", default="reliable", choices=["reliable", "best_effort"])
    parser.add_argument("--durability", default="volatile", choices=["volatile", "transient_local"])
    parser.add_argument("--depth", type=int, default=10)
    for name, kind, default in more:
        parser.add_argument(f"--{name}", type=kind, default=default)
    return parser.parse_args()


def quality(options):
    return QoSProfile(
        depth=options.depth,
        reliability=ReliabilityPolicy[options.reliability.upper()],
        durability=DurabilityPolicy[options.durability.upper()],
    )


def say(**what):
    print(json.dumps(what), flush=True)


def mismatch(event):
    say(mismatch=QoSPolicyKind(event.last_policy_kind).name.lower(), count=event.total_count)


def run(node):
    """Spins until stdin ends: a parent that dies takes its peers along."""

    def end():
        sys.stdin.read()
        rclpy.try_shutdown()

    threading.Thread(target=end, daemon=True).start()
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
