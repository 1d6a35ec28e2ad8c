"""PointConv's stages as JSNet uses them (Wu et al., CVPR 2019; Zhao and Tao, AAAI 2020; `networks.md` §2).

A weight net turns a neighbour's relative position into weights, by which features are summed. The encoder's
convolution is the efficient form: 32 sums a channel, joined by one linear layer. The decoder's is depthwise.
"""

import dataclasses

import torch

from batch import Level
from layers import EPSILON
from pointnet2 import grouped_layer

MIDDLE = 32
"""Outputs of a weight net."""
DENSITY_WIDTH = 16


@dataclasses.dataclass(frozen=True)
class PointConvolution:
    """Points sampled, nearest neighbours, a small network on each, weighted by shape and by inverse density."""

    widths: tuple[int, ...]
    """All but the last are layers on the neighbours; the last is the output's."""
    radius: float
    """How far neighbours reach, about, in metres; scales the first weights only."""

    grouping = "nearest"
    density = True

    def build(self, layers, scope, features):
        """Declares the variables for `features` input channels; returns the output's."""
        width = features + 3
        for number, out in enumerate(self.widths[:-1]):
            layers.add(f"{scope}/conv{number}", 1, 1, width, out)
            width = out
        layers.even_out_coordinates(f"{scope}/conv0", self.radius, features)
        layers.add(f"{scope}/weight_net/wconv0", 1, 1, 3, MIDDLE)
        # Centimetres in: without this the normalisation's epsilon would outweigh them.
        layers.scale_kernel(f"{scope}/weight_net/wconv0", slice(None), 1.0 / self.radius)
        layers.add(f"{scope}/density_net/nonlinear0", 1, 1, 1, DENSITY_WIDTH)
        layers.add(f"{scope}/density_net/nonlinear1", 1, 1, DENSITY_WIDTH, 1, normalised=False)
        layers.add(f"{scope}/after_conv", 1, width, MIDDLE, self.widths[-1])
        return self.widths[-1]

    def run(self, layers, scope, position, centre_position, feature, level: Level, blocks):
        """Features (B · n, C) of the coarser level."""
        points, slots = level.neighbours.shape
        rows = grouped_layer(layers, f"{scope}/conv0", position, centre_position, feature, level.neighbours, blocks)
        for number in range(1, len(self.widths) - 1):
            rows = layers.layer(f"{scope}/conv{number}", rows)
        weights = grouped_layer(layers, f"{scope}/weight_net/wconv0", position, centre_position, None, level.neighbours, blocks)
        density = layers.layer(f"{scope}/density_net/nonlinear0", level.density_scale.reshape(-1, 1))
        name = f"{scope}/density_net/nonlinear1"
        scale = torch.sigmoid(layers.linear(density, layers.weights(name)).float() + layers.biases(name))
        # (features · scale)ᵀ · weights = featuresᵀ · (weights · scale); there are fewer weights than features.
        weights = weights * scale.to(weights.dtype)
        sums = rows.view(points, slots, -1).transpose(1, 2) @ weights.view(points, slots, MIDDLE)
        return layers.layer(f"{scope}/after_conv", sums.flatten(1))


@dataclasses.dataclass(frozen=True)
class PointDeconvolution:
    """Interpolated from three coarse points, a depthwise PointConv among the finer points, then as propagation."""

    widths: tuple[int, ...]
    radius: float
    """How far the finer level's neighbours reach, about, in metres; scales the first weights only."""

    self_nearest = 16

    def build(self, layers, scope, coarse, skip):
        """Declares the variables for `coarse` and `skip` input channels; returns the output's."""
        summed = coarse + 3
        layers.add(f"{scope}/decode_weight_net/wconv0", 1, 1, 3, MIDDLE)
        layers.scale_kernel(f"{scope}/decode_weight_net/wconv0", slice(None), 1.0 / self.radius)
        layers.add(f"{scope}/decode_weight_net/wconv1", 1, 1, MIDDLE, summed, normalised=False)
        # The first three sums are of centimetres, beside features near one, under one common variance.
        layers.scale_kernel(f"{scope}/decode_weight_net/wconv1", slice(None), 1.0 / self.radius, slice(3))
        layers.register_parameter(f"{scope}/fp_sumpool/biases", torch.nn.Parameter(torch.zeros(summed)))
        layers.add_normalisation(f"{scope}/fp_sumpool", summed, ())
        width = summed + skip
        for number, out in enumerate(self.widths):
            layers.add(f"{scope}/conv_{number}", 1, 1, width, out)
            width = out
        return width

    def run(self, layers, scope, coarse, skip, position, level: Level, finer: Level, blocks):
        """Features of the finer level, whose positions and geometry are `position` and `finer`."""
        index = finer.self_neighbours
        points, slots = index.shape
        feature = layers.operations.interpolate_add(
            coarse, level.interpolation_index, level.interpolation_weight,
            torch.zeros(points, coarse.shape[1], dtype=coarse.dtype, device=coarse.device), blocks)
        hidden = grouped_layer(layers, f"{scope}/decode_weight_net/wconv0", position, position, None, index, blocks)
        name = f"{scope}/decode_weight_net/wconv1"
        weights, biases = layers.weights(name), layers.biases(name)
        summed = layers.operations.weighted_sum(
            layers.linear(hidden, weights[:, 3:]), biases[3:], feature, index, blocks)
        relative = position[index.long()] - position[:, None, :]
        shape = layers.linear(hidden, weights[:, :3]).float() + biases[:3]
        moved = (relative * shape.view(points, slots, 3)).sum(dim=1)
        rows = self._normalise(layers, f"{scope}/fp_sumpool", torch.cat([moved, summed], dim=1))
        weights = layers.weights(f"{scope}/conv_0")
        split = rows.shape[1]
        rows = layers.linear(rows, weights[:split]) + layers.linear(skip, weights[split:])
        rows = layers.normalise(f"{scope}/conv_0", rows)
        for number in range(1, len(self.widths)):
            rows = layers.layer(f"{scope}/conv_{number}", rows)
        return rows

    @staticmethod
    def _normalise(layers, scope, rows):
        """One mean and one variance over all rows and channels: a quirk of the reference that its weights carry.

        Here a bias does not cancel in training.
        """
        if not layers.training:
            return layers.frozen(scope, rows)
        rows = rows + layers.biases(scope)
        variance, mean = torch.var_mean(rows, correction=0)
        layers.track(scope, mean.detach(), variance.detach())
        gamma, beta = layers.normalisation(scope)
        return torch.relu((rows - mean) * (gamma * torch.rsqrt(variance + EPSILON)) + beta).to(layers.compute)
