"""The stream format: what is read is what was written, and what is wrong is refused in words."""

import json
import sys

import numpy as np
import pytest
import torch

import fake_stream
from stream import Stream, StreamError, check_record, make_batch, parse_header, record_type

FAKE = [sys.executable, fake_stream.__file__]
POINTS = 128


def test_round_trip():
    stream = Stream([*FAKE, "--points", str(POINTS), "--seed", "3", "--count", "3"])
    try:
        records = stream.take(5)
    finally:
        stream.close()
    assert len(records) == 3
    random = np.random.default_rng(3)
    header = fake_stream.make_header(POINTS)
    for record in records:
        assert record.tobytes() == fake_stream.make_record(header, random).tobytes()


def test_batch_rows_point_into_their_own_block():
    header, random = fake_stream.make_header(POINTS), np.random.default_rng(0)
    records = [fake_stream.make_record(header, random) for _ in range(3)]
    batch = make_batch(header, records)
    position, finer = batch.features[:, :3], POINTS
    for number, level in enumerate(header.levels, 1):
        geometry = batch.levels[number - 1]
        block = torch.arange(3).repeat_interleave(level.points)
        assert torch.equal(geometry.sampled_from.long() // finer, block)
        assert (geometry.neighbours.long() // finer == block[:, None]).all()
        coarse = position[geometry.sampled_from.long()]
        distance = (position[geometry.neighbours.long()] - coarse[:, None]).norm(dim=2)
        assert distance.max() < level.radius
        assert torch.allclose(geometry.interpolation_weight.sum(dim=1), torch.ones(3 * finer), atol=1e-5)
        assert (geometry.interpolation_index.long() // level.points == torch.arange(3).repeat_interleave(finer)[:, None]).all()
        position, finer = coarse, level.points


def test_fewer_slots_are_distinct_neighbours():
    header, random = fake_stream.make_header(512), np.random.default_rng(0)
    record = fake_stream.make_record(header, random)
    few = make_batch(header, [record], slots=8, random=random).levels[1].neighbours.numpy()
    for row, all_slots, count in zip(few, record["index2"], record["count2"]):
        assert set(row) <= set(all_slots)
        assert len(set(row)) == min(8, count)


def test_version_1_is_the_first_network():
    raw = valid_header() | {"version": 1}
    for key in ("network", "data"):
        del raw[key]
    raw["levels"] = [{key: level[key] for key in ("points", "radius", "slots")} for level in raw["levels"]]
    header = parse_header(json.dumps(raw).encode())
    assert header.network == "asis-pointnet2" and record_type(header).itemsize == header.record_bytes


@pytest.mark.parametrize("name, fields", [("asis-pointnet", 3), ("asis-pointnet2", 23), ("jsnet", 31), ("jsnet-backbone", 29)])
def test_records_of_other_networks(name, fields):
    header = parse_header(fake_stream.header_line(fake_stream.make_header(POINTS, name)).encode())
    record = fake_stream.make_record(header, np.random.default_rng(0))
    assert len(record.dtype.names) == fields
    check_record(header, record)
    batch = make_batch(header, [record] * 2, slots=8, random=np.random.default_rng(0))
    for level, size in zip(batch.levels, header.levels):
        if size.density:
            assert level.density_scale.shape == level.neighbours.shape == (2 * size.points, 8)
            assert torch.equal(level.density_scale.max(dim=1).values, torch.ones(2 * size.points))
        if size.self_nearest:
            own = torch.arange(2 * size.points)
            assert torch.equal(level.self_neighbours[:, 0].long(), own)  # a point is its own nearest
            assert (level.self_neighbours.long() // size.points == (own // size.points)[:, None]).all()
        if size.to_block:
            assert level.block_index.shape == (2 * POINTS, 3)


@pytest.mark.parametrize("field, value", [
    ("self_neighbours1", POINTS // 4), ("block_index2", -1), ("density_scale3", np.nan), ("block_weight2", np.inf)])
def test_bad_records_of_jsnet(field, value):
    header = fake_stream.make_header(POINTS, "jsnet")
    record = fake_stream.make_record(header, np.random.default_rng(0))
    record[field].flat[-1] = value
    with pytest.raises(StreamError, match=field[:-1]):
        check_record(header, record)


def valid_header():
    return json.loads(fake_stream.header_line(fake_stream.make_header(POINTS)))


@pytest.mark.parametrize("change", [
    {"version": 3}, {"network": "jsnet"}, {"network": "pointnet9"}, {"network": None}, {"points": 0}, {"points": 10**9}, {"features": 6}, {"levels": []}, {"record_bytes": 7},
    {"classes": []}, {"levels": [{"points": 10**9, "radius": 1, "slots": 32}] * 4}, {"points": "many"}, {"levels": None},
])
def test_bad_headers(change):
    with pytest.raises(StreamError):
        parse_header(json.dumps({**valid_header(), **change}).encode())


@pytest.mark.parametrize("line", [b"", b"\n", b"\xff\xfe\n", b"[]\n", b"{}\n"])
def test_garbage_headers(line):
    with pytest.raises(StreamError):
        parse_header(line)


@pytest.mark.parametrize("field, value", [
    ("index1", POINTS), ("index1", -1), ("sampled_from2", POINTS), ("interpolation_index4", 4), ("semantic", 13),
    ("features", np.nan), ("features", np.inf),
])
def test_bad_records(field, value):
    header = fake_stream.make_header(POINTS)
    record = fake_stream.make_record(header, np.random.default_rng(0))
    check_record(header, record)
    record[field].flat[-1] = value
    with pytest.raises(StreamError):
        check_record(header, record)


def test_truncated_stream():
    code = ("import sys, numpy, fake_stream as f; h = f.make_header(128); o = sys.stdout.buffer;"
            "o.write(f.header_line(h).encode()); o.write(f.make_record(h, numpy.random.default_rng(0)).tobytes()[:-1])")
    folder = str(__import__("pathlib").Path(fake_stream.__file__).parent)
    stream = Stream([sys.executable, "-c", f"import sys; sys.path.insert(0, {folder!r}); {code}"])
    with pytest.raises(StreamError, match="bytes expected"):
        try:
            stream.take(1)
        finally:
            stream.close()


@pytest.mark.parametrize("command", [["/nonexistent/feeder"], [sys.executable, "-c", "pass"]])
def test_no_feeder(command):
    with pytest.raises(StreamError):
        Stream(command)
