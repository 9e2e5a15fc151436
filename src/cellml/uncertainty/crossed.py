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
    pair of answers tells, as for an input with one level, of which the variance is that at this level.
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
    return _Pairs.of(answers, names).parts(weights)


def resampled_parts(answers: Floats, names: Sequence[str], *, draws: int = 500, seed: int = 0) -> list[Parts]:
    """The parts under random weights of the levels (Bayesian bootstrap, Rubin 1981: Dirichlet weights, each axis by itself).

    Drawing levels with replacement would pair a level with itself, whose difference is 0; weights do not.
    """
    pairs, rng = _Pairs.of(answers, names), np.random.default_rng(seed)
    return [pairs.parts([np.asarray(rng.exponential(size=n)) for n in answers.shape]) for _ in range(draws)]


def resampling_units(answers: Floats, names: Sequence[str]) -> tuple[int, NDArray[np.int64]]:
    """On how many pairs of differing weight the variance rests, and each first-order and total index, (2, inputs).

    What rests on one is the same under all weights: its resampled values say nothing of how uncertain it is. 0 where there is no pair.
    """
    return _Pairs.of(answers, names).units()


@dataclass(frozen=True, eq=False)
class _Pairs:
    """All pairs of known answers. levels: (N, k) of the answers; first, second: (P,) numbers of both; shared: (P,) the inputs that they
    share, as a sum of powers of two; squares: (P,) half the squared difference; varied: (k,) whether an input has several levels.
    """

    names: Sequence[str]
    levels: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    shared: NDArray[np.int64]
    squares: Floats
    varied: NDArray[np.bool_]

    @classmethod
    def of(cls, answers: Floats, names: Sequence[str]) -> _Pairs:
        if answers.ndim != len(names):
            raise CellmlError(f"Answers with {answers.ndim} axes have the names {list(names)}; give one name an axis.")
        levels = np.argwhere(np.isfinite(answers))
        values = answers[tuple(levels.T)]
        first, second = np.triu_indices(len(values), 1)
        shared = sum((levels[first, k] == levels[second, k]).astype(np.int64) << k for k in range(answers.ndim))
        varied = np.array([n > 1 for n in answers.shape])
        squares = 0.5 * (values[first] - values[second]) ** 2
        return cls(names, levels, first, second, np.asarray(shared, np.int64), squares, varied)

    def parts(self, weights: Sequence[Floats] | None) -> Parts:
        """The estimates, with weights of levels."""
        gamma = self._gamma(weights)
        whole, fixed = (1 << len(self.names)) - 1, sum(1 << k for k, more in enumerate(self.varied) if not more)
        variance = float(gamma[fixed])  # inputs with one level are always shared
        if not np.isfinite(variance):
            raise CellmlError(
                f"{len(self.levels)} answers are known, and no two of them differ in all of {', '.join(self.names)}: there is no "
                "variance to divide. More draws are needed."
            )
        found = []
        for k, name in enumerate(self.names):
            alone, others = fixed | (1 << k), whole & ~(1 << k)
            told = (variance - float(gamma[alone]), float(gamma[others])) if self.varied[k] else (np.nan, np.nan)
            found.append(Part(name, *told))
        return Parts(variance, tuple(found))

    def units(self) -> tuple[int, NDArray[np.int64]]:
        """Pairs of differing weight behind the variance, and behind both indices of each input: of the larger of the two γ they need."""
        one, other = self.levels[self.first], self.levels[self.second]
        of_pair = np.column_stack([self.shared, np.minimum(one, other), np.maximum(one, other)])  # pairs of the same levels weigh the same
        count = np.bincount(np.unique(of_pair, axis=0)[:, 0], minlength=1 << len(self.names))
        whole, fixed = (1 << len(self.names)) - 1, sum(1 << k for k, more in enumerate(self.varied) if not more)
        needed = [[count[fixed | (1 << k)] for k in range(len(self.names))], [count[whole & ~(1 << k)] for k in range(len(self.names))]]
        found = np.where(self.varied & (np.array(needed) > 0), np.maximum(needed, count[fixed]), 0)
        return int(count[fixed]), found.astype(np.int64)

    def _gamma(self, weights: Sequence[Floats] | None) -> Floats:
        """γ of each set of shared inputs, NaN where no pair shares just those."""
        count = 1 << len(self.names)
        weight = None
        if weights is not None:
            of_answer = np.prod([np.asarray(w)[self.levels[:, k]] for k, w in enumerate(weights)], axis=0)
            weight = of_answer[self.first] * of_answer[self.second]
        total = np.bincount(self.shared, weights=weight, minlength=count).astype(np.float64)
        sums = np.bincount(self.shared, weights=self.squares if weight is None else weight * self.squares, minlength=count)
        return np.asarray(np.divide(sums, total, out=np.full(count, np.nan), where=total > 0))
