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


def nearest(source, centres, count):
    """The `count` nearest points by distance, the nearest first."""
    count = min(count, len(source))
    return np.argsort(squared_distances(centres, source), axis=1, kind="stable")[:, :count]


def inverse_density(source, radius, variance):
    """One over a Gaussian's mean over the first (at most) 128 points in the ball; f64, up to a common factor."""
    squared = squared_distances(source, source)
    result = np.zeros(len(source))
    for i, row in enumerate(squared):
        found = np.flatnonzero(np.maximum(np.sqrt(row), np.float32(1e-20)) < np.float32(radius))[:128]
        result[i] = len(found) / np.exp(-0.5 * row[found].astype(np.float64) / variance).sum()
    return result


def fill_plan(record, levels):
    """Writes the plan of `record["features"]` into a record of `stream.record_type`."""
    position = block = np.ascontiguousarray(record["features"][:, :3])
    for number, level in enumerate(levels, 1):
        chosen = farthest_points(position, level.points)
        coarse = position[chosen]
        record[f"sampled_from{number}"] = chosen
        if level.grouping == "ball":
            record[f"index{number}"], record[f"count{number}"] = ball(position, coarse, level.radius, level.slots)
        else:
            found = nearest(position, coarse, level.slots)
            # A finer level of fewer points than slots: the nearest again.
            record[f"index{number}"] = np.concatenate([found, np.repeat(found[:, :1], level.slots - found.shape[1], axis=1)], axis=1)
            record[f"count{number}"] = found.shape[1]
        if level.density:
            # JSNet's variance is half of the ball's radius at every level.
            gathered = inverse_density(position, level.radius, level.radius / 2)[record[f"index{number}"]]
            record[f"density_scale{number}"] = gathered / gathered.max(axis=1, keepdims=True)
        index, weight = interpolation(position, coarse)
        record[f"interpolation_index{number}"], record[f"interpolation_weight{number}"] = index, weight
        if level.self_nearest:
            found = nearest(coarse, coarse, level.self_nearest)
            record[f"self_neighbours{number}"] = np.concatenate(
                [found, np.repeat(found[:, :1], level.self_nearest - found.shape[1], axis=1)], axis=1)
        if level.to_block:
            record[f"block_index{number}"], record[f"block_weight{number}"] = interpolation(block, coarse)
        position = coarse
