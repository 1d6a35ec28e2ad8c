"""Every network by name: what variables it has, that it learns, and that the kernels compute the same."""

import numpy as np
import pytest
import torch

import cpu_operations
import fake_stream
import plain_operations
from stream import make_batch
from trainer import Trainer
from zoo import DESIGNS, Network

PLAIN = [name for name in DESIGNS if not name.endswith("-part")]


def batch(name, points=128, blocks=2, seed=0, columns=None):
    header, random = fake_stream.make_header(points, name, columns), np.random.default_rng(seed)
    return make_batch(header, [fake_stream.make_record(header, random) for _ in range(blocks)])


def gradients(network, data):
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("/bn/beta"):
                # Off zero: at four points a level, offsets cancel and many rows lie on the ReLU's very edge.
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    network.train().loss(data)[0].backward()
    return {name: p.grad for name, p in network.named_parameters()}


@pytest.mark.parametrize("name", PLAIN)
def test_kernels_compute_the_same_and_every_variable_learns(name):
    data = batch(name)
    for level in data.levels:
        if level.density_scale is not None:  # points this sparse are alone in their balls: all densities are one
            level.density_scale = torch.rand(level.density_scale.shape, generator=torch.Generator().manual_seed(4))
    plain, fast = (gradients(Network(name, operations=o, dropout=0.0, seed=3), data) for o in (plain_operations, cpu_operations))
    network = Network(name)
    for variable, gradient in plain.items():
        if variable.endswith("/biases") and variable.removesuffix("/biases") in network.normalised_scopes() and gradient is None:
            assert fast[variable] is None  # cancels against the batch's mean
            continue
        if variable == "conv5/bn/beta":  # shifts all blocks' global vectors alike: the next normalisation takes it off
            continue
        assert gradient.abs().max() > 0, variable
        # Rounding flips a few maxima and ReLUs, which moves gradients by per cents; more where a single number sums them.
        share = 0.3 if gradient.numel() == 1 else 0.1
        assert (gradient - fast[variable]).norm() <= share * gradient.norm() + 1e-6, variable


@pytest.mark.parametrize("name", ["asis-pointnet", "jsnet", "jsnet-base"])
def test_it_learns_in_bf16(name):
    data = batch(name, points=128, blocks=4)
    trainer = Trainer(Network(name, dtype=torch.bfloat16, operations=cpu_operations), peak=2e-3)
    history = [trainer.step([data], 0.3) for _ in range(20)]
    assert history[-1]["loss"] < 0.7 * history[0]["loss"]
    assert history[-1]["accuracy"] > history[0]["accuracy"] + 0.1


@pytest.mark.parametrize("columns", [3, 6])
@pytest.mark.parametrize("name", ["asis-pointnet-part", "asis-pointnet2-part", "jsnet-part"])
def test_parts_of_objects(name, columns):
    data = batch(name, columns=columns)
    network = Network(name, classes=50, operations=cpu_operations, columns=columns).train()
    loss, _, _, logits = network.loss(data)
    loss.backward()
    assert logits.shape == (256, 50) and loss.isfinite()


@pytest.mark.parametrize("name, has, lacks", [
    ("asis-pointnet2-vanilla", "sem_fc4", "sem_cache"), ("asis-pointnet2-semantic", "sem_cache", "sem_fc5"),
    ("asis-pointnet2-instance", "ins_fc4", "sem_cache"), ("asis-pointnet-vanilla", "ins_conv8", "sem_cache"),
    ("asis-pointnet", "conv5", "layer1/conv0"), ("jsnet-base", "sem_fc5", "layer2/weight_net/wconv0"),
    ("jsnet-backbone", "layer2/after_conv", "sem_cache_1"), ("jsnet-pcff", "sem_fa_layer3/decode_weight_net/wconv1", "ins_fc2"),
    ("jsnet-instance", "ins_fc2", "sem_fc2"), ("jsnet-semantic", "sem_fc2", "ins_fc2")])
def test_variants(name, has, lacks):
    state = Network(name).state_dict()
    assert f"{has}/weights" in state and f"{lacks}/weights" not in state


def test_widths_of_variants():
    def shape(name, scope):
        return tuple(Network(name).state_dict()[f"{scope}/weights"].shape)

    assert shape("asis-pointnet", "sem_conv6") == (1, 1088, 512)
    assert shape("asis-pointnet", "conv1") == (1, 9, 64)
    assert shape("jsnet-base", "sem_fa_layer1/conv_0") == (1, 1, 768, 512)
    assert shape("jsnet-backbone", "sem_fc1") == (1, 128, 128)
    assert shape("jsnet-pcff", "sem_fc1") == (1, 256, 128)
    assert shape("jsnet-semantic", "ins_cache_1") == (1, 128, 128)
    assert shape("jsnet", "ins_cache_1") == (1, 256, 128)


def test_only_asis_keeps_means_near_the_origin():
    for name, present in (("asis-pointnet-vanilla", True), ("jsnet-base", False)):
        terms = Network(name, dropout=0.0).eval().loss(batch(name))[2]
        assert (terms.regulariser > 0).item() == present
        assert terms.total.item() == pytest.approx((terms.pull + terms.push + terms.regulariser).item())


@pytest.mark.parametrize("name", ["asis-pointnet", "jsnet"])
def test_the_order_of_points_is_free(name):
    """One block's points in another order, with the geometry led along: the same outputs, in that order."""
    data = batch(name, blocks=1)
    network = Network(name).eval()
    order = torch.randperm(128, generator=torch.Generator().manual_seed(1))
    where = torch.argsort(order).int()
    with torch.no_grad():
        expected = network(data)
        data.features = data.features[order]
        if data.levels:
            first = data.levels[0]
            first.sampled_from, first.neighbours = where[first.sampled_from.long()], where[first.neighbours.long()]
            first.interpolation_index, first.interpolation_weight = first.interpolation_index[order], first.interpolation_weight[order]
            second = data.levels[1]
            second.block_index, second.block_weight = second.block_index[order], second.block_weight[order]
        got = network(data)
    for ours, theirs in zip(got, expected):
        assert torch.allclose(ours, theirs[order], atol=1e-4 * theirs.abs().max().item())
