"""Variance parts of inputs that are random draws, not numbers: which noise, which segmentation, which mesh.

Each input has a few drawn levels, and answers are known for combinations of levels (all of them, or some). Nothing but equality of levels
is used: half the mean squared difference over pairs of answers that share the levels of a set S of inputs, and no others, is
γ(S) = V − Var E[Y | X_S], without bias for every number of levels. So

    V = γ(∅),   S_i = 1 − γ({i}) / γ(∅),   T_i = γ(all but i) / γ(∅),

the last being Jansen's formula (1999) and the second its complement (Owen, Dick and Chen 2014 on closed indices). Answers that are missing
take their pairs with them, nothing else. The price of few levels is wide intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Part:
    """Variance that one input explains alone (`first`) and with its interactions (`total`), in the squared unit of the answer; NaN where no
    pair of answers tells.
    """

    name: str
    first: float
    total: float


@dataclass(frozen=True)
class Parts:
    """variance: of the answer; parts: of each input. Estimates are unbiased, so that small ones may be below 0."""

    variance: float
    parts: tuple[Part, ...]


def variance_parts(answers: Floats, names: Sequence[str], weights: Sequence[Floats] | None = None) -> Parts:
    """Parts of the variance from answers on a grid of levels.

    answers: (n_1 … n_k), one axis for each input, NaN where there is none; weights: of the levels of each axis, ones where None. Raises
    CellmlError where axes and names differ, or where no two answers differ in every input that has several levels.
    """
    if answers.ndim != len(names):
        raise CellmlError(f"Answers with {answers.ndim} axes have the names {list(names)}; give one name an axis.")
    known = np.argwhere(np.isfinite(answers))
    values = answers[tuple(known.T)]
    first, second = np.triu_indices(len(values), 1)
    shared = known[first] == known[second]
    squares = 0.5 * (values[first] - values[second]) ** 2
    weight = np.ones(len(squares))
    if weights is not None:
        of_cell = np.prod([np.asarray(w)[known[:, axis]] for axis, w in enumerate(weights)], axis=0)
        weight = of_cell[first] * of_cell[second]
    varied = np.array([n > 1 for n in answers.shape])

    def gamma(of: Sequence[int]) -> float:
        wanted = np.array([axis in of or not varied[axis] for axis in range(len(names))])
        chosen = (shared == wanted).all(axis=1)
        total = float(weight[chosen].sum())
        return float((weight[chosen] * squares[chosen]).sum() / total) if total > 0 else float("nan")

    variance = gamma([])
    if not np.isfinite(variance):
        raise CellmlError(
            f"{len(values)} of {answers.size} answers are known, and no two of them differ in all of {', '.join(names)}: there is no "
            "variance to divide. More draws are needed."
        )
    others = [[axis for axis in range(len(names)) if axis != k] for k in range(len(names))]
    parts = [
        Part(name, variance - gamma([k]), gamma(others[k])) if varied[k] else Part(name, 0.0, 0.0) for k, name in enumerate(names)
    ]  # an input with one level was never varied, and explains nothing
    return Parts(variance, tuple(parts))


def resampled_parts(answers: Floats, names: Sequence[str], *, draws: int = 500, seed: int = 0) -> list[Parts]:
    """The parts under random weights of the levels (Bayesian bootstrap, Rubin 1981: Dirichlet weights, each axis by itself).

    Drawing levels with replacement would pair a level with itself, whose difference is 0; weights do not.
    """
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        weights = [rng.exponential(size=n) for n in answers.shape]
        found.append(variance_parts(answers, names, weights))
    return found
