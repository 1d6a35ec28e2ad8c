"""A stand-in for `instanton feed`: small rooms of random boxes, in the same format. For tests only.

    python fake_stream.py [--network asis-pointnet2] [--points 512] [--seed 0] [--count 0 (= endless)] [--distinct 0 (= all)]
"""

import argparse
import json
import pathlib
import sys

import numpy as np

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent), str(pathlib.Path(__file__).resolve().parent)]

from reference_geometry import fill_plan  # noqa: E402
from stream import Header, LevelSize, record_type  # noqa: E402
from zoo import DESIGNS  # noqa: E402

CLASSES = ["ceiling", "floor", "wall", "beam", "column", "window", "door", "table", "chair", "sofa", "bookcase", "board", "clutter"]


def make_header(points, network="asis-pointnet2", columns=None):
    """Levels shrink by four each, as in the published networks at 4096 points (JSNet's last but by two)."""
    levels, needs = [], DESIGNS[network].trunk.needs()
    for k, need in enumerate(needs, 1):
        kept = max(points // 4**k, 4)
        if k == 4 and network.startswith("jsnet"):
            kept = max(points // 128, 4)
        levels.append(LevelSize(kept, 0.1 * 2 ** (k - 1), 32, **vars(need)))
    if columns is None:
        columns = 6 if network.endswith("-part") else 9
    header = Header(network, points, columns, CLASSES, levels, "random boxes", 0)
    header.record_bytes = record_type(header).itemsize
    return header


def header_line(header):
    return json.dumps({"version": 2, **vars(header), "levels": [vars(level) for level in header.levels]}) + "\n"


def make_record(header, random):
    """Floor, two walls and up to four boxes within a metre, each thing an instance with its own colour."""
    parts = [(1, [0, 0, 0], [1, 1, 0]), (2, [0, 0, 0], [1, 0, 2.5]), (2, [0, 0, 0], [0, 1, 2.5])]
    for _ in range(random.integers(1, 5)):
        size = random.uniform(0.15, 0.5, 3)
        parts.append((int(random.choice([7, 8, 10])), np.append(random.uniform(0, 1 - size[:2]), 0.0), size))
    owner = random.integers(0, len(parts), header.points)
    classes = np.array([part[0] for part in parts])
    origin, size = (np.array([part[k] for part in parts], float) for k in (1, 2))
    unit = random.random((header.points, 3))
    side = random.integers(0, 3, header.points)
    unit[np.arange(header.points), side] = np.round(unit[np.arange(header.points), side])
    position = origin[owner] + unit * size[owner] + random.normal(0, 0.003, (header.points, 3))
    colour = (classes[:, None] * np.array([[37, 61, 89]]) % 255 / 255)[owner] + random.normal(0, 0.03, (header.points, 3))
    record = np.zeros((), record_type(header))
    minimum = position.min(axis=0)
    record["features"] = np.concatenate([
        position - [minimum[0] + 0.5, minimum[1] + 0.5, 0.0], np.clip(colour, 0, 1),
        np.clip((position + 2) / [6, 6, 4.5], 0, 1)], axis=1)[:, : header.features]
    record["semantic"], record["instance"] = classes[owner], owner
    record["semantic"][:3], record["instance"][3:6] = 255, -1
    fill_plan(record, header.levels)
    return record


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--network", default="asis-pointnet2")
    arguments.add_argument("--points", type=int, default=512)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--count", type=int, default=0)
    arguments.add_argument("--distinct", type=int, default=0)
    options = arguments.parse_args()
    header, random = make_header(options.points, options.network), np.random.default_rng(options.seed)
    out = sys.stdout.buffer
    out.write(header_line(header).encode())
    made, number = [], 0
    while not options.count or number < options.count:
        if options.distinct and number >= options.distinct:
            raw = made[number % options.distinct]
        else:
            raw = make_record(header, random).tobytes()
            made.append(raw) if options.distinct else None
        out.write(raw)
        out.flush()
        number += 1


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        sys.exit(0)
