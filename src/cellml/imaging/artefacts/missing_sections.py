"""Sections that were lost: blank, or replaced by the section before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.imaging.artefacts.random import RandomArtefact, Range, number_range
from cellml.imaging.frame import Frame, require_image


@dataclass(frozen=True)
class MissingSections:
    """sections: numbers of those that are lost; repeat: they show the last section before them that is there, instead of nothing;
    level: grey value of a blank section, in standard deviations from the image's mean; ignore: label that is put on lost sections, none
    to keep what they had.
    """

    sections: tuple[int, ...]
    repeat: bool = False
    level: float = 0.0
    ignore: int | None = None

    @classmethod
    def drawn(cls, sections: int, share: float, rng: np.random.Generator, **more: Any) -> MissingSections:
        """Each section is lost with probability `share`, whatever its neighbours do; at least one stays."""
        lost = np.flatnonzero(rng.random(sections) < share)
        return cls(tuple(int(z) for z in lost[: sections - 1]), **more)


def lose_sections(image: NDArray[Any], missing: MissingSections, frame: Frame) -> NDArray[np.float32]:
    """The image (…, Z, Y, X) without its lost sections. Where the first sections are lost, `repeat` takes the next that is there.

    Raises CellmlError for section numbers outside the image, and where none is left to repeat.
    """
    grey = require_image(image, "Missing sections").copy()
    lost = _checked(missing, grey.shape[-3])
    if not missing.repeat:
        grey[..., lost, :, :] = frame.mean + missing.level * frame.deviation
        return grey
    there = np.setdiff1d(np.arange(grey.shape[-3]), lost)
    if len(there) == 0:
        raise CellmlError(f"All {grey.shape[-3]} sections are missing; there is none to repeat.")
    grey[..., lost, :, :] = grey[..., there[np.maximum(np.searchsorted(there, lost) - 1, 0)], :, :]
    return grey


def lose_labels(labels: NDArray[Any], missing: MissingSections, frame: Frame) -> NDArray[Any]:
    """Labels (…, Z, Y, X) with `ignore` on the lost sections; unchanged where `ignore` is none, for the specimen itself lost nothing."""
    if missing.ignore is None:
        return labels
    changed = labels.copy()
    changed[..., _checked(missing, labels.shape[-3]), :, :] = missing.ignore
    return changed


def _checked(missing: MissingSections, depth: int) -> NDArray[np.int64]:
    outside = [z for z in missing.sections if not 0 <= z < depth]
    if outside:
        raise CellmlError(f"Sections {outside} are to be missing, but the image has the sections 0 to {depth - 1}.")
    return np.unique(np.asarray(missing.sections, np.int64))


class RandomMissingSections(RandomArtefact):
    """Lost sections: a share drawn evenly; `repeat`, `level` and `ignore` as in `MissingSections`."""

    def __init__(self, share: Range = (0.0, 0.1), repeat: bool = False, level: float = 0.0, ignore: int | None = None, **more: Any) -> None:
        super().__init__(**more)
        self.share, self.fixed = number_range(share, "share of lost sections", 0, 1), {"repeat": repeat, "level": level, "ignore": ignore}

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> MissingSections:
        """Which sections are lost."""
        return MissingSections.drawn(shape[0], float(rng.uniform(*self.share)), rng, **self.fixed)

    def apply(self, image: NDArray[Any], parameters: MissingSections) -> NDArray[np.float32]:
        """See `lose_sections`."""
        return lose_sections(image, parameters, self.frame)

    def move(self, labels: NDArray[Any], parameters: MissingSections) -> NDArray[Any]:
        """See `lose_labels`."""
        return lose_labels(labels, parameters, self.frame)
