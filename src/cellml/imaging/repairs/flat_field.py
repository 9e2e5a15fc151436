"""Even illumination from uneven: by a reference image, or by what all sections have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cellml.errors import CellmlError
from cellml.imaging.frame import require_range
from cellml.imaging.repairs.sections import Section, Sections


@dataclass(frozen=True)
class FlatField:
    """Divides every section by the light that all of them share.

    The light is the mean over sections of each section over its own mean, smoothed by a Gaussian of standard deviation width_nm: structure
    averages out over sections and width, light does not (retrospective shading correction; Peng et al. 2017 separate them by sparsity
    instead, which needs fewer sections). black: grey value of no electron, which light does not change.
    """

    width_nm: float = 400.0
    black: float = 0.0

    def __post_init__(self) -> None:
        require_range(self.width_nm, 1e-3, 1e12, "width_nm")

    def prepare(self, sections: Sections) -> Callable[[int], Section]:
        """Measures the light. Raises CellmlError where a section's mean is not above black."""
        from scipy.ndimage import gaussian_filter

        light = np.zeros_like(sections.read(0), np.float64)
        for z in range(sections.depth):
            section = sections.read(z) - np.float32(self.black)
            mean = float(section.mean(dtype=np.float64))
            if mean <= 0:
                raise CellmlError(
                    f"{sections.name}: section {z} has mean {mean + self.black:g}, not above black={self.black:g}; give its grey value."
                )
            light += section / mean
        light = gaussian_filter(light, [self.width_nm / s for s in sections.spacing[1:]], mode="nearest")
        return _divided(sections, (light / light.mean()).astype(np.float32), self.black)


@dataclass(frozen=True)
class FlatFieldReference:
    """Divides every section by a reference: (v − dark) / (bright − dark), scaled so that the light's mean counts 1, plus dark's mean.

    bright, dark: images of no specimen with and without beam, a file each of one or more sections, which are averaged, (z, Y, X) of the
    same size as the sections; dark none for black = 0 everywhere. (Seibert et al. 1998, eq. 1.)
    """

    bright: str
    dark: str | None = None

    def prepare(self, sections: Sections) -> Callable[[int], Section]:
        """Reads the references. Raises CellmlError where their size differs, or bright is not above dark."""
        shape = sections.read(0).shape
        dark = np.zeros(shape, np.float32) if self.dark is None else _reference(self.dark, shape)
        light = _reference(self.bright, shape) - dark
        if not (light > 0).all():
            raise CellmlError(
                f"{self.bright} is not above the dark reference in {int((light <= 0).sum())} pixels; dead pixels cannot be divided by."
            )
        return _divided(sections, light / light.mean(), dark)


def _divided(sections: Sections, light: Section, black: float | Section) -> Callable[[int], Section]:
    if not (light > 0).all():
        raise CellmlError(
            f"{sections.name}: the estimated light is not positive everywhere (least {light.min():g}); give another black or width_nm."
        )
    return lambda z: np.asarray((sections.read(z) - black) / light + np.mean(black), np.float32)


def _reference(path: str, shape: tuple[int, ...]) -> Section:
    from cellml.io import open_image

    with open_image(path, spacing_nm=(1.0, 1.0, 1.0)) as image:
        mean = image.read().astype(np.float64).reshape(-1, *image.shape[-2:]).mean(axis=0)
    if mean.shape != tuple(shape):
        raise CellmlError(
            f"{path} has {mean.shape} pixels (y, x), but the sections have {tuple(shape)}; take a reference of the same size."
        )
    return np.asarray(mean, np.float32)
