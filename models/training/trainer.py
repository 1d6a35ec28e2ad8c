"""One optimisation step, the averaged weights, and everything a checkpoint must hold.

A step's batch comes in shards. Each shard runs forward and backward on one worker thread, with its own
batch-norm statistics, and the gradients meet once, at the end. That keeps two cores busy with one
meeting a step; splitting every layer over the cores instead costs hundreds of meetings, each of which
stalls as soon as another process (the feeder) wants a core.
"""

import concurrent.futures
import copy
import math
import os
import pathlib

import numpy as np
import torch

import schedule
from losses import IGNORED

VERSION = 1
MAXIMUM_BAD_STEPS = 20


class TrainingError(RuntimeError):
    """Training cannot go on; says why."""


class Trainer:
    """Owns the network, the workers, Adam, the averaged copy, the schedule's position and the random state."""

    def __init__(self, network, schedule_name="cosine", peak=2e-3, class_weights=None, seed=0, averaging=0.999, workers=1, threads=1):
        """`workers` threads share a step's shards, each with `threads` of its own inside an operation."""
        self.network = network.train()
        self._parameters = list(network.parameters())
        self._workers = concurrent.futures.ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(threads,))
        # Validated and exported in f32, as the crate's engines run it.
        self.average = network.copy(torch.float32).eval().requires_grad_(False)
        self.schedule_name, self.peak, self.class_weights, self.averaging = schedule_name, peak, class_weights, averaging
        self.optimiser = torch.optim.Adam(network.parameters(), lr=peak, betas=(0.9, 0.999), fused=True)
        self.random = np.random.default_rng([seed, 1])
        self.step_number = self.blocks = self.bad_steps = self.starts = 0
        self.seconds = 0.0
        self.class_counts = torch.zeros(network.classes, dtype=torch.double)

    def rate(self, progress):
        """The learning rate now."""
        if self.schedule_name == "reference":
            return schedule.reference_rate(self.blocks)
        return schedule.cosine_rate(progress, self.peak)

    def _weights(self, labels):
        if self.class_weights is None:
            return None
        kept = labels[labels != IGNORED].cpu()
        self.class_counts += torch.bincount(kept, minlength=self.network.classes)
        share = self.class_counts / self.class_counts.sum().clamp(min=1)
        weights = share.clamp(min=1e-4).rsqrt()
        # The mean weight of a point is one, so that the balance with the instance loss stays.
        weights /= (weights * share).sum().clamp(min=1e-6)
        return weights.clamp(max=5.0).float().to(labels.device)

    def step(self, shards, progress):
        """Trains on the shards of one batch. Returns loss terms and accuracy, or None where the loss was not finite.

        Neither the order in which shards end nor the number of workers changes the result.
        """
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate(progress)
        if self.schedule_name == "reference":
            decay = schedule.reference_batch_norm_decay(self.blocks)
        else:
            decay = schedule.cosine_batch_norm_decay(progress)
        class_weights = self._weights(torch.cat([shard.semantic for shard in shards]))
        self.blocks += sum(shard.blocks for shard in shards)
        jobs = []
        for shard in shards:
            # A replica shares the parameters and owns its statistics and its dropout.
            replica = copy.copy(self.network)
            replica._buffers = {name: value.clone() for name, value in self.network._buffers.items()}
            replica.random = np.random.default_rng(self.random.integers(2**63, size=2))
            replica.batch_norm_decay = decay
            jobs.append(self._workers.submit(self._gradient, replica, shard, class_weights))
        results = [job.result() for job in jobs]
        share = [shard.blocks / sum(s.blocks for s in shards) for shard in shards]
        means = {name: sum(w * terms[name] for w, (_, terms, _) in zip(share, results)) for name in results[0][1]}
        if not math.isfinite(means["loss"]):
            self.bad_steps += 1
            if self.bad_steps >= MAXIMUM_BAD_STEPS:
                raise TrainingError(f"the loss was not finite {self.bad_steps} times in a row")
            return None
        self.bad_steps = 0
        with torch.no_grad():
            for index, parameter in enumerate(self._parameters):
                parts = [gradients[index] for gradients, _, _ in results]
                parameter.grad = None if parts[0] is None else sum(w * part for w, part in zip(share, parts))
            for name, value in self.network._buffers.items():
                value.copy_(sum(w * replica._buffers[name] for w, (_, _, replica) in zip(share, results)))
        self.optimiser.step()
        self.step_number += 1
        self._average()
        return means

    def _gradient(self, replica, shard, class_weights):
        """One shard, on a worker: gradients in the order of the parameters, loss terms, the replica used."""
        loss, classify, terms, logits = replica.loss(shard, class_weights)
        # A bias before batch normalisation has no part in the loss (see layers.py): its gradient is None.
        gradients = torch.autograd.grad(loss, self._parameters, allow_unused=True)
        kept = shard.semantic != IGNORED
        hits = (logits.detach().argmax(dim=1) == shard.semantic)[kept].sum() / kept.sum().clamp(min=1)
        return gradients, {"loss": loss.item(), "classify": classify.item(), "pull": terms.pull.item(), "push": terms.push.item(),
                           "regulariser": terms.regulariser.item(), "accuracy": hits.item()}, replica

    @torch.no_grad()
    def _average(self):
        rate = 1.0 - schedule.average_decay(self.step_number, self.averaging)
        ours, theirs = self.average.state_dict(), self.network.state_dict()
        torch._foreach_lerp_(list(ours.values()), [theirs[name] for name in ours], rate)

    @torch.no_grad()
    def recalibrate(self, batches):
        """Measures the averaged weights' own batch-norm statistics as the plain mean over `batches`.

        Averaged statistics belong to the moving weights, not to their average. Restores nothing but
        these statistics; parameters stay.
        """
        self.average.train()
        for number, batch in enumerate(batches):
            self.average.batch_norm_decay = number / (number + 1)
            self.average(batch)
        self.average.eval()

    def save(self, path):
        """Writes a checkpoint, replacing atomically."""
        path = pathlib.Path(path)
        partial = path.with_suffix(".partial")
        torch.save({
            "version": VERSION, "name": self.network.name,
            "network": self.network.state_dict(), "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "random": self.random.bit_generator.state, "torch_random": torch.get_rng_state(),
            "class_counts": self.class_counts,
            "step": self.step_number, "blocks": self.blocks, "seconds": self.seconds, "starts": self.starts,
            "schedule": self.schedule_name, "peak": self.peak, "class_weights": self.class_weights,
        }, partial)
        os.replace(partial, path)

    def load(self, path):
        """Continues from a checkpoint. Raises `TrainingError` where its settings are not this run's."""
        state = torch.load(path, map_location="cpu", weights_only=True)
        if state.get("version") != VERSION:
            raise TrainingError(f"{path}: checkpoint version {VERSION} expected, got {state.get('version')}")
        # Checkpoints of before there were several networks carry no name.
        state.setdefault("name", "asis-pointnet2")
        for name, ours in (("name", self.network.name), ("schedule", self.schedule_name), ("class_weights", self.class_weights), ("peak", self.peak)):
            if state[name] != ours:
                raise TrainingError(f"{path}: was trained with {name} {state[name]}, this run asks for {ours}")
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.random.bit_generator.state = state["random"]
        torch.set_rng_state(state["torch_random"])
        self.class_counts = state["class_counts"]
        self.step_number, self.blocks, self.starts = state["step"], state["blocks"], state["starts"]
        self.seconds = state["seconds"]
