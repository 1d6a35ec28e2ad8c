"""Runs the networks in ONNX Runtime and in PyTorch, one at a time, as benches/peers/main.rs asks for them.

Usage: peers.py FOLDER

FOLDER holds a folder for each network: its parts (body.onnx, perhaps head.onnx) and its blocks (block0.npz, …: the
parts' inputs by name, `sampled_from_l`, and `embeddings`, which our engine computed). The first line that is written
says, as JSON, which peers are here, in which version, or why not. Then for every line `PEER NETWORK BLOCK` read there is
one written: the milliseconds that it took, and the largest difference to the embeddings over the largest of them.

One thread. What is timed: ONNX Runtime, the sessions' runs from NumPy arrays in place (body and head; the head
reads the features that were not fused: the neighbours in embedding space are not the graph's); PyTorch, the training
code's own module in evaluation mode, neighbours in embedding space included.
"""

import contextlib
import json
import pathlib
import sys
import time

import numpy as np

TRAINING = pathlib.Path(__file__).parents[2] / "models" / "training"


class OnnxRuntime:
    """The exported parts: every exact rewrite is in the graph, indices are slot-major, maxima are trees."""

    name = "onnxruntime"

    def __init__(self):
        import onnxruntime
        self.module, self.version = onnxruntime, onnxruntime.__version__

    def session(self, model):
        """A session on one thread with every optimisation of the graph."""
        options = self.module.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.graph_optimization_level = self.module.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 3
        return self.module.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def load(self, folder):
        """A function that runs a block and gives seconds and embeddings."""
        body = self.session(str(folder / "body.onnx"))
        head = self.session(str(folder / "head.onnx")) if (folder / "head.onnx").exists() else None
        names = [entry.name for entry in body.get_inputs()]

        def run(block):
            inputs = {name: block[name] for name in names}
            start = time.perf_counter()
            embeddings, second = body.run(None, inputs)
            if head is not None:
                head.run(None, {"fused": second})
            return time.perf_counter() - start, embeddings

        return run


class PyTorch:
    """The training code's modules with the parts' parameters."""

    name = "pytorch"

    def __init__(self):
        sys.path.insert(0, str(TRAINING))
        import batch
        import model_folder
        import naive_graph
        import torch
        import zoo
        torch.set_num_threads(1)
        self.torch, self.batch, self.zoo, self.version = torch, batch, zoo, torch.__version__
        self.parameters, self.load_folded = naive_graph.parameters, model_folder.load_folded

    def load(self, folder):
        """As `OnnxRuntime.load`."""
        variables = self.parameters(sorted(folder.glob("*.onnx")))
        classifier = next(scope for scope in ("sem_fc5", "sem_fc4") if f"{scope}/biases" in variables)
        network = self.zoo.Network(folder.name, variables[f"{classifier}/biases"].shape[0])
        self.load_folded(network, variables, folder)
        network.eval()
        batches = {}

        def run(block):
            if id(block) not in batches:
                batches[id(block)] = self.make_batch(block)
            data = batches[id(block)]
            with self.torch.inference_mode():
                start = time.perf_counter()
                _, embeddings = network(data)
                return time.perf_counter() - start, embeddings.numpy()

        return run

    def make_batch(self, block):
        """A block as the training code reads it: point-major."""
        def rows(name, level):
            value = block.get(f"{name}_{level}")
            if value is None:
                return None
            value = value.reshape(value.shape[0], -1) if value.ndim > 1 else value
            return self.torch.from_numpy(np.ascontiguousarray(value.T))

        levels = [self.batch.Level(
            rows("sampled_from", level), rows("group", level), rows("interpolation_index", level),
            rows("interpolation_weight", level), rows("density_scale", level), rows("self_group", level),
            rows("block_interpolation_index", level), rows("block_interpolation_weight", level))
            for level in range(1, 10) if f"sampled_from_{level}" in block]
        return self.batch.Batch(self.torch.from_numpy(block["features"]), None, None, levels, 1)


def main():
    folder = pathlib.Path(sys.argv[1])
    answers, sys.stdout = sys.stdout, sys.stderr
    peers, said = {}, {}
    for kind in (OnnxRuntime, PyTorch):
        try:
            peers[kind.name] = kind()
            said[kind.name] = {"version": peers[kind.name].version}
        except ImportError as error:
            said[kind.name] = {"missing": str(error)}
    print(json.dumps(said), file=answers, flush=True)
    runs, blocks = {}, {}
    for line in sys.stdin:
        peer, network, number = line.split()
        if (network, number) not in blocks:
            with np.load(folder / network / f"block{number}.npz") as archive:
                blocks[network, number] = {name: archive[name] for name in archive.files}
        if (peer, network) not in runs:
            runs[peer, network] = peers[peer].load(folder / network)
        block = blocks[network, number]
        with contextlib.redirect_stdout(sys.stderr):
            seconds, embeddings = runs[peer, network](block)
        expected = block["embeddings"]
        difference = np.abs(embeddings - expected).max() / np.abs(expected).max()
        print(seconds * 1e3, float(difference), file=answers, flush=True)


if __name__ == "__main__":
    main()
