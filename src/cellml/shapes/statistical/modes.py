"""How well the modes of variation are known: by drawing whole groups of shapes again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.shapes.statistical.components import Components, fit_components
from cellml.shapes.statistical.distribution import Examples

Floats = NDArray[np.float64]

LEVEL = 0.9  # of all intervals here


@dataclass(frozen=True, eq=False)
class ModeBands:
    """Modes under resampling of groups. replicas: (B, K, D), deviation × mode of each replica, paired with the modes of all shapes and
    turned to their sign; shares: (B, K) of the variance; likeness: (B, K), |cosine| between a mode and its replica.
    """

    replicas: Floats
    shares: Floats
    likeness: Floats

    def table(self, components: Components) -> list[dict[str, float]]:
        """One row a mode: deviation, share of the variance with its interval, sum of the shares so far, likeness (median and 5th
        percentile).
        """
        low, high = np.percentile(self.shares, [50 * (1 - LEVEL), 50 * (1 + LEVEL)], axis=0)
        shares = components.shares()
        return [
            {
                "mode": k + 1,
                "deviation": float(components.deviations[k]),
                "share": float(shares[k]),
                "share_low": float(low[k]),
                "share_high": float(high[k]),
                "share_so_far": float(shares[: k + 1].sum()),
                "likeness": float(np.median(self.likeness[:, k])),
                "likeness_low": float(np.percentile(self.likeness[:, k], 50 * (1 - LEVEL))),
            }
            for k in range(self.replicas.shape[1])
        ]

    def band(self, to_points: NDArray[np.float64], mode: int) -> Floats:
        """Half width of the 90 % confidence band of a mode at points, (P,): the 90th percentile over replicas of how far the point moved
        by one deviation lies from where the mode of all shapes moves it.

        to_points: (P, 3, D), the positions as a linear map of values. In the unit of the values.
        """
        moved = np.einsum("pcd,bd->bpc", to_points, self.replicas[:, mode] - self.replicas[:, mode].mean(axis=0))
        return np.asarray(np.percentile(np.linalg.norm(moved, axis=2), 100 * LEVEL, axis=0))


def bootstrap_modes(examples: Examples, components: Components, count: int, replicas: int = 100, seed: int = 0) -> ModeBands:
    """Fit components to groups drawn with replacement, as many as there are, and pair their modes with the first `count` of all shapes.

    A replica's modes may come in another order where variances are near; each mode takes the one most like it that is left (Hungarian
    assignment on |cosine|). Draws with too few different shapes for so many modes are left out.
    """
    from scipy.optimize import linear_sum_assignment

    kept = components.modes[:count]
    latent = len(components.modes)
    random = np.random.default_rng(seed)
    members = _members(examples.groups)
    found: list[tuple[Floats, Floats, Floats]] = []
    for _ in range(replicas):
        drawn = np.concatenate([members[i] for i in random.integers(len(members), size=len(members))])
        if len(np.unique(drawn)) <= latent:
            continue
        again = fit_components(examples.values[drawn], latent, components.shrinkage)
        cosine = kept @ again.modes.T
        rows, columns = linear_sum_assignment(-np.abs(cosine))
        sign = np.sign(cosine[rows, columns])
        scaled = (again.modes * again.deviations[:, None])[columns] * sign[:, None]
        found.append((scaled, again.shares()[columns], np.abs(cosine[rows, columns])))
    replica, shares, likeness = (np.stack(part) for part in zip(*found, strict=True))
    return ModeBands(replica, shares, likeness)


def _members(groups: Sequence[str]) -> list[NDArray[np.int64]]:
    names = np.asarray(groups)
    return [np.flatnonzero(names == name) for name in sorted(set(groups))]
