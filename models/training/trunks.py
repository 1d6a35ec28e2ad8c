"""Trunks: from a block to two decoded feature tables, one for semantics, one for instances (B · N, 128 each)."""

import dataclasses

BRANCHES = ("sem", "ins")


@dataclasses.dataclass(frozen=True)
class LevelNeed:
    """What a network wants of one level of the stream."""

    grouping: str
    density: bool
    self_nearest: int
    to_block: bool


@dataclasses.dataclass(frozen=True)
class Pyramid:
    """Encoder stages, finest first; decoder stages, coarsest first, once for each branch; `*_fc1`."""

    encoder: tuple
    decoder: tuple
    fusion: bool = False
    """Point-cloud feature fusion: `*_fc1` reads the outputs of the last three decoder stages."""

    def needs(self):
        """What each level must bring, finest first."""
        inner = [stage.self_nearest for stage in reversed(self.decoder[:-1])] + [0]
        return [LevelNeed(stage.grouping, stage.density, nearest, self.fusion and number == 1)
                for number, (stage, nearest) in enumerate(zip(self.encoder, inner))]

    def build(self, layers, columns):
        """Declares the variables for blocks with `columns` columns."""
        widths = [columns - 3]
        for number, stage in enumerate(self.encoder, 1):
            widths.append(stage.build(layers, f"layer{number}", widths[-1]))
        for branch in BRANCHES:
            width = widths[-1]
            for number, stage in enumerate(self.decoder, 1):
                width = stage.build(layers, f"{branch}_fa_layer{number}", width, widths[-1 - number])
            layers.add(f"{branch}_fc1", 1, 2 * width if self.fusion else width, 128)

    def run(self, layers, batch, taps):
        """(semantic, instance) features."""
        positions = [batch.features[:, :3].contiguous()]
        encoded = [batch.features[:, 3:].contiguous()]
        for number, (stage, level) in enumerate(zip(self.encoder, batch.levels), 1):
            positions.append(positions[-1][level.sampled_from.long()])
            encoded.append(stage.run(layers, f"layer{number}", positions[-2], positions[-1], encoded[-1], level, batch.blocks))
            taps[f"layer{number}"], taps[f"layer{number}_xyz"] = encoded[-1], positions[-1]
        result = []
        for branch in BRANCHES:
            outputs = [encoded[-1]]
            for number, stage in enumerate(self.decoder, 1):
                scope, fine = f"{branch}_fa_layer{number}", len(self.encoder) - number
                outputs.append(stage.run(layers, scope, outputs[-1], encoded[fine], positions[fine], batch.levels[fine],
                                         batch.levels[fine - 1] if fine else None, batch.blocks))
                taps[scope] = outputs[-1]
            scope = f"{branch}_fc1"
            if self.fusion:
                rows = self._fuse(layers, scope, batch, *outputs[-3:])
            else:
                rows = layers.layer(scope, outputs[-1])
            taps[scope] = rows
            result.append(rows)
        return tuple(result)

    @staticmethod
    def _fuse(layers, scope, batch, second, third, last):
        """fc1 on [last, up(third)] + up(second), `up` interpolating to the block's points.

        The layer is linear, so it runs before both interpolations.
        """
        weights, split = layers.weights(scope), last.shape[1]
        first, middle = batch.levels[0], batch.levels[1]
        rows = layers.operations.interpolate_add(
            layers.linear(third, weights[split:]), first.interpolation_index, first.interpolation_weight,
            layers.linear(last, weights[:split]), batch.blocks)
        rows = layers.operations.interpolate_add(
            layers.linear(second, weights), middle.block_index, middle.block_weight, rows, batch.blocks)
        return layers.normalise(scope, rows)
