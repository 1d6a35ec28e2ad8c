"""The networks and their losses against the reference's own output."""

import ast
import pathlib

import numpy as np
import pytest
import torch

import cpu_operations
import plain_operations
from losses import discriminative
from reference_geometry import fill_plan
from stream import Header, LevelSize, make_batch, record_type
from weights import load_weights
from zoo import DESIGNS, Network

ASIS = ["net_asis_a.npz", "net_asis_b.npz", "net_asis_real_office1.npz"]
JSNET = ["net_jsnet_a.npz", "net_jsnet_b.npz", "net_jsnet_real_office1.npz"]
NAMES = {"asis": "asis-pointnet2", "jsnet": "jsnet"}
COARSEST = {"asis": 16, "jsnet": 32}
# Full-resolution outputs of feature fusion's interpolations, which the network never forms (see trunks.py).
REARRANGED = {"tap_sem_up1", "tap_sem_up2", "tap_ins_up1", "tap_ins_up2"}


def family(case):
    return case.split("_")[1]


@pytest.fixture(scope="session")
def run(golden):
    networks, cache = {}, {}
    for kind, name in NAMES.items():
        networks[kind] = Network(name)
        load_weights(networks[kind], golden / f"net_{kind}_weights_f16.npz")
        networks[kind].eval()

    def forward(name):
        if name not in cache:
            kind = family(name)
            case = np.load(golden / name)
            points = (1024, 256, 64, COARSEST[kind])
            levels = [LevelSize(n, 0.1 * 2**k, 32, **vars(need))
                      for k, (n, need) in enumerate(zip(points, DESIGNS[NAMES[kind]].trunk.needs()))]
            header = Header(NAMES[kind], 4096, 9, [str(i) for i in range(13)], levels, "golden", 0)
            record = np.zeros((), record_type(header))
            record["features"] = case["block9"]
            fill_plan(record, levels)
            batch, taps = make_batch(header, [record]), {}
            with torch.no_grad():
                logits, embedding = networks[kind](batch, taps)
                if "gt_sem" in case.files:
                    batch.semantic = torch.from_numpy(case["gt_sem"].astype(np.int64))
                    batch.instance = torch.from_numpy(case["gt_ins"].astype(np.int64))
                    taps["loss"] = networks[kind].loss(batch)
            cache[name] = case, batch, logits, embedding, taps
        return cache[name]

    return forward


def close(ours, golden, what):
    golden = torch.from_numpy(golden.astype(np.float32))
    worst = (ours - golden).abs().max().item()
    limit = 1e-4 * golden.abs().max().item()
    assert worst <= limit, f"{what}: off by {worst:.2e}, at most {limit:.2e} allowed"


@pytest.mark.parametrize("name", ASIS + JSNET)
def test_forward(run, name):
    case, _, logits, embedding, _ = run(name)
    close(embedding, case["ins_embed"], "embedding")
    close(logits, case["sem_logits"], "logits")
    agree = (logits.argmax(1).numpy() == case["sem_logits"].argmax(1)).mean()
    assert agree >= 0.9995


@pytest.mark.parametrize("name", [ASIS[0], JSNET[0]])
def test_taps(run, name):
    case, batch, _, _, taps = run(name)
    names = [name for name in case.files if name.startswith("tap_") and name not in REARRANGED]
    assert len(names) > 20
    for name in names:
        close(taps[name[4:]][: len(case[name])], case[name], name)
    for branch in ("sem", "ins") if "tap_sem_up1" in case.files else ():
        first, second = batch.levels[0], batch.levels[1]
        for tap, source, index, weight in (
                ("up1", "fa_layer2", second.block_index, second.block_weight),
                ("up2", "fa_layer3", first.interpolation_index, first.interpolation_weight)):
            rows = taps[f"{branch}_{source}"]
            up = plain_operations.interpolate_add(rows, index, weight, torch.zeros(4096, rows.shape[1]), 1)
            close(up[:256], case[f"tap_{branch}_{tap}"], f"{branch}_{tap}")


@pytest.mark.parametrize("name", ASIS[:2] + JSNET[:2])
def test_losses(run, name):
    case, _, _, _, taps = run(name)
    total, classify, terms, _ = taps["loss"]
    ours = {"total": total, "classify": classify, "disc": terms.total,
            "l_var": terms.pull, "l_dist": terms.push, "l_reg": terms.regulariser}
    assert ("l_reg" in case["loss_names"]) == (terms.regulariser > 0)
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


@pytest.mark.parametrize("kind, count", [("asis", 1_599_090), ("jsnet", 8_085_805)])
def test_state_names(golden, kind, count):
    lines = (pathlib.Path(golden) / f"net_{kind}_weights_keys.txt").read_text().splitlines()
    expected = {key.removesuffix(":0"): ast.literal_eval(shape) for key, shape in (line.split("\t") for line in lines if line.strip())}
    ours = {key: tuple(value.shape) for key, value in Network(NAMES[kind]).state_dict().items()}
    assert ours == expected
    assert sum(p.numel() for p in Network(NAMES[kind]).parameters()) == count
