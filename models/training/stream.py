"""Reads training blocks, geometry included, from the standard output of `instanton feed`.

Little endian. The first line is JSON: version, network, points, features, classes, levels (points, radius,
slots, grouping, density, self_nearest and to_block each), data (what the blocks are made of) and record_bytes.
Then records: features f32 [N, F], class u8 [N] (255 = ignored), instance i32 [N] (−1 = none), and for each
level, finest first: sampled_from u32 [n], neighbours u32 [n, slots], count u32 [n], with density
density_scale f32 [n, slots], interpolation index u32 [finer, 3] and weight f32 [finer, 3], with self_nearest
self_neighbours u32 [n, self_nearest], with to_block block index u32 [N, 3] and weight f32 [N, 3].
"""

import dataclasses
import json
import queue
import shlex
import subprocess
import threading

import numpy as np
import torch

from batch import Batch, Level
from trunks import LevelNeed
from zoo import DESIGNS

MAXIMUM_HEADER = 1 << 20
MAXIMUM_POINTS = 1 << 16


class StreamError(RuntimeError):
    """The feeder ended early or sent something else than the format above; says what and where."""


@dataclasses.dataclass
class LevelSize:
    """`points` kept, `radius` (metres) of the ball or of the density, neighbour `slots` a point, and what more there is."""

    points: int
    radius: float
    slots: int
    grouping: str = "ball"
    density: bool = False
    self_nearest: int = 0
    to_block: bool = False

    def need(self):
        """The part that the network decides."""
        return LevelNeed(self.grouping, self.density, self.self_nearest, self.to_block)


@dataclasses.dataclass
class Header:
    """What the stream holds."""

    network: str
    points: int
    features: int
    classes: list[str]
    levels: list[LevelSize]
    data: str
    record_bytes: int


def _level(raw):
    return LevelSize(int(raw["points"]), float(raw["radius"]), int(raw["slots"]), str(raw["grouping"]), bool(raw["density"]),
                     int(raw["self_nearest"]), bool(raw["to_block"]))


def parse_header(line):
    """Checks and returns the first line. Raises `StreamError`."""
    try:
        raw = json.loads(line)
        if raw["version"] == 1:  # the same, of one network only, without what that one needs not
            raw |= {"version": 2, "network": "asis-pointnet2", "data": "unknown"}
            missing = {"grouping": "ball", "density": False, "self_nearest": 0, "to_block": False}
            raw["levels"] = [level | missing for level in raw["levels"]]
        if raw["version"] != 2:
            raise StreamError(f"stream version 2 expected, got {raw['version']}")
        header = Header(str(raw["network"]), int(raw["points"]), int(raw["features"]), [str(c) for c in raw["classes"]],
                        [_level(level) for level in raw["levels"]], str(raw["data"]), int(raw["record_bytes"]))
    except (ValueError, KeyError, TypeError) as error:
        raise StreamError(f"header expected as one line of JSON, got {line[:200]!r}: {error!r}") from error
    if header.network not in DESIGNS:
        raise StreamError(f"a network out of {', '.join(DESIGNS)} expected, got {header.network!r}")
    columns = (3, 6) if header.network.endswith("-part") else (9,)
    if not 1 <= header.points <= MAXIMUM_POINTS or header.features not in columns or not 1 <= len(header.classes) <= 255:
        raise StreamError(f"1 to {MAXIMUM_POINTS} points, {columns} features and 1 to 255 classes expected, got {raw}")
    needs = DESIGNS[header.network].trunk.needs()
    if [level.need() for level in header.levels] != needs:
        raise StreamError(f"{header.network} needs levels {needs}, got {header.levels}")
    finer = header.points
    for level in header.levels:
        if not 1 <= level.points <= finer or not 1 <= level.slots <= 256:
            raise StreamError(f"a level keeps 1 to {finer} points and 1 to 256 slots, got {level}")
        finer = level.points
    expected = record_type(header).itemsize
    if header.record_bytes != expected:
        raise StreamError(f"record_bytes {expected} expected from the sizes, got {header.record_bytes}")
    return header


def record_type(header):
    """A record as a packed NumPy structure."""
    n = header.points
    fields = [("features", "<f4", (n, header.features)), ("semantic", "u1", (n,)), ("instance", "<i4", (n,))]
    finer = n
    for number, level in enumerate(header.levels, 1):
        fields += [
            (f"sampled_from{number}", "<i4", (level.points,)),
            (f"index{number}", "<i4", (level.points, level.slots)),
            (f"count{number}", "<i4", (level.points,)),
        ]
        if level.density:
            fields.append((f"density_scale{number}", "<f4", (level.points, level.slots)))
        fields += [
            (f"interpolation_index{number}", "<i4", (finer, 3)),
            (f"interpolation_weight{number}", "<f4", (finer, 3)),
        ]
        if level.self_nearest:
            fields.append((f"self_neighbours{number}", "<i4", (level.points, level.self_nearest)))
        if level.to_block:
            fields += [(f"block_index{number}", "<i4", (n, 3)), (f"block_weight{number}", "<f4", (n, 3))]
        finer = level.points
    return np.dtype(fields)


def check_record(header, record):
    """Refuses indices outside their level and labels outside their range: kernels trust them."""
    finer = header.points
    for number, level in enumerate(header.levels, 1):
        limits = [("sampled_from", finer), ("index", finer), ("interpolation_index", level.points),
                  ("self_neighbours", level.points), ("block_index", level.points)]
        for name, limit in limits:
            if f"{name}{number}" in record.dtype.names:
                values = record[f"{name}{number}"]
                if values.min() < 0 or values.max() >= limit:
                    raise StreamError(f"{name} of level {number} must lie in 0..{limit}")
        for name in ("density_scale", "interpolation_weight", "block_weight"):
            if f"{name}{number}" in record.dtype.names and not np.isfinite(record[f"{name}{number}"]).all():
                raise StreamError(f"{name} of level {number} must be finite")
        finer = level.points
    semantic = record["semantic"]
    if ((semantic >= len(header.classes)) & (semantic != 255)).any():
        raise StreamError(f"classes must lie in 0..{len(header.classes)} or be 255")
    if not np.isfinite(record["features"]).all():
        raise StreamError("features must be finite")


def _fewer(index, density, count, slots, random):
    """`slots` random distinct neighbours of each row; duplicates fill up only where there are fewer."""
    count = np.clip(count, 1, index.shape[2])
    first = (random.random(count.shape, dtype=np.float32) * count).astype(np.int32)
    chosen = (first[..., None] + np.arange(slots, dtype=np.int32)) % count[..., None]
    if density is not None:
        density = np.take_along_axis(density, chosen, axis=2)
        density = density / density.max(axis=2, keepdims=True)
    return np.take_along_axis(index, chosen, axis=2), density


def make_batch(header, records, slots=None, random=None):
    """Stacks records into a `Batch`.

    `slots` smaller than a level's own takes that many neighbours at random among the distinct ones (a
    cheaper approximation for pre-training).
    """
    blocks = len(records)
    records = np.stack(records)

    def rows(values, size):
        base = (np.arange(blocks, dtype=np.int32) * size).reshape(-1, *[1] * (values.ndim - 1))
        return torch.from_numpy((values + base).reshape(-1, *values.shape[2:]))

    def floats(name):
        values = records[name]
        return torch.from_numpy(values.reshape(-1, values.shape[-1]).copy())

    levels, finer = [], header.points
    for number, level in enumerate(header.levels, 1):
        index = records[f"index{number}"]
        density = records[f"density_scale{number}"] if level.density else None
        if slots is not None and slots < level.slots:
            index, density = _fewer(index, density, records[f"count{number}"], slots, random)
        levels.append(Level(
            rows(records[f"sampled_from{number}"], finer),
            rows(index, finer),
            rows(records[f"interpolation_index{number}"], level.points),
            floats(f"interpolation_weight{number}"),
            torch.from_numpy(np.array(density).reshape(-1, density.shape[2])) if level.density else None,
            rows(records[f"self_neighbours{number}"], level.points) if level.self_nearest else None,
            rows(records[f"block_index{number}"], level.points) if level.to_block else None,
            floats(f"block_weight{number}") if level.to_block else None,
        ))
        finer = level.points
    return Batch(
        floats("features"),
        torch.from_numpy(records["semantic"].reshape(-1).astype(np.int64)),
        torch.from_numpy(records["instance"].reshape(-1).astype(np.int64)),
        levels,
        blocks,
    )


class Stream:
    """A running feeder. `take` returns the next records; reading ahead happens on a thread.

    `ahead` bounds how many records wait in memory; a full queue blocks the feeder through its pipe.
    """

    def __init__(self, command, ahead=32):
        self.command = command if isinstance(command, list) else shlex.split(command)
        try:
            self._process = subprocess.Popen(self.command, stdout=subprocess.PIPE)
        except OSError as error:
            raise StreamError(f"cannot start {self.command}: {error}") from error
        line = self._process.stdout.readline(MAXIMUM_HEADER)
        if not line.endswith(b"\n"):
            self.close()
            raise StreamError(f"{self.command}: ended before its header (exit status {self._process.returncode})")
        try:
            self.header = parse_header(line)
        except StreamError:
            self.close()
            raise
        self._type = record_type(self.header)
        self._queue = queue.Queue(maxsize=ahead)
        self._closing = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        number = 0
        try:
            while not self._closing:
                buffer = bytearray(self._type.itemsize)
                view, filled = memoryview(buffer), 0
                while filled < len(buffer):
                    got = self._process.stdout.readinto(view[filled:])
                    if not got:
                        break
                    filled += got
                if filled == 0:
                    return self._put(None)
                if filled < len(buffer):
                    raise StreamError(f"record {number}: {len(buffer)} bytes expected, {filled} came")
                record = np.frombuffer(buffer, dtype=self._type)[0]
                check_record(self.header, record)
                self._put(record)
                number += 1
        except (StreamError, ValueError, OSError) as error:
            self._put(error)

    def _put(self, item):
        while not self._closing:
            try:
                return self._queue.put(item, timeout=0.5)
            except queue.Full:
                continue

    def take(self, count):
        """The next `count` records; fewer, or none, at the stream's end. Raises `StreamError`."""
        records = []
        while len(records) < count:
            item = self._queue.get()
            if item is None:
                self._queue.put(None)
                break
            if isinstance(item, Exception):
                raise StreamError(f"{self.command}: {item}") from item
            records.append(item)
        return records

    def waiting(self):
        """Records read ahead."""
        return self._queue.qsize()

    def close(self):
        """Ends the feeder."""
        self._closing = True
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process.stdout.close()
