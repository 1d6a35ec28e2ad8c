"""Calls a service of the type std_srvs/srv/SetBool a few times, and says what it answers."""

import rclpy
from ros_peer import arguments, say
from std_srvs.srv import SetBool

options = arguments(("service", str, "/set"), ("count", int, 5))
rclpy.init()
node = rclpy.create_node(options.name)
client = node.create_client(SetBool, options.service)
if client.wait_for_service(timeout_sec=30.0):
    for count in range(options.count):
        future = client.call_async(SetBool.Request(data=count % 2 == 1))
        rclpy.spin_until_future_complete(node, future, timeout_sec=10.0)
        answer = future.result()
        say(success=answer.success, message=answer.message) if answer else say(timeout=True)
rclpy.try_shutdown()
