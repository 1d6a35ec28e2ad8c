"""Training goes on from a shipped model: the same function, with batch normalisation that lives again."""

import pathlib
import shutil

import numpy as np
import pytest
import torch

import fake_stream
from model_folder import load_folded, read_model_folder, reopen
from layers import EPSILON, statistic_names
from start import start
from stream import make_batch
from trainer import Trainer
from weights import WeightsError, load_weights, save_weights
from zoo import Network

SHIPPED = pathlib.Path(__file__).resolve().parents[2] / "asis-pointnet2"


def batch(blocks=2, seed=0, points=256):
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


def fold(network):
    """Kernels and biases as a model folder holds them, normalisation folded in."""
    state, variables = network.state_dict(), {}
    scopes = set(network.normalised_scopes())
    for name, value in state.items():
        scope, _, kind = name.rpartition("/")
        if kind not in ("weights", "biases") or scope.endswith("fp_sumpool"):
            continue
        if scope in scopes:
            mean, variance = (state[n] for n in statistic_names(scope))
            scale = state[f"{scope}/bn/gamma"] / (variance + EPSILON).sqrt()
            value = value * scale if kind == "weights" else (value - mean) * scale + state[f"{scope}/bn/beta"]
        variables[name] = value
    for scope in (s for s in scopes if s.endswith("fp_sumpool")):
        mean, variance = (state[n] for n in statistic_names(scope))
        scale = state[f"{scope}/bn/gamma"] / (variance + EPSILON).sqrt()
        shift = (state[f"{scope}/biases"] - mean) * scale + state[f"{scope}/bn/beta"]
        inner = scope.replace("fp_sumpool", "decode_weight_net/wconv1")
        variables[f"{inner}/weights"] = variables[f"{inner}/weights"] * scale
        variables[f"{inner}/biases"] = variables[f"{inner}/biases"] * scale
        variables[f"{scope}/biases"] = shift
    return {name: value.reshape(-1, value.shape[-1]).numpy() if name.endswith("weights") else value.numpy()
            for name, value in variables.items()}


@pytest.mark.parametrize("name", ["jsnet", "asis-pointnet"])
def test_other_networks_reopen(name):
    header, random = fake_stream.make_header(128, name), np.random.default_rng(0)
    data = make_batch(header, [fake_stream.make_record(header, random) for _ in range(2)])
    trained = Trainer(Network(name), peak=2e-3)
    for _ in range(2):
        trained.step([data], 0.3)
    network, expected = Network(name, seed=5), trained.network.eval()
    load_folded(network, fold(expected), name)
    reopen(network, [data], Network(name, seed=6))
    network.eval()
    with torch.no_grad():
        for ours, theirs in zip(network(data), expected(data)):
            assert (ours - theirs).abs().max() <= 1e-3 * theirs.abs().max()


def test_what_is_common_travels(tmp_path):
    source = Network("jsnet-pcff", seed=1)
    save_weights(source.state_dict(), tmp_path / "weights.npz")
    network = Network("jsnet", seed=2)
    with pytest.raises(WeightsError, match="missing"):
        load_weights(network, tmp_path / "weights.npz")
    sentence = start(network, tmp_path / "weights.npz", True, [], None)
    state, before = network.state_dict(), Network("jsnet", seed=2).state_dict()
    assert "ins_fc2/weights" in sentence and "layer1" not in sentence
    for key, value in state.items():
        wanted = source.state_dict()[key] if key in source.state_dict() else before[key]
        assert torch.equal(value, wanted), key


def test_a_folder_of_another_variant_and_other_classes():
    network = Network("asis-pointnet2-vanilla", classes=4, seed=2)
    with pytest.raises(WeightsError, match="architecture asis-pointnet2-vanilla expected"):
        start(network, SHIPPED, False, ["a", "b", "c", "d"], None)
    sentence = start(network, SHIPPED, True, ["a", "b", "c", "d"], lambda: [batch(points=128)])
    assert sentence.endswith("left fresh: sem_fc4")
    fresh = Network("asis-pointnet2-vanilla", classes=4, seed=2).state_dict()
    assert torch.equal(network.state_dict()["sem_fc4/weights"], fresh["sem_fc4/weights"])
    assert not torch.equal(network.state_dict()["layer1/conv0/weights"], fresh["layer1/conv0/weights"])
