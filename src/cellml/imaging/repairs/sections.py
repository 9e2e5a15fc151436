"""An image as a row of sections that are read one by one, and what repairs of sections have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cellml.types import Triple

Section = NDArray[np.float32]


@dataclass(frozen=True)
class Sections:
    """read(z): section (Y, X) float32; depth: how many; spacing: (z, y, x) in nm; name: what messages call the image."""

    read: Callable[[int], Section]
    depth: int
    spacing: Triple
    name: str = "the image"

    @classmethod
    def of(cls, image: NDArray[Any], spacing: Triple, name: str = "the image") -> Sections:
        """Of an image (Z, Y, X) in memory."""
        return cls(lambda z: np.asarray(image[z], np.float32), image.shape[0], spacing, name)


class SectionRepair(Protocol):
    """A repair that looks at every section once, then gives repaired sections in any order; memory is a few sections."""

    def prepare(self, sections: Sections) -> Callable[[int], Section]:
        """What must be known of the whole image is measured here; the result gives the repaired section of a number."""
