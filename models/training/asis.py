"""ASIS's joint part (Wang et al., CVPR 2019; `networks.md` §1): semantics help instances and the other way round."""

import dataclasses

EMBEDDING = 5
FUSION_NEIGHBOURS = 30
FUSION_LIMIT = 0.5


@dataclasses.dataclass(frozen=True)
class AsisHead:
    """Reads both branches' features (B · N, 128)."""

    awareness: bool
    """Semantic awareness: transformed semantic features are added to the instance features."""
    fusion: bool
    """Instance fusion: semantic features take the maximum over neighbours in embedding space."""

    def build(self, layers, classes):
        """Declares the variables."""
        if self.awareness:
            layers.add("sem_cache", 1, 128, 128)
        layers.add("ins_fc4", 1, 128, EMBEDDING, normalised=False)
        layers.add("sem_fc4", 1, 128, classes, normalised=False)

    def run(self, layers, semantic, instance, blocks, taps):
        """(logits, embeddings), f32."""
        if self.awareness:
            cache = taps["sem_cache"] = layers.layer("sem_cache", semantic)
            instance = instance + cache
        embedding = taps["ins_fc4"] = layers.head("ins_fc4", instance)
        if self.fusion:
            semantic = layers.operations.fuse(semantic, embedding, blocks, FUSION_NEIGHBOURS, FUSION_LIMIT)
        logits = taps["sem_fc4"] = layers.head("sem_fc4", semantic)
        return logits, embedding
