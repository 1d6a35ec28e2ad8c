"""Puts the training folder on the path, and finds the golden vectors."""

import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]


@pytest.fixture(scope="session")
def golden():
    """The folder of golden vectors: `$INSTANTON_SHARED/golden`, by default beside the repository."""
    shared = pathlib.Path(os.environ.get("INSTANTON_SHARED", HERE.parents[3] / "shared"))
    folder = shared / "golden"
    assert folder.is_dir(), f"no golden vectors at {folder}; set INSTANTON_SHARED"
    return folder
