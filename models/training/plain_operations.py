"""The network's heavy operations in plain PyTorch: any device, and the oracle of `cpu_operations`.

Rows are points (or neighbour slots) of a whole batch, columns are channels; indices are row numbers.
Operations with batch normalisation use the batch's own statistics and return them:
`(output, mean, variance)`, variance biased, both f32 and detached.
"""

import torch


def _normalise(rows, gamma, beta, epsilon):
    rows = rows.float()
    variance, mean = torch.var_mean(rows, dim=0, correction=0)
    scale = gamma * torch.rsqrt(variance + epsilon)
    return torch.relu((rows - mean) * scale + beta), mean.detach(), variance.detach()


def bn_relu(rows, gamma, beta, epsilon):
    """Batch normalisation and ReLU of `rows` (R, C)."""
    out, mean, variance = _normalise(rows, gamma, beta, epsilon)
    return out.to(rows.dtype), mean, variance


def group_bn_relu(source, centre, index, blocks, gamma, beta, epsilon, dtype):
    """Rows `source[index] - centre`, normalised, ReLU.

    `source` (S, C) f32, `centre` (P, C) f32, `index` (P, slots) i32. Returns rows (P * slots, C).
    """
    del blocks
    rows = source[index.long()] - centre[:, None, :]
    out, mean, variance = _normalise(rows.flatten(0, 1), gamma, beta, epsilon)
    return out.to(dtype), mean, variance


def bn_relu_maximum(rows, slots, gamma, beta, epsilon):
    """Normalised, ReLU, maximum over each point's `slots` rows: (P * slots, C) to (P, C)."""
    out, mean, variance = _normalise(rows, gamma, beta, epsilon)
    return out.view(-1, slots, rows.shape[1]).max(dim=1).values.to(rows.dtype), mean, variance


def interpolate_add(coarse, index, weight, skip, blocks):
    """`skip + Σ weight · coarse[index]`; `index`, `weight` (R, 3), `skip` (R, C)."""
    del blocks
    rows = coarse[index.long()].float()
    return ((rows * weight[:, :, None]).sum(dim=1) + skip.float()).to(skip.dtype)


def weighted_sum(weight, bias, feature, index, blocks):
    """A depthwise convolution: Σ over slots k of (`weight` + `bias`) · `feature[index]`, f32 (P, C).

    `weight` (P * slots, C), `bias` (C,) f32, `feature` (S, C), `index` (P, slots) i32.
    """
    del blocks
    rows = feature[index.long()].float()
    return (rows * (weight.view(rows.shape).float() + bias)).sum(dim=1)


def nearest(embedding, blocks, most, limit):
    """The reference's neighbours: `most` nearest in L1, those beyond `limit` replaced by the point itself.

    `embedding` (blocks * n, D) f32. Returns global row numbers (blocks * n, most), i64.
    """
    with torch.no_grad():
        points = embedding.shape[0] // blocks
        most = min(most, points)
        lists = []
        for block, rows in enumerate(embedding.detach().float().view(blocks, points, -1)):
            distance = torch.cdist(rows, rows, p=1)
            near, index = torch.topk(distance, most, dim=1, largest=False, sorted=True)
            own = torch.arange(points, device=rows.device)[:, None]
            # Written so that a distance of NaN is replaced too.
            lists.append(torch.where(near <= limit, index, own) + block * points)
        return torch.cat(lists)


def fuse(feature, embedding, blocks, most, limit):
    """ASIS's semantic fusion: channel-wise maximum of `feature` (R, C) over `nearest`."""
    return feature[nearest(embedding, blocks, most, limit)].max(dim=1).values
