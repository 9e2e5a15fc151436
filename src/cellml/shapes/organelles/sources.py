"""Where the shapes of organelles come from: surfaces that were observed, or a learned model of shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.types import Surface

Floats = NDArray[np.float64]


class ShapeSource(Protocol):
    """Gives surfaces of any size; who draws them scales them."""

    def draw(self, count: int, seed: int) -> list[Surface]:
        """`count` closed surfaces; the same seed gives the same."""
        ...


@dataclass(frozen=True, eq=False)
class ObservedShapes:
    """Observed surfaces, drawn with replacement. Raises CellmlError where there is none."""

    surfaces: tuple[Surface, ...]

    def __post_init__(self) -> None:
        if not self.surfaces:
            raise CellmlError("There is no shape to draw organelles from; give examples that do not touch the border of their volume.")

    def draw(self, count: int, seed: int) -> list[Surface]:
        """Surfaces as they were observed."""
        rows = np.random.default_rng(seed).integers(len(self.surfaces), size=count)
        return [self.surfaces[row] for row in rows.tolist()]


@dataclass(frozen=True, eq=False)
class ModelledShapes:
    """Shapes that a `cellml.shapes.model.ShapeModel` generates. model: PCA, a VAE, a GAN …; condition: of the class, "" for none."""

    model: Any
    condition: str = ""

    def draw(self, count: int, seed: int) -> list[Surface]:
        """Surfaces decoded from codes that the model samples."""
        return list(self.model.decode(self.model.sample(count, seed, self.condition)))


@dataclass(frozen=True)
class SizeModel:
    """Volumes are log-normal. mean, spread: of ln volume in nm³."""

    mean: float
    spread: float

    @classmethod
    def of_diameter(cls, median_nm: float, spread: float) -> SizeModel:
        """From the median diameter of the ball of equal volume in nm, and the standard deviation of ln diameter."""
        if not (np.isfinite(median_nm) and median_nm > 0 and np.isfinite(spread) and spread >= 0):
            raise CellmlError(f"A diameter has a positive median in nm and a spread of 0 or more, got {median_nm} and {spread}.")
        return cls(float(np.log(np.pi / 6 * median_nm**3)), 3 * spread)

    def draw(self, count: int, rng: np.random.Generator) -> Floats:
        """The ln volumes, (count,), within three standard deviations, so that no organelle is larger than any that was seen."""
        return self.mean + self.spread * np.clip(rng.normal(size=count), -3, 3)


def fit_size(volumes: Floats) -> SizeModel:
    """From observed volumes (N,) in nm³. Raises CellmlError for none, and for volumes that are not positive."""
    volumes = np.asarray(volumes, float)
    if not len(volumes) or not (np.isfinite(volumes) & (volumes > 0)).all():
        raise CellmlError(f"Sizes need positive volumes; got {len(volumes)}, of which {int((~(volumes > 0)).sum())} are not.")
    return SizeModel(float(np.log(volumes).mean()), float(np.log(volumes).std()))
