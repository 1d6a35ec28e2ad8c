"""A node of rclpy that does what it is told: a line of JSON in for each order, a line out with what came of it."""

import json
import sys
import time
import zlib

import rclpy
from rcl_interfaces.srv import GetParameterTypes
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.serialization import serialize_message
from sensor_msgs.msg import PointCloud2, PointField

rclpy.init()
node = rclpy.create_node("peer")
clients, publishers, subscriptions, heard = {}, {}, {}, {}


def quality(order):
    return QoSProfile(depth=10, reliability=ReliabilityPolicy[order["reliability"].upper()])


def until(holds, patience):
    """Spins until something holds, and says whether it does."""
    end = time.monotonic() + patience
    while not holds() and time.monotonic() < end:
        rclpy.spin_once(node, timeout_sec=0.05)
    return holds()


def call(order):
    """Asks a service of the type GetParameterTypes for the types of one parameter."""
    name = order["service"]
    if name not in clients:
        clients[name] = node.create_client(GetParameterTypes, name)
    client = clients[name]
    if not client.wait_for_service(timeout_sec=order["patience"]):
        return None
    future = client.call_async(GetParameterTypes.Request(names=[order["asked"]]))
    if until(future.done, order["patience"]):
        return bytes(future.result().types).hex()
    client.remove_pending_request(future)
    return None


def listen(order):
    """Listens to clouds."""
    topic = order["topic"]
    heard[topic] = []
    subscriptions[topic] = node.create_subscription(PointCloud2, topic, heard[topic].append, quality(order))


def hear(order):
    """The next cloud that was heard."""
    clouds = heard[order["topic"]]
    if not until(lambda: clouds, order["patience"]):
        return None
    cloud = clouds.pop(0)
    return {"frame": cloud.header.frame_id, "points": cloud.width * cloud.height, "crc": zlib.crc32(cloud.data)}


def send(order):
    """Sends a cloud of so many points once somebody listens."""
    topic, points = order["topic"], order["points"]
    if topic not in publishers:
        publishers[topic] = node.create_publisher(PointCloud2, topic, quality(order))
    publisher = publishers[topic]
    if not until(lambda: publisher.get_subscription_count() > 0, order["patience"]):
        return None
    cloud = PointCloud2(height=1, width=points, point_step=16, row_step=16 * points, is_dense=True)
    cloud.header.frame_id = "camera"
    for index, name in enumerate(["x", "y", "z", "intensity"]):
        cloud.fields.append(PointField(name=name, offset=4 * index, datatype=PointField.FLOAT32, count=1))
    cloud.data = (bytes(range(251)) * (16 * points // 251 + 1))[: 16 * points]
    publisher.publish(cloud)
    return {"crc": zlib.crc32(serialize_message(cloud)[4:])}


def graph(order):
    """What is known of a node once it has so many topics and services."""
    of = (order["node"], order["namespace"])

    def topics():
        if of not in node.get_node_names_and_namespaces():
            return [], [], []
        return (
            node.get_publisher_names_and_types_by_node(*of),
            node.get_subscriber_names_and_types_by_node(*of),
            node.get_service_names_and_types_by_node(*of),
        )

    until(lambda: sum(map(len, topics())) >= order["count"], order["patience"])
    return dict(zip(("publishers", "subscriptions", "services"), topics()))


for line in sys.stdin:
    order = json.loads(line)
    print(json.dumps({"result": globals()[order["do"]](order)}), flush=True)
rclpy.try_shutdown()
