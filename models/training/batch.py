"""What a network reads: blocks of points, and their geometry as indices. Nothing here is computed from positions."""

import dataclasses

import torch


def _moved(value, device):
    return value.to(device) if isinstance(value, torch.Tensor) else value


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
    density_scale: torch.Tensor | None = None
    """(B * n, slots) f32: inverse density of a neighbour over the largest of its group. PointConv only."""
    self_neighbours: torch.Tensor | None = None
    """(B * n, k) rows of this level itself, nearest first. Depthwise PointConv only."""
    block_index: torch.Tensor | None = None
    """(B * N, 3) rows of this level: interpolation straight to the block's points. Feature fusion only."""
    block_weight: torch.Tensor | None = None
    """(B * N, 3) f32."""


@dataclasses.dataclass
class Batch:
    """Blocks with their geometry. N points a block, B blocks; rows are block-major."""

    features: torch.Tensor
    """(B * N, F) f32. F = 9: block-centred x, y, height z (metres), colour 0..1, room-normalised position.
    F = 3 or 6 (parts of objects): position, and the normal if there are six."""
    semantic: torch.Tensor
    """(B * N,) i64, 255 = ignored."""
    instance: torch.Tensor
    """(B * N,) i64, −1 = none; numbers are per block."""
    levels: list[Level]
    """Finest first; none for PointNet."""
    blocks: int

    def to(self, device):
        """The same batch on `device`."""
        levels = [Level(*(_moved(getattr(level, f.name), device) for f in dataclasses.fields(Level))) for level in self.levels]
        return Batch(self.features.to(device), self.semantic.to(device), self.instance.to(device), levels, self.blocks)
