"""Membranes of single sections as a target, and the cells between them as the objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellml.errors import CellmlError
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.partition import partition_scores
from cellml.segmentation.boundary import affinities_from_boundary
from cellml.segmentation.neighbourhood import NEAREST
from cellml.tasks.targets import InstanceTarget


class MembraneTarget(InstanceTarget):
    """Is this pixel membrane? From a mask that is 1 on membranes and 0 inside cells, section by section (ISBI 2012).

    The objects are the 4-connected regions inside the membranes of one section; segments of different sections are different objects.
    Scored by V_rand and V_info over the pixels inside, decoders chosen by V_rand (Arganda-Carreras et al. 2015,
    doi:10.3389/fnana.2015.00142). channels: 1 for a sigmoid, 2 for a softmax over inside and membrane, as networks of two classes have;
    ignore: a further label of unlabelled pixels.
    """

    def __init__(self, channels: int = 1, ignore: int | None = None) -> None:
        if channels not in (1, 2):
            raise CellmlError(f"A membrane target has 1 or 2 channels, got {channels}.")
        self.channels, self.ignore = channels, ignore
        self.maps = ("membrane",) if channels == 1 else ("inside", "membrane")

    def __call__(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """labels: (B, Z, Y, X) → target (B, channels, Z, Y, X) and mask (B, 1, Z, Y, X). Raises CellmlError for a label above 1."""
        known = labels >= 0 if self.ignore is None else (labels >= 0) & (labels != self.ignore)
        membrane = torch.where(known, labels, 0)
        if int(membrane.max()) > 1:
            raise CellmlError(f"Membrane labels are 0 (inside) and 1 (membrane), but the labels hold {int(membrane.max())}.")
        positive = membrane[:, None].float()
        return (positive if self.channels == 1 else torch.cat([1 - positive, positive], dim=1)), known[:, None]

    def activation(self, logits: Tensor) -> Tensor:
        """Probability of membrane (of inside and membrane with two channels)."""
        return torch.sigmoid(logits) if self.channels == 1 else torch.softmax(logits, dim=1)

    def output(self, probabilities: Tensor) -> Tensor:
        """Logits that would give these probabilities."""
        return torch.logit(probabilities, eps=1e-6) if self.channels == 1 else probabilities.clamp(min=1e-6).log()

    def pairs(self, probabilities: NDArray[np.float32]) -> tuple[NDArray[np.float32], Sequence[tuple[int, int, int]]]:
        """Probabilities (channels, Z, Y, X) as affinities (3, Z, Y, X) within sections, 0 between them, and their offsets."""
        affinities = affinities_from_boundary(probabilities[-1])
        affinities[0] = 0.0
        return affinities, NEAREST

    def objects(self, labels: NDArray[Any]) -> NDArray[np.int64]:
        """The regions inside the membranes of each section, numbered through all of them; 0 on membranes and where nobody labelled."""
        from scipy.ndimage import label

        objects, last = np.zeros(labels.shape, np.int64), 0
        for z, section in enumerate(np.asarray(labels)):
            found, count = label(section == 0)
            objects[z] = np.where(found > 0, found + last, 0)
            last += count
        return objects

    def scores(self, table: ContingencyTable) -> dict[str, float]:
        """V_rand and V_info over the pixels inside cells, pairs and entropies of all sections together."""
        scores = partition_scores(table)
        return {"v_rand": scores.v_rand, "v_info": scores.v_info}

    def cost(self, table: ContingencyTable) -> float:
        """1 − V_rand."""
        return 1.0 - partition_scores(table).v_rand
