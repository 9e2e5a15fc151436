"""Is what a refusal says true? Each kind of message has a check of its own against the labels, made without the mesher.

A new message needs one line in `CHECKS`: its kind, a pattern, and a function of (case, match) that says whether it is true. A message that
no pattern knows, or whose numbers are not those of the labels, is a wrong refusal. So is one that tells how a tool ended: that a process
was killed says nothing about the labels, so nobody can know whether it is true that they cannot be meshed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cellml.types import Labels


@dataclass(frozen=True, eq=False)
class Case:
    """What was refused: labels (None for a surface), the one asked for (None: all), and the time in s that it took and had."""

    labels: Labels | None
    label: int | None = None
    wall_s: float = 0.0
    timeout_s: float = np.inf

    @cached_property
    def data(self) -> NDArray[Any]:
        """The labels, (Z, Y, X); nothing for a surface."""
        return np.zeros((0, 0, 0), np.uint8) if self.labels is None else self.labels.data

    @cached_property
    def numbers(self) -> list[int]:
        """The labels that are present and were asked for."""
        present = [int(n) for n in np.unique(self.data) if n > 0]
        return [n for n in present if self.label in (None, n)]

    def count(self, number: int) -> int:
        """How many voxels a label has."""
        return int((self.data == number).sum())

    def fragments(self, number: int) -> NDArray[np.int64]:
        """Voxels of each part of a label that is connected through faces."""
        return np.asarray(np.bincount(np.asarray(ndimage.label(self.data == number)[0]).ravel())[1:])

    def largest_fragment(self, number: int) -> int:
        """Voxels of the largest of them; 0 if the label is absent."""
        return int(self.fragments(number).max(initial=0))

    def depth_nm(self, number: int) -> float:
        """Largest distance of a voxel's centre from the centre of the nearest voxel outside the label (or the volume)."""
        spacing = (1.0, 1.0, 1.0) if self.labels is None else self.labels.spacing
        return float(ndimage.distance_transform_edt(np.pad(self.data == number, 1), sampling=spacing).max())


@dataclass(frozen=True)
class Verdict:
    """The kind of a refusal and whether its reason was found true."""

    kind: str
    verified: bool


def verify(message: str, case: Case) -> Verdict:
    """Find out whether a refusal is true."""
    for kind, pattern, holds in CHECKS:
        match = re.search(pattern, message)
        if match:
            return Verdict(kind, bool(holds(case, match)))
    return Verdict("unknown message", False)


def _never(case: Case, match: re.Match[str]) -> bool:
    return False


def _empty(case: Case, match: re.Match[str]) -> bool:
    return not case.data.any() and int(match[1]) == case.data.size


def _many(case: Case, match: re.Match[str]) -> bool:
    return len(case.numbers) == int(match[1]) > int(match[2])


def _few_voxels(case: Case, match: re.Match[str]) -> bool:
    """The count is right, no label that was asked for has a fragment of that many voxels, and the size of the largest is right if given."""
    largest = case.largest_fragment(int(match[1]))
    said = int(match[3]) if match[3] else largest
    enough = any(case.largest_fragment(number) >= int(match[4]) for number in case.numbers)
    return case.count(int(match[1])) == int(match[2]) and largest == said and not enough


def _crumbs(case: Case, match: re.Match[str]) -> bool:
    """Both counts are right, and the share is above the limit that the message names."""
    sizes = case.fragments(int(match[1]))
    crumbs, voxels = int(sizes[sizes < int(match[4])].sum()), int(sizes.sum())
    return (crumbs, voxels) == (int(match[2]), int(match[3])) and 100 * crumbs > float(match[5]) * voxels


def _too_large(case: Case, match: re.Match[str]) -> bool:
    """Twelve tetrahedra a cube of the background, or of a third of its edge where parts are thin, come to that many."""
    if case.labels is None:
        return False
    volume = float(np.isin(case.data, case.numbers).sum() * np.prod(case.labels.spacing))
    return 12 * 27 * volume / float(match[1]) ** 3 > float(match[2])


def _absent(case: Case, match: re.Match[str]) -> bool:
    return case.count(int(match[1])) == 0


def _no_tetrahedron(case: Case, match: re.Match[str]) -> bool:
    """No ball of the size of a background cube fits into the label."""
    return 0 < case.depth_nm(int(match[1])) < float(match[2])


def _timeout(case: Case, match: re.Match[str]) -> bool:
    return case.wall_s >= 0.9 * case.timeout_s


Check = tuple[str, str, Callable[[Case, "re.Match[str]"], bool]]

CHECKS: tuple[Check, ...] = (
    ("background only", r"holds background only \(all (\d+) voxels", _empty),
    ("too many labels", r"holds (\d+) labels .*at most (\d+) are meshed", _many),
    ("too few voxels", r"Label (\d+) of .* has (\d+) voxels?(?: in fragments of at most (\d+))?.*; at least (\d+)", _few_voxels),
    (
        "mostly crumbs",
        r"Label (\d+) of .* has (\d+) of its (\d+) voxels .* in fragments of fewer than (\d+) voxels.*at most ([\d.]+) %",
        _crumbs,
    ),
    ("background too large", r"background of ([\d.e+-]+) nm would take .*; at most ([\d.e+-]+) are made", _too_large),
    ("label absent", r"has no voxel with label (\d+)", _absent),
    ("no tetrahedron", r"Label (\d+) leaves no tetrahedron on a background of ([\d.e+-]+) nm", _no_tetrahedron),
    ("out of time", r"(?:process|Meshing) was stopped after ([\d.e+-]+) s", _timeout),
    ("tool ended", r"MMG made no mesh", _never),
    ("spoilt at a wall", r"spoilt it", _never),
)
