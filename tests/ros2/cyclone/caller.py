"""Calls a service of the type std_srvs/srv/SetBool a few times, as rmw_cyclonedds does, and says what it answers."""

import time

from cyclone_peer import arguments, ended, quality, reader, say, taken, writer
from ros_types import SetBoolRequest, SetBoolResponse

options = arguments(("service", str, "/set"), ("count", int, 5))
requests = writer(f"rq{options.service}Request", SetBoolRequest, quality(options))
answers = reader(f"rr{options.service}Reply", SetBoolResponse, quality(options))
client = requests.get_instance_handle() % 2**64


def wait(holds, seconds):
    end = time.time() + seconds
    while time.time() < end and not ended.is_set():
        if found := holds():
            return found
        time.sleep(0.005)
    return None


def ours(number):
    return [answer for answer in taken(answers) if (answer.client, answer.number) == (client, number)]


if wait(lambda: requests.get_matched_subscriptions() and answers.get_matched_publications(), 30.0):
    for count in range(options.count):
        requests.write(SetBoolRequest(client, count + 1, count % 2 == 1))
        answer = wait(lambda: ours(count + 1), 10.0)
        say(success=answer[0].success, message=answer[0].message) if answer else say(timeout=True)
