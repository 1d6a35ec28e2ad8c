"""Says what is known of a node, once it is: its topics, their types, its services."""

import time

import rclpy
from ros_peer import arguments, say

options = arguments(("node", str, "instanton"), ("namespace", str, "/"), ("services", int, 1), ("topics", int, 2))
rclpy.init()
node = rclpy.create_node(options.name)
end = time.time() + 30
while time.time() < end:
    nodes = node.get_node_names_and_namespaces()
    if (options.node, options.namespace) in nodes:
        of = (options.node, options.namespace)
        publishers = node.get_publisher_names_and_types_by_node(*of)
        subscriptions = node.get_subscriber_names_and_types_by_node(*of)
        services = node.get_service_names_and_types_by_node(*of)
        if len(publishers) + len(subscriptions) >= options.topics and len(services) >= options.services:
            say(nodes=nodes, publishers=publishers, subscriptions=subscriptions, services=services)
            break
    time.sleep(0.1)
rclpy.try_shutdown()
