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


@dataclass(frozen=True)
class Case:
    """What was refused: labels (Z, Y, X), the label asked for (None: all), spacing (z, y, x) in nm, and the time in s that it took."""

    data: NDArray[Any]
    label: int | None
    spacing: tuple[float, float, float]
    wall_s: float = 0.0
    timeout_s: float = np.inf

    @cached_property
    def numbers(self) -> list[int]:
        """The labels that are present and were asked for."""
        present = [int(n) for n in np.unique(self.data) if n > 0]
        return [n for n in present if self.label in (None, n)]

    def mask(self, number: int) -> NDArray[np.bool_]:
        """The voxels of a label."""
        return np.asarray(self.data == number)

    def count(self, number: int) -> int:
        """How many voxels a label has."""
        return int(self.mask(number).sum())

    def depth_nm(self, number: int) -> float:
        """Largest distance of a voxel's centre from the centre of the nearest voxel outside the label (or the volume)."""
        return float(ndimage.distance_transform_edt(np.pad(self.mask(number), 1), sampling=self.spacing).max())


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
    return case.count(int(match[1])) == int(match[2]) < int(match[3])


def _absent(case: Case, match: re.Match[str]) -> bool:
    return case.count(int(match[1])) == 0


def _no_tetrahedron(case: Case, match: re.Match[str]) -> bool:
    """The count is right, and no ball of the size of a background cube fits into the label."""
    number = int(match[1])
    return case.count(number) == int(match[2]) and case.depth_nm(number) < float(match[3])


def _timeout(case: Case, match: re.Match[str]) -> bool:
    return case.wall_s >= 0.9 * case.timeout_s


Check = tuple[str, str, Callable[[Case, "re.Match[str]"], bool]]

CHECKS: tuple[Check, ...] = (
    ("background only", r"holds background only \(all (\d+) voxels", _empty),
    ("too many labels", r"holds (\d+) labels .*at most (\d+) are meshed", _many),
    ("too few voxels", r"Label (\d+) of .* has (\d+) voxels?; at least (\d+)", _few_voxels),
    ("label absent", r"has no voxel with label (\d+)", _absent),
    ("no tetrahedron", r"Label (\d+) \((\d+) voxels\) leaves no tetrahedron on a background of ([\d.e+-]+) nm", _no_tetrahedron),
    ("out of time", r"process was stopped after ([\d.e+-]+) s", _timeout),
    ("tool ended", r"MMG made no mesh", _never),
    ("spoilt at a wall", r"spoilt it", _never),
)
