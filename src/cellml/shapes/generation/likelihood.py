"""How likely the codes of any shape model are, and codes that are as rare as is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.shapes.model import ShapeModel
from cellml.shapes.statistical.rarity import Calibration, Levels

Floats = NDArray[np.float64]

_DRAWS = 20_000
_MOST_STRETCH = 64.0


@dataclass(frozen=True, eq=False)
class Likelihood:
    """draws: (M, K) codes that the model drew; levels: of their densities; calibration: to rarity among real shapes; calibrated: whether
    that was measured on held-out groups, or the model's own rarity is given; peak: (K,) the likeliest code.
    """

    model: ShapeModel
    draws: Floats
    densities: Floats
    levels: Levels
    calibration: Calibration
    calibrated: bool
    peak: Floats

    def rarity(self, codes: Floats) -> Floats:
        """Share of shapes that are less likely, (N,): 0.001 is one in a thousand."""
        return self.calibration.calibrated(self.levels.rarity(self.model.log_density(codes)))

    def codes_at(self, rarity: float, count: int) -> Floats:
        """Codes (count, K) that are as rare as `rarity`: draws of about that density, moved away from the likeliest code, or toward it,
        until their density is that of the level. Raises CellmlError for a rarity that is no share, and where no density is so low.
        """
        raw = self.calibration.raw(rarity)
        if raw <= 0:
            raise CellmlError(f"rarity={rarity} is beyond what the model can tell; ask for a larger one, such as 0.001.")
        level = self.levels.level(raw)
        nearest = np.argsort(np.abs(self.densities - level), kind="stable")[:count]
        return np.stack([self._moved(self.draws[n], level, rarity) for n in nearest])

    def _moved(self, code: Floats, level: float, rarity: float) -> Floats:
        """Bisection along the ray from the peak through a code."""
        near, far = 0.0, 1.0
        while self._along(code, far) > level:
            near, far = far, 2 * far
            if far > _MOST_STRETCH:
                raise CellmlError(f"No shape of this model is as rare as {rarity}; ask for a larger rarity.")
        for _ in range(40):
            middle = (near + far) / 2
            near, far = (middle, far) if self._along(code, middle) > level else (near, middle)
        return np.asarray(self.peak + far * (code - self.peak))

    def _along(self, code: Floats, stretch: float) -> float:
        return float(self.model.log_density((self.peak + stretch * (code - self.peak))[None])[0])


def rarity_text(rarity: float) -> str:
    """How rare, in words: "one in 1000", or "40 % are rarer" for usual shapes; "" where it is not known."""
    if not np.isfinite(rarity):
        return ""
    if rarity >= 0.1:
        return f"{100 * rarity:.0f} % are rarer"
    count = 1.0 / max(rarity, 1e-12)
    return f"one in {count:.2g}" if count >= 1e6 else f"one in {float(f'{count:.2g}'):.0f}"


def likelihood_of(model: Any, seed: int, condition: str = "") -> Likelihood | None:
    """The likelihoods of a model, None where it has no density. condition: as of `ShapeModel.sample`; codes are drawn under it."""
    draws = model.sample(_DRAWS, seed, condition)
    try:
        densities = np.asarray(model.log_density(draws), np.float64)
    except CellmlError:
        return None
    own = getattr(model, "net", None)
    known = getattr(own, "calibrated", None)
    calibrated = isinstance(known, Calibration) and known != Calibration()
    peak = draws[densities.argmax()]
    if hasattr(model, "likeliest") and not condition:
        peak = model.likeliest()[0]
    levels = own.levels if calibrated and not condition else Levels.of(densities)  # type: ignore[union-attr]
    return Likelihood(model, draws, densities, levels, known if calibrated else Calibration(), calibrated, peak)  # type: ignore[arg-type]
