"""Reads and sets the parameters of a node: lines of JSON on stdin are what to set, answers go to stdout."""

import json
import sys

import rclpy
from rclpy.parameter import Parameter
from rclpy.parameter_client import AsyncParameterClient
from ros_peer import arguments, say

options = arguments(("node", str, "/instanton"))
rclpy.init()
node = rclpy.create_node(options.name)
client = AsyncParameterClient(node, options.node)


def answer(future):
    rclpy.spin_until_future_complete(node, future, timeout_sec=20.0)
    return future.result()


def value(message):
    found = rclpy.parameter.parameter_value_to_python(message)
    return list(found) if isinstance(found, (list, tuple)) or hasattr(found, "tolist") else found


if not client.wait_for_services(timeout_sec=30.0):
    say(absent=options.node)
    sys.exit(1)
names = sorted(answer(client.list_parameters()).result.names)
values = dict(zip(names, map(value, answer(client.get_parameters(names)).values)))
descriptors = answer(client.describe_parameters(names)).descriptors
described = {
    descriptor.name: {
        "description": descriptor.description,
        "type": descriptor.type,
        "read_only": descriptor.read_only,
        "constraints": descriptor.additional_constraints,
        "range": [[range.from_value, range.to_value] for range in descriptor.floating_point_range],
    }
    for descriptor in descriptors
}
types = list(answer(client.get_parameter_types(names)).types)
say(parameters=values, described=described, types=types)
for line in sys.stdin:
    asked = json.loads(line)
    parameters = [Parameter(name, value=value) for name, value in asked.items()]
    results = answer(client.set_parameters(parameters)).results
    say(set=[{"successful": result.successful, "reason": result.reason} for result in results])
rclpy.try_shutdown()
