"""How organelles lie to each other: nearest neighbours and pair counts against simulations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.shapes.organelles.frame import Frame
from cellml.shapes.organelles.placement import Placement

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]

_TRIES = 200


def nearest_distances(points: Floats, others: Floats | None = None) -> Floats:
    """Distance in nm from each point (N, 3) to its nearest other one, or to the nearest of `others` (M, 3), (N,).

    Raises CellmlError for fewer than two points (or no other).
    """
    from scipy.spatial import cKDTree

    if len(points if others is None else others) < (2 if others is None else 1) or not len(points):
        raise CellmlError(f"Nearest neighbours need two organelles or more, got {len(points)}.")
    distance, _ = cKDTree(points if others is None else others).query(points, k=2 if others is None else 1)
    return np.asarray(distance[:, 1] if others is None else distance)


def g_function(points: Floats, radii: Floats) -> Floats:
    """G(r): share of points whose nearest neighbour is within r, (R,); Diggle 2003, without edge correction: compare in one window only."""
    return np.asarray((nearest_distances(points)[:, None] <= radii).mean(axis=0))


def k_function(points: Floats, radii: Floats, volume: float) -> Floats:
    """Ripley's K(r) = V / N² · number of ordered pairs within r, (R,) in nm³; volume: of the window in nm³; without edge correction."""
    from scipy.spatial import cKDTree

    tree = cKDTree(points)
    pairs = np.asarray(tree.count_neighbors(tree, radii), float) - len(points)
    return np.asarray(volume * pairs / len(points) ** 2)


@dataclass(frozen=True, eq=False)
class Envelope:
    """A statistic of a pattern against simulated ones.

    radii: (R,) nm; observed, mean, low, high: (R,), low and high bound the simulated ones pointwise at 95 %; p_value: of the largest
    deviation from the mean over all radii, observed and simulated ranked together, so that it is exact where the model is true.
    """

    radii: Floats
    observed: Floats
    mean: Floats
    low: Floats
    high: Floats
    p_value: float


def envelope(observed: Floats, simulated: Sequence[Floats], radii: Floats, statistic: Statistic) -> Envelope:
    """Compare a pattern (N, 3) with simulated ones by the maximum absolute deviation test (Ripley 1977; Baddeley et al. 2014).

    statistic: points → (R,). Raises CellmlError for fewer than 19 simulations, which cannot reach 5 %.
    """
    if len(simulated) < 19:
        raise CellmlError(f"An envelope at 5 % needs 19 simulations or more, got {len(simulated)}.")
    own = statistic(observed)
    others = np.array([statistic(points) for points in simulated])
    mean = (own + others.sum(axis=0)) / (len(others) + 1)
    largest = np.abs(np.vstack([own, others]) - mean).max(axis=1)
    low, high = np.quantile(others, [0.025, 0.975], axis=0)
    return Envelope(radii, own, mean, low, high, float((largest >= largest[0] - 1e-12).mean()))


def simulate_centres(frame: Frame, placement: Placement, sizes: Floats, balls: Floats, *, seed: int = 0, closeness: float = 1.0) -> Floats:
    """Centres drawn one after the other, the largest first, from a placement among places that earlier ones leave free, (N, 3) in nm.

    The quick stand-in for filling where a hundred patterns are wanted: organelles are balls of the radius that is inscribed in them, times
    `closeness`, that may not overlap. sizes: (N,) ln nm³; balls: (N,) nm. An organelle that finds no place in 200 tries is put where it
    overlaps least. Raises CellmlError as `density_in` does where one fits nowhere.
    """
    from cellml.shapes.organelles.placement import density_in

    rng = np.random.default_rng(seed)
    half = 0.5 * np.array(frame.spacing)[::-1]
    placed, radii = np.zeros((0, 3)), np.zeros(0)
    kept: dict[tuple[int, int], Floats] = {}
    for row in np.argsort(-balls, kind="stable").tolist():
        need = min(float(balls[row]), float(frame.depth.max()))
        key = (round(float(sizes[row]) * 2), int(need / min(frame.spacing)))
        if key not in kept:
            kept[key] = np.cumsum(density_in(placement, frame, key[0] / 2, key[1] * min(frame.spacing)))
        rows = np.minimum(np.searchsorted(kept[key], rng.random(_TRIES)), len(frame.points) - 1)
        tried = frame.points[rows] + rng.uniform(-half, half, (_TRIES, 3))
        gaps = np.linalg.norm(tried[:, None] - placed, axis=2) - closeness * (radii + balls[row])
        least = gaps.min(axis=1) if len(placed) else np.full(_TRIES, np.inf)
        free = np.flatnonzero(least >= 0)
        chosen = int(free[0]) if len(free) else int(least.argmax())
        placed, radii = np.vstack([placed, tried[chosen]]), np.append(radii, balls[row])
    return placed
