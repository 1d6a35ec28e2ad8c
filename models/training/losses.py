"""The losses of both networks (`networks.md` §3): softmax cross-entropy and the discriminative loss with L1 norms.

The discriminative loss (De Brabandere et al., 2017) pulls a point's embedding to within 0.5 of its
instance's mean and pushes means to at least 2 × 1.5 apart; ASIS keeps means near the origin by a small term.
"""

import dataclasses

import torch
from torch.nn import functional

PULL_MARGIN = 0.5
PUSH_MARGIN = 1.5
REGULARISER = 0.001
"""ASIS's."""
IGNORED = 255


@dataclasses.dataclass
class Discriminative:
    """Means over the batch's blocks; `total` is the sum of the other three."""

    total: torch.Tensor
    pull: torch.Tensor
    push: torch.Tensor
    regulariser: torch.Tensor


def discriminative(embedding, instance, blocks, factor=REGULARISER):
    """`embedding` (blocks · n, D) f32; `instance` (blocks · n,) i64, negative = no instance, left out.

    A block without instances contributes zero. `factor` weighs the regulariser: JSNet has none.
    """
    points = embedding.shape[0] // blocks
    dimensions = embedding.shape[1]
    kept = (instance >= 0).nonzero().squeeze(1)
    if kept.numel() == 0:
        zero = embedding.sum() * 0.0
        return Discriminative(zero, zero, zero, zero)
    block = kept // points
    numbers = instance[kept]
    # One compact number per (block, instance), ordered by block.
    keys, inverse = torch.unique(block * (int(numbers.max()) + 1) + numbers, return_inverse=True)
    groups = keys.numel()
    group_block = torch.zeros(groups, dtype=torch.long, device=embedding.device).scatter_(0, inverse, block)
    size = torch.bincount(inverse, minlength=groups).to(embedding.dtype)
    rows = embedding[kept]
    mean = torch.zeros(groups, dimensions, dtype=rows.dtype, device=rows.device).index_add(0, inverse, rows) / size[:, None]
    per_block = torch.bincount(group_block, minlength=blocks).to(embedding.dtype)
    group_share = 1.0 / per_block[group_block]

    distance = (mean[inverse] - rows).abs().sum(dim=1)
    hinge = torch.relu(distance - PULL_MARGIN).square()
    pull = (hinge / size[inverse] * group_share[inverse]).sum() / blocks

    apart = (mean[:, None, :] - mean[None, :, :]).abs().sum(dim=2)
    hinge = torch.relu(2 * PUSH_MARGIN - apart).square()
    pair = (group_block[:, None] == group_block[None, :]) & ~torch.eye(groups, dtype=torch.bool, device=rows.device)
    pairs = (per_block * (per_block - 1))[group_block].clamp(min=1)
    push = (torch.where(pair, hinge, 0.0) / pairs[:, None]).sum() / blocks

    regulariser = factor * (mean.abs().sum(dim=1) * group_share).sum() / blocks
    return Discriminative(pull + push + regulariser, pull, push, regulariser)


def semantic(logits, labels, class_weights=None):
    """Softmax cross-entropy, mean over the points that are not ignored. Zero if all are."""
    total = functional.cross_entropy(logits, labels, class_weights, ignore_index=IGNORED, reduction="sum")
    if class_weights is None:
        share = (labels != IGNORED).sum()
    else:
        share = functional.pad(class_weights, (0, 256 - class_weights.numel()))[labels].sum()
    return total / share.clamp(min=1e-6)
