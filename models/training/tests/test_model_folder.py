"""Training goes on from a shipped model: the same function, with batch normalisation that lives again."""

import pathlib
import shutil

import numpy as np
import pytest
import torch

import fake_stream
from model_folder import load_folded, read_model_folder, reopen
from layers import EPSILON, statistic_names
from stream import make_batch
from weights import WeightsError
from zoo import Network

SHIPPED = pathlib.Path(__file__).resolve().parents[2] / "asis-pointnet2"


def batch(blocks=2, seed=0, points=512):
    header, random = fake_stream.make_header(points), np.random.default_rng(seed)
    return make_batch(header, [fake_stream.make_record(header, random) for _ in range(blocks)])


def folded():
    network = Network()
    load_folded(network, read_model_folder(SHIPPED)[1], SHIPPED)
    return network.eval()


def test_the_function_stays_and_statistics_are_real():
    network, probe = folded(), batch(seed=9)
    with torch.no_grad():
        before = network(probe)
        reopen(network, [batch(seed=s) for s in range(3)], Network(seed=4))
        after = network(probe)
    for ours, theirs in zip(after, before):
        assert (ours - theirs).abs().max() <= 2e-4 * theirs.abs().max()
    state, fresh = network.state_dict(), Network(seed=4).state_dict()
    for scope in network.normalised_scopes():
        kernel, other = state[f"{scope}/weights"].flatten(0, -2), fresh[f"{scope}/weights"].flatten(0, -2)
        alive = state[f"{scope}/bn/gamma"].abs() < 1e3
        assert alive.float().mean() > 0.5
        lengths = kernel.norm(dim=0) / other.norm(dim=0)
        assert ((lengths - 1).abs() < 1e-3).float().mean() > 0.5, scope
        assert (state[statistic_names(scope)[1]] != 1.0 - EPSILON).any()


def test_training_mode_sees_nearly_the_same():
    """On the very blocks that were measured, the batch's statistics are the tracked ones."""
    network, probe = folded(), batch(blocks=3)
    network.dropout = 0.0
    with torch.no_grad():
        expected = network(probe)
        reopen(network, [probe], Network())
        network.train()
        got = network(probe)
    # Embeddings come before the fusion, whose neighbours may flip.
    assert (got[1] - expected[1]).abs().max() <= 1e-3 * expected[1].abs().max()
    assert (got[0].argmax(1) == expected[0].argmax(1)).float().mean() > 0.99


def damaged(tmp_path, change):
    folder = tmp_path / "model"
    shutil.copytree(SHIPPED, folder)
    change(folder)
    return folder


def test_bad_folders_are_refused(tmp_path):
    with pytest.raises(WeightsError, match="model.toml"):
        read_model_folder(tmp_path)
    folder = damaged(tmp_path, lambda f: (f / "head.onnx").write_bytes(b"\x08nonsense"))
    with pytest.raises(WeightsError, match="parts"):
        read_model_folder(folder)
    (folder / "model.toml").write_text("format = 7\n")
    with pytest.raises(WeightsError, match="format 1 expected, got 7"):
        read_model_folder(folder)
    (folder / "model.toml").write_text('format = 1\nprecision = "int8"\n')
    with pytest.raises(WeightsError, match="fp32 expected, got int8"):
        read_model_folder(folder)


def test_other_shapes_are_refused():
    variables = read_model_folder(SHIPPED)[1]
    with pytest.raises(WeightsError, match="sem_fc4"):
        load_folded(Network(classes=4), variables, SHIPPED)
    variables.pop("sem_cache/weights")
    with pytest.raises(WeightsError, match="missing .*sem_cache/weights"):
        load_folded(Network(), variables, SHIPPED)
