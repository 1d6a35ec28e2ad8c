"""Starts training from a model folder, as it is shipped: batch normalisation is folded there, and re-opened here.

A folded layer is relu(x·K + b). Training wants relu(gamma · (x·W + c − mean) / √(variance + ε) + beta) with the
batch's own statistics in the place of `mean` and `variance`. Both are the same function when gamma and
beta undo the measured statistics, which is what `reopen` arranges. One pass over some blocks suffices:
the folded network in evaluation mode shows the input of every normalisation.
"""

import math
import pathlib
import tomllib

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from layers import EPSILON, statistic_names
from weights import WeightsError

FORMAT = 1


def read_model_folder(path):
    """Returns what model.toml says, and the kernels and biases of all parts by name (`<scope>/weights`).

    `path` is the folder or a file in it. Raises `WeightsError`.
    """
    path = pathlib.Path(path)
    folder = path if path.is_dir() else path.parent
    try:
        description = tomllib.loads((folder / "model.toml").read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WeightsError(f"{folder}: a model folder with a readable model.toml expected: {error}") from error
    if description.get("format") != FORMAT:
        raise WeightsError(f"{folder}/model.toml: format {FORMAT} expected, got {description.get('format')}")
    if description.get("precision", "fp32") != "fp32":
        raise WeightsError(f"{folder}: precision fp32 expected, got {description['precision']}; train on from the model it was made of")
    variables = {}
    try:
        files = [folder / part["file"] for part in description["parts"]]
        for file in files:
            for tensor in onnx.load(file).graph.initializer:
                if tensor.name.endswith(("/weights", "/biases")):
                    variables[tensor.name] = numpy_helper.to_array(tensor)
    except (KeyError, TypeError) as error:
        raise WeightsError(f"{folder}/model.toml: [[parts]] with their file expected: {error!r}") from error
    except Exception as error:  # protobuf's own kinds of error are many
        raise WeightsError(f"{folder}: cannot read its parts: {error}") from error
    return description, variables


def _fits(wanted, found):
    """Whether two shapes differ by ones only: the parts hold matrices, or PointConv's kernels in their own order."""
    return [n for n in wanted if n != 1] == [n for n in found if n != 1] or (
        len(found) == 2 and (math.prod(wanted[:-1]), wanted[-1]) == tuple(found))


def load_folded(network, variables, source, common=False):
    """Fills kernels and biases and makes every normalisation do nothing. Raises `WeightsError`.

    In evaluation mode `network` is then the folded network. With `common`, layers that `variables` lack, or have
    in another shape, stay as they are. Returns the scopes taken and those left.
    """
    state = network.state_dict()
    wanted = {name for name in state if name.endswith(("/weights", "/biases"))}
    scopes = sorted({name.rpartition("/")[0] for name in wanted})
    left = []
    if common:
        for scope in scopes:
            names = [name for name in (f"{scope}/weights", f"{scope}/biases") if name in wanted]
            if not all(name in variables and _fits(tuple(state[name].shape), variables[name].shape) for name in names):
                left.append(scope)
                wanted -= set(names)
        if not wanted:
            raise WeightsError(f"{source}: no layer in common with {network.name}")
    else:
        missing, unknown = sorted(wanted - variables.keys()), sorted(variables.keys() - wanted)
        if missing or unknown:
            raise WeightsError(f"{source}: missing {missing[:3]} ({len(missing)}), unknown {unknown[:3]} ({len(unknown)})")
    taken = [scope for scope in scopes if scope not in left]
    with torch.no_grad():
        for name in sorted(wanted):
            ours, theirs = tuple(state[name].shape), variables[name].shape
            if not _fits(ours, theirs):
                raise WeightsError(f"{source}: {name} has shape {theirs}, {ours} expected")
            state[name].copy_(torch.from_numpy(np.array(variables[name], np.float32)).view(ours))
        for scope in set(taken) & set(network.normalised_scopes()):
            mean, variance = statistic_names(scope)
            state[f"{scope}/bn/gamma"].fill_(1.0)
            state[f"{scope}/bn/beta"].zero_()
            state[mean].zero_()
            state[variance].fill_(1.0 - EPSILON)
    return taken, left


class _Moments:
    """Mean and variance of rows that come in batches."""

    def __init__(self):
        self.count, self.mean, self.square = 0, 0.0, 0.0

    def add(self, rows):
        rows = rows.double()
        variance, mean = torch.var_mean(rows, dim=0, correction=0)
        total = self.count + len(rows)
        apart = mean - self.mean
        self.square = self.square + variance * len(rows) + apart * apart * (self.count * len(rows) / total)
        self.mean = self.mean + apart * (len(rows) / total)
        self.count = total

    def result(self):
        return self.mean, self.square / self.count


@torch.no_grad()
def reopen(network, batches, fresh, scopes=None):
    """Gives a folded network (`load_folded`) its normalisations back, measured on `batches`.

    The function in evaluation mode stays the same. Each kernel column is brought to the length that it has
    in `fresh`, a newly initialised network of the same kind: normalisation makes that length free, and a learning
    rate moves short columns farther. `scopes`: the layers that are folded; default all.
    """
    moments = {scope: _Moments() for scope in network.normalised_scopes() if scopes is None or scope in scopes}
    was_training = network.training
    network.eval()
    network.observe = lambda scope, rows: moments[scope].add(rows) if scope in moments else None
    try:
        for batch in batches:
            network(batch)
    finally:
        network.observe = None
        network.train(was_training)
    state, other = network.state_dict(), fresh.state_dict()
    for scope, measured in moments.items():
        mean, variance = measured.result()
        biases = state[f"{scope}/biases"]
        # The rows were seen before the bias; tracked means include it.
        mean = mean + biases
        mean_name, variance_name = statistic_names(scope)
        scale = torch.ones_like(biases)
        if state[mean_name].dim() == 0:  # one pair for all channels
            mean, variance, scale = mean.mean(), variance.mean() + mean.var(correction=0), torch.ones(())
        elif f"{scope}/weights" in state:
            kernel = state[f"{scope}/weights"].view(-1, len(biases))
            length = kernel.norm(dim=0)
            scale = other[f"{scope}/weights"].to(kernel.device).view(kernel.shape).norm(dim=0) / length
            # A column of (nearly) nothing is a dead channel: it stays as it is.
            scale = torch.where((length > 1e-6) & scale.isfinite(), scale, 1.0)
            kernel *= scale
        biases *= scale.to(biases.device)
        state[mean_name].copy_(mean * scale)
        state[variance_name].copy_(variance * scale.double().square())
        state[f"{scope}/bn/gamma"].copy_((state[variance_name].double() + EPSILON).sqrt() / scale)
        state[f"{scope}/bn/beta"].copy_(mean)
