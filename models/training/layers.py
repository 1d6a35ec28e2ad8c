"""Variables by TensorFlow name, and the few layers that all networks are made of (`networks.md` §0).

Parameters and batch-norm statistics carry the reference's variable names and shapes, so `state_dict()` is
the exchange format. A stage of a network (`pointnet2.py`, `pointconv.py`, …) is a plain description: it
declares its variables with `add` and runs on the `Layers` it is given.
"""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

EPSILON = 1e-3


def statistic_names(scope):
    """The variables that hold a normalisation's tracked mean and variance."""
    inner = f"{scope}/bn/{scope}/bn/moments/"
    return f"{inner}Squeeze/ExponentialMovingAverage", f"{inner}Squeeze_1/ExponentialMovingAverage"


class Layers(nn.Module):
    """Holds the variables and how to compute with them. Rows are points or neighbour slots of a whole batch."""

    def __init__(self, dtype, operations, seed, dropout):
        super().__init__()
        self.compute = dtype
        """Type of activations; parameters, coordinates and statistics are f32."""
        self.operations = operations
        self.dropout = dropout
        self.batch_norm_decay = 0.9
        self.random = np.random.default_rng(seed)
        """Draws the dropout masks on a CPU."""
        self.observe = None
        """In evaluation mode, called with (scope, rows before bias and normalisation) if set."""
        self._generator = torch.Generator().manual_seed(seed)

    def add(self, scope, *shape, normalised=True):
        """A linear layer; `shape` is the kernel's, as TensorFlow has it, inputs before outputs.

        A 2-D convolution carries [1, 1, in, out], a 1-D one [1, in, out].
        """
        inputs, outputs = math.prod(shape[:-1]), shape[-1]
        limit = math.sqrt(6.0 / (inputs + outputs))  # Xavier, uniform
        weights = (torch.rand(inputs, outputs, generator=self._generator) * 2 - 1) * limit
        self.register_parameter(f"{scope}/weights", nn.Parameter(weights.view(*shape)))
        self.register_parameter(f"{scope}/biases", nn.Parameter(torch.zeros(outputs)))
        if normalised:
            self.add_normalisation(scope, outputs, (outputs,))

    def add_normalisation(self, scope, channels, statistics):
        """Batch normalisation; `statistics` is the shape of the tracked mean and variance."""
        self.register_parameter(f"{scope}/bn/beta", nn.Parameter(torch.zeros(channels)))
        self.register_parameter(f"{scope}/bn/gamma", nn.Parameter(torch.ones(channels)))
        mean, variance = statistic_names(scope)
        self.register_buffer(mean, torch.zeros(statistics))
        self.register_buffer(variance, torch.ones(statistics))

    def scale_kernel(self, scope, rows, factor, columns=slice(None)):
        """Multiplies part of a kernel as it starts; `rows` are inputs, `columns` outputs."""
        with torch.no_grad():
            self.weights(scope)[rows, columns] *= factor

    def even_out_coordinates(self, scope, radius, features):
        """Starts a layer on [relative position, `features` channels] with an eye for shape.

        Under plain Xavier the relative coordinates, centimetres beside features near one, are a few per cent
        of what the first normalisation sees, and thousands of steps pass before they count. Scaled to the
        ball and to the number of features, they weigh about as much as the features from the first step.
        """
        self.scale_kernel(scope, slice(3), math.sqrt(max(features, 1) / 6.0) / radius)

    def normalised_scopes(self):
        """Scopes of the layers with batch normalisation."""
        return [name.removesuffix("/bn/gamma") for name, _ in self.named_parameters() if name.endswith("/bn/gamma")]

    def weights(self, scope):
        """A layer's kernel as a matrix (in, out)."""
        weights = getattr(self, f"{scope}/weights")
        return weights.view(-1, weights.shape[-1])

    def biases(self, scope):
        """A layer's biases (out,)."""
        return getattr(self, f"{scope}/biases")

    def normalisation(self, scope):
        """gamma and beta."""
        return getattr(self, f"{scope}/bn/gamma"), getattr(self, f"{scope}/bn/beta")

    def track(self, scope, mean, variance):
        """Moves the statistics used outside training towards a batch's. Tracked means include the bias."""
        with torch.no_grad():
            mean_name, variance_name = statistic_names(scope)
            rate = 1.0 - self.batch_norm_decay
            getattr(self, mean_name).lerp_(mean, rate)
            getattr(self, variance_name).lerp_(variance, rate)

    def _tracked(self, scope, result):
        out, mean, variance = result
        self.track(scope, mean + self.biases(scope).detach(), variance)
        return out

    def frozen(self, scope, rows):
        """Bias, normalisation by the tracked statistics, ReLU."""
        mean, variance = (getattr(self, name) for name in statistic_names(scope))
        gamma, beta = self.normalisation(scope)
        if self.observe:
            self.observe(scope, rows.float())
        scale = gamma * torch.rsqrt(variance + EPSILON)
        shift = (self.biases(scope) - mean) * scale + beta
        return torch.relu(rows.float() * scale + shift).to(self.compute)

    # In training the bias cancels against the batch mean, exactly; its gradient is zero, as in the reference.
    def normalise(self, scope, rows):
        """Bias, normalisation, ReLU of `rows` (R, C)."""
        if not self.training:
            return self.frozen(scope, rows)
        return self._tracked(scope, self.operations.bn_relu(rows, *self.normalisation(scope), EPSILON))

    def normalise_group(self, scope, source, centre, index, blocks):
        """The same of rows `source[index] − centre` (P · slots, C), which are never stored where kernels run."""
        if not self.training:
            rows = source[index.long()] - centre[:, None, :]
            return self.frozen(scope, rows.flatten(0, 1))
        return self._tracked(scope, self.operations.group_bn_relu(
            source, centre, index, blocks, *self.normalisation(scope), EPSILON, self.compute))

    def normalise_maximum(self, scope, rows, slots):
        """The same, and the maximum over each point's `slots` rows: (P · slots, C) to (P, C)."""
        if not self.training:
            return self.frozen(scope, rows).view(-1, slots, rows.shape[1]).max(dim=1).values
        return self._tracked(scope, self.operations.bn_relu_maximum(rows, slots, *self.normalisation(scope), EPSILON))

    def linear(self, rows, weights):
        """`rows` (R, in) · `weights` (in, out) in the type of activations."""
        return rows.to(self.compute) @ weights.to(self.compute)

    def layer(self, scope, rows):
        """Linear, normalisation, ReLU."""
        return self.normalise(scope, self.linear(rows, self.weights(scope)))

    def drop(self, rows):
        """Dropout, in training."""
        if not self.training or not self.dropout:
            return rows
        if rows.device.type != "cpu":
            return functional.dropout(rows, self.dropout)
        # One random byte an element: PyTorch's own generator takes a quarter of a whole step on a CPU.
        random = np.frombuffer(self.random.bytes(rows.numel()), np.uint8).reshape(rows.shape)
        keep = torch.from_numpy(random >= round(self.dropout * 256))
        return rows * keep * (1.0 / (1.0 - round(self.dropout * 256) / 256))

    def head(self, scope, rows):
        """Dropout and a linear layer, f32."""
        return self.linear(self.drop(rows), self.weights(scope)).float() + self.biases(scope)
