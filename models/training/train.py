"""Trains ASIS, JSNet and their variants on blocks streamed by `instanton feed`.

    python train.py --network jsnet --minutes 90 --out runs/first \\
        --stream-command "instanton feed --network {network} --points {points} --seed {seed}"

A run passes through one or more stages, each with its own block size (`--points`, `--shares`,
`--batch`), inside one schedule that ends, annealed, when the budget does (`--minutes` or `--blocks`).
It leaves in `--out`: `weights.npz` (the averaged weights, TensorFlow names, for `instanton pack`),
`checkpoint.pt` (for `--resume`), `curve.csv`, `curve.png`, `provenance.toml` and `command.txt`. SIGTERM and
Ctrl-C save and stop; the same command with `--resume` goes on.
"""

import os
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
from options import fill, parse, stages  # noqa: E402
from provenance import Provenance  # noqa: E402
from start import start  # noqa: E402
from stream import Stream, StreamError, make_batch  # noqa: E402
from trainer import Trainer, TrainingError  # noqa: E402
from weights import WeightsError, save_weights  # noqa: E402
from zoo import Network  # noqa: E402

REOPENING_BLOCKS = 64


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
        self.validation_batches, self.header = self._validation()
        self.classes = self.header.classes
        operations = plain_operations
        if options.operations == "kernels":
            cpu_operations.load()
            operations = cpu_operations
        dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[options.dtype]
        network = Network(options.network, len(self.classes), dtype, operations, options.seed, columns=self.header.features)
        network.to(options.device)
        if options.start_from and not options.resume:
            log(start(network, options.start_from, options.start_common, self.classes, self._draw))
        workers = min(options.threads, options.shards)
        class_weights = None if options.class_weights == "none" else options.class_weights
        self.trainer = Trainer(network, options.schedule, options.peak, class_weights, options.seed,
                               workers=workers, threads=options.threads // workers)
        if options.resume:
            self.trainer.load(self.out / "checkpoint.pt")
            log(f"resumed at step {self.trainer.step_number}, {self.trainer.blocks} blocks, {self.trainer.seconds / 60:.1f} min")
        self.trainer.starts += 1
        self.curve = Curve(self.out, options.network, self.trainer.step_number if options.resume else None)
        self._started = time.monotonic() - self.trainer.seconds
        self.provenance = None
        self._record_command()

    def _start_stream(self, command, points, seed, **reading):
        stream = Stream(fill(command, self.options.network, points, seed), **reading)
        if stream.header.network != self.options.network:
            stream.close()
            raise StreamError(f"{stream.command}: blocks for {self.options.network} expected, it sends them for {stream.header.network}")
        return stream

    def _batches(self, command, points, seed, count):
        """`count` blocks, four a batch, and the stream's header."""
        stream = self._start_stream(command, points, seed)
        try:
            records = stream.take(count)
        finally:
            stream.close()
        if not records:
            raise StreamError(f"{stream.command}: no blocks came")
        parts = [records[i : i + 4] for i in range(0, len(records), 4)]
        return [make_batch(stream.header, part).to(self.options.device) for part in parts], stream.header

    def _validation(self):
        """Draws the held-out blocks, of the last stage's size, from a stream with its own seed."""
        options = self.options
        command = options.validation_command or options.stream_command
        return self._batches(command, self.stages[-1].points, options.validation_seed, options.validation_blocks)

    def _draw(self):
        """Training blocks to measure batch normalisation on."""
        options = self.options
        return self._batches(options.stream_command, self.stages[-1].points, options.seed * 1_000_003 + 500, REOPENING_BLOCKS)[0]

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
        stream = self._start_stream(options.stream_command, stage.points, seed, ahead=4 * stage.batch)
        if stream.header.classes != self.classes:
            stream.close()
            raise StreamError(f"{stream.command}: classes differ from the validation stream's")
        if self.provenance is None:
            self.provenance = Provenance(self.out, options, stream.header.data)
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
        if self.provenance:
            self.provenance.write(self.trainer.step_number, self.trainer.blocks, self.trainer.seconds)

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
                log(f"budget used; measuring batch-norm statistics on {options.recalibration_blocks} blocks, all slots")
                trainer.recalibrate(shard for _ in range(-(-options.recalibration_blocks // size)) for shard in self._shards(stream, size, None))
                self._validate(self._row())
            self._save()
            log(f"{'finished' if finished else 'stopped'} at step {trainer.step_number}; weights in {self.out / 'weights.npz'}")
            return finished
        finally:
            if stream:
                stream.close()


def main():
    options = parse(__doc__)
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
