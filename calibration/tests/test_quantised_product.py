"""A quantised product in ONNX Runtime is the integer product that `src/quantisation` defines.

The definition, in NumPy: divide by the scale, round half to even, saturate; 8-bit factors, 32-bit sums, one
scaling in single precision at the end.
"""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402


def quantise(values, scale):
    return np.clip(np.rint(values / np.float32(scale)), -128, 127).astype(np.int8)


def integer_product(values, scale, weights, weight_scale):
    sums = quantise(values, scale).astype(np.int32) @ weights.astype(np.int32)
    return sums.astype(np.float32) * (np.float32(scale) * weight_scale)


def runtime(values, scale, weights, weight_scale, optimised):
    """The same as QDQ nodes, in the form in which `instanton calibrate` writes them."""
    constants = [
        numpy_helper.from_array(np.float32(scale), "x/scale"),
        numpy_helper.from_array(np.int8(0), "zero_point"),
        numpy_helper.from_array(weights, "w"),
        numpy_helper.from_array(weight_scale, "w/scale"),
    ]
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "x/scale", "zero_point"], ["x/quantised"]),
        helper.make_node("DequantizeLinear", ["x/quantised", "x/scale", "zero_point"], ["x/dequantised"]),
        helper.make_node("DequantizeLinear", ["w", "w/scale"], ["w/dequantised"], axis=1),
        helper.make_node("MatMul", ["x/dequantised", "w/dequantised"], ["y"]),
    ]
    shape = [values.shape[0], weights.shape[1]]
    graph = helper.make_graph(
        nodes,
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, values.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    level = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimised else level.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": values})[0]


def case(seed, power_of_two):
    random = np.random.default_rng(seed)
    rows, inputs, outputs = random.integers(1, 40), random.integers(1, 513), random.integers(1, 65)
    values = np.maximum(random.normal(0, 2, (rows, inputs)), 0).astype(np.float32)
    weights = random.integers(-127, 128, (inputs, outputs)).astype(np.int8)
    if power_of_two:
        scale, weight_scale = 2.0**-5, np.exp2(random.integers(-10, -5, outputs)).astype(np.float32)
    else:
        scale, weight_scale = float(random.uniform(0.01, 0.1)), random.uniform(1e-3, 1e-2, outputs).astype(np.float32)
    return values, scale, weights, weight_scale


@pytest.mark.parametrize("optimised", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_powers_of_two_give_the_same_bits(seed, optimised):
    values, scale, weights, weight_scale = case(seed, power_of_two=True)
    expected = integer_product(values, scale, weights, weight_scale)
    assert expected.any()
    np.testing.assert_array_equal(runtime(values, scale, weights, weight_scale, optimised), expected)


@pytest.mark.parametrize("optimised", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_other_scales_differ_by_the_rounding_of_sums(seed, optimised):
    values, scale, weights, weight_scale = case(seed, power_of_two=False)
    expected = integer_product(values, scale, weights, weight_scale)
    actual = runtime(values, scale, weights, weight_scale, optimised)
    # Each of the K terms and of the partial sums is rounded once, relative to the sum of magnitudes.
    magnitude = np.abs(quantise(values, scale).astype(np.float32) * np.float32(scale)) @ np.abs(weights * weight_scale)
    bound = (weights.shape[0] + 4) * 2.0**-24 * magnitude
    assert (np.abs(actual - expected) <= bound).all()


def test_halves_round_to_even():
    values = (np.array([[0.5, 1.5, 2.5, -0.5, -1.5, 126.5, 300.0, -300.0]]) * 0.25).astype(np.float32)
    identity = np.eye(8, dtype=np.int8)
    actual = runtime(values, 0.25, identity, np.ones(8, np.float32), optimised=False)
    np.testing.assert_array_equal(actual[0] * 4, [0, 2, 2, 0, -2, 126, 127, -128])
