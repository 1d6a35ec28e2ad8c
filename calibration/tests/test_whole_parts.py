"""Whole quantised parts, as Rust writes them, in ONNX Runtime against the integer arithmetic of `src/quantisation`.

The cases come from an ignored test of the crate (`writes_cases_for_onnx_runtime`), which this file runs. Each is a
part's ONNX file, what goes into it, and what `src/quantisation/plain.rs` makes of it.
"""

import os
import pathlib
import shutil
import subprocess

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="session")
def cases(tmp_path_factory):
    if shutil.which("cargo") is None:
        pytest.skip("no cargo here to write the cases")
    place = tmp_path_factory.mktemp("cases")
    subprocess.run(
        ["cargo", "test", "--release", "--lib", "writes_cases_for_onnx_runtime", "--", "--ignored"],
        cwd=ROOT,
        env=os.environ | {"INSTANTON_QDQ_CASES": str(place)},
        check=True,
    )
    return place


# ONNX Runtime's optimiser turns the biases beside quantised products into 32-bit integers of the sums' step. That is
# another network than the file says (TensorRT wants the biases in floats), by a half of that step for each bias.
BIAS_ROUNDING = "WeightBiasQuantization"


def answers(folder, part, optimised, without=()):
    """(name, ONNX Runtime's answer, the integer arithmetic's) for each output of a part."""
    onnx.checker.check_model(onnx.load(folder / f"{part}.onnx"), full_check=True)
    arrays = np.load(folder / f"{part}.npz")
    options = onnxruntime.SessionOptions()
    level = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimised else level.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(folder / f"{part}.onnx"), options, providers=["CPUExecutionProvider"], disabled_optimizers=list(without)
    )
    given = {name.removeprefix("in:"): arrays[name] for name in arrays.files if name.startswith("in:")}
    names = [output.name for output in session.get_outputs()]
    return [(name, mine, arrays[f"out:{name}"]) for name, mine in zip(names, session.run(names, given))]


@pytest.mark.parametrize("optimised", [False, True])
@pytest.mark.parametrize("part", ["body", "head"])
def test_where_nothing_is_rounded_the_bits_are_the_same(cases, part, optimised):
    for name, actual, expected in answers(cases / "dyadic", part, optimised):
        assert expected.std() > 0, name
        np.testing.assert_array_equal(actual, expected, err_msg=name)


PARTS = [("asis-pointnet2", "body"), ("asis-pointnet2", "head"), ("asis-pointnet", "body"), ("asis-pointnet", "head"),
         ("jsnet", "body")]


@pytest.mark.parametrize("optimised", [False, True])
@pytest.mark.parametrize(("network", "part"), PARTS)
def test_otherwise_they_differ_by_rare_single_steps(cases, network, part, optimised):
    """Floats are scaled, then summed; integers the other way round. A value that lies within the rounding of a sum
    (1e-7) of the middle between two 8-bit steps may fall to the other side, and later layers carry that on. So most
    values agree to float precision, and the mean difference is far below that of quantising at all (about 1e-2)."""
    for name, actual, expected in answers(cases / network, part, optimised, [BIAS_ROUNDING]):
        difference = np.abs(actual - expected) / np.abs(expected).max()
        assert np.quantile(difference, 0.5) < 2e-6, name
        assert difference.mean() < 1e-3, name


@pytest.mark.parametrize(("network", "part"), PARTS)
def test_biases_in_integers_cost_little(cases, network, part):
    for name, actual, expected in answers(cases / network, part, optimised=True):
        assert (np.abs(actual - expected) / np.abs(expected).max()).mean() < 1e-2, name
