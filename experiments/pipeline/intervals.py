"""Ways to make an interval of a neurite's draws, all of them measured on one half of the block and judged on the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from neurites import Question
from numpy.typing import NDArray

from cellml.pipeline.answers import Answer
from cellml.pipeline.posterior import Calibrated, answer_grid
from cellml.uncertainty.spread import Drawn, fit_percentiles, fit_score, fit_spread, interval_score, summarised

Floats = NDArray[np.float64]
LEVEL = 0.9


@dataclass(frozen=True)
class Case:
    """A neurite with its truth and draws; drawn: None where no draw has an answer; values: those that have one."""

    name: str
    voxels: int
    truth: float
    values: Floats
    drawn: Drawn | None


# Each: (summaries, truths) → calibration; None: the draws' own percentiles, nothing measured.
WAYS: dict[str, Callable[[Sequence[Drawn], Sequence[float]], Calibrated] | None] = {
    "percentiles of the draws": None,
    "one width for all": lambda d, t: fit_spread(d, t, inflation=0.0, floor=1.0, two_sided=False),
    "one width for all, two-sided": lambda d, t: fit_spread(d, t, inflation=0.0, floor=1.0),
    "spread of the draws, scaled": lambda d, t: fit_spread(d, t, inflation=1.0, floor=0.02),
    "spread and floor, fitted": lambda d, t: fit_spread(d, t),
    "spread and floor, fitted, symmetric": lambda d, t: fit_spread(d, t, two_sided=False),
    "spread, floor and missing answers, least score": lambda d, t: fit_score(d, t),
    "percentiles, widened by rank": lambda d, t: fit_percentiles(d, t, ranks=True),
    "percentiles, widened by least score": lambda d, t: fit_percentiles(d, t),
}


def cases_of(rows: Sequence[Answer], asked: Sequence[Question]) -> list[Case]:
    """Draws and truths of all neurites that were asked about."""
    found = []
    for q in asked:
        grid = answer_grid([r for r in rows if r.object == q.followed.name])
        values = grid[np.isfinite(grid) & (grid > 0)]
        drawn = None
        if len(values) >= 2:
            drawn = summarised(grid)
        found.append(Case(q.followed.name, q.voxels, q.truth, values, drawn))
    return found


def interval(case: Case, calibration: Calibrated | None) -> tuple[float, float] | None:
    """The ends, None for a neurite without an interval."""
    if case.drawn is None:
        return None
    if calibration is None:
        low, high = np.quantile(case.values, (0.5 * (1 - LEVEL), 0.5 * (1 + LEVEL)))
        return float(low), float(high)
    return calibration.interval(case.drawn)


def calibrated(way: str, cases: Sequence[Case]) -> Calibrated | None:
    """A way's calibration on neurites of known truth."""
    make = WAYS[way]
    known = [c for c in cases if c.drawn is not None]
    return None if make is None else make([c.drawn for c in known if c.drawn is not None], [c.truth for c in known])


def left_one_out(way: str, cases: Sequence[Case]) -> list[tuple[float, float] | None]:
    """The interval of each neurite from a calibration on all others of the same half."""
    return [interval(case, calibrated(way, [c for c in cases if c is not case])) for case in cases]


def judged(cases: Sequence[Case], ends: Sequence[tuple[float, float] | None]) -> dict[str, float]:
    """Coverage (no interval is a miss), median width in units of the estimate, and interval scores over that of the population.

    The population's interval holds the middle 90 % of the true answers of these same neurites, which is more than anybody would know. A
    neurite without an interval gets the population's, in the score alone. score_ratio: in seconds; log_score_ratio: of logarithms.
    """
    truth = np.array([c.truth for c in cases])
    low, high = np.quantile(truth, (0.5 * (1 - LEVEL), 0.5 * (1 + LEVEL)))
    own = np.array([e if e is not None else (low, high) for e in ends])
    inside = [e is not None and e[0] <= t <= e[1] for e, t in zip(ends, truth, strict=True)]
    widths = [(e[1] - e[0]) / np.exp(c.drawn.middle) for e, c in zip(ends, cases, strict=True) if e is not None and c.drawn is not None]
    widths += [np.inf] * sum(e is None for e in ends)
    score = interval_score(truth, own[:, 0], own[:, 1], LEVEL).mean() / interval_score(truth, low, high, LEVEL).mean()
    logs = interval_score(np.log(truth), np.log(own[:, 0]), np.log(own[:, 1]), LEVEL).mean()
    logs /= interval_score(np.log(truth), np.log(low), np.log(high), LEVEL).mean()
    return {
        "coverage": float(np.mean(inside)),
        "width_median": float(np.median(widths)),
        "score_ratio": float(score),
        "log_score_ratio": float(logs),
        "without": float(sum(e is None for e in ends)),
    }


def chosen(samples: Mapping[str, Sequence[Case]]) -> tuple[str, str, dict[str, dict[str, dict[str, float]]]]:
    """Samples and way of the least interval score in seconds among those that, left one out on the calibration half, cover at least 80 %
    with a median width of at most the estimate, which is what is asked of them; and what all of them reach.
    """
    found = {name: {way: judged(cases, left_one_out(way, cases)) for way in WAYS} for name, cases in samples.items()}
    every = [(f["score_ratio"], name, way) for name, ways in found.items() for way, f in ways.items()]
    good = [one for one in every if found[one[1]][one[2]]["coverage"] >= 0.8 and found[one[1]][one[2]]["width_median"] <= 1]
    _, name, way = min(good or every)
    return name, way, found
