"""Sends transforms as they lie in a folder: static_0.cdr, …, and 0.cdr, …; says what it hears of objects."""

import pathlib
import threading
import time

from cyclone_peer import Listener, arguments, ended, quality, reader, run, say, taken, writer
from ros_types import Detection3DArray, TFMessage

options = arguments(("folder", str, None), ("node", str, "/instanton"))
folder = pathlib.Path(options.folder)
options.depth = 100
moving = writer("rt/tf", TFMessage, quality(options))
options.durability = "transient_local"
fixed = writer("rt/tf_static", TFMessage, quality(options))
options.durability = "volatile"


class Looks(Listener):
    def on_data_available(self, reader):
        for found in taken(reader):
            objects = [
                {
                    "id": one.id,
                    "class": one.results[0].hypothesis.class_id,
                    "score": one.results[0].hypothesis.score,
                    "centre": [one.bbox.center.position.x, one.bbox.center.position.y, one.bbox.center.position.z],
                    "size": [one.bbox.size.x, one.bbox.size.y, one.bbox.size.z],
                    "header": one.header == found.header,
                }
                for one in found.detections
            ]
            stamp = found.header.stamp
            say(objects=objects, frame=found.header.frame_id, stamp=stamp.sec * 10**9 + stamp.nanosec)


def send(publisher, pattern):
    for path in sorted(folder.glob(pattern), key=lambda path: int(path.stem.removeprefix("static_"))):
        publisher.write(TFMessage.deserialize(path.read_bytes()))


def talk():
    while not ended.is_set() and not (fixed.get_matched_subscriptions() and moving.get_matched_subscriptions()):
        time.sleep(0.02)
    send(fixed, "static_*.cdr")
    send(moving, "[0-9]*.cdr")
    say(sent=True)


objects = reader(f"rt{options.node}/objects", Detection3DArray, quality(options), Looks())
threading.Thread(target=talk, daemon=True).start()
say(ready=True)
run()
