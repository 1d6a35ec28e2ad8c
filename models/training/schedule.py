"""Learning rate, batch-norm decay and weight averaging over a run.

`progress` is the share of the run's budget (minutes or blocks) already used, 0 to 1, so that a run
ends annealed whenever its budget ends. `samples` counts blocks seen.
"""

import math

REFERENCE_HALVING = 300_000
REFERENCE_RATE = 1e-3
REFERENCE_FLOOR = 1e-5


def reference_rate(samples):
    """The reference's: 1e-3, halved every 300 000 samples, at least 1e-5."""
    return max(REFERENCE_FLOOR, REFERENCE_RATE * 0.5 ** (samples // REFERENCE_HALVING))


def reference_batch_norm_decay(samples):
    """The reference's: 0.5 rising towards 0.99 on the same steps."""
    return min(0.99, 1.0 - 0.5 * 0.5 ** (samples // REFERENCE_HALVING))


def cosine_rate(progress, peak, warm_up=0.04, floor=0.005):
    """Rises linearly from a tenth of `peak`, then falls along a half cosine to `floor · peak`."""
    if progress < warm_up:
        return peak * (0.1 + 0.9 * max(progress, 0.0) / warm_up)
    phase = min((progress - warm_up) / (1.0 - warm_up), 1.0)
    return peak * (floor + (1.0 - floor) * 0.5 * (1.0 + math.cos(math.pi * phase)))


def cosine_batch_norm_decay(progress):
    """From 0.9 to 0.99: the statistics follow fast while the weights move fast."""
    return 1.0 - 0.1 * 0.1 ** min(max(progress, 0.0), 1.0)


def average_decay(step, limit=0.999):
    """Decay of the averaged weights; short at first, so that the random start is forgotten."""
    return min(limit, (1.0 + step) / (10.0 + step))
