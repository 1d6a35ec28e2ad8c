"""PointNet++'s stages (Qi et al., NeurIPS 2017): set abstraction and feature propagation.

Two rearrangements are exact and save work. The first layer of a set abstraction is linear, so it runs
before the gather: W·[x_j − x_i, f_j] = (W_x·x_j + W_f·f_j) − W_x·x_i. The first layer of a feature
propagation runs before the interpolation, for the same reason.
"""

import dataclasses

from batch import Level


def grouped_layer(layers, scope, position, centre_position, feature, index, blocks):
    """The first layer on [x_j − x_i, f_j] for the neighbours j = `index` (P, slots) of each point i: rows (P · slots, out).

    `feature` None: on the relative position alone.
    """
    weights = layers.weights(scope)
    # Coordinates in f32: neighbours differ by centimetres, which bf16 does not hold beside metres.
    source = position @ weights[:3]
    if feature is not None:
        source = source + layers.linear(feature, weights[3:]).float()
    return layers.normalise_group(scope, source, centre_position @ weights[:3], index, blocks)


@dataclasses.dataclass(frozen=True)
class SetAbstraction:
    """Points sampled, neighbours in a ball, a small network on each, maximum over the neighbours."""

    widths: tuple[int, ...]
    radius: float
    """Of the ball, in metres; scales the first weights only."""

    grouping = "ball"
    density = False

    def build(self, layers, scope, features):
        """Declares the variables for `features` input channels; returns the output's."""
        width = features + 3
        for number, out in enumerate(self.widths):
            layers.add(f"{scope}/conv{number}", 1, 1, width, out)
            width = out
        layers.even_out_coordinates(f"{scope}/conv0", self.radius, features)
        return width

    def run(self, layers, scope, position, centre_position, feature, level: Level, blocks):
        """Features (B · n, C) of the coarser level."""
        last = len(self.widths) - 1
        rows = grouped_layer(layers, f"{scope}/conv0", position, centre_position, feature, level.neighbours, blocks)
        for number in range(1, last):
            rows = layers.layer(f"{scope}/conv{number}", rows)
        name = f"{scope}/conv{last}"
        return layers.normalise_maximum(name, layers.linear(rows, layers.weights(name)), level.neighbours.shape[1])


@dataclasses.dataclass(frozen=True)
class FeaturePropagation:
    """Interpolated from three coarse points, joined with the finer level's own features, a small network."""

    widths: tuple[int, ...]

    self_nearest = 0

    def build(self, layers, scope, coarse, skip):
        """Declares the variables for `coarse` and `skip` input channels; returns the output's."""
        width = coarse + skip
        for number, out in enumerate(self.widths):
            layers.add(f"{scope}/conv_{number}", 1, 1, width, out)
            width = out
        return width

    def run(self, layers, scope, coarse, skip, position, level: Level, finer, blocks):
        """Features of the finer level. `position` and `finer` are of no use here."""
        del position, finer
        weights, split = layers.weights(f"{scope}/conv_0"), coarse.shape[1]
        rows = layers.operations.interpolate_add(
            layers.linear(coarse, weights[:split]), level.interpolation_index, level.interpolation_weight,
            layers.linear(skip, weights[split:]), blocks)
        rows = layers.normalise(f"{scope}/conv_0", rows)
        for number in range(1, len(self.widths)):
            rows = layers.layer(f"{scope}/conv_{number}", rows)
        return rows
