"""What a segmentation network is asked for: affinities, boundaries or classes, made from a batch of labels.

Voxels with a negative label are those that nobody labelled (`cellml.data.blocks.UNLABELLED`); each target masks them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from cellml.errors import CellmlError
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.cremi import cremi_score
from cellml.metrics.partition import partition_scores
from cellml.segmentation.affinities import affinity_targets
from cellml.segmentation.boundary import affinities_from_boundary
from cellml.segmentation.neighbourhood import NEAREST


class InstanceTarget:
    """What targets of objects have in common: which objects the labels mean, how a prediction is scored, what a decoder is chosen by."""

    kind = "instance"

    def output(self, probabilities: Tensor) -> Tensor:
        """Logits (B, K, Z, Y, X) that would give these probabilities; what validation hands to the loss."""
        return torch.logit(probabilities, eps=1e-6)

    def objects(self, labels: NDArray[Any]) -> NDArray[Any]:
        """Labels (Z, Y, X) as the true objects, 0 where nothing is scored; here the labels themselves."""
        return labels

    def scores(self, table: ContingencyTable) -> dict[str, float]:
        """Scores that validation logs, from counts over whole blocks. Raises CellmlError where no voxel has truth > 0."""
        scores = partition_scores(table)
        return {name: getattr(scores, name) for name in ("adapted_rand_error", "voi_split", "voi_merge", "voi_sum")}

    def cost(self, table: ContingencyTable) -> float:
        """What decoder parameters are chosen by, lower is better: here the CREMI score."""
        return cremi_score(partition_scores(table))


class AffinityTarget(InstanceTarget):
    """Are voxel v and voxel v + o parts of one object? One channel for each offset o (Lee et al. 2017).

    offsets: (z, y, x) voxels, the three nearest neighbours first; ignore: a further label of voxels that nobody labelled;
    mask_background: leave out pairs with label 0, for sparse annotations.
    """

    def __init__(self, offsets: Sequence[Sequence[int]], ignore: int | None = None, mask_background: bool = False) -> None:
        self.offsets = [(int(o[0]), int(o[1]), int(o[2])) for o in offsets]
        if self.offsets[:3] != [(-1, 0, 0), (0, -1, 0), (0, 0, -1)]:
            raise CellmlError(
                f"The first three offsets must be the nearest neighbours (-1,0,0), (0,-1,0), (0,0,-1); got {self.offsets[:3]}."
            )
        self.ignore, self.mask_background = ignore, mask_background

    @property
    def channels(self) -> int:
        """Output channels of the network."""
        return len(self.offsets)

    def __call__(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """labels: (B, Z, Y, X) → target and mask, both (B, K, Z, Y, X)."""
        labels = torch.where(_known(labels, self.ignore), labels, -1)
        return affinity_targets(labels, self.offsets, ignore=-1, mask_background=self.mask_background)

    def activation(self, logits: Tensor) -> Tensor:
        """Probability that a pair belongs together."""
        return torch.sigmoid(logits)

    def pairs(self, probabilities: NDArray[np.float32]) -> tuple[NDArray[np.float32], Sequence[tuple[int, int, int]]]:
        """Probabilities (K, Z, Y, X), or the first few of them, as affinities of the same shape and their offsets, for a decoder."""
        return probabilities, self.offsets[: len(probabilities)]


class BoundaryTarget(InstanceTarget):
    """Is this voxel on the border of an object? One channel: 1 where any of the six neighbours has another label, and on background.

    ignore: label of voxels that nobody labelled; they are masked, and as neighbours they make no border.
    """

    channels = 1
    maps = ("boundary",)

    def __init__(self, ignore: int | None = None) -> None:
        self.ignore = ignore

    def __call__(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """labels: (B, Z, Y, X) → target and mask, both (B, 1, Z, Y, X)."""
        known = _known(labels, self.ignore)
        border = labels == 0
        for axis in (1, 2, 3):
            size = labels.shape[axis] - 1
            low, high = labels.narrow(axis, 0, size), labels.narrow(axis, 1, size)
            change = (low != high) & known.narrow(axis, 0, size) & known.narrow(axis, 1, size)
            border.narrow(axis, 0, size).logical_or_(change)
            border.narrow(axis, 1, size).logical_or_(change)
        return border[:, None].float(), known[:, None]

    def activation(self, logits: Tensor) -> Tensor:
        """Probability of a boundary."""
        return torch.sigmoid(logits)

    def pairs(self, probabilities: NDArray[np.float32]) -> tuple[NDArray[np.float32], Sequence[tuple[int, int, int]]]:
        """Probabilities (1, Z, Y, X) as affinities (3, Z, Y, X) of nearest neighbours and their offsets, for a decoder."""
        return affinities_from_boundary(probabilities[0]), NEAREST


class SemanticTarget:
    """Which class is this voxel? K channels of a softmax.

    classes: names, background first; a label volume holds their numbers. ignore: label of voxels that nobody labelled.
    """

    kind = "semantic"

    def __init__(self, classes: Sequence[str], ignore: int | None = None) -> None:
        self.classes, self.ignore = list(classes), ignore
        if len(self.classes) < 2:
            raise CellmlError(f"A semantic target needs a background and at least one class, got {self.classes}.")

    @property
    def channels(self) -> int:
        """Output channels of the network."""
        return len(self.classes)

    def __call__(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """labels: (B, Z, Y, X) → one-hot target (B, K, Z, Y, X) and mask (B, 1, Z, Y, X). Raises CellmlError for an unknown class."""
        known = _known(labels, self.ignore)
        numbers = torch.where(known, labels, 0)
        if int(numbers.max()) >= len(self.classes):
            raise CellmlError(
                f"The labels hold class {int(numbers.max())}, but the classes are 0 to {len(self.classes) - 1}: {self.classes}."
            )
        return functional.one_hot(numbers, len(self.classes)).permute(0, 4, 1, 2, 3).float(), known[:, None]

    def activation(self, logits: Tensor) -> Tensor:
        """Class probabilities."""
        return torch.softmax(logits, dim=1)

    def output(self, probabilities: Tensor) -> Tensor:
        """Logits (B, K, Z, Y, X) that would give these probabilities."""
        return probabilities.clamp(min=1e-6).log()

    def pairs(self, probabilities: NDArray[np.float32]) -> tuple[NDArray[np.float32], Sequence[str]]:
        """Probabilities (K, Z, Y, X) and the classes' names, for a decoder."""
        return probabilities, self.classes


def _known(labels: Tensor, ignore: int | None) -> Tensor:
    """Where somebody labelled: no negative number, and not the number that stands for "unlabelled"."""
    return labels >= 0 if ignore is None else (labels >= 0) & (labels != ignore)
