"""Affinity targets for training, made from batches of labels on their own device."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from cellml.segmentation.neighbourhood import pair_slices


def affinity_targets(
    labels: Tensor,
    offsets: Sequence[Sequence[int]],
    *,
    ignore: int | None = None,
    mask_background: bool = False,
    dtype: torch.dtype = torch.float32,
) -> tuple[Tensor, Tensor]:
    """Affinity of each pair (v, v + o), and whether the pair counts.

    labels: (B, Z, Y, X) integers, 0 is background or unlabelled; offsets: K times (z, y, x) voxels. Returns targets (B, K, Z, Y, X) of
    `dtype`, 1 iff the labels at v and v + o are equal and above 0, and mask (B, K, Z, Y, X) bool, false where v + o lies outside the patch,
    where either voxel carries the label `ignore`, and, with `mask_background`, where either voxel is 0 (for sparse annotations).
    Raises ValueError if labels are not four-dimensional.
    """
    if labels.ndim != 4:
        raise ValueError(f"Affinity targets need labels of shape (B, Z, Y, X), got {tuple(labels.shape)}.")
    batch, *shape = labels.shape
    targets = torch.zeros((batch, len(offsets), *shape), dtype=dtype, device=labels.device)
    mask = torch.zeros((batch, len(offsets), *shape), dtype=torch.bool, device=labels.device)
    foreground = labels > 0
    known = _known(labels, foreground, ignore, mask_background)
    for channel, offset in enumerate(offsets):
        here, there = ((slice(None), *part) for part in pair_slices(shape, (offset[0], offset[1], offset[2])))
        counted = known[here] & known[there]
        targets[:, channel][here] = ((labels[here] == labels[there]) & foreground[here] & counted).to(dtype)
        mask[:, channel][here] = counted
    return targets, mask


def _known(labels: Tensor, foreground: Tensor, ignore: int | None, mask_background: bool) -> Tensor:
    known = torch.ones_like(foreground) if ignore is None else labels != ignore
    return known & foreground if mask_background else known
