"""The C++ kernels against plain PyTorch: values and gradients."""

import pytest
import torch

import cpu_operations
import plain_operations

EPSILON = 1e-3


def both(name, inputs, call):
    """Runs `call(operations, *inputs)` on both; compares outputs, and gradients of a random projection."""
    results = []
    for operations in (plain_operations, cpu_operations):
        leaves = [t.clone().requires_grad_(t.is_floating_point()) for t in inputs]
        outputs = call(operations, *leaves)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        projection = torch.randn(outputs[0].shape, generator=torch.Generator().manual_seed(5))
        (outputs[0].float() * projection).sum().backward()
        results.append(([o.detach().float() for o in outputs], [l.grad for l in leaves if l.requires_grad]))
    for kind, plain, fast in zip(("output", "gradient"), *results):
        assert len(plain) == len(fast)
        for i, (a, b) in enumerate(zip(plain, fast)):
            if a is None and b is None:
                continue
            scale = a.abs().max().item() + 1e-6
            assert (a - b).abs().max().item() <= 2e-4 * scale, f"{name}: {kind} {i}"


def data(channels, rows, seed):
    g = torch.Generator().manual_seed(seed)
    gamma = torch.randn(channels, generator=g)  # both signs: the pool must follow
    return torch.randn(rows, channels, generator=g) * 2 + 3, gamma, torch.randn(channels, generator=g), g


@pytest.mark.parametrize("channels", [16, 32, 64, 128, 256, 512, 1024])
@pytest.mark.parametrize("rows", [3, 1000])
def test_bn_relu(channels, rows):
    z, gamma, beta, _ = data(channels, rows, 1)
    both("bn_relu", [z, gamma, beta], lambda o, *a: o.bn_relu(*a, EPSILON))


@pytest.mark.parametrize("slots", [1, 16, 32, 256])
@pytest.mark.parametrize("channels", [64, 512, 1024])
def test_bn_relu_maximum(channels, slots):
    z, gamma, beta, _ = data(channels, 40 * slots, 2)
    both("bn_relu_maximum", [z, gamma, beta], lambda o, z, g, b: o.bn_relu_maximum(z, slots, g, b, EPSILON))


@pytest.mark.parametrize("channels", [32, 128])
@pytest.mark.parametrize("blocks", [1, 3])
def test_group(channels, blocks):
    source, gamma, beta, g = data(channels, blocks * 50, 3)
    centre = torch.randn(blocks * 20, channels, generator=g)
    index = torch.randint(0, 50, (blocks * 20, 8), generator=g, dtype=torch.int32)
    index += (torch.arange(blocks * 20, dtype=torch.int32) // 20 * 50)[:, None]
    both("group", [source, centre, gamma, beta],
         lambda o, s, c, ga, be: o.group_bn_relu(s, c, index, blocks, ga, be, EPSILON, torch.float32))


@pytest.mark.parametrize("blocks", [1, 2])
def test_interpolate(blocks):
    coarse, _, _, g = data(128, blocks * 16, 4)
    skip = torch.randn(blocks * 64, 128, generator=g)
    index = torch.randint(0, 16, (blocks * 64, 3), generator=g, dtype=torch.int32)
    index += (torch.arange(blocks * 64, dtype=torch.int32) // 64 * 16)[:, None]
    weight = torch.rand(blocks * 64, 3, generator=g)
    both("interpolate", [coarse, skip], lambda o, c, s: o.interpolate_add(c, index, weight, s, blocks))


@pytest.mark.parametrize("channels", [16, 256, 512])
@pytest.mark.parametrize("blocks", [1, 3])
def test_weighted_sum(channels, blocks):
    feature, _, bias, g = data(channels, blocks * 50, 8)
    index = torch.randint(0, 50, (blocks * 50, 4), generator=g, dtype=torch.int32)
    index += (torch.arange(blocks * 50, dtype=torch.int32) // 50 * 50)[:, None]
    weight = torch.randn(blocks * 200, channels, generator=g)
    both("weighted_sum", [weight, bias, feature], lambda o, w, b, f: o.weighted_sum(w, b, f, index, blocks))


@pytest.mark.parametrize("spread", [0.0, 0.02, 0.3, 3.0])
@pytest.mark.parametrize("points", [5, 30, 1000])
def test_fuse(points, spread):
    g = torch.Generator().manual_seed(6)
    embedding = torch.randn(2 * points, 5, generator=g) * spread
    feature = torch.randn(2 * points, 128, generator=g)
    if spread == 0.0:  # all at one place: ties, the lowest indices win
        fast = cpu_operations.fuse(feature, embedding, 2, 30, 0.5)
        top = feature.view(2, points, 128)[:, : min(30, points)].max(dim=1, keepdim=True).values
        assert torch.equal(fast, top.expand(2, points, 128).reshape(-1, 128))
    else:
        both("fuse", [feature], lambda o, f: o.fuse(f, embedding, 2, 30, 0.5))


def test_fuse_survives_nan():
    embedding = torch.full((40, 5), float("nan"))
    feature = torch.randn(40, 128)
    assert torch.equal(cpu_operations.fuse(feature, embedding, 1, 30, 0.5), feature)
    assert torch.equal(plain_operations.fuse(feature, embedding, 1, 30, 0.5), feature)


def test_bf16_rounds_to_nearest():
    z = torch.randn(256, 64)
    gamma, beta = torch.ones(64), torch.zeros(64)
    fast = cpu_operations.bn_relu(z.bfloat16(), gamma, beta, EPSILON)[0]
    plain = plain_operations.bn_relu(z.bfloat16(), gamma, beta, EPSILON)[0]
    assert fast.dtype == torch.bfloat16
    assert torch.allclose(fast.float(), plain.float(), rtol=2**-7, atol=2**-7)


def test_thread_count_changes_nothing():
    z, gamma, beta, _ = data(64, 4096, 7)
    results = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        results.append(cpu_operations.bn_relu(z, gamma, beta, EPSILON)[1])
    assert torch.equal(*results)


def test_wrong_width_is_an_error():
    with pytest.raises(ValueError):
        cpu_operations.bn_relu(torch.randn(4, 33), torch.ones(33), torch.zeros(33), EPSILON)
