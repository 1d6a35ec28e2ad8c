"""How a run came to be, as `provenance.toml`: what `instanton pack --provenance` puts into a model folder."""

import hashlib
import json
import os
import pathlib
import platform
import shlex
import subprocess
import sys

import torch

HERE = pathlib.Path(__file__).resolve().parent


def commit():
    """The repository's commit, with "-modified" where tracked files differ; "unknown" outside of a repository."""
    def git(*words):
        return subprocess.run(["git", "-C", str(HERE), *words], capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("-modified" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def fingerprint(path):
    """SHA-256 of a file, or of a folder's files in the order of their names."""
    path = pathlib.Path(path)
    digest = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]:
        if path.is_dir():
            digest.update(f"{file.relative_to(path)}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


class Provenance:
    """Settled when a run starts; `write` adds how far it has come."""

    def __init__(self, out, options, data):
        self.path = pathlib.Path(out) / "provenance.toml"
        self.fixed = {
            "network": options.network, "command": shlex.join([pathlib.Path(sys.argv[0]).name, *sys.argv[1:]]),
            "seed": options.seed, "commit": commit(), "data": data,
            "machine": f"{platform.processor() or platform.machine()}, {options.threads} threads, {options.device}",
            "software": f"Python {platform.python_version()}, PyTorch {torch.__version__}",
        }
        if options.start_from:
            self.fixed |= {"started_from": str(options.start_from), "started_from_sha256": fingerprint(options.start_from)}

    def write(self, steps, blocks, seconds):
        """Replaces the file."""
        table = self.fixed | {"steps": steps, "blocks": blocks, "minutes": round(seconds / 60, 2)}
        # JSON's strings and numbers are TOML's too.
        text = "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in table.items())
        partial = self.path.with_suffix(".partial")
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, self.path)
