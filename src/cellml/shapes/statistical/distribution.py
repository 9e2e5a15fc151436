"""A distribution over shapes: components, size, density of codes, and how its rarities compare with those of real shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.shapes.statistical.components import Components, fit_components
from cellml.shapes.statistical.density import Density

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
FitDensity = Callable[[Floats, Index], Density]  # codes (N, K) and labels (N,) → density

_LEAST_SPREAD = 1e-6  # of log size, below which shapes have no size of their own
_WIDER = (1.0, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 2.5, 3.0)
_DRAWS = 20_000


@dataclass(frozen=True, eq=False)
class Examples:
    """Shapes as numbers. values: (N, D), in units; units: (N,) nm; groups: what must not be split; labels: (N,) class, −1 unknown."""

    values: Floats
    units: Floats
    groups: tuple[str, ...]
    labels: Index

    def select(self, chosen: NDArray[np.integer] | NDArray[np.bool_]) -> Examples:
        """Some of them."""
        numbers = np.arange(len(self.values))[chosen]
        return Examples(self.values[numbers], self.units[numbers], tuple(self.groups[i] for i in numbers), self.labels[numbers])


@dataclass(frozen=True, eq=False)
class Distribution:
    """Codes are (z, s): coordinates along the components, and the standardised logarithm of the unit where `sized`.

    size: mean and deviation of the logarithm of the unit; a deviation of 0 means that shapes keep their lengths in their values.
    """

    components: Components
    size: tuple[float, float]
    density: Density

    @property
    def sized(self) -> bool:
        """Whether codes have a size."""
        return self.size[1] > 0

    def codes(self, values: Floats, units: Floats) -> Floats:
        """(N, D) and (N,) nm → (N, K)."""
        latent = self.components.codes(values)
        if not self.sized:
            return latent
        return np.column_stack([latent, (np.log(units) - self.size[0]) / self.size[1]])

    def values(self, codes: Floats) -> tuple[Floats, Floats]:
        """(N, K) → values (N, D) and units (N,) nm."""
        if not self.sized:
            return self.components.values(codes), np.full(len(codes), np.exp(self.size[0]))
        return self.components.values(codes[:, :-1]), np.exp(self.size[0] + self.size[1] * codes[:, -1])

    def log_likelihood(self, examples: Examples) -> Floats:
        """Log density of (values, log unit), (N,): that of codes, and of what the components leave out as noise."""
        codes = self.codes(examples.values, examples.units)
        scale = np.log(self.size[1]) if self.sized else 0.0
        return np.asarray(self.density.log_density(codes) + self.components.log_noise(examples.values) - scale)

    def draws(self, count: int = _DRAWS, seed: int = 0) -> Floats:
        """Log densities of new codes, (count,)."""
        return self.density.log_density(self.density.sample(count, np.random.default_rng(seed)))


def fit_distribution(examples: Examples, latent: int, fit: FitDensity, shrinkage: float | None = None, wider: float = 1.0) -> Distribution:
    """Components, size and density of shapes; `wider` multiplies the covariances. Raises what `fit_components` and `fit` raise."""
    components = fit_components(examples.values, latent, shrinkage)
    logs = np.log(examples.units)
    spread = float(logs.std())
    size = (float(logs.mean()), spread if spread > _LEAST_SPREAD else 0.0)
    bare = Distribution(components, size, Density(np.ones(1), np.zeros((1, 1)), np.ones((1, 1, 1))))
    codes = bare.codes(examples.values, examples.units)
    return Distribution(components, size, fit(codes, examples.labels).wider(wider))


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What a distribution that did not see a shape's group says of it.

    log_likelihood: (N,) of (values, log unit) in nats; rarity: (N,); wider: the factor on the covariances at which the mean likelihood of
    held-out shapes is highest; groups: of the shapes.
    """

    log_likelihood: Floats
    rarity: Floats
    wider: float
    groups: tuple[str, ...]


def leave_one_group_out(examples: Examples, latent: int, fit: FitDensity, shrinkage: float | None = None) -> HeldOut:
    """Fit to all groups but one, and ask about that one; for each group in turn. Raises CellmlError for fewer than two groups.

    Where a fit without a group is not possible (it held all but one member of a class) its error is raised, naming the group.
    """
    from cellml.shapes.statistical.rarity import Levels

    names = sorted(set(examples.groups))
    if len(names) < 2:
        raise CellmlError("All shapes are of one group; whether percentiles are true is only seen on groups that were not learned from.")
    fits = {}
    for name in names:
        own = np.array([group == name for group in examples.groups])
        try:
            fits[name] = own, fit_distribution(examples.select(~own), latent, fit, shrinkage)
        except CellmlError as error:
            raise CellmlError(f"Without group {name!r}: {error}") from error
    scores = {factor: _likelihoods(examples, fits.values(), factor) for factor in _WIDER}
    best = max(scores, key=lambda factor: float(scores[factor].mean()))
    rarity = np.empty(len(examples.values))
    for own, found in fits.values():
        held, wide = examples.select(own), found.density.wider(best)
        levels = Levels.of(Distribution(found.components, found.size, wide).draws())
        rarity[own] = levels.rarity(wide.log_density(found.codes(held.values, held.units)))
    return HeldOut(scores[best], rarity, best, examples.groups)


def _likelihoods(examples: Examples, fits: object, factor: float) -> Floats:
    found = np.empty(len(examples.values))
    for own, one in fits:  # type: ignore[attr-defined]
        wide = Distribution(one.components, one.size, one.density.wider(factor))
        found[own] = wide.log_likelihood(examples.select(own))
    return found


def group_interval(values: Sequence[float] | Floats, groups: Sequence[str], seed: int = 0, draws: int = 1000) -> tuple[float, float, float]:
    """Mean of values (N,) with a 95 % interval by drawing whole groups, with replacement."""
    found, names = np.asarray(values, float), np.asarray(groups)
    each = sorted(set(groups))
    sums = np.array([found[names == name].sum() for name in each])
    counts = np.array([(names == name).sum() for name in each])
    drawn = np.random.default_rng(seed).integers(len(each), size=(draws, len(each)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return float(found.mean()), float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5))
