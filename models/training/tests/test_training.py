"""Training itself: it learns, it resumes exactly, it stops when told, and it exports what it trained."""

import csv
import os
import pathlib
import signal
import subprocess
import sys
import time
import tomllib

import numpy as np
import pytest
import torch

import cpu_operations
import fake_stream
import plain_operations
import schedule
from metrics import Confusion, validate
from options import fill, parse
from zoo import Network
from stream import make_batch
from trainer import Trainer, TrainingError
from weights import WeightsError, load_weights, save_weights

TRAIN = pathlib.Path(fake_stream.__file__).parent.parent / "train.py"
FAKE = f"{sys.executable} {fake_stream.__file__} --network {{network}} --points {{points}} --seed {{seed}} --distinct 4"


def batches(points=256, count=2, blocks=4, seed=0):
    header, random = fake_stream.make_header(points), np.random.default_rng(seed)
    return [make_batch(header, [fake_stream.make_record(header, random) for _ in range(blocks)]) for _ in range(count)]


@pytest.mark.parametrize("operations, dtype", [
    (plain_operations, torch.float32), (cpu_operations, torch.float32), (cpu_operations, torch.bfloat16)])
def test_it_learns_a_small_set(operations, dtype):
    data = batches()
    trainer = Trainer(Network(dtype=dtype, operations=operations), peak=2e-3)
    history = [trainer.step([data[i % 2]], 0.3) for i in range(25)]
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]
    assert history[-1]["accuracy"] > history[0]["accuracy"] + 0.2
    trainer.recalibrate(data)
    scores, _ = validate(trainer.average, data, fake_stream.CLASSES)
    assert scores["validation_accuracy"] > 0.35


def test_kernels_and_plain_agree_on_a_step():
    data = batches(count=1)[0]
    # Small differences flip a few maxima and ReLUs: shifting the input by 1e-7 changes the gradients by 2 % too.
    gradients = []
    for operations in (plain_operations, cpu_operations):
        network = Network(operations=operations, dropout=0.0).train()
        logits, embedding = network(data)
        (logits.square().mean() + embedding.square().mean()).backward()
        gradients.append({name: p.grad for name, p in network.named_parameters()})
    for name, plain in gradients[0].items():
        fast = gradients[1][name]
        if plain is None or fast is None:
            assert name.endswith("biases") and plain is None and fast is None
            continue
        assert (plain - fast).norm() <= 0.06 * plain.norm() + 1e-6, name


def test_resuming_is_exact(tmp_path):
    data = batches(count=4)
    straight = Trainer(Network(operations=cpu_operations, seed=1), class_weights="sqrt-inverse", seed=1)
    broken = Trainer(Network(operations=cpu_operations, seed=1), class_weights="sqrt-inverse", seed=1)
    for i, batch in enumerate(data):
        straight.step([batch], i / 4)
        if i < 2:
            broken.step([batch], i / 4)
    broken.save(tmp_path / "checkpoint.pt")
    resumed = Trainer(Network(operations=cpu_operations, seed=2), class_weights="sqrt-inverse", seed=2)
    resumed.load(tmp_path / "checkpoint.pt")
    for i, batch in enumerate(data[2:], 2):
        resumed.step([batch], i / 4)
    assert (resumed.step_number, resumed.blocks) == (straight.step_number, straight.blocks) == (4, 16)
    assert resumed.random.random() == straight.random.random()
    for ours, theirs in ((resumed.network, straight.network), (resumed.average, straight.average)):
        for name, value in ours.state_dict().items():
            assert torch.equal(value, theirs.state_dict()[name]), name


def test_workers_change_nothing():
    data = batches(count=3, blocks=2)
    states = []
    for workers in (1, 3):
        trainer = Trainer(Network(operations=cpu_operations, dtype=torch.bfloat16), workers=workers)
        for _ in range(2):
            trainer.step(data, 0.5)
        states.append(trainer.network.state_dict())
    for name, value in states[0].items():
        assert torch.equal(value, states[1][name]), name


def test_resuming_with_other_settings_is_refused(tmp_path):
    Trainer(Network()).save(tmp_path / "checkpoint.pt")
    with pytest.raises(TrainingError, match="schedule"):
        Trainer(Network(), schedule_name="reference").load(tmp_path / "checkpoint.pt")


def test_a_loss_that_is_not_finite_changes_no_weight():
    data = batches(count=1)[0]
    data.features[0, 3] = float("nan")
    trainer = Trainer(Network(operations=cpu_operations))
    before = {name: p.clone() for name, p in trainer.network.named_parameters()}
    assert trainer.step([data], 0.0) is None
    assert all(torch.equal(p, before[name]) for name, p in trainer.network.named_parameters())
    assert all(value.isfinite().all() for value in trainer.network.buffers())
    with pytest.raises(TrainingError):
        for _ in range(30):
            trainer.step([data], 0.0)


def test_schedules():
    assert schedule.reference_rate(0) == schedule.reference_rate(299_999) == 1e-3
    assert schedule.reference_rate(300_000) == 5e-4
    assert schedule.reference_rate(10**8) == 1e-5
    assert schedule.reference_batch_norm_decay(0) == 0.5
    assert schedule.reference_batch_norm_decay(300_000) == 0.75
    assert schedule.reference_batch_norm_decay(10**8) == 0.99
    rates = [schedule.cosine_rate(i / 1000, 2e-3) for i in range(1001)]
    assert max(rates) == pytest.approx(2e-3) and rates[0] < rates[20] < rates[40]
    assert rates[40:] == sorted(rates[40:], reverse=True) and rates[-1] == pytest.approx(1e-5)


def test_confusion():
    confusion = Confusion(3)
    confusion.add(torch.tensor([0, 0, 1, 255]), torch.tensor([0, 1, 1, 2]))
    assert confusion.accuracy() == pytest.approx(2 / 3)
    assert confusion.intersection_over_union()[:2] == pytest.approx([0.5, 0.5])
    assert np.isnan(confusion.intersection_over_union()[2])
    assert confusion.mean_intersection_over_union() == pytest.approx(0.5)


def test_weights_travel(tmp_path):
    ours, other = Network(seed=1), Network(seed=2)
    save_weights(ours.state_dict(), tmp_path / "weights.npz")
    load_weights(other, tmp_path / "weights.npz")
    assert all(torch.equal(v, other.state_dict()[k]) for k, v in ours.state_dict().items())
    with pytest.raises(WeightsError, match="sem_fc4"):
        load_weights(Network(classes=4), tmp_path / "weights.npz")


def train(tmp_path, *more, wait=True):
    command = [sys.executable, str(TRAIN), "--stream-command", FAKE, "--points", "128", "256", "--shares", "0.5", "0.5",
               "--batch", "4", "2", "--validation-blocks", "4", "--recalibration-blocks", "4", "--log-seconds", "0",
               "--out", str(tmp_path), *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=300) if wait else subprocess.Popen(command)


def test_the_command_and_its_resumption(tmp_path):
    first = train(tmp_path, "--blocks", "24", "--slots", "8")
    assert first.returncode == 0, first.stderr
    assert "stage 2/2" in first.stdout and "finished" in first.stdout
    for name in ("weights.npz", "checkpoint.pt", "curve.csv", "curve.png", "command.txt", "provenance.toml"):
        assert (tmp_path / name).stat().st_size > 0, name
    load_weights(Network(), tmp_path / "weights.npz")
    provenance = tomllib.loads((tmp_path / "provenance.toml").read_text())
    assert provenance["network"] == "asis-pointnet2" and provenance["data"] == "random boxes" and provenance["blocks"] == 24
    assert "--blocks 24" in provenance["command"] and provenance["seed"] == 0 and len(provenance["commit"]) >= 7
    # Going on with a larger budget continues the count and keeps the curve's first part.
    second = train(tmp_path, "--blocks", "40", "--slots", "8", "--resume")
    assert second.returncode == 0, second.stderr
    with open(tmp_path / "curve.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    blocks = [int(row["blocks"]) for row in rows]
    assert blocks == sorted(blocks) and blocks[0] == 4 and blocks[-1] >= 40
    assert float(rows[-1]["validation_accuracy"]) >= 0


def test_sigterm_saves(tmp_path):
    process = train(tmp_path, "--minutes", "60", wait=False)
    try:
        deadline = time.monotonic() + 120
        while not (tmp_path / "curve.csv").exists() or len((tmp_path / "curve.csv").read_text().splitlines()) < 3:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.2)
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
    trainer = Trainer(Network(), class_weights="sqrt-inverse")
    trainer.load(tmp_path / "checkpoint.pt")
    assert trainer.step_number >= 2
    load_weights(Network(), tmp_path / "weights.npz")


def test_a_missing_feeder_is_said(tmp_path):
    result = subprocess.run([sys.executable, str(TRAIN), "--stream-command", "/nonexistent/instanton feed", "--minutes", "1",
                             "--out", str(tmp_path)], capture_output=True, text=True, timeout=120)
    assert result.returncode == 2 and "cannot start" in result.stderr


def test_the_gpu_preset_runs_where_there_is_none(tmp_path):
    """Its plain operations, schedule and single shard on a CPU; another network, and weights in common."""
    save_weights(Network("jsnet-pcff", seed=3).state_dict(), tmp_path / "trunk.npz")
    result = train(tmp_path / "run", "--preset", "gpu", "--device", "cpu", "--dtype", "bf16", "--network", "jsnet", "--blocks", "8",
                   "--start-from", str(tmp_path / "trunk.npz"), "--start-common")
    assert result.returncode == 0, result.stderr
    assert "left fresh: " in result.stdout and "lr 1.00e-03" in result.stdout
    load_weights(Network("jsnet"), tmp_path / "run" / "weights.npz")
    provenance = tomllib.loads((tmp_path / "run" / "provenance.toml").read_text())
    assert len(provenance["started_from_sha256"]) == 64


def test_blocks_for_another_network_are_refused(tmp_path):
    result = subprocess.run([sys.executable, str(TRAIN), "--stream-command", FAKE.replace("{network}", "jsnet"), "--minutes", "1",
                             "--points", "128", "--validation-blocks", "1", "--out", str(tmp_path)],
                            capture_output=True, text=True, timeout=120)
    assert result.returncode == 2 and "sends them for jsnet" in result.stderr


def options(*words):
    return parse("", ["--stream-command", "x", "--out", "y", "--minutes", "1", *words])


def test_presets():
    assert (options().batch, options().peak, options().class_weights) == ([6, 4], 2e-3, "sqrt-inverse")
    gpu = options("--preset", "gpu", "--network", "jsnet")
    assert (gpu.batch, gpu.points, gpu.schedule, gpu.class_weights, gpu.shards) == ([24], [4096], "reference", "none", 1)
    assert options("--network", "jsnet-part").points == [2048]
    assert options("--network", "asis-pointnet").batch == [12, 8]
    assert fill("feed --network {network} --points {points} --seed {seed}", "jsnet", 5, 6) == [
        "feed", "--network", "jsnet", "--points", "5", "--seed", "6"]
    with pytest.raises(SystemExit):
        options("--start-common")
