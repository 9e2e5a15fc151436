"""How an observable changes with one feature, whatever the others are: partial dependence of a forest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cellml.errors import CellmlError
from cellml.populations.scales import Columns, Floats, group_numbers

_TREES, _LEAF = 60, 3


@dataclass(frozen=True, eq=False)
class Dependence:
    """A curve. places: (G,) values of the feature; values: (G,) mean prediction of the observable there; low, high: its band; all on the
    scales of the columns (logarithms where these are).
    """

    feature: str
    observable: str
    places: Floats
    values: Floats
    low: Floats
    high: Floats


def partial_dependence(predict: Callable[[Floats], Floats], x: Floats, column: int, places: Floats) -> Floats:
    """Mean over the rows of x (N, K) of predict with one column set to each of the places, (G,) (Friedman 2001, Ann. Stat. 29:1189)."""
    stacked = np.repeat(x[None], len(places), axis=0)
    stacked[:, :, column] = places[:, None]
    return np.asarray(predict(stacked.reshape(-1, x.shape[1])).reshape(len(places), len(x)).mean(axis=1))


def dependences(
    features: Columns,
    observable: str,
    values: Floats,
    groups: Sequence[str],
    chosen: Sequence[str],
    *,
    points: int = 15,
    level: float = 0.9,
    draws: int = 20,
    seed: int = 0,
) -> list[Dependence]:
    """Curves of an observable over some features, between their 5th and 95th percentiles.

    values: (N,) of the observable; chosen: names of features; the band holds `level` of the curves of forests that were fitted to resamples
    of whole groups. Features that go together are varied apart, also to combinations that no shape has: read the curves where shapes are.
    """
    unknown = [name for name in chosen if name not in features.names]
    if unknown or draws < 2:
        raise CellmlError(
            f"There is no feature {', '.join(unknown) or '-'}, or draws={draws} is below 2; features are {', '.join(features.names)}."
        )
    numbers = group_numbers(groups, len(features.values))
    rng, x = np.random.default_rng(seed), features.values
    members = [np.flatnonzero(numbers == g) for g in range(int(numbers.max()) + 1)]
    columns = [features.names.index(name) for name in chosen]
    ends = [np.percentile(x[:, c], (5, 95)) for c in columns]
    grids = [np.linspace(float(low), float(high), points) for low, high in ends]

    def curves(rows: np.ndarray, number: int) -> list[Floats]:
        forest = _forest(x[rows], values[rows], number)
        return [partial_dependence(forest, x, c, grid) for c, grid in zip(columns, grids, strict=True)]

    whole = curves(np.arange(len(x)), seed)
    redrawn = [curves(np.concatenate([members[g] for g in rng.integers(len(members), size=len(members))]), seed + n) for n in range(draws)]
    found = []
    for place, (name, grid) in enumerate(zip(chosen, grids, strict=True)):
        low, high = np.percentile([one[place] for one in redrawn], (50 * (1 - level), 50 * (1 + level)), axis=0)
        found.append(Dependence(name, observable, grid, whole[place], low, high))
    return found


def _forest(x: Floats, y: Floats, seed: int) -> Callable[[Floats], Floats]:
    from sklearn.ensemble import ExtraTreesRegressor

    forest = ExtraTreesRegressor(_TREES, min_samples_leaf=_LEAF, random_state=seed, n_jobs=1)
    return forest.fit(x, y).predict  # type: ignore[no-any-return]
