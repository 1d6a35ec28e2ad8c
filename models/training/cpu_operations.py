"""The operations of `plain_operations` on a CPU, by `kernels.cpp`.

Same signatures, same values, far less memory traffic: normalised rows that only a maximum needs are
never written, gathered rows are never stored, and the embedding search touches no N × N matrix.
The kernels are compiled once by `g++` into the cache folder and called through ctypes.
"""

import ctypes
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile

import torch

_SOURCE = pathlib.Path(__file__).with_name("kernels.cpp")
_FLAGS = ["-std=c++17", "-O3", "-march=native", "-fno-math-errno", "-fopenmp", "-shared", "-fPIC"]
_library = None


class KernelsUnavailable(RuntimeError):
    """The kernels cannot be used here; says why. `plain_operations` does the same work."""


def _cpu_identity():
    """What `-march=native` depends on, so that a cache shared by two machines stays right."""
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("flags"):
                return line
    except OSError:
        pass
    return "unknown"


def load():
    """Compiles (once) and loads the kernels. Raises `KernelsUnavailable`."""
    global _library
    if _library is not None:
        return _library
    compiler = shutil.which(os.environ.get("CXX", "g++"))
    if compiler is None:
        raise KernelsUnavailable("no C++ compiler: neither $CXX nor g++ is on the PATH")
    key = hashlib.sha256(_SOURCE.read_bytes() + " ".join(_FLAGS).encode() + _cpu_identity().encode()).hexdigest()[:16]
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "instanton"
    cache.mkdir(parents=True, exist_ok=True)
    target = cache / f"training-kernels-{key}.so"
    if not target.exists():
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            built = pathlib.Path(folder) / "kernels.so"
            result = subprocess.run([compiler, *_FLAGS, str(_SOURCE), "-o", str(built)], capture_output=True, text=True)
            if result.returncode != 0:
                raise KernelsUnavailable(f"{compiler} failed on {_SOURCE}:\n{result.stderr}")
            os.replace(built, target)
    # torch has already loaded its own libgomp under the same name, so both use one pool of threads.
    _library = ctypes.CDLL(str(target))
    return _library


def _call(name, *arguments):
    """Calls a kernel. Tensors go as pointers, ints as 64-bit integers unless wrapped already."""
    converted = []
    for value in arguments:
        if isinstance(value, torch.Tensor):
            assert value.is_contiguous() and value.device.type == "cpu", name
            converted.append(ctypes.c_void_p(value.data_ptr()))
        elif isinstance(value, int):
            converted.append(ctypes.c_int64(value))
        else:
            converted.append(value)
    if getattr(load(), name)(*converted) != 0:
        raise ValueError(f"{name}: no kernel for this number of channels or dimensions")


def _kind(tensor):
    if tensor.dtype not in (torch.float32, torch.bfloat16):
        raise TypeError(f"kernels take f32 or bf16 rows, not {tensor.dtype}")
    return ctypes.c_int(tensor.dtype == torch.bfloat16)


def _channels(tensor):
    return ctypes.c_int(tensor.shape[1])


def _floats(channels, count):
    return [torch.empty(channels) for _ in range(count)]


def _affine(mean, variance, gamma, beta, epsilon):
    inverse = torch.rsqrt(variance + epsilon)
    scale = gamma.detach() * inverse
    return inverse, scale, beta.detach() - mean * scale


class _BnRelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx, rows, gamma, beta, epsilon):
        rows = rows.contiguous()
        kind, channels = _kind(rows), _channels(rows)
        mean, variance = _floats(rows.shape[1], 2)
        _call("kernel_moments", kind, channels, rows, rows.shape[0], mean, variance)
        inverse, scale, shift = _affine(mean, variance, gamma, beta, epsilon)
        out = torch.empty_like(rows)
        _call("kernel_scale_relu", kind, channels, rows, rows.shape[0], scale, shift, out)
        ctx.save_for_backward(rows, scale, shift, mean, inverse)
        ctx.mark_non_differentiable(mean, variance)
        return out, mean, variance

    @staticmethod
    def backward(ctx, dout, _mean, _variance):
        rows, scale, shift, mean, inverse = ctx.saved_tensors
        dgamma, dbeta = _floats(rows.shape[1], 2)
        drows = torch.empty_like(rows)
        _call("kernel_bn_relu_backward", _kind(rows), _channels(rows), dout.contiguous(), rows, rows.shape[0],
              scale, shift, mean, inverse, dgamma, dbeta, drows)
        return drows, dgamma, dbeta, None


class _GroupBnRelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx, source, centre, index, blocks, gamma, beta, epsilon, dtype):
        source, centre, index = source.contiguous(), centre.contiguous(), index.contiguous()
        points, slots = index.shape
        channels = _channels(source)
        mean, variance = _floats(source.shape[1], 2)
        _call("kernel_group_moments", channels, source, centre, index, points, slots, mean, variance)
        inverse, scale, shift = _affine(mean, variance, gamma, beta, epsilon)
        out = torch.empty(points * slots, source.shape[1], dtype=dtype)
        _call("kernel_group_relu", _kind(out), channels, source, centre, index, points, slots, scale, shift, out)
        ctx.save_for_backward(source, centre, index, scale, shift, mean, inverse)
        ctx.blocks = blocks
        ctx.mark_non_differentiable(mean, variance)
        return out, mean, variance

    @staticmethod
    def backward(ctx, dout, _mean, _variance):
        source, centre, index, scale, shift, mean, inverse = ctx.saved_tensors
        dgamma, dbeta = _floats(source.shape[1], 2)
        dsource, dcentre = torch.zeros_like(source), torch.empty_like(centre)
        dout = dout.contiguous()
        _call("kernel_group_backward", _kind(dout), _channels(source), dout, source, centre, index, ctx.blocks,
              index.shape[0], index.shape[1], scale, shift, mean, inverse, dgamma, dbeta, dsource, dcentre)
        return dsource, dcentre, None, None, dgamma, dbeta, None, None


class _BnReluMaximum(torch.autograd.Function):
    @staticmethod
    def forward(ctx, rows, slots, gamma, beta, epsilon):
        rows = rows.contiguous()
        points, width = rows.shape[0] // slots, rows.shape[1]
        mean, variance = _floats(width, 2)
        picked = torch.empty(points, width, dtype=rows.dtype)
        slot = torch.empty(points, width, dtype=torch.uint8)
        sign = torch.where(gamma.detach() < 0, -1.0, 1.0)
        kind, channels = _kind(rows), _channels(rows)
        _call("kernel_pool_forward", kind, channels, rows, points, slots, sign, mean, variance, picked, slot)
        inverse, scale, shift = _affine(mean, variance, gamma, beta, epsilon)
        out = torch.empty_like(picked)
        _call("kernel_scale_relu", kind, channels, picked, points, scale, shift, out)
        ctx.save_for_backward(rows, picked, slot, scale, shift, mean, inverse)
        ctx.slots = slots
        ctx.mark_non_differentiable(mean, variance)
        return out, mean, variance

    @staticmethod
    def backward(ctx, dout, _mean, _variance):
        rows, picked, slot, scale, shift, mean, inverse = ctx.saved_tensors
        dgamma, dbeta = _floats(rows.shape[1], 2)
        drows = torch.empty_like(rows)
        _call("kernel_pool_backward", _kind(rows), _channels(rows), dout.contiguous(), rows, picked, slot,
              picked.shape[0], ctx.slots, scale, shift, mean, inverse, dgamma, dbeta, drows)
        return drows, None, dgamma, dbeta, None


class _InterpolateAdd(torch.autograd.Function):
    @staticmethod
    def forward(ctx, coarse, index, weight, skip, blocks):
        coarse, index, weight, skip = coarse.contiguous(), index.contiguous(), weight.contiguous(), skip.contiguous()
        out = torch.empty_like(skip)
        _call("kernel_interpolate_forward", _kind(skip), _channels(skip), coarse, index, weight, skip, skip.shape[0], out)
        ctx.save_for_backward(index, weight)
        ctx.blocks, ctx.coarse = blocks, coarse.shape
        return out

    @staticmethod
    def backward(ctx, dout):
        index, weight = ctx.saved_tensors
        dout = dout.contiguous()
        dcoarse = torch.zeros(ctx.coarse)
        _call("kernel_interpolate_backward", _kind(dout), _channels(dout), dout, index, weight, ctx.blocks,
              dout.shape[0], dcoarse)
        return dcoarse.to(dout.dtype), None, None, dout, None


class _WeightedSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight, bias, feature, index, blocks):
        weight, bias, feature, index = weight.contiguous(), bias.contiguous(), feature.contiguous(), index.contiguous()
        points, slots = index.shape
        out = torch.empty(points, feature.shape[1])
        _call("kernel_weighted_sum_forward", _kind(feature), _channels(feature), weight, bias.detach(), feature, index, points, slots, out)
        ctx.save_for_backward(weight, bias, feature, index)
        ctx.blocks = blocks
        return out

    @staticmethod
    def backward(ctx, dout):
        weight, bias, feature, index = ctx.saved_tensors
        dweight, dbias, dfeature = torch.empty_like(weight), torch.empty_like(bias), torch.zeros(feature.shape)
        _call("kernel_weighted_sum_backward", _kind(feature), _channels(feature), dout.contiguous(), weight, bias.detach(), feature,
              index, ctx.blocks, *index.shape, dweight, dbias, dfeature)
        return dweight, dbias, dfeature.to(feature.dtype), None, None


class _Fuse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, feature, embedding, blocks, most, limit):
        feature = feature.contiguous()
        rows = feature.shape[0]
        near, count = nearest_lists(embedding, blocks, most, limit)
        out, winner = torch.empty_like(feature), torch.empty(feature.shape, dtype=torch.int32)
        _call("kernel_near_maximum", _kind(feature), _channels(feature), feature, near, count, rows,
              ctypes.c_int32(near.shape[1]), out, winner)
        ctx.save_for_backward(winner)
        ctx.blocks = blocks
        return out

    @staticmethod
    def backward(ctx, dout):
        (winner,) = ctx.saved_tensors
        dout = dout.contiguous()
        dfeature = torch.zeros(dout.shape)
        _call("kernel_near_maximum_backward", _kind(dout), _channels(dout), dout, winner, ctx.blocks,
              dout.shape[0] // ctx.blocks, dfeature)
        return dfeature.to(dout.dtype), None, None, None, None


def nearest_lists(embedding, blocks, most, limit):
    """The (at most) `most` nearest points within L1 distance `limit`, self included.

    Returns global row numbers (R, most) i32, of which the first `count` (R,) of each row hold.
    """
    embedding = embedding.detach().float().contiguous()
    rows, points = embedding.shape[0], embedding.shape[0] // blocks
    most = min(most, points)
    near, count = torch.empty(rows, most, dtype=torch.int32), torch.empty(rows, dtype=torch.int32)
    _call("kernel_nearest", ctypes.c_int(embedding.shape[1]), embedding, blocks, points, ctypes.c_int32(most),
          ctypes.c_float(limit), near, count)
    return near, count


def bn_relu(rows, gamma, beta, epsilon):
    """See `plain_operations.bn_relu`."""
    return _BnRelu.apply(rows, gamma, beta, epsilon)


def group_bn_relu(source, centre, index, blocks, gamma, beta, epsilon, dtype):
    """See `plain_operations.group_bn_relu`."""
    return _GroupBnRelu.apply(source, centre, index, blocks, gamma, beta, epsilon, dtype)


def bn_relu_maximum(rows, slots, gamma, beta, epsilon):
    """See `plain_operations.bn_relu_maximum`. At most 256 slots."""
    if not 1 <= slots <= 256:
        raise ValueError(f"1 to 256 slots expected, not {slots}")
    return _BnReluMaximum.apply(rows, slots, gamma, beta, epsilon)


def interpolate_add(coarse, index, weight, skip, blocks):
    """See `plain_operations.interpolate_add`."""
    return _InterpolateAdd.apply(coarse, index, weight, skip, blocks)


def weighted_sum(weight, bias, feature, index, blocks):
    """See `plain_operations.weighted_sum`. `weight` and `feature` have one type."""
    if weight.dtype != feature.dtype:
        raise TypeError(f"weights of the features' type {feature.dtype} expected, got {weight.dtype}")
    return _WeightedSum.apply(weight, bias, feature, index, blocks)


def fuse(feature, embedding, blocks, most, limit):
    """See `plain_operations.fuse`."""
    return _Fuse.apply(feature, embedding, blocks, most, limit)
