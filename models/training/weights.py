"""Weights by TensorFlow variable name: the exchange format with the Rust crate and the golden vectors."""

import os
import pathlib
import zipfile

import numpy as np
import torch


class WeightsError(RuntimeError):
    """A file of weights does not fit the network; says which variable."""


def save_weights(state, path):
    """Writes name → f32 array as `.npz`, keys with TensorFlow's `:0` as in the golden files. Replaces atomically."""
    path = pathlib.Path(path)
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **{f"{name}:0": value.detach().float().cpu().numpy() for name, value in state.items()})
    os.replace(partial, path)


def load_weights(network, path, common=False):
    """Fills `network` from `.npz`. Every variable must be there, with its shape; no other may be.

    `common`: takes the variables that both have with the same shape; returns the names of those left as they are.
    """
    try:
        with np.load(path) as archive:
            found = {key.removesuffix(":0"): archive[key] for key in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{path}: an archive of arrays (.npz) expected: {error}") from error
    state = network.state_dict()
    if common:
        found = {name: value for name, value in found.items() if name in state and value.shape == tuple(state[name].shape)}
        if not found:
            raise WeightsError(f"{path}: no variable in common with {network.name}")
    else:
        missing, unknown = sorted(state.keys() - found.keys()), sorted(found.keys() - state.keys())
        if missing or unknown:
            raise WeightsError(f"{path}: missing {missing[:3]} ({len(missing)}), unknown {unknown[:3]} ({len(unknown)})")
        for name, value in state.items():
            if tuple(value.shape) != found[name].shape:
                raise WeightsError(f"{path}: {name} has shape {found[name].shape}, {tuple(value.shape)} expected")
    network.load_state_dict(state | {name: torch.from_numpy(value.astype(np.float32)) for name, value in found.items()})
    return sorted(state.keys() - found.keys())
