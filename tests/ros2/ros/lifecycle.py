"""Leads a managed node as its manager does: transitions come as lines of JSON on stdin, answers and events go to stdout."""

import json
import sys
import threading

import rclpy
from lifecycle_msgs.msg import Transition, TransitionEvent
from lifecycle_msgs.srv import ChangeState, GetAvailableStates, GetAvailableTransitions, GetState
from rclpy.executors import ExternalShutdownException
from ros_peer import arguments, say

options = arguments(("node", str, "/instanton"))
rclpy.init()
node = rclpy.create_node(options.name)
KINDS = {
    "change_state": ChangeState,
    "get_state": GetState,
    "get_available_states": GetAvailableStates,
    "get_available_transitions": GetAvailableTransitions,
    "get_transition_graph": GetAvailableTransitions,
}
clients = {name: node.create_client(kind, f"{options.node}/{name}") for name, kind in KINDS.items()}


def hear(event):
    say(event=[event.transition.label, event.start_state.label, event.goal_state.label])


node.create_subscription(TransitionEvent, f"{options.node}/transition_event", hear, 10)


def spin():
    try:
        rclpy.spin(node)
    except (ExternalShutdownException, RuntimeError):
        pass


def call(name, request=None):
    done = threading.Event()
    future = clients[name].call_async(request or KINDS[name].Request())
    future.add_done_callback(lambda _: done.set())
    if not done.wait(40.0):
        say(timeout=name)
        sys.exit(1)
    return future.result()


def transitions(name):
    found = call(name).available_transitions
    return [[one.transition.label, one.start_state.label, one.goal_state.label] for one in found]


for client in clients.values():
    if not client.wait_for_service(timeout_sec=30.0):
        say(absent=client.srv_name)
        sys.exit(1)
spinning = threading.Thread(target=spin, daemon=True)
spinning.start()
say(
    states=[state.label for state in call("get_available_states").available_states],
    graph=transitions("get_transition_graph"),
)
for line in sys.stdin:
    asked = json.loads(line)
    if "change" in asked:
        # By its number where it has one, else by its name.
        number = getattr(Transition, f"TRANSITION_{asked['change']}".upper(), 0)
        transition = Transition(id=number, label="" if number else asked["change"])
        success = call("change_state", ChangeState.Request(transition=transition)).success
        say(changed=success, to=asked["change"])
    else:
        say(state=call("get_state").current_state.label, may=transitions("get_available_transitions"))
rclpy.try_shutdown()
spinning.join()
