"""JSNet's joint instance and semantic segmentation (Zhao and Tao, AAAI 2020; `networks.md` §2)."""

import dataclasses

import torch

from asis import EMBEDDING


def _gated(first, second):
    """[first, second] (R, 256), each row times the logistic function of its own mean."""
    rows = torch.cat([first, second], dim=1)
    return rows * torch.sigmoid(rows.float().mean(dim=1, keepdim=True)).to(rows.dtype)


@dataclasses.dataclass(frozen=True)
class JsnetHead:
    """Reads both branches' features (B · N, 128). A half that is left out is its last linear layer alone."""

    instance_half: bool
    """Semantics help instances."""
    semantic_half: bool
    """Instances help semantics, through one vector a block."""

    def build(self, layers, classes):
        """Declares the variables."""
        if self.instance_half:
            layers.add("sem_cache_1", 1, 128, 128)
            layers.add("ins_fc2", 1, 256, 128)
        if self.semantic_half:
            layers.add("ins_cache_1", 1, 256 if self.instance_half else 128, 128)
            layers.add("sem_fc2", 1, 256, 128)
        layers.add("ins_fc5", 1, 128, EMBEDDING, normalised=False)
        layers.add("sem_fc5", 1, 128, classes, normalised=False)

    def run(self, layers, semantic, instance, blocks, taps):
        """(logits, embeddings), f32."""
        shared = instance
        if self.instance_half:
            cache = taps["sem_cache_1"] = layers.layer("sem_cache_1", semantic)
            shared = _gated(instance, instance + cache)
            instance = taps["ins_fc2"] = layers.layer("ins_fc2", shared)
        embedding = taps["ins_fc5"] = layers.head("ins_fc5", instance)
        if self.semantic_half:
            cache = taps["ins_cache_1"] = layers.layer("ins_cache_1", shared)
            # The reference's mean is over the block's points here, over channels in the gates.
            whole = cache.view(blocks, -1, cache.shape[1]).float().mean(dim=1, keepdim=True).to(cache.dtype)
            joined = (semantic.view(blocks, -1, semantic.shape[1]) + whole).flatten(0, 1)
            semantic = taps["sem_fc2"] = layers.layer("sem_fc2", _gated(semantic, joined))
        logits = taps["sem_fc5"] = layers.head("sem_fc5", semantic)
        return logits, embedding
