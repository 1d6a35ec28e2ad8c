"""Sends a PointCloud2 as it lies in a file, as soon as someone listens (or at once, if no one needs to)."""

import threading
import time

from cyclone_peer import Listener, arguments, ended, mismatch, quality, run, say, writer
from ros_types import PointCloud2

options = arguments(("file", str, None), ("count", int, 1), ("rate", float, 10.0), ("listeners", int, 1))
cloud = PointCloud2.deserialize(open(options.file, "rb").read())


class Told(Listener):
    def on_offered_incompatible_qos(self, writer, status):
        mismatch(status)


publisher = writer(f"rt{options.topic}", PointCloud2, quality(options), Told())


def talk():
    while not ended.is_set() and len(publisher.get_matched_subscriptions()) < options.listeners:
        time.sleep(0.02)
    for _ in range(options.count):
        if ended.is_set():
            return
        publisher.write(cloud)
        time.sleep(1.0 / options.rate)
    say(sent=options.count)


threading.Thread(target=talk, daemon=True).start()
say(ready=True)
run()
