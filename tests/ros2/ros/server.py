"""Serves std_srvs/srv/SetBool: answers what it was asked."""

import rclpy
from ros_peer import arguments, run, say
from std_srvs.srv import SetBool

options = arguments(("service", str, "/set"))
rclpy.init()
node = rclpy.create_node(options.name)


def answer(request, response):
    response.success = request.data
    response.message = f"asked for {request.data}"
    return response


node.create_service(SetBool, options.service, answer)
say(ready=True)
run(node)
