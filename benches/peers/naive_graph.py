"""ASIS on PointNet++ as an ONNX graph, layer by layer as the papers write it (`design/networks.md` §1).

The perceptron runs on every slot after the gather, [relative position, features] are concatenated, the first layer
of a propagation runs after the interpolation, and the neighbours in embedding space are a matrix of all pairs with
TopK on it. Normalisations are folded, as any exporter folds them.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

POINTS = (4096, 1024, 256, 64, 16)
SLOTS = 32
NEIGHBOURS = 30
LIMIT = 0.5


def parameters(files):
    """Kernels and biases by name, of the parts' initialisers."""
    tensors = (tensor for file in files for tensor in onnx.load(file).graph.initializer)
    return {t.name: numpy_helper.to_array(t) for t in tensors if t.name.endswith(("/weights", "/biases"))}


class _Graph:
    def __init__(self, values):
        self.values, self.nodes, self.tensors = values, [], {}

    def constant(self, value):
        name = f"constant{len(self.tensors)}"
        self.tensors[name] = np.asarray(value)
        return name

    def node(self, kind, *inputs, **attributes):
        output = f"value{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def gather(self, rows, index):
        return self.node("Gather", rows, index, axis=0)

    def dense(self, scope, rows, relu=True):
        for part in ("weights", "biases"):
            value = self.values[f"{scope}/{part}"]
            self.tensors[f"{scope}/{part}"] = value.reshape(-1, value.shape[-1]) if part == "weights" else value
        total = self.node("Add", self.node("MatMul", rows, f"{scope}/weights"), f"{scope}/biases")
        return self.node("Relu", total) if relu else total

    def set_abstraction(self, level, position, centre, features):
        index = f"group_{level}"
        offset = self.node("Sub", self.gather(position, index), self.node("Unsqueeze", centre, self.constant([1])))
        rows = self.node("Concat", offset, self.gather(features, index), axis=2)
        for number in range(3):
            rows = self.dense(f"layer{level}/conv{number}", rows)
        return self.node("ReduceMax", rows, axes=[1], keepdims=0)

    def propagation(self, scope, level, coarse, skip, layers):
        near = self.gather(coarse, f"interpolation_index_{level}")
        weighted = self.node("Mul", near, f"interpolation_weight_{level}")
        carried = self.node("ReduceSum", weighted, self.constant([1]), keepdims=0)
        rows = self.node("Concat", carried, skip, axis=1)
        for number in range(layers):
            rows = self.dense(f"{scope}/conv_{number}", rows)
        return rows

    def fuse(self, features, embeddings):
        one, other = (self.node("Unsqueeze", embeddings, self.constant([axis])) for axis in (0, 1))
        distance = self.node("ReduceSum", self.node("Abs", self.node("Sub", one, other)), self.constant([2]), keepdims=0)
        far, index = "far", "near_index"
        self.nodes.append(helper.make_node("TopK", [distance, self.constant([NEIGHBOURS])], [far, index], axis=1, largest=0))
        own = self.constant(np.arange(POINTS[0])[:, None])
        beyond = self.node("Greater", far, self.constant(np.float32(LIMIT)))
        return self.node("ReduceMax", self.gather(features, self.node("Where", beyond, own, index)), axes=[1], keepdims=0)


def asis_pointnet2(files):
    """The serialised model. Inputs: `features`, and of every level `position_l`, `group_l` (points × slots),
    `interpolation_index_l`, `interpolation_weight_l` (finer points × 3 [× 1]). Outputs: embeddings, logits."""
    graph = _Graph(parameters(files))
    inputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, [POINTS[0], 9])]
    for level in range(1, len(POINTS)):
        points, finer = POINTS[level], POINTS[level - 1]
        for name, kind, shape in (
                ("position", TensorProto.FLOAT, [points, 3]), ("group", TensorProto.INT64, [points, SLOTS]),
                ("interpolation_index", TensorProto.INT64, [finer, 3]),
                ("interpolation_weight", TensorProto.FLOAT, [finer, 3, 1])):
            inputs.append(helper.make_tensor_value_info(f"{name}_{level}", kind, shape))
    columns = graph.constant([3, 6])
    split = helper.make_node("Split", ["features", columns], ["position_0", "colour"], axis=1)
    graph.nodes.append(split)
    encoded = ["colour"]
    for level in range(1, len(POINTS)):
        encoded.append(graph.set_abstraction(level, f"position_{level - 1}", f"position_{level}", encoded[-1]))
    branch = {}
    for name in ("sem", "ins"):
        rows = encoded[-1]
        for number, layers in enumerate((2, 2, 2, 3), 1):
            level = len(POINTS) - number
            rows = graph.propagation(f"{name}_fa_layer{number}", level, rows, encoded[level - 1], layers)
        branch[name] = graph.dense(f"{name}_fc1", rows)
    instance = graph.node("Add", branch["ins"], graph.dense("sem_cache", branch["sem"]))
    embeddings = graph.dense("ins_fc4", instance, relu=False)
    logits = graph.dense("sem_fc4", graph.fuse(branch["sem"], embeddings), relu=False)
    outputs = []
    for name, value, width in (("embeddings", embeddings, 5), ("logits", logits, graph.values["sem_fc4/biases"].shape[0])):
        graph.nodes.append(helper.make_node("Identity", [value], [name]))
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [POINTS[0], width]))
    tensors = [numpy_helper.from_array(value, name) for name, value in graph.tensors.items()]
    model = helper.make_model(
        helper.make_graph(graph.nodes, "asis", inputs, outputs, tensors),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()
