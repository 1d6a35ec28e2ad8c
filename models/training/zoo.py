"""All networks by name: what `--network` takes, and what a model folder calls its architecture."""

import dataclasses

import torch

import losses
import plain_operations
from asis import AsisHead
from jsnet import JsnetHead
from layers import Layers
from pointconv import PointConvolution, PointDeconvolution
from pointnet import PointNet
from pointnet2 import FeaturePropagation, SetAbstraction
from trunks import Pyramid

# Of the encoder's neighbourhoods, in metres.
RADII = (0.1, 0.2, 0.4, 0.8)
ENCODER = ((32, 32, 64), (64, 64, 128), (128, 128, 256), (256, 256, 512))
ASIS_DECODER = ((256, 256), (256, 256), (256, 128), (128, 128, 128))
JSNET_DECODER = ((512, 512), (256, 256), (256, 128), (128, 128, 128))


def _pyramid(decoder):
    return Pyramid(tuple(SetAbstraction(*stage) for stage in zip(ENCODER, RADII)), tuple(map(FeaturePropagation, decoder)))


def _pointconv(fusion):
    stages = list(zip(ENCODER, RADII))
    # A stage fills the level of the encoder's ball one size smaller.
    decoder = [PointDeconvolution(widths, radius) for widths, radius in zip(JSNET_DECODER[:-1], RADII[3:0:-1])]
    return Pyramid((SetAbstraction(*stages[0]), *(PointConvolution(*stage) for stage in stages[1:])),
                   (*decoder, FeaturePropagation(JSNET_DECODER[-1])), fusion)


@dataclasses.dataclass(frozen=True)
class Design:
    """A network: trunk, joint part, and the factor of the discriminative loss's regulariser."""

    trunk: object
    head: object
    regulariser: float


def _asis(trunk, awareness, fusion):
    return Design(trunk, AsisHead(awareness, fusion), losses.REGULARISER)


def _jsnet(trunk, instance_half=False, semantic_half=False):
    return Design(trunk, JsnetHead(instance_half, semantic_half), 0.0)


_WHOLE = {
    "asis-pointnet-vanilla": _asis(PointNet(), False, False),
    "asis-pointnet": _asis(PointNet(), True, True),
    "asis-pointnet2-vanilla": _asis(_pyramid(ASIS_DECODER), False, False),
    "asis-pointnet2-semantic": _asis(_pyramid(ASIS_DECODER), True, False),
    "asis-pointnet2-instance": _asis(_pyramid(ASIS_DECODER), False, True),
    "asis-pointnet2": _asis(_pyramid(ASIS_DECODER), True, True),
    "jsnet-base": _jsnet(_pyramid(JSNET_DECODER)),
    "jsnet-backbone": _jsnet(_pointconv(False)),
    "jsnet-pcff": _jsnet(_pointconv(True)),
    "jsnet-instance": _jsnet(_pointconv(True), instance_half=True),
    "jsnet-semantic": _jsnet(_pointconv(True), semantic_half=True),
    "jsnet": _jsnet(_pointconv(True), True, True),
}
# Parts of objects: the same layers on blocks of 3 or 6 columns and smaller levels, which come with the stream.
DESIGNS = _WHOLE | {f"{name}-part": design for name, design in _WHOLE.items()}


class Network(Layers):
    """A network by name. `forward` returns semantic logits (B·N, classes) and embeddings (B·N, 5), both f32."""

    def __init__(self, name="asis-pointnet2", classes=13, dtype=torch.float32, operations=plain_operations, seed=0, dropout=0.5,
                 columns=9):
        super().__init__(dtype, operations, seed, dropout)
        self.name, self.classes, self.columns = name, classes, columns
        self.design = DESIGNS[name]
        self.design.trunk.build(self, columns)
        self.design.head.build(self, classes)

    def copy(self, dtype=torch.float32):
        """Another network with the same variables' values, on the same device."""
        other = Network(self.name, self.classes, dtype, self.operations, 0, self.dropout, self.columns)
        other.to(next(self.parameters()).device).load_state_dict(self.state_dict())
        return other

    def forward(self, batch, taps=None):
        """`taps`, a dictionary, receives intermediate outputs by the reference's scope names."""
        taps = {} if taps is None else taps
        semantic, instance = self.design.trunk.run(self, batch, taps)
        return self.design.head.run(self, semantic, instance, batch.blocks, taps)

    def loss(self, batch, class_weights=None):
        """(total loss, cross-entropy, discriminative terms, logits) of a batch."""
        logits, embedding = self(batch)
        classify = losses.semantic(logits, batch.semantic, class_weights)
        terms = losses.discriminative(embedding, batch.instance, batch.blocks, self.design.regulariser)
        return classify + terms.total, classify, terms, logits
