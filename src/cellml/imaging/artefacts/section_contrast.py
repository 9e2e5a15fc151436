"""Contrast and brightness that jump from section to section: staining, section thickness, a microscope that was set anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.imaging.artefacts.random import RandomArtefact, Range, number_range
from cellml.imaging.frame import Frame, require_image


@dataclass(frozen=True)
class SectionContrast:
    """gains: factor on the contrast of each section; offsets: added brightness of each section, in standard deviations of the image."""

    gains: tuple[float, ...]
    offsets: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.gains) != len(self.offsets) or min(self.gains, default=1.0) <= 0:
            raise CellmlError(
                f"A contrast jump needs a positive gain and an offset for each section, got {len(self.gains)} gains "
                f"(least {min(self.gains, default=1.0):g}) and {len(self.offsets)} offsets."
            )

    @classmethod
    def drawn(cls, sections: int, contrast: float, brightness: float, rng: np.random.Generator) -> SectionContrast:
        """Independent sections: gains log-normal of relative spread `contrast`, offsets normal of spread `brightness` (deviations)."""
        gains = np.exp(contrast * rng.standard_normal(sections))
        return cls(tuple(gains.tolist()), tuple((brightness * rng.standard_normal(sections)).tolist()))


def jump_contrast(image: NDArray[Any], jumps: SectionContrast, frame: Frame) -> NDArray[np.float32]:
    """v(z) → m + g(z) (v − m) + b(z) s in every section z; m, s: mean and deviation of the frame; image (…, Z, Y, X).

    Raises CellmlError where the image has another number of sections.
    """
    grey = require_image(image, "A contrast jump")
    if grey.shape[-3] != len(jumps.gains):
        raise CellmlError(
            f"The image has {grey.shape[-3]} sections, but {len(jumps.gains)} gains and offsets were given; give one for each."
        )
    gains, offsets = (np.asarray(v, np.float32)[:, None, None] for v in (jumps.gains, jumps.offsets))
    return np.asarray(frame.mean + gains * (grey - frame.mean) + offsets * frame.deviation, np.float32)


class RandomSectionContrast(RandomArtefact):
    """Contrast jumps whose spreads are drawn evenly: `contrast` as a share, `brightness` in standard deviations of the image."""

    def __init__(self, contrast: Range = (0.0, 0.2), brightness: Range = (0.0, 0.3), **more: Any) -> None:
        super().__init__(**more)
        self.contrast, self.brightness = number_range(contrast, "contrast jump"), number_range(brightness, "brightness")

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> SectionContrast:
        """A gain and an offset for each section."""
        return SectionContrast.drawn(shape[0], float(rng.uniform(*self.contrast)), float(rng.uniform(*self.brightness)), rng)

    def apply(self, image: NDArray[Any], parameters: SectionContrast) -> NDArray[np.float32]:
        """See `jump_contrast`."""
        return jump_contrast(image, parameters, self.frame)
