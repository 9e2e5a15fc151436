"""Organelles as three maps: where they are, where they end, and how deep inside a voxel lies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellml.errors import CellmlError
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.objects import matched_objects
from cellml.tasks.targets import InstanceTarget

_SATURATED = 3.0  # distance scales at which tanh is 1 to half a per cent


class OrganelleTarget(InstanceTarget):
    """Foreground, boundary and signed distance of each voxel (the U3D-BCD network of MitoEM; Wei et al. 2020, arXiv:2003.03477).

    Foreground is 1 in objects; boundary is 1 on both sides of their surfaces, contacts between objects included; distance is
    (1 + tanh(d / distance_scale)) / 2 with d in nm to the nearest surface, positive inside: ½ on the surface, which a sigmoid can answer.
    Distances that something beyond the patch or unlabelled could shorten are masked. components: labels are a mask, whose objects are its
    6-connected components; else they are the objects' numbers. spacing: (z, y, x) in nm; per_section: boundaries and distances within
    sections, for sections that are thick or jump; ignore: a further label of unlabelled voxels. Scored by the objects found, decoders
    chosen by panoptic quality.
    """

    channels = 3
    maps = ("foreground", "boundary", "distance")

    def __init__(
        self,
        spacing: Sequence[float] = (1.0, 1.0, 1.0),
        distance_scale: float = 100.0,
        components: bool = True,
        per_section: bool = False,
        ignore: int | None = None,
    ) -> None:
        self.spacing, self.distance_scale = tuple(float(s) for s in spacing), distance_scale
        self.components, self.per_section, self.ignore = components, per_section, ignore
        if len(self.spacing) != 3 or min(*self.spacing, distance_scale) <= 0:
            raise CellmlError(
                f"An organelle target needs three positive spacings and a positive scale, got {self.spacing} and {distance_scale}."
            )

    def __call__(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """labels: (B, Z, Y, X) → target and mask, both (B, 3, Z, Y, X)."""
        known = labels >= 0 if self.ignore is None else (labels >= 0) & (labels != self.ignore)
        objects = torch.where(known, labels, 0)
        if self.components:
            objects = (objects > 0).to(objects.dtype)
        border = self._border(objects, known)
        distance, reached = (
            torch.stack(maps) for maps in zip(*map(self._distance, objects.cpu().numpy(), known.cpu().numpy()), strict=True)
        )
        target = torch.stack([(objects > 0).float(), border.float(), distance.to(labels.device)], dim=1)
        return target, torch.stack([known, known, known & reached.to(labels.device)], dim=1)

    def activation(self, logits: Tensor) -> Tensor:
        """Probabilities of foreground and boundary, and the distance on its scale from 0 to 1."""
        return torch.sigmoid(logits)

    def pairs(self, probabilities: NDArray[np.float32]) -> tuple[NDArray[np.float32], tuple[()]]:
        """The three maps (3, Z, Y, X) as they are, for a decoder of maps; there are no pairs of voxels."""
        return probabilities, ()

    def objects(self, labels: NDArray[Any]) -> NDArray[Any]:
        """The true objects (Z, Y, X): the labels above 0, or the 6-connected components of the mask."""
        from scipy.ndimage import label

        inside = labels > 0 if self.ignore is None else (labels > 0) & (labels != self.ignore)
        return np.asarray(label(inside)[0] if self.components else np.where(inside, labels, 0))

    def scores(self, table: ContingencyTable) -> dict[str, float]:
        """Objects found at half overlap: AP50 = TP / (TP + FP + FN), F1, panoptic quality; and the foreground's IoU."""
        found = matched_objects(table).at(0.5)
        both = int(table.counts[(table.truth > 0) & (table.prediction > 0)].sum())
        either = int(table.counts[(table.truth > 0) | (table.prediction > 0)].sum())
        return {
            "ap50": found.average_precision,
            "f1": found.f1,
            "panoptic_quality": found.panoptic_quality,
            "iou": both / either if either else float("nan"),
        }

    def cost(self, table: ContingencyTable) -> float:
        """1 − panoptic quality, 1 where there is no object at all."""
        quality = matched_objects(table).at(0.5).panoptic_quality
        return 1.0 - (quality if np.isfinite(quality) else 0.0)

    def _border(self, objects: Tensor, known: Tensor) -> Tensor:
        """Voxels with a neighbour of another number, (B, Z, Y, X); unlabelled neighbours make no border."""
        border = torch.zeros_like(known)
        for axis in (2, 3) if self.per_section else (1, 2, 3):
            size = objects.shape[axis] - 1
            change = objects.narrow(axis, 0, size) != objects.narrow(axis, 1, size)
            change &= known.narrow(axis, 0, size) & known.narrow(axis, 1, size)
            border.narrow(axis, 0, size).logical_or_(change)
            border.narrow(axis, 1, size).logical_or_(change)
        return border

    def _distance(self, objects: NDArray[Any], known: NDArray[np.bool_]) -> tuple[Tensor, Tensor]:
        """Distance target of one patch and where it is certain, (Z, Y, X) each."""
        parts = zip(objects[:, None], known[:, None], strict=True) if self.per_section else [(objects, known)]
        signed, reach = (
            np.concatenate(maps) for maps in zip(*(_signed(o, k, self.spacing, self.per_section) for o, k in parts), strict=True)
        )
        certain = (np.abs(signed) + 0.5 * min(self.spacing[1:]) <= reach) | (reach >= _SATURATED * self.distance_scale)
        scaled = 0.5 * (1.0 + np.tanh(signed / self.distance_scale))
        return torch.from_numpy(scaled.astype(np.float32)), torch.from_numpy(certain)


def _signed(
    objects: NDArray[Any], known: NDArray[np.bool_], spacing: Sequence[float], flat: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Signed distance in nm to the surface, halfway between voxels, and the distance to the nearest voxel that is unknown or outside.

    Voxels of different objects that touch count as surface on both sides. Without any surface the distance is infinite.
    """
    half = 0.5 * min(spacing[1:])
    inside = objects > 0
    core = inside & ~_contacts(objects)
    depth = np.where(inside, _edt(core, spacing, np.inf) - half, half - _edt(~inside, spacing, np.inf))
    depth = np.where(inside & ~core, half, depth)
    frame = [(0, 0) if flat else (1, 1), (1, 1), (1, 1)]
    padded = np.pad(known, frame)
    reach = _edt(padded, spacing, np.inf)[tuple(slice(a, n - b) for (a, b), n in zip(frame, padded.shape, strict=True))]
    return depth, reach


def _contacts(objects: NDArray[Any]) -> NDArray[np.bool_]:
    """Voxels of an object that touch another object by a face."""
    touching = np.zeros(objects.shape, bool)
    for axis in range(3):
        low, high = (np.take(objects, range(a, objects.shape[axis] - 1 + a), axis=axis) for a in (0, 1))
        change = (low != high) & (low > 0) & (high > 0)
        for before in (0, 1):
            width = [(0, 0)] * 3
            width[axis] = (before, 1 - before)
            touching |= np.pad(change, width)
    return touching


def _edt(mask: NDArray[np.bool_], spacing: Sequence[float], empty: float) -> NDArray[np.float64]:
    """Euclidean distance of each true voxel to the nearest false one, `empty` where there is none."""
    from scipy.ndimage import distance_transform_edt

    return np.full(mask.shape, empty) if mask.all() else np.asarray(distance_transform_edt(mask, sampling=spacing))
