"""The command line of `train.py`: presets, stages, and how a stream command is filled in."""

import argparse
import dataclasses
import os
import pathlib
import shlex

from zoo import DESIGNS

PRESETS = {
    # What two cores learn most from in an hour; see models/README.md.
    "cpu": {"points": [2048, 4096], "shares": [0.5, 0.5], "batch": [6, 4], "schedule": "cosine", "peak": 2e-3,
            "class_weights": "sqrt-inverse", "dtype": "bf16", "device": "cpu", "operations": "kernels"},
    # The reference's recipe, for ASIS and JSNet alike.
    "gpu": {"points": [4096], "shares": [1.0], "batch": [24], "schedule": "reference", "peak": 1e-3,
            "class_weights": "none", "dtype": "f32", "device": "cuda", "operations": "plain"},
}
PART_POINTS = 2048


@dataclasses.dataclass
class Stage:
    """Until `end` (share of the budget), blocks of `points` points, `batch` of them a step."""

    points: int
    batch: int
    end: float


def _parser(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stream-command", required=True, help="prints the stream; {network}, {points} and {seed} are filled in")
    parser.add_argument("--validation-command", help="the same for held-out blocks; default: the stream command")
    parser.add_argument("--network", choices=DESIGNS, default="asis-pointnet2", metavar="NAME", help=", ".join(DESIGNS))
    parser.add_argument("--preset", choices=PRESETS, default="cpu")
    parser.add_argument("--minutes", type=float, help="budget of wall-clock minutes, resumed runs included")
    parser.add_argument("--blocks", type=int, help="budget of blocks; with --minutes, whichever ends first")
    parser.add_argument("--points", type=int, nargs="+", help="block size of each stage")
    parser.add_argument("--shares", type=float, nargs="+", help="share of the budget of each stage")
    parser.add_argument("--batch", type=int, nargs="+", help="blocks a step in each stage")
    parser.add_argument("--slots", type=int, help="use at most this many random distinct neighbours (approximation; default: all)")
    parser.add_argument("--schedule", choices=["reference", "cosine"])
    parser.add_argument("--peak", type=float, help="highest learning rate of the cosine schedule")
    parser.add_argument("--class-weights", choices=["sqrt-inverse", "none"], help="of the cross-entropy; the reference has none")
    parser.add_argument("--dtype", choices=["f32", "bf16"], help="type of activations; parameters are f32")
    parser.add_argument("--operations", choices=["kernels", "plain"], help="C++ kernels or plain PyTorch")
    parser.add_argument("--device")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--validation-seed", type=int, default=900_000_007)
    parser.add_argument("--validation-blocks", type=int, default=64)
    parser.add_argument("--validation-minutes", type=float, default=4.0)
    parser.add_argument("--checkpoint-minutes", type=float, default=4.0)
    parser.add_argument("--log-seconds", type=float, default=20.0)
    parser.add_argument("--recalibration-blocks", type=int, default=256, help="for the final batch-norm statistics")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads, the feeder's not counted")
    parser.add_argument("--shards", type=int, help="parts of a batch that run side by side (default: one a thread; GPU: 1)")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--resume", action="store_true", help="go on from OUT/checkpoint.pt")
    parser.add_argument("--start-from", type=pathlib.Path, help="start a new run from these weights: a run's weights.npz or a model folder")
    parser.add_argument("--start-common", action="store_true",
                        help="with --start-from: take what both networks have, in name and shape, and leave the rest fresh")
    return parser


def parse(description, arguments=None):
    """The command line, with the preset filled in."""
    parser = _parser(description)
    options = parser.parse_args(arguments)
    preset = dict(PRESETS[options.preset])
    if options.network.endswith("-part"):
        preset |= {"points": [PART_POINTS], "shares": [1.0], "batch": preset["batch"][:1]}
    if options.preset == "cpu" and not DESIGNS[options.network].trunk.needs():
        # PointNet's global vector is one row a block: normalised over two or three, little of it is left.
        preset["batch"] = [2 * size for size in preset["batch"]]
    for name, value in preset.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    if options.minutes is None and options.blocks is None:
        parser.error("give a budget: --minutes or --blocks")
    if options.points != preset["points"] and len(options.points) == 1:
        options.shares = options.shares if len(options.shares) == 1 else [1.0]
        options.batch = options.batch[-1:] if len(options.batch) > 1 else options.batch
    if not len(options.points) == len(options.shares) == len(options.batch) or min(options.shares) <= 0:
        parser.error("--points, --shares and --batch need one value each a stage, shares above 0")
    if min(options.batch) < 1 or options.threads < 1 or options.validation_blocks < 1 or options.recalibration_blocks < 1:
        parser.error("--batch, --threads, --validation-blocks and --recalibration-blocks must be at least 1")
    if options.shards is None:
        options.shards = min(options.threads, *options.batch) if options.device == "cpu" else 1
    if options.shards < 1 or min(options.batch) < options.shards:
        parser.error("--shards must be at least 1 and at most the smallest --batch")
    if options.slots is not None and options.slots < 1:
        parser.error("--slots must be at least 1")
    if options.start_common and not options.start_from:
        parser.error("--start-common needs --start-from")
    return options


def stages(options):
    """Stages with their ends as shares of the whole."""
    total, end, result = sum(options.shares), 0.0, []
    for points, share, batch in zip(options.points, options.shares, options.batch):
        end += share / total
        result.append(Stage(points, batch, end))
    result[-1].end = float("inf")
    return result


def fill(command, network, points, seed):
    """Puts the names and numbers into a stream command; returns its words."""
    values = {"{network}": network, "{points}": str(points), "{seed}": str(seed)}
    for name, value in values.items():
        command = command.replace(name, value)
    return shlex.split(command)
