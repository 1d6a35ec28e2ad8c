"""Says of each PointCloud2 how big it is, how late, and whether it is the expected one."""

import struct
import time

from cyclone_peer import Listener, arguments, mismatch, quality, reader, run, same, say, taken_raw
from ros_types import PointCloud2

options = arguments(("expect", str, None))
expected = open(options.expect, "rb").read() if options.expect else None


class Hears(Listener):
    def on_requested_incompatible_qos(self, reader, status):
        mismatch(status)

    def on_data_available(self, reader):
        for raw in taken_raw(reader):
            now = time.time()
            sec, nanosec = struct.unpack_from("<iI", raw, 4)
            said = {"size": len(raw), "latency": now - (sec + nanosec * 1e-9)}
            if expected:
                cloud = PointCloud2.deserialize(raw)
                said["equal"] = same(cloud.serialize(use_version_2=False), expected)
                said["points"] = cloud.width * cloud.height
                said["frame"] = cloud.header.frame_id
            say(**said)


heard = reader(f"rt{options.topic}", PointCloud2, quality(options), Hears())
say(ready=True)
run()
