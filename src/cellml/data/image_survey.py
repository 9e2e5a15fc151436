"""What one look at every voxel of an image tells, in bounded memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DISTINCT = 64  # more grey values than this are not counted: the image is no mask


@dataclass
class ImageSurvey:
    """Statistics gathered over slabs.

    voxels, non_finite: counts; first_bad: (z, y, x) of the first NaN or infinite voxel; low, high: extreme finite values, and at_low,
    at_high how many voxels have them; means, stds: (Z,) of the finite voxels of each section (NaN where there are none); repeats:
    pairs (z, earlier z) of sections with equal bytes; values: grey values found in sections across the volume, at most 64 or so; twins:
    pairs (n, earlier n) of channels (and times) that are equal everywhere.
    """

    voxels: int = 0
    non_finite: int = 0
    first_bad: tuple[int, int, int] | None = None
    low: float = np.inf
    high: float = -np.inf
    at_low: int = 0
    at_high: int = 0
    means: list[float] = field(default_factory=list)
    stds: list[float] = field(default_factory=list)
    repeats: list[tuple[int, int]] = field(default_factory=list)
    values: set[float] = field(default_factory=set)
    twins: list[tuple[int, int]] = field(default_factory=list)
    _seen: dict[bytes, int] = field(default_factory=dict)

    def blank(self) -> list[int]:
        """Sections in which every voxel is the same, or none is finite."""
        return [z for z, std in enumerate(self.stds) if not std > 0]

    def add(self, start: int, block: NDArray[Any]) -> None:
        """Take in a slab (N, z, y, x) that begins at section `start`."""
        if not self.voxels:
            self.twins = [(n, earlier) for n in range(len(block)) for earlier in range(n)]
        self.twins = [pair for pair in self.twins if _equal(block[pair[0]], block[pair[1]])]
        self.voxels += block.size
        finite = np.isfinite(block) if block.dtype.kind == "f" else None
        if finite is not None and finite.all():
            finite = None
        if finite is not None:
            self._note_bad(start, finite)
        self._extremes(block if finite is None else block[finite])
        for k in range(block.shape[1]):
            section = block[:, k]
            self._section(start + k, section, section if finite is None else section[finite[:, k]])
        if len(self.values) <= _DISTINCT:
            self.values.update(np.unique(block[:, block.shape[1] // 2])[: _DISTINCT + 1].tolist())

    def _note_bad(self, start: int, finite: NDArray[np.bool_]) -> None:
        self.non_finite += int((~finite).sum())
        if self.first_bad is None:
            _, z, y, x = np.unravel_index(int((~finite).any(axis=0, keepdims=True).argmax()), (1, *finite.shape[1:]))
            self.first_bad = (start + int(z), int(y), int(x))

    def _extremes(self, values: NDArray[Any]) -> None:
        if values.size == 0:
            return
        low, high = values.min(), values.max()
        if low <= self.low:
            self.at_low = int((values == low).sum()) + (self.at_low if low == self.low else 0)
            self.low = float(low)
        if high >= self.high:
            self.at_high = int((values == high).sum()) + (self.at_high if high == self.high else 0)
            self.high = float(high)

    def _section(self, z: int, section: NDArray[Any], finite: NDArray[Any]) -> None:
        self.means.append(float(finite.mean(dtype=np.float64)) if finite.size else np.nan)
        self.stds.append(float(finite.std(dtype=np.float64)) if finite.size else np.nan)
        if self.stds[-1] > 0:
            mark = hashlib.blake2b(np.ascontiguousarray(section).tobytes(), digest_size=16).digest()
            if mark in self._seen:
                self.repeats.append((z, self._seen[mark]))
            self._seen.setdefault(mark, z)


def _equal(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Section by section, so that the first difference ends it."""
    return all(np.array_equal(p, q, equal_nan=p.dtype.kind == "f") for p, q in zip(a, b, strict=True))


def survey_image(slabs: Iterable[tuple[int, NDArray[Any]]]) -> ImageSurvey:
    """Look at every voxel once; slabs as `cellml.data.slabs.slabs` gives them."""
    survey = ImageSurvey()
    for start, block in slabs:
        survey.add(start, block)
    return survey
