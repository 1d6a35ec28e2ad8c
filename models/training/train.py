"""Trains ASIS on blocks streamed by `instanton feed`.

    python train.py --stream-command "instanton feed --points {points} --seed {seed}" --minutes 90 --out runs/first

A run passes through one or more stages, each with its own block size (`--points`, `--shares`,
`--batch`), inside one schedule that ends, annealed, when the budget does (`--minutes` or `--blocks`).
It leaves in `--out`: `weights.npz` (the averaged weights, TensorFlow names, for `instanton pack`),
`checkpoint.pt` (for `--resume`), `curve.csv`, `curve.png` and `command.txt`. SIGTERM and Ctrl-C save
and stop; the same command with `--resume` goes on.
"""

import argparse
import dataclasses
import os
import pathlib
import platform
import shlex
import signal
import sys
import time

# Idle OpenMP threads must not spin: the feeder needs the cores between two kernels. Before torch loads.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

import torch  # noqa: E402

import cpu_operations  # noqa: E402
import plain_operations  # noqa: E402
from curve import Curve  # noqa: E402
from metrics import validate  # noqa: E402
from model_folder import load_folded, read_model_folder, reopen  # noqa: E402
from network import Asis  # noqa: E402
from stream import Stream, StreamError, make_batch  # noqa: E402
from trainer import Trainer, TrainingError  # noqa: E402
from weights import WeightsError, load_weights, save_weights  # noqa: E402

PRESETS = {
    "cpu": {"points": [2048, 4096], "shares": [0.5, 0.5], "batch": [16, 8], "schedule": "cosine", "peak": 2e-3,
            "dtype": "bf16", "device": "cpu", "operations": "kernels"},
    "gpu": {"points": [4096], "shares": [1.0], "batch": [24], "schedule": "reference", "peak": 1e-3,
            "dtype": "f32", "device": "cuda", "operations": "plain"},
}
RECALIBRATION_BLOCKS = 256
REOPENING_BLOCKS = 64


@dataclasses.dataclass
class Stage:
    """Until `end` (share of the budget), blocks of `points` points, `batch` of them a step."""

    points: int
    batch: int
    end: float


def parse(arguments=None):
    """The command line, with the preset filled in."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stream-command", required=True, help="prints the stream; {points} and {seed} are filled in")
    parser.add_argument("--validation-command", help="the same for held-out blocks; default: the stream command")
    parser.add_argument("--preset", choices=PRESETS, default="cpu")
    parser.add_argument("--minutes", type=float, help="budget of wall-clock minutes, resumed runs included")
    parser.add_argument("--blocks", type=int, help="budget of blocks; with --minutes, whichever ends first")
    parser.add_argument("--points", type=int, nargs="+", help="block size of each stage")
    parser.add_argument("--shares", type=float, nargs="+", help="share of the budget of each stage")
    parser.add_argument("--batch", type=int, nargs="+", help="blocks a step in each stage")
    parser.add_argument("--slots", type=int, help="use at most this many random distinct neighbours (approximation; default: all)")
    parser.add_argument("--schedule", choices=["reference", "cosine"])
    parser.add_argument("--peak", type=float, help="highest learning rate of the cosine schedule")
    parser.add_argument("--class-weights", choices=["sqrt-inverse"], help="default: none, as the reference")
    parser.add_argument("--dtype", choices=["f32", "bf16"], help="type of activations; parameters are f32")
    parser.add_argument("--operations", choices=["kernels", "plain"], help="C++ kernels or plain PyTorch")
    parser.add_argument("--device")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--validation-seed", type=int, default=900_000_007)
    parser.add_argument("--validation-blocks", type=int, default=64)
    parser.add_argument("--validation-minutes", type=float, default=4.0)
    parser.add_argument("--checkpoint-minutes", type=float, default=4.0)
    parser.add_argument("--log-seconds", type=float, default=20.0)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads, the feeder's not counted")
    parser.add_argument("--shards", type=int, help="parts of a batch that run side by side (default: one a thread; GPU: 1)")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--resume", action="store_true", help="go on from OUT/checkpoint.pt")
    parser.add_argument("--start-from", type=pathlib.Path, help="start a new run from these weights: a run's weights.npz or a model folder")
    options = parser.parse_args(arguments)
    for name, value in PRESETS[options.preset].items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    if options.minutes is None and options.blocks is None:
        parser.error("give a budget: --minutes or --blocks")
    if options.points != PRESETS[options.preset]["points"] and len(options.points) == 1:
        options.shares = options.shares if len(options.shares) == 1 else [1.0]
        options.batch = options.batch[-1:] if len(options.batch) > 1 else options.batch
    if not len(options.points) == len(options.shares) == len(options.batch) or min(options.shares) <= 0:
        parser.error("--points, --shares and --batch need one value each a stage, shares above 0")
    if options.shards is None:
        options.shards = options.threads if options.device == "cpu" else 1
    if options.shards < 1 or min(options.batch) < options.shards:
        parser.error("--shards must be at least 1 and at most the smallest --batch")
    if min(options.batch) < 1 or options.threads < 1 or options.validation_blocks < 1:
        parser.error("--batch, --threads and --validation-blocks must be at least 1")
    if options.slots is not None and options.slots < 1:
        parser.error("--slots must be at least 1")
    return options


def stages(options):
    """Stages with their ends as shares of the whole."""
    total, end, result = sum(options.shares), 0.0, []
    for points, share, batch in zip(options.points, options.shares, options.batch):
        end += share / total
        result.append(Stage(points, batch, end))
    result[-1].end = float("inf")
    return result


def fill(command, points, seed):
    """Puts the numbers into a stream command."""
    return shlex.split(command.replace("{points}", str(points)).replace("{seed}", str(seed)))


def log(text):
    print(time.strftime("%H:%M:%S"), text, flush=True)


class Run:
    """A training run: the loop, and what it leaves behind."""

    def __init__(self, options):
        self.options, self.stop = options, False
        self.out = options.out
        self.out.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(options.seed)
        self.stages = stages(options)
        self.validation_batches, self.classes = self._validation()
        operations = plain_operations
        if options.operations == "kernels":
            cpu_operations.load()
            operations = cpu_operations
        dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[options.dtype]
        network = Asis(len(self.classes), dtype, operations, options.seed).to(options.device)
        if options.start_from:
            self._start_from(network, options.start_from)
        workers = min(options.threads, options.shards)
        self.trainer = Trainer(network, options.schedule, options.peak, options.class_weights, options.seed,
                               workers=workers, threads=options.threads // workers)
        if options.resume:
            self.trainer.load(self.out / "checkpoint.pt")
            log(f"resumed at step {self.trainer.step_number}, {self.trainer.blocks} blocks, {self.trainer.seconds / 60:.1f} min")
        self.trainer.starts += 1
        self.curve = Curve(self.out, self.trainer.step_number if options.resume else None)
        self._started = time.monotonic() - self.trainer.seconds
        self._record_command()

    def _validation(self):
        """Draws the held-out blocks, of the last stage's size, from a stream with its own seed."""
        options, last = self.options, self.stages[-1]
        command = options.validation_command or options.stream_command
        stream = Stream(fill(command, last.points, options.validation_seed))
        try:
            records = stream.take(options.validation_blocks)
        finally:
            stream.close()
        if not records:
            raise StreamError(f"{stream.command}: no blocks to validate on")
        parts = [records[i : i + 4] for i in range(0, len(records), 4)]
        return [make_batch(stream.header, part).to(options.device) for part in parts], stream.header.classes

    def _start_from(self, network, path):
        if path.suffix == ".npz":
            return load_weights(network, path)
        options, last = self.options, self.stages[-1]
        description, variables = read_model_folder(path)
        classes = [c.get("name") for c in description.get("classes", [])]
        if classes != self.classes:
            raise WeightsError(f"{path}: classes {self.classes} of the stream expected, the model has {classes}")
        load_folded(network, variables, path)
        stream = Stream(fill(options.stream_command, last.points, options.seed * 1_000_003 + 500))
        try:
            records = stream.take(REOPENING_BLOCKS)
        finally:
            stream.close()
        if not records:
            raise StreamError(f"{stream.command}: no blocks to measure batch normalisation on")
        parts = [records[i : i + 4] for i in range(0, len(records), 4)]
        fresh = Asis(len(self.classes), seed=options.seed)
        # In f32: the shipped function is meant exactly.
        compute, network.compute = network.compute, torch.float32
        reopen(network, (make_batch(stream.header, part).to(options.device) for part in parts), fresh)
        network.compute = compute
        log(f"starts from {path}; batch normalisation re-opened on {len(records)} blocks")

    def _record_command(self):
        with open(self.out / "command.txt", "a") as file:
            file.write(f"{shlex.join([sys.executable, *sys.argv])}\n")
            file.write(f"# {time.strftime('%Y-%m-%d %H:%M:%S')} torch {torch.__version__} {platform.processor() or platform.machine()}"
                       f" {self.options.threads} threads\n")
            settings = {k: v for k, v in sorted(vars(self.options).items())}
            file.write(f"# effective: {settings}\n")

    def progress(self):
        """Share of the budget used."""
        shares = [0.0]
        if self.options.minutes is not None:
            shares.append((time.monotonic() - self._started) / (60 * self.options.minutes))
        if self.options.blocks is not None:
            shares.append(self.trainer.blocks / self.options.blocks)
        return max(shares)

    def _open(self, number):
        # A resumed run draws new blocks: its feeder starts with another seed.
        options, stage = self.options, self.stages[number]
        seed = options.seed * 1_000_003 + number * 1009 + (self.trainer.starts - 1) * 7919
        stream = Stream(fill(options.stream_command, stage.points, seed), ahead=4 * stage.batch)
        if stream.header.classes != self.classes:
            stream.close()
            raise StreamError(f"{stream.command}: classes differ from the validation stream's")
        log(f"stage {number + 1}/{len(self.stages)}: {stream.header.points} points, batch {stage.batch}, "
            f"slots {options.slots or [level.slots for level in stream.header.levels]}, seed {seed}")
        return stream

    def _shards(self, stream, size, slots):
        records = stream.take(size)
        if len(records) < size:
            raise StreamError(f"{stream.command}: ended early")
        count = self.options.shards
        parts = [records[size * i // count : size * (i + 1) // count] for i in range(count)]
        return [make_batch(stream.header, part, slots, self.trainer.random).to(self.options.device) for part in parts]

    def _save(self):
        self.trainer.seconds = time.monotonic() - self._started
        self.trainer.save(self.out / "checkpoint.pt")
        save_weights(self.trainer.average.state_dict(), self.out / "weights.npz")

    def _validate(self, row):
        scores, per_class = validate(self.trainer.average, self.validation_batches, self.classes)
        self.curve.add({**row, **scores})
        self.curve.draw()
        log("validation " + " ".join(f"{k.removeprefix('validation_')} {v:.3f}" for k, v in scores.items()))
        log("IoU " + " ".join(f"{name} {value:.2f}" for name, value in per_class.items()))

    def _row(self):
        return {"step": self.trainer.step_number, "blocks": self.trainer.blocks,
                "minutes": (time.monotonic() - self._started) / 60, "lr": self.trainer.rate(self.progress())}

    def train(self):
        """Runs to the budget's end or a signal. Returns whether the budget was used up."""
        options, trainer = self.options, self.trainer
        number, stream = None, None
        sums, steps, waited, blocks = {}, 0, 0.0, 0
        window = validated = saved = time.monotonic()
        try:
            while not self.stop:
                progress = self.progress()
                if progress >= 1.0:
                    break
                wanted = next(i for i, stage in enumerate(self.stages) if progress < stage.end)
                if wanted != number:
                    if stream:
                        stream.close()
                    number, stream = wanted, self._open(wanted)
                began = time.monotonic()
                shards = self._shards(stream, self.stages[number].batch, options.slots)
                waited += time.monotonic() - began
                terms = trainer.step(shards, progress)
                blocks += self.stages[number].batch
                if terms is None:
                    log(f"step {trainer.step_number}: the loss is not finite, batch left out")
                else:
                    steps += 1
                    for name, value in terms.items():
                        sums[name] = sums.get(name, 0.0) + value
                now = time.monotonic()
                if now - window >= options.log_seconds and steps:
                    means = {name: value / steps for name, value in sums.items()}
                    speed, share = blocks / (now - window), waited / (now - window)
                    self.curve.add({**self._row(), **means, "points": self.stages[number].points,
                                    "blocks_per_second": speed, "waiting": share})
                    log(f"step {trainer.step_number} blocks {trainer.blocks} {100 * progress:.1f} % lr {trainer.rate(progress):.2e} "
                        + " ".join(f"{name} {value:.3f}" for name, value in means.items() if name != "regulariser")
                        + f" | {speed:.1f} blocks/s, input {100 * share:.0f} %")
                    sums, steps, waited, blocks, window = {}, 0, 0.0, 0, now
                if now - saved >= 60 * options.checkpoint_minutes:
                    self._save()
                    saved = now
                if now - validated >= 60 * options.validation_minutes:
                    self._validate(self._row())
                    validated = window = time.monotonic()
                    sums, steps, waited, blocks = {}, 0, 0.0, 0
            finished = not self.stop
            if finished:
                if stream is None or number != len(self.stages) - 1:
                    stream = stream.close() if stream else None
                    stream = self._open(len(self.stages) - 1)
                size = self.stages[-1].batch
                log(f"budget used; measuring batch-norm statistics on {RECALIBRATION_BLOCKS} blocks, all slots")
                trainer.recalibrate(shard for _ in range(-(-RECALIBRATION_BLOCKS // size)) for shard in self._shards(stream, size, None))
                self._validate(self._row())
            self._save()
            log(f"{'finished' if finished else 'stopped'} at step {trainer.step_number}; weights in {self.out / 'weights.npz'}")
            return finished
        finally:
            if stream:
                stream.close()


def main():
    options = parse()
    torch.set_num_threads(options.threads)
    try:
        run = Run(options)

        def stop(*_):
            run.stop = True

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        run.train()
    except (StreamError, TrainingError, WeightsError, cpu_operations.KernelsUnavailable, FileNotFoundError) as error:
        print(f"train: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
