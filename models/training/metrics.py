"""Scores on held-out blocks: cheap ones, for the curve. The crate's `instanton eval` gives the real ones."""

import torch

from losses import IGNORED, discriminative, semantic


class Confusion:
    """Counts of (truth, prediction) over points that are not ignored."""

    def __init__(self, classes):
        self.counts = torch.zeros(classes, classes, dtype=torch.long)

    def add(self, truth, predicted):
        """Both (n,) i64."""
        kept = truth != IGNORED
        classes = self.counts.shape[0]
        flat = truth[kept].cpu() * classes + predicted[kept].cpu()
        self.counts += torch.bincount(flat, minlength=classes * classes).view(classes, classes)

    def accuracy(self):
        """Share of points labelled right; NaN without points."""
        return (self.counts.diagonal().sum() / self.counts.sum()).item()

    def intersection_over_union(self):
        """Per class; NaN for a class that is neither in the truth nor predicted."""
        hit = self.counts.diagonal().double()
        return (hit / (self.counts.sum(0) + self.counts.sum(1) - self.counts.diagonal())).tolist()

    def mean_intersection_over_union(self):
        """Mean over the classes that occur in truth or prediction."""
        values = torch.tensor(self.intersection_over_union())
        return values[~values.isnan()].mean().item()


def assigned_to_own(embedding, instance, blocks):
    """(hits, points): points whose nearest instance mean (L2, as in grouping) is their own instance's."""
    hits = total = 0
    for rows, numbers in zip(embedding.view(blocks, -1, embedding.shape[1]), instance.view(blocks, -1)):
        kept = numbers >= 0
        if not kept.any():
            continue
        _, group = torch.unique(numbers[kept], return_inverse=True)
        rows = rows[kept]
        count = torch.bincount(group).float()
        means = torch.zeros(len(count), rows.shape[1], device=rows.device).index_add(0, group, rows) / count[:, None]
        hits += (torch.cdist(rows, means).argmin(dim=1) == group).sum().item()
        total += len(group)
    return hits, total


@torch.no_grad()
def validate(network, batches, class_names):
    """Runs `network` in evaluation mode; returns the scores and the per-class IoU by name."""
    was_training = network.training
    network.eval()
    confusion = Confusion(len(class_names))
    sums, blocks, hits, points = torch.zeros(4), 0, 0, 0
    for batch in batches:
        logits, embedding = network(batch)
        terms = discriminative(embedding, batch.instance, batch.blocks, network.design.regulariser)
        classify = semantic(logits, batch.semantic)
        sums += torch.stack([classify, terms.pull, terms.push, terms.regulariser]).cpu() * batch.blocks
        blocks += batch.blocks
        confusion.add(batch.semantic, logits.argmax(dim=1))
        own, of = assigned_to_own(embedding, batch.instance, batch.blocks)
        hits, points = hits + own, points + of
    network.train(was_training)
    classify, pull, push, regulariser = (sums / max(blocks, 1)).tolist()
    scores = {
        "validation_loss": classify + pull + push + regulariser,
        "validation_classify": classify,
        "validation_pull": pull,
        "validation_push": push,
        "validation_accuracy": confusion.accuracy(),
        "validation_miou": confusion.mean_intersection_over_union(),
        "validation_assigned": hits / max(points, 1),
    }
    return scores, dict(zip(class_names, confusion.intersection_over_union()))
