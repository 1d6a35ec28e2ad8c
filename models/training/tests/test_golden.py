"""The network and its losses against the reference's own output."""

import pathlib

import numpy as np
import pytest
import torch

import cpu_operations
import plain_operations
from losses import discriminative, semantic
from network import Asis
from reference_geometry import fill_plan
from stream import Header, LevelSize, make_batch, record_type
from weights import load_weights

CASES = ["net_asis_a.npz", "net_asis_b.npz", "net_asis_real_office1.npz"]
LEVELS = [LevelSize(1024, 0.1, 32), LevelSize(256, 0.2, 32), LevelSize(64, 0.4, 32), LevelSize(16, 0.8, 32)]


@pytest.fixture(scope="session")
def run(golden):
    network = Asis()
    load_weights(network, golden / "net_asis_weights_f16.npz")
    network.eval()
    cache = {}

    def forward(name):
        if name not in cache:
            case = np.load(golden / name)
            header = Header(4096, 9, [str(i) for i in range(13)], LEVELS, 0)
            record = np.zeros((), record_type(header))
            record["features"] = case["block9"]
            fill_plan(record, LEVELS)
            taps = {}
            with torch.no_grad():
                logits, embedding = network(make_batch(header, [record]), taps)
            cache[name] = case, logits, embedding, taps
        return cache[name]

    return forward


def close(ours, golden, what):
    golden = torch.from_numpy(golden.astype(np.float32))
    worst = (ours - golden).abs().max().item()
    limit = 1e-4 * golden.abs().max().item()
    assert worst <= limit, f"{what}: off by {worst:.2e}, at most {limit:.2e} allowed"


@pytest.mark.parametrize("name", CASES)
def test_forward(run, name):
    case, logits, embedding, _ = run(name)
    close(embedding, case["ins_embed"], "embedding")
    close(logits, case["sem_logits"], "logits")
    agree = (logits.argmax(1).numpy() == case["sem_logits"].argmax(1)).mean()
    assert agree >= 0.9995


def test_taps(run):
    case, _, _, taps = run("net_asis_a.npz")
    names = [name for name in case.files if name.startswith("tap_")]
    assert len(names) > 20
    for name in names:
        close(taps[name[4:]][: len(case[name])], case[name], name)


@pytest.mark.parametrize("name", CASES[:2])
def test_losses(run, name):
    case, logits, embedding, _ = run(name)
    terms = discriminative(embedding, torch.from_numpy(case["gt_ins"].astype(np.int64)), 1)
    classify = semantic(logits, torch.from_numpy(case["gt_sem"].astype(np.int64)))
    ours = {"total": classify + terms.total, "classify": classify, "disc": terms.total,
            "l_var": terms.pull, "l_dist": terms.push, "l_reg": terms.regulariser}
    for key, value in zip(case["loss_names"], case["losses"]):
        assert ours[str(key)].item() == pytest.approx(value, rel=2e-4, abs=1e-6), key


@pytest.mark.parametrize("operations", [plain_operations, cpu_operations])
@pytest.mark.parametrize("name", ["fuse01.npz", "fuse02.npz"])
def test_fusion_and_terms(golden, name, operations):
    case = np.load(golden / name)
    embedding, feature = torch.from_numpy(case["embeddings"]), torch.from_numpy(case["features"])
    fused = operations.fuse(feature, embedding, 1, int(case["k"]), float(case["thres"]))
    assert torch.equal(fused, torch.from_numpy(case["fused"]))
    terms = discriminative(embedding, torch.from_numpy(case["ins_label"].astype(np.int64)), 1)
    for ours, key in ((terms.pull, "l_var"), (terms.push, "l_dist"), (terms.regulariser, "l_reg")):
        assert ours.item() == pytest.approx(float(case[key]), rel=1e-4, abs=1e-6), key


def test_state_names(golden):
    lines = (pathlib.Path(golden) / "net_asis_weights_keys.txt").read_text().splitlines()
    expected = {key.removesuffix(":0"): eval(shape) for key, shape in (line.split("\t") for line in lines if line.strip())}
    ours = {key: tuple(value.shape) for key, value in Asis().state_dict().items()}
    assert ours == expected
    assert sum(p.numel() for p in Asis().parameters()) == 1_599_090
