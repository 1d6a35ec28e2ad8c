"""What the peers over Cyclone DDS share: a participant of the domain, quality of service, readers and writers."""

import os
import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from cyclonedds._clayer import ddspy_take
from cyclonedds.core import InstanceState, Listener, Policy, Qos, SampleState, ViewState
from cyclonedds.domain import DomainParticipant
from cyclonedds.pub import DataWriter
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic
from cyclonedds.util import duration
from peer import arguments, at_end, same, say

__all__ = ["Listener", "arguments", "ended", "mismatch", "participant", "quality", "reader", "run", "same", "say"]
__all__ += ["taken", "taken_raw", "writer"]

ended = threading.Event()
participant = DomainParticipant(int(os.environ.get("ROS_DOMAIN_ID", "0")))
# By the numbers of the DDS specification.
POLICIES = {2: "durability", 4: "deadline", 11: "reliability"}


def quality(options):
    reliable = options.reliability == "reliable"
    latched = options.durability == "transient_local"
    return Qos(
        Policy.Reliability.Reliable(duration(milliseconds=100)) if reliable else Policy.Reliability.BestEffort,
        Policy.Durability.TransientLocal if latched else Policy.Durability.Volatile,
        Policy.History.KeepLast(options.depth),
        Policy.DataRepresentation(use_cdrv0_representation=True),
    )


def mismatch(status):
    say(mismatch=POLICIES.get(status.last_policy_id, str(status.last_policy_id)), count=status.total_count)


def writer(topic, kind, qos, listener=None):
    return DataWriter(participant, Topic(participant, topic, kind, qos=qos), qos=qos, listener=listener)


def reader(topic, kind, qos, listener=None):
    return DataReader(participant, Topic(participant, topic, kind, qos=qos), qos=qos, listener=listener)


def taken(reader):
    """What a reader has; a writer that goes leaves a sample without a message."""
    return [sample for sample in reader.take(N=100) if sample.sample_info.valid_data]


def taken_raw(reader):
    """The same as bytes: this binding makes a list of numbers of a cloud, one by one."""
    found = ddspy_take(reader._ref, SampleState.Any | ViewState.Any | InstanceState.Any, 100)
    return [bytes(message) for message, information in found if information.valid_data]


def run():
    """Goes on until stdin ends."""
    at_end(ended.set)
    ended.wait()
