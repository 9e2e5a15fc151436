"""Flips and rotations that a volume may undergo before a network sees it, and how answers come back, affinities included.

A symmetry permutes the axes and then flips some. It is allowed where the voxels look alike along the permuted axes: all 48 symmetries of
the cube for isotropic voxels, the 16 that keep the sections for anisotropic ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations, product

import torch
from torch import Tensor

from cellml.segmentation.neighbourhood import Offset, pair_slices

_ALIKE = 0.1  # voxel sizes that differ by less are taken for equal: slices are rarely cut to better than 10 %


@dataclass(frozen=True)
class Symmetry:
    """axes: axis a of the moved volume is axis `axes[a]` of the original; flips: whether it then runs backwards."""

    axes: tuple[int, int, int] = (0, 1, 2)
    flips: tuple[bool, bool, bool] = (False, False, False)

    def apply(self, values: Tensor) -> Tensor:
        """(…, z, y, x) as the moved volume."""
        lead = values.ndim - 3
        moved = values.permute(*range(lead), *(lead + axis for axis in self.axes))
        return moved.flip([lead + a for a in range(3) if self.flips[a]])

    def undo(self, values: Tensor) -> Tensor:
        """(…, z, y, x) of the moved volume in the original frame; undo(apply(v)) = v."""
        lead = values.ndim - 3
        back = values.flip([lead + a for a in range(3) if self.flips[a]])
        return back.permute(*range(lead), *(lead + self.axes.index(axis) for axis in range(3)))

    def original(self, offset: Sequence[int]) -> Offset:
        """The step (z, y, x) in the original frame that a step of the moved volume is."""
        step = [0, 0, 0]
        for a in range(3):
            step[self.axes[a]] = -int(offset[a]) if self.flips[a] else int(offset[a])
        return (step[0], step[1], step[2])


def allowed_symmetries(
    spacing: Sequence[float], multiple: Sequence[int] = (1, 1, 1), offsets: Sequence[Offset] | None = None
) -> list[Symmetry]:
    """The symmetries that neither voxels, network nor target can tell from doing nothing; the identity first, then flips, then rotations.

    spacing: voxel size (z, y, x) in nm; multiple: sizes that the network needs, which permuted axes must share; offsets: pairs of an
    affinity target, whose set must be mapped onto itself, up to the direction of a pair. Neighbours in the list differ in much, so that
    the first n are a good choice of n.
    """
    found = []
    for first, second, third in permutations(range(3)):
        axes = (first, second, third)
        alike = all(abs(spacing[axes[a]] - spacing[a]) <= _ALIKE * spacing[a] and multiple[axes[a]] == multiple[a] for a in range(3))
        for z, y, x in product((False, True), repeat=3):
            symmetry = Symmetry(axes, (z, y, x))
            if alike and (offsets is None or channel_map(symmetry, offsets) is not None):
                found.append(symmetry)
    return sorted(found, key=lambda s: (s.axes != (0, 1, 2), _rank(s.flips), s.axes))


def _rank(flips: tuple[bool, bool, bool]) -> int:
    """Both in-plane flips (half a turn) first, then single ones, those along z last."""
    return [(0, 0, 0), (0, 1, 1), (0, 0, 1), (0, 1, 0), (1, 0, 0), (1, 1, 1), (1, 0, 1), (1, 1, 0)].index(
        (int(flips[0]), int(flips[1]), int(flips[2]))
    )


def channel_map(symmetry: Symmetry, offsets: Sequence[Offset]) -> list[tuple[int, bool]] | None:
    """For each offset the channel of the moved volume that speaks of the same pairs, and whether it names them by their other end.

    None where a pair of the moved volume is no pair of the target.
    """
    steps = [symmetry.original(offset) for offset in offsets]
    mapped = []
    for z, y, x in offsets:
        if (z, y, x) in steps:
            mapped.append((steps.index((z, y, x)), False))
        elif (-z, -y, -x) in steps:
            mapped.append((steps.index((-z, -y, -x)), True))
        else:
            return None
    return mapped


def restore(symmetry: Symmetry, answer: Tensor, offsets: Sequence[Offset] | None, beyond: Tensor | None) -> Tensor:
    """The answer (B, K, z, y, x) to a moved volume in the original frame and channel order.

    Channel k of affinities at voxel v speaks of the pair (v, v + o_k). After a flip the pair has moved and may be named by its other end:
    then the affinity of (v, v + o) stands at v + o, so the channel is shifted by o. Pairs that reach beyond the array take their
    value from `beyond`, an answer of the original frame (or keep the unshifted value where it is None).
    """
    back = symmetry.undo(answer)
    mapped = None if offsets is None else channel_map(symmetry, offsets)
    if offsets is None or mapped is None or all(k == channel and not other for k, (channel, other) in enumerate(mapped)):
        return back
    restored = torch.empty_like(back)
    for k, (channel, other_end) in enumerate(mapped):
        if not other_end:
            restored[:, k] = back[:, channel]
            continue
        restored[:, k] = back[:, channel] if beyond is None else beyond[:, k]
        here, there = pair_slices(back.shape[2:], offsets[k])
        restored[:, k][(slice(None), *here)] = back[:, channel][(slice(None), *there)]
    return restored


def reach(offsets: Sequence[Offset] | None) -> tuple[int, int, int]:
    """Voxels (z, y, x) by which restored channels may be shifted: context that tiles need beyond the network's own."""
    if offsets is None:
        return (0, 0, 0)
    z, y, x = (max(abs(offset[a]) for offset in offsets) for a in range(3))
    return (z, y, x)
