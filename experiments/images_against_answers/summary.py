"""What the rows of a condition say, with intervals by resampling neurites."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from typing import Any

import numpy as np
from judge import OBSERVABLES
from numpy.typing import NDArray

from cellml.metrics.bootstrap import Bootstrap

Row = Mapping[str, str]
DRAWS = Bootstrap(samples=2000, seed=0, level=0.9)


@dataclass(frozen=True)
class Errors:
    """Neurites of one condition, part and judge. error: (N,) relative, of each neurite the median over its observables, 1 where there is no
    answer; answered: (N,) whether there is one; dice: (N,); ratio: (N,) predicted over true first-passage time, NaN without an answer.
    """

    neurites: tuple[int, ...]
    error: NDArray[np.float64]
    answered: NDArray[np.bool_]
    dice: NDArray[np.float64]
    ratio: NDArray[np.float64]
    pieces: NDArray[np.float64]

    @property
    def capped(self) -> NDArray[np.float64]:
        """Errors, those above 1 counted as 1: an answer that is wrong by more is as good as none, and the mean is finite."""
        return np.minimum(self.error, 1.0)


def errors_of(rows: Iterable[Row]) -> Errors:
    """Of the rows of one condition, part and judge; the last row of a neurite counts."""
    last = {int(row["neurite"]): row for row in rows}
    numbers = tuple(sorted(last))
    found = [last[n] for n in numbers]
    ratio = [_ratio(row, OBSERVABLES[0]) for row in found]
    return Errors(
        numbers,
        np.array([neurite_error(row) for row in found]),
        np.array([isfinite(r) for r in ratio]),
        np.array([float(row["dice"]) for row in found]),
        np.array(ratio),
        np.array([float(row["pieces"]) for row in found]),
    )


def neurite_error(row: Row, observables: Sequence[str] = OBSERVABLES) -> float:
    """Median over the observables that the true shape has of |prediction − truth| / truth, 1 where there is no prediction."""
    known = [name for name in observables if isfinite(float(row[f"true_{name}"]))]
    ratios = [_ratio(row, name) for name in known]
    return float(np.median([abs(r - 1) if isfinite(r) else 1.0 for r in ratios])) if known else nan


def _ratio(row: Row, observable: str) -> float:
    return float(row[observable]) / float(row[f"true_{observable}"])


@dataclass(frozen=True)
class Spread:
    """A number with the ends of its 90 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        value, low, high = (f"{round(number, 2) + 0.0:.2f}".replace("-", "−") for number in (self.value, self.low, self.high))
        return f"{value} ({low} to {high})"


def median_error(found: Errors) -> Spread:
    """Median over neurites; a neurite without an answer has the error 1."""
    return _spread(found.error, np.median)


def mean_error(found: Errors) -> Spread:
    """Mean over neurites of min(error, 1)."""
    return _spread(found.capped, np.mean)


def mean_change(found: Errors, reference: Errors) -> Spread:
    """By how much the mean of min(error, 1) differs from that of a reference, over the same neurites, drawn together.

    Raises ValueError for other neurites.
    """
    if found.neurites != reference.neurites:
        raise ValueError(f"The neurites differ: {found.neurites} and {reference.neurites}.")
    return _spread(found.capped - reference.capped, np.mean)


def _spread(values: NDArray[np.float64], statistic: Callable[..., Any]) -> Spread:
    rng = np.random.default_rng(DRAWS.seed)
    drawn = statistic(values[rng.integers(len(values), size=(DRAWS.samples, len(values)))], axis=1)
    low, high = DRAWS.interval(drawn)
    return Spread(float(statistic(values)), low, high)


def chosen_strength(candidates: Mapping[str, float]) -> str:
    """Strength → error on the validation part: the strength of the least, the first (the weakest) of equal ones."""
    return min(candidates, key=lambda strength: candidates[strength])
