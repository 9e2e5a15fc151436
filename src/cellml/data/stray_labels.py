"""A few voxels with a number that no class has: slips of a brush, marks of an editor, leftovers of a resampling."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.data.finding import Finding, listed
from cellml.data.label_kind import label_kind
from cellml.data.label_survey import LabelSurvey
from cellml.data.slabs import Opened, slabs

STRAY = 64  # voxels of a 4³ cube, at most
_SHARE = 1e-3  # of the labelled voxels, at most
_CLASSES = 16  # with more labels than this besides, numbers are objects, and small ones are slivers


@dataclass
class Stray:
    """voxels: how many have the number `label`; sections: the same by section z; low, high: first and last (z, y, x) of their box."""

    label: int
    voxels: int = 0
    sections: dict[int, int] = field(default_factory=dict)
    low: tuple[int, ...] = ()
    high: tuple[int, ...] = ()

    def __str__(self) -> str:
        count = f"{self.voxels} voxel{'s' if self.voxels != 1 else ''}"
        if self.low == self.high:
            return f"value {self.label} ({count} at z, y, x = {self.low})"
        return f"value {self.label} ({count} within z, y, x = {self.low} to {self.high})"

    def add(self, start: int, block: NDArray[Any]) -> None:
        """Take in a slab (z, y, x) that begins at section `start`."""
        here = block == self.label
        counts = np.count_nonzero(here, axis=(1, 2))
        if not counts.any():
            return
        axes = [np.flatnonzero(line) for line in (counts, here.any(axis=(0, 2)), here.any(axis=(0, 1)))]
        low, high = ([int(axis[end]) + (start if a == 0 else 0) for a, axis in enumerate(axes)] for end in (0, -1))
        self.low = tuple(map(min, low, self.low)) if self.low else tuple(low)
        self.high = tuple(map(max, high, self.high)) if self.high else tuple(high)
        self.voxels += int(counts.sum())
        self.sections |= {start + int(z): int(counts[z]) for z in axes[0]}


def suspects(survey: LabelSurvey, known: Collection[int]) -> list[int]:
    """Numbers of at most 64 voxels and a thousandth of what is labelled, beside at most 16 larger ones; known: numbers that have names."""
    limit = min(STRAY, _SHARE * survey.labelled)
    few = [label for label, size in sorted(survey.sizes.items()) if size <= limit and label not in known]
    return few if 0 < len(survey.sizes) - len(few) <= _CLASSES else []


def located(truth: Opened, labels: Iterable[int]) -> list[Stray]:
    """Where these numbers are; one more pass over the voxels."""
    found = [Stray(label) for label in labels]
    if found:
        for start, block in slabs(truth):
            for stray in found:
                stray.add(start, block[0])
    return found


def without(survey: LabelSurvey, strays: Collection[Stray]) -> LabelSurvey:
    """The statistics as if the voxels of the strays were not there."""
    gone = {stray.label for stray in strays}
    if not gone:
        return survey
    per_section = list(survey.per_section)
    for stray in strays:
        for z, count in stray.sections.items():
            per_section[z] -= count if stray.label != 0 else 0
    return replace(
        survey,
        labelled=sum(per_section),
        per_section=per_section,
        sizes=_left(survey.sizes, gone),
        pieces=_left(survey.pieces, gone),
        piece_sizes=_left(survey.piece_sizes, gone),
        z_range=_left(survey.z_range, gone),
    )


def _left(values: Mapping[int, Any], gone: Collection[int]) -> dict[int, Any]:
    return {label: value for label, value in values.items() if label not in gone}


def stray_findings(truth: Opened, survey: LabelSurvey, known: Collection[int]) -> Iterator[Finding]:
    """Numbers that nearly no voxel has, with their places, where the rest are classes."""
    strays = located(truth, suspects(survey, known))
    if strays and label_kind(without(survey, strays), getattr(truth, "kind", None))[0] != "instance":
        numbers = [stray.label for stray in strays]
        what = f"{len(strays)} label value{'s' if len(strays) > 1 else ''} that nearly no voxel has: slips, or marks of an editor"
        ignore = numbers if len(numbers) > 1 else numbers[0]
        remedy = f"Correct the file, or leave them out: data.ignore={ignore}; else each is taken for a class."
        yield Finding("warning", what, listed([str(stray) for stray in strays]), remedy, harm=0.85)
