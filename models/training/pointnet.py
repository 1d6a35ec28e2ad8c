"""PointNet as a trunk (Qi et al., CVPR 2017, its network for S3DIS): each point on its own, and one global vector."""

import dataclasses
import math

from trunks import BRANCHES

POINTWISE = (64, 64, 64, 128, 1024)
LOCAL = 2
"""The layer whose output stands for the point beside the global vector."""
BRANCH = (512, 256, 128)
MAXIMUM_SLOTS = 256


def _pieces(points):
    """The largest divisor of `points` that a maximum over slots takes."""
    return next(size for size in range(min(points, MAXIMUM_SLOTS), 0, -1) if points % size == 0)


@dataclasses.dataclass(frozen=True)
class PointNet:
    """No geometry is needed. The global half of a branch's first layer is one vector a block, multiplied once."""

    def needs(self):
        """What each level must bring: there is none."""
        return []

    def build(self, layers, columns):
        """Declares the variables for blocks with `columns` columns."""
        width = columns
        for number, out in enumerate(POINTWISE, 1):
            layers.add(f"conv{number}", 1, width, out)
            width = out
        # A block is a metre wide: x and y run to ±0.5 beside heights of metres. The shape lies in them.
        layers.scale_kernel("conv1", slice(2), math.sqrt(columns / 3.0))
        for branch in BRANCHES:
            width = POINTWISE[LOCAL - 1] + POINTWISE[-1]
            for number, out in enumerate(BRANCH, len(POINTWISE) + 1):
                layers.add(f"{branch}_conv{number}", 1, width, out)
                width = out
            layers.add(f"{branch}_fc1", 1, width, 128)

    def run(self, layers, batch, taps):
        """(semantic, instance) features."""
        # Coordinates in f32 as everywhere; from the first layer on in the type of activations.
        rows = layers.normalise("conv1", (batch.features @ layers.weights("conv1")).to(layers.compute))
        local = None
        for number in range(2, len(POINTWISE)):
            rows = layers.layer(f"conv{number}", rows)
            local = rows if number == LOCAL else local
        points = len(rows) // batch.blocks
        name = f"conv{len(POINTWISE)}"
        pooled = layers.normalise_maximum(name, layers.linear(rows, layers.weights(name)), _pieces(points))
        pooled = pooled.view(batch.blocks, -1, POINTWISE[-1]).max(dim=1).values
        taps["global"] = pooled
        result = []
        for branch in BRANCHES:
            scope = f"{branch}_conv{len(POINTWISE) + 1}"
            weights, split = layers.weights(scope), local.shape[1]
            whole = layers.linear(pooled, weights[split:])[:, None, :]
            rows = (layers.linear(local, weights[:split]).view(batch.blocks, points, -1) + whole).flatten(0, 1)
            rows = layers.normalise(scope, rows)
            for number in range(len(POINTWISE) + 2, len(POINTWISE) + len(BRANCH) + 1):
                rows = layers.layer(f"{branch}_conv{number}", rows)
            scope = f"{branch}_fc1"
            rows = taps[scope] = layers.layer(scope, rows)
            result.append(rows)
        return tuple(result)
