"""Drawn answers made honest: how far to widen their spread so that the truth lies inside as often as is said.

Draws of geometries see only the errors that were thought of. On objects whose truth is known, what must be added is measured: with the
middle m and the spread σ of the logarithm of an object's draws, the true answer is m + shift + r √((inflation σ)² + floor²), where r is one
of the residuals that were found there. Everything is multiplicative, because times and conductances are positive and range over decades.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

Floats = NDArray[np.float64]
_FEWEST = 8
_NORMAL = 1.6448536269514722  # 95th percentile of the standard normal: 90 % within
_SPREAD_OF_MAD = 1.4826


@dataclass(frozen=True)
class Drawn:
    """Draws of one object in five numbers: middle (median of the logarithm), spread (robust: the larger of 1.4826 median absolute
    deviations and a third of the range from the 5th to the 95th percentile), missing (share of draws without an answer), low and high
    (5th and 95th percentile of the logarithm).
    """

    middle: float
    spread: float
    missing: float
    low: float = float("nan")
    high: float = float("nan")


def _end(level: float) -> float:
    """The quantile of the standard normal up to which the share `level` lies on both sides of 0 together; 1.64 for 0.9."""
    from scipy.special import ndtri

    return float(ndtri(0.5 * (1 + level)))


def summarised(values: Sequence[float] | Floats) -> Drawn:
    """The summary of draws, NaN for those without an answer. Raises CellmlError where none has a positive one."""
    array = np.asarray(values, np.float64).reshape(-1)
    good = array[np.isfinite(array) & (array > 0)]
    if not len(good):
        raise CellmlError(f"None of {len(array)} draws has a positive answer, so there is nothing to summarise.")
    logs = np.log(good)
    middle = float(np.median(logs))
    low, high = np.percentile(logs, (5, 95))
    spread = max(_SPREAD_OF_MAD * float(np.median(np.abs(logs - middle))), float(high - low) / (2 * _NORMAL))
    return Drawn(middle, spread, 1 - len(good) / len(array), float(low), float(high))


@dataclass(frozen=True)
class SpreadCalibration:
    """shift, floor: of the logarithm; inflation: of the draws' spread; missing_floor: added to the floor where all draws lack an answer,
    in proportion to their share; low, high: residuals between which `level` of them lie; objects: how many it was measured on.

    The default adds nothing: the draws' own normal interval.
    """

    shift: float = 0.0
    inflation: float = 1.0
    floor: float = 0.0
    missing_floor: float = 0.0
    low: float = -_NORMAL
    high: float = _NORMAL
    level: float = 0.9
    objects: int = 0

    def scale(self, drawn: Drawn) -> float:
        """√((inflation σ)² + (floor + missing · missing_floor)²)."""
        return float(np.hypot(self.inflation * drawn.spread, self.floor + drawn.missing * self.missing_floor))

    def deviation(self, drawn: Drawn) -> float:
        """The standard deviation of the logarithm of a normal whose interval of the level is as wide."""
        return self.scale(drawn) * (self.high - self.low) / (2 * _end(self.level))

    def interval(self, drawn: Drawn) -> tuple[float, float]:
        """The ends of the interval, in the unit of the answer."""
        centre, scale = drawn.middle + self.shift, self.scale(drawn)
        return float(np.exp(centre + self.low * scale)), float(np.exp(centre + self.high * scale))

    def draws(self, drawn: Drawn, count: int, rng: np.random.Generator) -> Floats:
        """Draws of the answer, (count,): a split normal whose quantiles at (1 ∓ level)/2 are the ends of the interval."""
        normal = rng.standard_normal(count)
        side = np.where(normal < 0, -self.low, self.high) / _end(self.level)
        return np.asarray(np.exp(drawn.middle + self.shift + self.scale(drawn) * side * normal))

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers for a file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, numbers: Mapping[str, Any]) -> SpreadCalibration:
        """The inverse of `as_dict`. Raises CellmlError for unknown keys."""
        unknown = sorted(set(numbers) - set(cls.__dataclass_fields__))
        if unknown:
            raise CellmlError(f"A calibration of spreads has no {', '.join(unknown)}; it has {', '.join(cls.__dataclass_fields__)}.")
        values: dict[str, Any] = {key: float(value) if key != "objects" else int(value) for key, value in numbers.items()}
        return cls(**values)


@dataclass(frozen=True)
class WidenedPercentiles:
    """The 5th and 95th percentile of an object's draws, moved outwards by `widen` in the logarithm, and by missing · missing_widen more.

    Unlike a spread about the middle this knows that draws which merge an object with a neighbour are on one side only. level: of the
    interval; objects: how many it was measured on; shift: always 0, the middle stays where it is.
    """

    widen: float
    missing_widen: float = 0.0
    level: float = 0.9
    objects: int = 0
    shift: float = 0.0

    def interval(self, drawn: Drawn) -> tuple[float, float]:
        """The ends of the interval, in the unit of the answer."""
        by = self.widen + drawn.missing * self.missing_widen
        return float(np.exp(drawn.low - by)), float(np.exp(drawn.high + by))

    def deviation(self, drawn: Drawn) -> float:
        """The standard deviation of the logarithm of a normal whose interval of the level is as wide."""
        low, high = self.interval(drawn)
        return float(np.log(high / low) / (2 * _end(self.level)))

    def draws(self, drawn: Drawn, count: int, rng: np.random.Generator) -> Floats:
        """Draws of the answer, (count,): a split normal about the middle, with the ends of the interval as its quantiles."""
        low, high = np.log(self.interval(drawn))
        normal = rng.standard_normal(count)
        sides = np.where(normal < 0, drawn.middle - low, high - drawn.middle) / _end(self.level)
        return np.asarray(np.exp(drawn.middle + normal * sides))

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers for a file."""
        return asdict(self)


def calibration_of(numbers: Mapping[str, Any]) -> SpreadCalibration | WidenedPercentiles:
    """The calibration that `as_dict` of either kind wrote.

    Raises CellmlError for unknown keys and a level that is no share, TypeError for missing ones.
    """
    if not 0 < float(numbers.get("level", 0.9)) < 1:
        raise CellmlError(f"A calibration of spreads has the level {numbers['level']}; it must be a share between 0 and 1, such as 0.9.")
    if "widen" not in numbers:
        return SpreadCalibration.from_dict(numbers)
    unknown = sorted(set(numbers) - set(WidenedPercentiles.__dataclass_fields__))
    if unknown:
        raise CellmlError(f"A calibration of percentiles has no {', '.join(unknown)}.")
    values: dict[str, Any] = {key: float(value) if key != "objects" else int(value) for key, value in numbers.items()}
    return WidenedPercentiles(**values)


def interval_score(truth: Floats, low: Floats, high: Floats, level: float = 0.9) -> Floats:
    """(u − l) + 2/α (l − x)₊ + 2/α (x − u)₊ with α = 1 − level, the lower the better (Gneiting and Raftery 2007, eq. 43)."""
    alpha = 1 - level
    return np.asarray((high - low) + 2 / alpha * (np.maximum(low - truth, 0) + np.maximum(truth - high, 0)))


def fit_spread(
    drawn: Sequence[Drawn],
    truth: Sequence[float],
    *,
    level: float = 0.9,
    inflation: float | None = None,
    floor: float | None = None,
    missing_floor: float = 0.0,
    two_sided: bool = True,
) -> SpreadCalibration:
    """Measure what must be added on objects whose truth is known (conformal prediction with scaled residuals, Lei et al. 2018).

    r = (ln truth − m − shift) / scale; the shift is the median of ln truth − m; inflation, floor: fixed, or the pair of least mean
    interval score (of logarithms) on a grid where None; low and high are the residuals of ranks ⌊(n + 1)(1 − level)/2⌋ and
    ⌈(n + 1)(1 + level)/2⌉, or ∓ the |r| of rank ⌈(n + 1) level⌉ where not `two_sided`; beyond n, the outermost. With a shift and a scale
    from elsewhere a further object of the kind lies inside with at least the chance `level`; here both are taken from the same objects,
    which costs a little of it: judge on others. Raises CellmlError for fewer than 8 objects.
    """
    logs, middles = _logs(drawn, truth)
    shift = float(np.median(logs - middles))
    best: tuple[float, SpreadCalibration] | None = None
    for one in [inflation] if inflation is not None else (0.0, 0.5, 1.0, 1.5, 2.0, 3.0):
        for other in [floor] if floor is not None else (0.02, 0.05, 0.1, 0.2, 0.4):
            found = _with_ranks(SpreadCalibration(shift, one, other, missing_floor, level=level, objects=len(logs)), drawn, logs, two_sided)
            ends = np.log([found.interval(d) for d in drawn])
            score = float(interval_score(logs, ends[:, 0], ends[:, 1], level).mean())
            if best is None or score < best[0]:
                best = (score, found)
    assert best is not None
    return best[1]


def fit_score(drawn: Sequence[Drawn], truth: Sequence[float], *, level: float = 0.9) -> SpreadCalibration:
    """The calibration of least mean interval score of logarithms: inflation, floor and missing_floor on a grid, ends as of a normal.

    The score is proper (Gneiting and Raftery 2007), so that what it asks for is the interval of the level; unlike ranks it promises no
    coverage, and unlike them it does not widen all intervals for the sake of one object that no draw doubted. Raises CellmlError for fewer
    than 8 objects.
    """
    logs, middles = _logs(drawn, truth)
    shift, end = float(np.median(logs - middles)), _end(level)
    spreads, missing = np.array([d.spread for d in drawn]), np.array([d.missing for d in drawn])
    best: tuple[float, SpreadCalibration] | None = None
    for one in (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0):
        for other in (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6):
            for third in (0.0, 0.5, 1.0, 2.0):
                half = end * np.hypot(one * spreads, other + missing * third)
                score = float(interval_score(logs, middles + shift - half, middles + shift + half, level).mean())
                if best is None or score < best[0] - 1e-12:
                    best = (score, SpreadCalibration(shift, one, other, third, -end, end, level, len(logs)))
    assert best is not None
    return best[1]


def fit_percentiles(drawn: Sequence[Drawn], truth: Sequence[float], *, level: float = 0.9, ranks: bool = False) -> WidenedPercentiles:
    """How far percentiles must be moved outwards, measured on objects whose truth is known.

    E = max(low − ln truth, ln truth − high) of each. ranks: widen by that of rank ⌈(n + 1) level⌉ (conformalised quantile regression,
    Romano, Patterson and Candès 2019), which promises the level; else by what gives the least mean interval score of logarithms, which
    lets objects go that no draw doubted as long as they are fewer than 1 − level. Raises CellmlError for fewer than 8 objects.
    """
    logs, _ = _logs(drawn, truth)
    low, high, missing = (np.array([getattr(d, name) for d in drawn]) for name in ("low", "high", "missing"))
    beyond = np.maximum(low - logs, logs - high)
    n = len(logs)
    if ranks:
        return WidenedPercentiles(float(max(0.0, np.sort(beyond)[min(n, int(np.ceil((n + 1) * level))) - 1])), 0.0, level, n)
    best: tuple[float, WidenedPercentiles] | None = None
    for more in (0.0, 0.25, 0.5, 1.0):
        for widen in (0.01, *np.sort(beyond[beyond > 0.01])):
            by = widen + more * missing
            score = float(interval_score(logs, low - by, high + by, level).mean())
            if best is None or score < best[0] - 1e-12:
                best = (score, WidenedPercentiles(float(widen), more, level, n))
    assert best is not None
    return best[1]


def _logs(drawn: Sequence[Drawn], truth: Sequence[float]) -> tuple[Floats, Floats]:
    """Logarithms of the truth, and middles of the draws."""
    with np.errstate(divide="ignore", invalid="ignore"):  # what is not positive is refused below
        logs = np.log(np.asarray(truth, np.float64))
    if len(logs) < _FEWEST or len(logs) != len(drawn) or not np.isfinite(logs).all():
        raise CellmlError(
            f"A calibration of spreads needs at least {_FEWEST} objects with positive truth, got {len(logs)} of {len(drawn)}."
        )
    return logs, np.array([d.middle for d in drawn])


def _with_ranks(start: SpreadCalibration, drawn: Sequence[Drawn], logs: Floats, two_sided: bool) -> SpreadCalibration:
    """The calibration with the residuals' conformal ranks as its ends."""
    from dataclasses import replace

    scales = np.array([start.scale(d) for d in drawn])
    residuals = np.sort((logs - np.array([d.middle for d in drawn]) - start.shift) / np.maximum(scales, 1e-12))
    n = len(residuals)
    if not two_sided:
        sizes = np.sort(np.abs(residuals))
        end = float(sizes[min(n, int(np.ceil((n + 1) * start.level))) - 1])
        return replace(start, low=-end, high=end)
    top = min(n, int(np.ceil((n + 1) * 0.5 * (1 + start.level)))) - 1
    return replace(start, low=float(min(residuals[n - 1 - top], 0)), high=float(max(residuals[top], 0)))
