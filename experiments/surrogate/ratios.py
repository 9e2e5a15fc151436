"""Curves of errors over solves, and how many solves a way of choosing needs for what random choice reaches."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.populations.surrogate.learning import solves_needed
from cellml.report.rows import read_rows

RANDOM, CLOSED, DRAWS = "at random", 0.9, 2000  # CLOSED: of the way to the error with the whole pool, where solves are compared
Floats = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Curves:
    """solves: (P,); folds: (S,) of the test stacks of each seed; errors: by way and by set and measure (S, P); whole: of random choice when
    it has simulated the whole pool, (S,).
    """

    solves: tuple[int, ...]
    folds: Index
    errors: dict[str, dict[str, Floats]]
    whole: dict[str, Floats]

    @classmethod
    def read(cls, path: Path, solves: tuple[int, ...], keys: tuple[str, ...], folds: int) -> Curves:
        """Of the seeds that all ways in the file have. Raises CellmlError where there are none."""
        rows = read_rows(path)
        ways = list(dict.fromkeys(row["way"] for row in rows))
        shared = sorted(set.intersection(*({int(row["seed"]) for row in rows if row["way"] == way} for way in ways))) if ways else []
        if not shared:
            raise CellmlError(f"{path} has no seed with all of {', '.join(ways) or 'the ways'}; run the study without stage=summary.")
        errors, found = {}, {(row["way"], int(row["seed"])): row for row in rows}
        for way in ways:
            errors[way] = {key: np.array([[float(v) for v in found[way, seed][key].split()] for seed in shared]) for key in keys}
        whole = {key: errors[RANDOM][key][:, -1] for key in keys}
        cut = {way: {key: values[:, : len(solves)] for key, values in one.items()} for way, one in errors.items()}
        return cls(solves, np.array(shared) % folds, cut, whole)

    def reference(self, key: str) -> int:
        """Solves after which random choice has closed 90 % of the way from its first error to that with the whole pool, or all solves."""
        mean, last = self.errors[RANDOM][key].mean(axis=0), float(self.whole[key].mean())
        needed = solves_needed(self.solves, mean.tolist(), last + (1 - CLOSED) * (float(mean[0]) - last))
        return round(min(needed, self.solves[-1]))

    def ratio(self, way: str, key: str, at: float, rows: Index | None = None) -> float:
        """Solves that a way needs for the error that random choice has after `at` solves, over `at`; of mean curves over rows of the seeds.

        A curve that does not come down so far counts as doing so at its end.
        """
        rows = np.arange(len(self.folds)) if rows is None else rows
        error = float(np.interp(at, self.solves, self.errors[RANDOM][key][rows].mean(axis=0)))
        return min(solves_needed(self.solves, self.errors[way][key][rows].mean(axis=0).tolist(), error), self.solves[-1]) / at

    def chosen(self, key: str, at: float) -> str:
        """The way with the lowest ratio."""
        return min((way for way in self.errors if way != RANDOM), key=lambda way: self.ratio(way, key, at))

    def interval(self, way: str, key: str, at: float) -> tuple[float, float]:
        """95 % of the ratios over resamples of folds of stacks, each with all its seeds."""
        rng, names = np.random.default_rng(0), np.unique(self.folds)
        rows = {fold: np.flatnonzero(self.folds == fold) for fold in names}
        drawn = [self.ratio(way, key, at, np.concatenate([rows[f] for f in rng.choice(names, len(names))])) for _ in range(DRAWS)]
        low, high = np.percentile(drawn, (2.5, 97.5))
        return float(low), float(high)
