"""Where a new run starts: from chance, from another run's weights, or from a model folder."""

import torch

from model_folder import load_folded, read_model_folder, reopen
from weights import WeightsError, load_weights
from zoo import Network

# The last semantic layers: their columns mean classes.
CLASSIFIERS = ("sem_fc4", "sem_fc5")


def start(network, path, common, classes, draw):
    """Fills `network` from `path`, a `.npz` or a model folder; returns a sentence about it.

    `common`: take the variables that both have with the same shape, leave others fresh. `classes` are the
    stream's; `draw()` yields batches to measure batch normalisation on. Raises `WeightsError`.
    """
    if path.suffix == ".npz":
        fresh = load_weights(network, path, common)
        return f"starts from {path}{_left(fresh)}"
    description, variables = read_model_folder(path)
    theirs = [entry.get("name") for entry in description.get("classes", [])]
    if not common:
        if description.get("architecture") != network.name:
            raise WeightsError(f"{path}: architecture {network.name} expected, got {description.get('architecture')}; "
                               "--start-common takes what both have")
        if theirs != classes:
            raise WeightsError(f"{path}: classes {classes} of the stream expected, the model has {theirs}")
    elif theirs != classes:
        variables = {name: value for name, value in variables.items() if not name.startswith(CLASSIFIERS)}
    taken, fresh = load_folded(network, variables, path, common)
    # In f32: the shipped function is meant exactly.
    compute, network.compute = network.compute, torch.float32
    reopen(network, draw(), Network(network.name, network.classes, seed=1, columns=network.columns), taken)
    network.compute = compute
    return f"starts from {path}, batch normalisation re-opened{_left(fresh)}"


def _left(fresh):
    return f"; left fresh: {', '.join(fresh)}" if fresh else ""
