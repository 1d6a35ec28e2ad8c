"""Says what is known of a node, once it is, by what every ROS 2 middleware reads: its endpoints and the graph's topic."""

import time

from cyclone_peer import arguments, ended, participant, quality, reader, say
from cyclonedds.builtin import BuiltinDataReader, BuiltinTopicDcpsPublication, BuiltinTopicDcpsSubscription
from ros_types import ParticipantEntitiesInfo

options = arguments(("node", str, "instanton"), ("namespace", str, "/"), ("services", int, 1), ("topics", int, 2))
options.durability, options.depth = "transient_local", 1
infos = reader("ros_discovery_info", ParticipantEntitiesInfo, quality(options))
writers = BuiltinDataReader(participant, BuiltinTopicDcpsPublication)
readers = BuiltinDataReader(participant, BuiltinTopicDcpsSubscription)


def known(entities):
    """Name and type by identifier."""
    return {bytes(found.key.bytes): (found.topic_name, found.type_name) for found in entities.read(N=1000)}


def named(gids, entities, prefix, suffix=""):
    """Those of the given identifiers whose names have a prefix and a suffix, in the words of ROS 2."""
    for gid in gids:
        name, kind = entities.get(bytes(gid.data), ("", ""))
        if name.startswith(prefix) and name.endswith(suffix) and kind:
            kind = kind.replace("::dds_::", "/").replace("::", "/").removesuffix("_")
            yield [name[2 : len(name) - len(suffix)], [kind.removesuffix("_Request")]]


end = time.time() + 30
while time.time() < end and not ended.is_set():
    nodes = [node for info in infos.read(N=100) for node in info.node_entities_info_seq]
    found = [node for node in nodes if (node.node_name, node.node_namespace) == (options.node, options.namespace)]
    if found:
        node, there, here = found[-1], known(writers), known(readers)
        publishers = list(named(node.writer_gid_seq, there, "rt"))
        subscriptions = list(named(node.reader_gid_seq, here, "rt"))
        services = list(named(node.reader_gid_seq, here, "rq", "Request"))
        if len(publishers) + len(subscriptions) >= options.topics and len(services) >= options.services:
            names = [[node.node_name, node.node_namespace] for node in nodes]
            say(nodes=names, publishers=publishers, subscriptions=subscriptions, services=services)
            break
    time.sleep(0.1)
