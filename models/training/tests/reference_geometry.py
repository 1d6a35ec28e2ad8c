"""A block's geometry plan in NumPy, brute force, as `networks.md` §0 says. For tests only.

Training gets its geometry from the Rust crate; this stands in where only Python is at hand.
"""

import numpy as np


def farthest_points(position, count):
    """Starts at index 0; ties go to the lowest index modulo 512, then to the lowest index (CUDA order)."""
    position = np.asarray(position, np.float32)
    rank = np.arange(len(position))
    order = (rank % 512) * len(position) + rank
    nearest = np.full(len(position), 1e38, np.float32)
    chosen = np.zeros(count, np.int64)
    for i in range(1, count):
        d = position - position[chosen[i - 1]]
        nearest = np.minimum(nearest, d[:, 0] * d[:, 0] + d[:, 1] * d[:, 1] + d[:, 2] * d[:, 2])
        best = np.flatnonzero(nearest == nearest.max())
        chosen[i] = best[np.argmin(order[best])]
    return chosen


def squared_distances(a, b):
    """(len(a), len(b)) f32."""
    d = a[:, None, :] - b[None, :, :]
    return d[..., 0] * d[..., 0] + d[..., 1] * d[..., 1] + d[..., 2] * d[..., 2]


def ball(source, centres, radius, slots):
    """The first `slots` points in index order strictly inside the ball; spare slots repeat the first."""
    index = np.zeros((len(centres), slots), np.int64)
    count = np.zeros(len(centres), np.int64)
    inside = np.maximum(np.sqrt(squared_distances(centres, source)), np.float32(1e-20)) < np.float32(radius)
    for i, row in enumerate(inside):
        found = np.flatnonzero(row)[:slots]
        index[i] = found[0]
        index[i, : len(found)] = found
        count[i] = len(found)
    return index, count


def interpolation(fine, coarse):
    """Three nearest coarse points, weights (1/d²) / Σ (1/d²)."""
    d = squared_distances(fine, coarse)
    if d.shape[1] < 3:  # fewer than three coarse points: the last one again
        d = np.concatenate([d] + [np.full((len(d), 1), np.inf, np.float32)] * (3 - d.shape[1]), axis=1)
    index = np.argsort(d, axis=1, kind="stable")[:, :3]
    inverse = 1.0 / np.maximum(np.take_along_axis(d, index, axis=1), np.float32(1e-10))
    return np.minimum(index, len(coarse) - 1), (inverse / inverse.sum(axis=1, keepdims=True)).astype(np.float32)


def fill_plan(record, levels):
    """Writes the plan of `record["features"]` into a record of `stream.record_type`."""
    position = np.ascontiguousarray(record["features"][:, :3])
    for number, level in enumerate(levels, 1):
        chosen = farthest_points(position, level.points)
        coarse = position[chosen]
        record[f"sampled_from{number}"] = chosen
        record[f"index{number}"], record[f"count{number}"] = ball(position, coarse, level.radius, level.slots)
        index, weight = interpolation(position, coarse)
        record[f"interpolation_index{number}"], record[f"interpolation_weight{number}"] = index, weight
        position = coarse
