"""Sends clouds, stamped when they leave, to a labelling node, and says how old each is when it comes back labelled."""

import struct
import threading
import time

from cyclone_peer import Listener, arguments, ended, quality, reader, run, say, taken_raw, writer
from ros_types import PointCloud2

options = arguments(("file", str, None), ("count", int, 40), ("rate", float, 10.0), ("node", str, "/instanton"))
cloud = PointCloud2.deserialize(open(options.file, "rb").read())
# As bytes it is written at once, as a list of numbers one by one.
cloud.data = bytes(cloud.data)
publisher = writer(f"rt{options.topic}", PointCloud2, quality(options))


class Hears(Listener):
    def on_data_available(self, reader):
        for raw in taken_raw(reader):
            now = time.time()
            sec, nanosec = struct.unpack_from("<iI", raw, 4)
            say(latency=now - (sec + nanosec * 1e-9), size=len(raw))


def talk():
    while not ended.is_set() and not (publisher.get_matched_subscriptions() and labelled.get_matched_publications()):
        time.sleep(0.02)
    time.sleep(1.0)
    due = time.time()
    for _ in range(options.count):
        time.sleep(max(0.0, due - time.time()))
        due += 1.0 / options.rate
        now = time.time_ns()
        cloud.header.stamp.sec, cloud.header.stamp.nanosec = now // 10**9, now % 10**9
        publisher.write(cloud)
    say(sent=options.count)


labelled = reader(f"rt{options.node}/labelled", PointCloud2, quality(options), Hears())
threading.Thread(target=talk, daemon=True).start()
run()
