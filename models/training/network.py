"""ASIS on PointNet++ (Wang et al., CVPR 2019), as the reference code computes it (`networks.md` §0–1).

Parameters and batch-norm statistics carry the reference's TensorFlow variable names and shapes, so
`state_dict()` is the exchange format. Geometry is not computed here: it comes as indices (`Batch`).

Two rearrangements are exact and save work. The first layer of a set abstraction is linear, so it runs
before the gather: W·[x_j − x_i, f_j] = (W_x·x_j + W_f·f_j) − W_x·x_i. The first layer of a feature
propagation runs before the interpolation, for the same reason.
"""

import dataclasses
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import plain_operations

EPSILON = 1e-3
EMBEDDING = 5
FUSION_NEIGHBOURS = 30
FUSION_LIMIT = 0.5
FEATURES = 9
ENCODER = [[32, 32, 64], [64, 64, 128], [128, 128, 256], [256, 256, 512]]
# Ball radii of the encoder in metres; they only scale the first weights.
RADII = (0.1, 0.2, 0.4, 0.8)
DECODER = [[256, 256], [256, 256], [256, 128], [128, 128, 128]]


@dataclasses.dataclass
class Level:
    """One level's geometry for a batch. Indices are row numbers of the whole batch, i32."""

    sampled_from: torch.Tensor
    """(B * n,) rows of the finer level."""
    neighbours: torch.Tensor
    """(B * n, slots) rows of the finer level."""
    interpolation_index: torch.Tensor
    """(B * n_finer, 3) rows of this level."""
    interpolation_weight: torch.Tensor
    """(B * n_finer, 3) f32."""


@dataclasses.dataclass
class Batch:
    """Blocks with their geometry. N points a block, B blocks; rows are block-major."""

    features: torch.Tensor
    """(B * N, 9) f32: block-centred x, y, height z (metres), colour 0..1, room-normalised position."""
    semantic: torch.Tensor
    """(B * N,) i64, 255 = ignored."""
    instance: torch.Tensor
    """(B * N,) i64, −1 = none; numbers are per block."""
    levels: list[Level]
    blocks: int

    def to(self, device):
        """The same batch on `device`."""
        levels = [Level(*(getattr(level, f.name).to(device) for f in dataclasses.fields(Level))) for level in self.levels]
        return Batch(self.features.to(device), self.semantic.to(device), self.instance.to(device), levels, self.blocks)


def statistic_names(scope):
    """The variables that hold a normalisation's tracked mean and variance."""
    inner = f"{scope}/bn/{scope}/bn/moments/"
    return f"{inner}Squeeze/ExponentialMovingAverage", f"{inner}Squeeze_1/ExponentialMovingAverage"


class Asis(nn.Module):
    """The network. `forward` returns semantic logits (B·N, classes) and embeddings (B·N, 5), both f32."""

    def __init__(self, classes=13, dtype=torch.float32, operations=plain_operations, seed=0, dropout=0.5):
        super().__init__()
        self.classes = classes
        self.compute = dtype
        self.operations = operations
        self.dropout = dropout
        self.batch_norm_decay = 0.9
        self.observe = None
        """In evaluation mode, called with (scope, rows before bias and normalisation) if set."""
        self.random = np.random.default_rng(seed)
        """Draws the dropout masks on a CPU."""
        self._generator = torch.Generator().manual_seed(seed)
        # One dimension per conv kernel: 2-D convolutions carry [1, 1, in, out], 1-D [1, in, out].
        width = FEATURES - 3
        skips = [width]
        for level, widths in enumerate(ENCODER):
            width += 3
            for layer, out in enumerate(widths):
                self._add(f"layer{level + 1}/conv{layer}", width, out, 2)
                width = out
            self._even_out_coordinates(f"layer{level + 1}/conv0", RADII[level], skips[-1])
            skips.append(width)
        for branch in ("sem", "ins"):
            width = skips[-1]
            for level, widths in enumerate(DECODER):
                width += skips[-2 - level]
                for layer, out in enumerate(widths):
                    self._add(f"{branch}_fa_layer{level + 1}/conv_{layer}", width, out, 2)
                    width = out
            self._add(f"{branch}_fc1", width, 128, 1)
            if branch == "sem":
                self._add("sem_cache", 128, 128, 1)
        self._add("ins_fc4", 128, EMBEDDING, 1, normalised=False)
        self._add("sem_fc4", 128, classes, 1, normalised=False)

    def _add(self, scope, inputs, outputs, dimensions, normalised=True):
        limit = math.sqrt(6.0 / (inputs + outputs))  # Xavier, uniform
        weights = (torch.rand(inputs, outputs, generator=self._generator) * 2 - 1) * limit
        self.register_parameter(f"{scope}/weights", nn.Parameter(weights.view(*[1] * dimensions, inputs, outputs)))
        self.register_parameter(f"{scope}/biases", nn.Parameter(torch.zeros(outputs)))
        if normalised:
            self.register_parameter(f"{scope}/bn/beta", nn.Parameter(torch.zeros(outputs)))
            self.register_parameter(f"{scope}/bn/gamma", nn.Parameter(torch.ones(outputs)))
            mean, variance = statistic_names(scope)
            self.register_buffer(mean, torch.zeros(outputs))
            self.register_buffer(variance, torch.ones(outputs))

    def _even_out_coordinates(self, scope, radius, features):
        """Starts a set abstraction with an eye for shape.

        Under plain Xavier the relative coordinates, centimetres beside features near one, are a few per cent
        of what the first normalisation sees, and thousands of steps pass before they count. Scaled to the
        ball and to the number of features, they weigh about as much as the features from the first step.
        """
        with torch.no_grad():
            getattr(self, f"{scope}/weights")[..., :3, :] *= math.sqrt(features / 6.0) / radius

    def normalised_scopes(self):
        """Scopes of the layers with batch normalisation."""
        return [name.removesuffix("/bn/gamma") for name, _ in self.named_parameters() if name.endswith("/bn/gamma")]

    def _weights(self, scope):
        weights = getattr(self, f"{scope}/weights")
        return weights.view(weights.shape[-2:])

    def _track(self, scope, mean, variance):
        """Moves the statistics used outside training towards a batch's. The mean includes the bias."""
        with torch.no_grad():
            mean_name, variance_name = statistic_names(scope)
            rate = 1.0 - self.batch_norm_decay
            getattr(self, mean_name).lerp_(mean + getattr(self, f"{scope}/biases"), rate)
            getattr(self, variance_name).lerp_(variance, rate)

    def _bn(self, scope):
        return getattr(self, f"{scope}/bn/gamma"), getattr(self, f"{scope}/bn/beta")

    def _frozen(self, scope, rows):
        """Bias, normalisation by the tracked statistics, ReLU."""
        mean, variance = (getattr(self, name) for name in statistic_names(scope))
        gamma, beta = self._bn(scope)
        if self.observe:
            self.observe(scope, rows.float())
        scale = gamma * torch.rsqrt(variance + EPSILON)
        shift = (getattr(self, f"{scope}/biases") - mean) * scale + beta
        return torch.relu(rows.float() * scale + shift).to(self.compute)

    # In training the bias cancels against the batch mean, exactly; its gradient is zero, as in the reference.
    def _normalise(self, scope, rows):
        if not self.training:
            return self._frozen(scope, rows)
        out, mean, variance = self.operations.bn_relu(rows, *self._bn(scope), EPSILON)
        self._track(scope, mean, variance)
        return out

    def _linear(self, rows, weights):
        return rows.to(self.compute) @ weights.to(self.compute)

    def _layer(self, scope, rows):
        return self._normalise(scope, self._linear(rows, self._weights(scope)))

    def _set_abstraction(self, scope, position, feature, level, blocks):
        """Returns the coarser level's positions (f32) and features."""
        centre_position = position[level.sampled_from.long()]
        weights = self._weights(f"{scope}/conv0")
        # Coordinates in f32: neighbours differ by centimetres, which bf16 does not hold beside metres.
        centre = centre_position @ weights[:3]
        source = position @ weights[:3] + self._linear(feature, weights[3:]).float()
        points, slots = level.neighbours.shape
        name = f"{scope}/conv0"
        if self.training:
            rows, mean, variance = self.operations.group_bn_relu(
                source, centre, level.neighbours, blocks, *self._bn(name), EPSILON, self.compute)
            self._track(name, mean, variance)
        else:
            grouped = source[level.neighbours.long()] - centre[:, None, :]
            rows = self._frozen(name, grouped.flatten(0, 1))
        rows = self._layer(f"{scope}/conv1", rows)
        name = f"{scope}/conv2"
        rows = self._linear(rows, self._weights(name))
        if self.training:
            pooled, mean, variance = self.operations.bn_relu_maximum(rows, slots, *self._bn(name), EPSILON)
            self._track(name, mean, variance)
        else:
            pooled = self._frozen(name, rows).view(points, slots, -1).max(dim=1).values
        return centre_position, pooled

    def _feature_propagation(self, scope, coarse, skip, level, blocks, layers):
        name = f"{scope}/conv_0"
        weights = self._weights(name)
        split = coarse.shape[1]
        rows = self.operations.interpolate_add(
            self._linear(coarse, weights[:split]), level.interpolation_index, level.interpolation_weight,
            self._linear(skip, weights[split:]), blocks)
        rows = self._normalise(name, rows)
        for layer in range(1, layers):
            rows = self._layer(f"{scope}/conv_{layer}", rows)
        return rows

    def _drop(self, rows):
        if not self.training or not self.dropout:
            return rows
        if rows.device.type != "cpu":
            return functional.dropout(rows, self.dropout)
        # One random byte an element: PyTorch's own generator takes a quarter of a whole step on a CPU.
        random = np.frombuffer(self.random.bytes(rows.numel()), np.uint8).reshape(rows.shape)
        keep = torch.from_numpy(random >= round(self.dropout * 256))
        return rows * keep * (1.0 / (1.0 - round(self.dropout * 256) / 256))

    def _head(self, scope, rows):
        return self._linear(self._drop(rows), self._weights(scope)).float() + getattr(self, f"{scope}/biases")

    def forward(self, batch, taps=None):
        """`taps`, a dictionary, receives intermediate outputs by the reference's scope names."""
        taps = {} if taps is None else taps
        position = batch.features[:, :3].contiguous()
        feature = batch.features[:, 3:].contiguous()
        encoded = [feature]
        for index, level in enumerate(batch.levels):
            position, feature = self._set_abstraction(f"layer{index + 1}", position, feature, level, batch.blocks)
            encoded.append(feature)
            taps[f"layer{index + 1}"], taps[f"layer{index + 1}_xyz"] = feature, position
        decoded = {}
        for branch in ("sem", "ins"):
            rows = encoded[-1]
            for index, widths in enumerate(DECODER):
                scope = f"{branch}_fa_layer{index + 1}"
                rows = self._feature_propagation(
                    scope, rows, encoded[-2 - index], batch.levels[-1 - index], batch.blocks, len(widths))
                taps[scope] = rows
            decoded[branch] = taps[f"{branch}_fc1"] = self._layer(f"{branch}_fc1", rows)
        cache = taps["sem_cache"] = self._layer("sem_cache", decoded["sem"])
        embedding = taps["ins_fc4"] = self._head("ins_fc4", decoded["ins"] + cache)
        fused = self.operations.fuse(decoded["sem"], embedding, batch.blocks, FUSION_NEIGHBOURS, FUSION_LIMIT)
        logits = taps["sem_fc4"] = self._head("sem_fc4", fused)
        return logits, embedding
