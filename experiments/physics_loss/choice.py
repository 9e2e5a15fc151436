"""How far to train, and with what weight: the same rule for all, by errors on validation shapes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from routes import ROUTES, Way

Floats = NDArray[np.float64]
FAILED = 1.0  # the error of an answer that could not be had, as in `cellml.evaluation`
LOST = 0.01  # Dice that a choice may cost at most


@dataclass(frozen=True)
class Setting:
    """A way of training, and after how many steps it stops; 0: the start, whatever the way."""

    way: Way
    steps: int

    def holds(self, row: dict[str, str]) -> bool:
        """Whether a row is of this setting."""
        if int(row["steps"]) != self.steps:
            return False
        return self.steps == 0 or (float(row["physics"]), row["surfaces"]) == (self.way.physics, str(self.way.surfaces))


START = Setting(Way(0), 0)


class Scores:
    """All rows of one setting, (S, N): seeds by shapes, both in order."""

    def __init__(self, rows: list[dict[str, str]], setting: Setting) -> None:
        self.rows = {(int(row["seed"]), int(row["shape"])): row for row in rows if setting.holds(row)}
        self.seeds = sorted({seed for seed, _ in self.rows})
        self.shapes = sorted({shape for _, shape in self.rows})

    @property
    def complete(self) -> bool:
        """Whether every seed has every shape."""
        return bool(self.rows) and len(self.rows) == len(self.seeds) * len(self.shapes)

    def column(self, name: str) -> Floats:
        """(S, N); NaN for what could not be had."""
        return np.array([[_number(self.rows[seed, shape][name]) for shape in self.shapes] for seed in self.seeds])

    def errors(self, names: tuple[str, ...]) -> Floats:
        """|predicted / true − 1|, (S, N): the mean over some answers; FAILED where an answer could not be had."""
        return np.mean([np.nan_to_num(np.abs(self.column(name)), nan=FAILED) for name in names], axis=0)


def _number(text: str) -> float:
    return float({"True": "1", "False": "0"}.get(text, text or "nan"))


def median_error(errors: Floats) -> float:
    """Of errors (S, N): the median over shapes, in the mean over seeds."""
    return float(np.median(errors, axis=1).mean())


def candidates(route: str, steps: tuple[int, ...], *, physics: bool) -> list[Setting]:
    """The start, and all that one arm may choose from, few steps first."""
    ways = [way for way in ROUTES[route].ways if bool(way.physics) == physics]
    return [START, *(Setting(way, count) for count in steps for way in ways)]


def choose(rows: list[dict[str, str]], among: list[Setting], names: tuple[str, ...]) -> Setting:
    """The setting of least median error over validation shapes, of those whose mean Dice is at most LOST lower; the start is one."""
    least = float(Scores(rows, START).column("dice").mean()) - LOST
    found = {setting: Scores(rows, setting) for setting in among}
    allowed = {setting: of for setting, of in found.items() if of.complete and of.column("dice").mean() >= least}
    return min(allowed, key=lambda setting: median_error(allowed[setting].errors(names)))
