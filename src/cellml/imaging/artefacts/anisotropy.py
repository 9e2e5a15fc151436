"""Sections thicker than the voxels are long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.imaging.artefacts.random import RandomArtefact, Range, number_range
from cellml.imaging.frame import Frame, require_image, require_range


@dataclass(frozen=True)
class Anisotropy:
    """section_nm: thickness of a section along z; rounded to a whole number of voxels, at least one."""

    section_nm: float = 40.0

    def __post_init__(self) -> None:
        require_range(self.section_nm, 1e-3, 1e9, "section_nm")

    def sections(self, frame: Frame) -> int:
        """Voxels along z that one section covers."""
        return max(1, round(self.section_nm / frame.spacing[0]))


def thicken_sections(image: NDArray[Any], anisotropy: Anisotropy, frame: Frame) -> NDArray[np.float32]:
    """The image (…, Z, Y, X) as thick sections would show it, back on its own grid.

    A section averages the k voxels along z that it covers (projection through its thickness; the last may cover fewer); between the
    middles of sections the image is interpolated linearly, beyond the outermost it is constant.
    """
    grey = require_image(image, "Anisotropy")
    depth, k = grey.shape[-3], anisotropy.sections(frame)
    if k == 1:
        return grey.copy()
    starts = np.arange(0, depth, k)
    counts = np.diff([*starts, depth])
    thick = np.add.reduceat(grey, starts, axis=-3) / counts[:, None, None].astype(np.float32)
    middles = starts + (counts - 1) / 2
    position = np.interp(np.arange(depth), middles, np.arange(len(starts)))
    below = np.minimum(position.astype(int), max(len(starts) - 2, 0))
    weight = (position - below)[:, None, None].astype(np.float32)
    above = np.minimum(below + 1, len(starts) - 1)
    return np.asarray((1 - weight) * thick[..., below, :, :] + weight * thick[..., above, :, :], np.float32)


class RandomAnisotropy(RandomArtefact):
    """Thick sections, `section_nm` drawn evenly. The labels stay as they are: the specimen is the same."""

    def __init__(self, section_nm: Range = (10.0, 50.0), **more: Any) -> None:
        super().__init__(**more)
        self.section_nm = number_range(section_nm, "section_nm", 1e-3)

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Anisotropy:
        """The thickness."""
        return Anisotropy(float(rng.uniform(*self.section_nm)))

    def apply(self, image: NDArray[Any], parameters: Anisotropy) -> NDArray[np.float32]:
        """See `thicken_sections`."""
        return thicken_sections(image, parameters, self.frame)
