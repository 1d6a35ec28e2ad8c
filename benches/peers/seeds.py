"""Labels a room as the seeds' test code does, on one core, and says how long it took.

Usage: seeds.py ROOM.npy FOLDER SIZES

ROOM.npy: (M, 8) x y z r g b class instance, starting at the origin. FOLDER: the parts of ASIS on PointNet++ (body.onnx,
head.onnx). SIZES: mean points of an instance of each class, as JSON. Written: one JSON object on stdout.

What is taken as what (own words and own code, after `design/networks.md` §4–7):

* windows, sampling with replacement, the nine columns: NumPy, as their `indoor3d_util.py`;
* farthest-point sampling, ball query, three nearest: CUDA in their repositories. Here NumPy, one vector operation over
  all points for each sample, one row of distances for each ball, and SciPy's k-d tree for the three nearest;
* the network: ONNX Runtime with every optimisation, on the graph as the papers write it (naive_graph.py), the N × N
  distances of the embeddings included, as in their TensorFlow graph;
* clustering: scikit-learn's MeanShift(bandwidth=0.6, bin_seeding=True), which is their call;
* BlockMerging, and the pass that gives every point its voxel's instance: loops over points, as they are written there.

Not timed: imports, loading the model, reading the room.
"""

import collections
import contextlib
import json
import pathlib
import sys
import time
import warnings

import numpy as np
import onnxruntime
from scipy.spatial import cKDTree
from sklearn.cluster import MeanShift

import naive_graph

POINTS, SIZE, STRIDE, FEWEST = 4096, 1.0, 0.5, 100
LEVELS = ((1024, 0.1), (256, 0.2), (64, 0.4), (16, 0.8))
BANDWIDTH, GAP = 0.6, 5e-3
SMALL = 0.25


class Clock:
    """Seconds of each stage."""

    def __init__(self):
        self.seconds = collections.defaultdict(float)

    @contextlib.contextmanager
    def __call__(self, stage):
        start = time.perf_counter()
        yield
        self.seconds[stage] += time.perf_counter() - start


def sample(members, random):
    """Indices of POINTS members: all and random repeats, or drawn with replacement."""
    if len(members) > POINTS:
        return random.choice(members, POINTS)
    return np.concatenate([members, random.choice(members, POINTS - len(members))])


def cut(room, clock):
    """Yields blocks (POINTS, 9) in boustrophedon order."""
    random = np.random.default_rng(0)
    position, colour = room[:, :3], room[:, 3:6] / 255.0
    with clock("blocks"):
        limit = position.max(axis=0)
        across = [int(np.ceil((limit[axis] - SIZE) / STRIDE)) + 1 for axis in range(2)]
        corners = [(i * STRIDE, (j if i % 2 == 0 else across[1] - 1 - j) * STRIDE)
                   for i in range(across[0]) for j in range(across[1])]
    for x, y in corners:
        with clock("blocks"):
            inside = ((position[:, 0] >= x) & (position[:, 0] <= x + SIZE)
                      & (position[:, 1] >= y) & (position[:, 1] <= y + SIZE))
            members = np.flatnonzero(inside)
            if len(members) < FEWEST:
                continue
            chosen = sample(members, random)
            points = position[chosen]
            centred = points.copy()
            centred[:, :2] -= points[:, :2].min(axis=0) + SIZE / 2
            block = np.concatenate([centred, colour[chosen], points / limit], axis=1)
        yield block


def farthest(position, count):
    """Indices of samples, each the farthest from those before it."""
    nearest, chosen = np.full(len(position), np.inf, np.float32), np.zeros(count, np.int64)
    for number in range(1, count):
        offset = position - position[chosen[number - 1]]
        np.minimum(nearest, np.einsum("ij,ij->i", offset, offset), out=nearest)
        chosen[number] = nearest.argmax()
    return chosen


def ball(position, centres, radius):
    """The first SLOTS points, by index, nearer than `radius`; slots left over repeat the first."""
    group = np.empty((len(centres), naive_graph.SLOTS), np.int64)
    for row, centre in enumerate(centres):
        offset = position - centre
        near = np.flatnonzero(np.einsum("ij,ij->i", offset, offset) < radius * radius)[:naive_graph.SLOTS]
        group[row] = near[0]
        group[row, :len(near)] = near
    return group


def geometry(position):
    """The graph's inputs beside the features."""
    inputs = {}
    for level, (count, radius) in enumerate(LEVELS, 1):
        coarse = position[farthest(position, count)]
        distance, index = cKDTree(coarse).query(position, 3)
        weight = 1.0 / np.maximum(distance * distance, 1e-10)
        weight /= weight.sum(axis=1, keepdims=True)
        inputs |= {f"position_{level}": coarse, f"group_{level}": ball(position, coarse, radius),
                   f"interpolation_index_{level}": index.astype(np.int64),
                   f"interpolation_weight_{level}": weight.astype(np.float32)[:, :, None]}
        position = coarse
    return inputs


def modes(label, semantic):
    """The commonest class of each cluster, the smallest of equals."""
    return [np.bincount(semantic[label == cluster]).argmax() for cluster in range(label.max() + 1)]


def merge(volume, volume_class, points, label, classes):
    """Their BlockMerging. Raises IndexError where there are more than 100 clusters."""
    overlap, count = np.zeros([100, 300]), np.ones(100)
    x, y, z = ((points[:, axis] / GAP).astype(np.int32) for axis in range(3))
    for i in range(len(points)):
        cluster = label[i]
        held = volume[x[i], y[i], z[i]]
        if held != -1 and volume_class[x[i], y[i], z[i]] == classes[cluster]:
            if held < 300:  # their try / except
                overlap[cluster, held] += 1
        count[cluster] += 1
    instance, most = overlap.argmax(axis=1), overlap.max(axis=1)
    highest = volume.max()
    for cluster in range(100):
        if most[cluster] < 7 and count[cluster] > 30:
            highest += 1
            instance[cluster] = highest
    for i in range(len(points)):
        if volume[x[i], y[i], z[i]] == -1:
            volume[x[i], y[i], z[i]] = instance[label[i]]
            volume_class[x[i], y[i], z[i]] = classes[label[i]]


def finish(volume, points, semantic, sizes):
    """Every point takes its voxel's instance; small instances go. Returns instances left."""
    label = np.full(len(points), -1)
    x, y, z = ((points[:, axis] / GAP).astype(np.int32) for axis in range(3))
    for i in range(len(points)):
        if volume[x[i], y[i], z[i]] != -1:
            label[i] = volume[x[i], y[i], z[i]]
    kept = 0
    for instance in np.unique(label[label >= 0]):
        members = label == instance
        if members.sum() > SMALL * sizes[np.bincount(semantic[members]).argmax()]:
            kept += 1
    return kept


def main():
    warnings.simplefilter("ignore")
    room, folder, sizes = np.load(sys.argv[1]), pathlib.Path(sys.argv[2]), json.loads(sys.argv[3])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    model = naive_graph.asis_pointnet2(sorted(folder.glob("*.onnx")))
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    clock, start = Clock(), time.perf_counter()
    volume, volume_class = np.full([201] * 3, -1, np.int32), np.full([201] * 3, -1, np.int32)
    points, semantics, skipped = [], [], 0
    for block in cut(room, clock):
        features = block.astype(np.float32)
        with clock("geometry"):
            inputs = {"features": features} | geometry(features[:, :3])
        with clock("network"):
            embeddings, logits = session.run(None, inputs)
            semantic = logits.argmax(axis=1)
        with clock("clustering"):
            label = MeanShift(bandwidth=BANDWIDTH, bin_seeding=True).fit(embeddings).labels_
        with clock("merging"):
            try:
                merge(volume, volume_class, block[:, 6:9], label, modes(label, semantic))
            except IndexError:  # theirs, too, has no room for more
                skipped += 1
        points.append(block[:, 6:9])
        semantics.append(semantic)
    with clock("merging"):
        instances = finish(volume, np.concatenate(points), np.concatenate(semantics), sizes)
    total = time.perf_counter() - start
    print(json.dumps({"seconds": total, "blocks": len(points), "skipped": skipped, "instances": instances,
                      "stages": clock.seconds}))


if __name__ == "__main__":
    main()
