"""Signed distances to simple bodies in closed form, negative inside, and how they are joined.

A body is a function of points (P, 3), columns (x, y, z) in nm, to (P,) nm. `Ball`, `Capsule`, `RoundCone`, `RoundedBox`, `HalfSpace` and
`Ellipsoid` are exact everywhere. Joined bodies keep the sign and stay Lipschitz with constant 1, so that |f| is never larger than the
distance to the surface f = 0: `Union` is exact outside, `Intersection` inside, `Tubes` outside, `Blend` near neither seam.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Field = Callable[[Floats], Floats]


@dataclass(frozen=True, eq=False)
class Ball:
    """‖p − c‖ − r. centre: (3,) nm; radius: nm."""

    centre: Floats
    radius: float

    def __call__(self, points: Floats) -> Floats:
        """(P, 3) → (P,)."""
        return np.asarray(np.linalg.norm(points - self.centre, axis=1) - self.radius)


@dataclass(frozen=True, eq=False)
class Capsule:
    """All points within `radius` of the segment from start to end, (3,) each."""

    start: Floats
    end: Floats
    radius: float

    def __call__(self, points: Floats) -> Floats:
        """(P, 3) → (P,)."""
        return Tubes(np.stack([self.start, self.end])[None], self.radius)(points)


@dataclass(frozen=True, eq=False)
class Tubes:
    """All points within `radius` of any of the segments (S, 2 ends, 3): the least of the capsules' distances."""

    segments: Floats
    radius: float

    def __call__(self, points: Floats) -> Floats:
        """(P, 3) → (P,). ‖p − a‖² − 2 t (p − a)·d + t² ‖d‖², t the nearest place on each segment, as products about their middle."""
        middle = self.segments.mean(axis=(0, 1))
        local, start = points - middle, self.segments[:, 0] - middle
        along = self.segments[:, 1] - self.segments[:, 0]
        length = np.maximum((along**2).sum(axis=1), np.finfo(float).tiny)
        reach = local @ along.T - (start * along).sum(axis=1)
        t = np.clip(reach / length, 0, 1)
        squared = (local**2).sum(axis=1)[:, None] - 2 * local @ start.T + (start**2).sum(axis=1)
        squared += t * (t * length - 2 * reach)
        return np.asarray(np.sqrt(np.maximum(squared.min(axis=1), 0)) - self.radius)


@dataclass(frozen=True, eq=False)
class RoundCone:
    """The convex hull of two balls, about start and end (3,) with radii r₀ and r₁; neither may contain the other.

    In the plane of the axis, with h along it and q from it: the side has the normal (cos α, sin α) in (q, h), sin α = (r₀ − r₁) / l.
    """

    start: Floats
    end: Floats
    radii: tuple[float, float]

    def __call__(self, points: Floats) -> Floats:
        """(P, 3) → (P,)."""
        along = self.end - self.start
        length = float(np.linalg.norm(along))
        first, last = self.radii
        sine = (first - last) / length
        cosine = np.sqrt(1 - sine**2)
        local = points - self.start
        h = local @ (along / length)
        q = np.sqrt(np.maximum((local**2).sum(axis=1) - h**2, 0))
        s = h * cosine - q * sine
        side = q * cosine + h * sine - first
        caps = np.hypot(q, h) - first, np.hypot(q, h - length) - last
        return np.asarray(np.where(s < 0, caps[0], np.where(s > length * cosine, caps[1], side)))


@dataclass(frozen=True, eq=False)
class RoundedBox:
    """A box about centre (3,) with half edges half (3,) along x, y, z, whose edges are rounded by `radius`, at most the least half edge."""

    centre: Floats
    half: Floats
    radius: float

    def __call__(self, points: Floats) -> Floats:
        """(P, 3) → (P,)."""
        beyond = np.abs(points - self.centre) - (self.half - self.radius)
        return np.asarray(np.linalg.norm(np.maximum(beyond, 0), axis=1) + np.minimum(beyond.max(axis=1), 0) - self.radius)


@dataclass(frozen=True, eq=False)
class HalfSpace:
    """(p − at)·n: negative behind the plane through `at` with the unit normal n, both (3,)."""

    at: Floats
    normal: Floats

    def __call__(self, points: Floats) -> Floats:
        """(P, 3) → (P,)."""
        return np.asarray((points - self.at) @ self.normal)


@dataclass(frozen=True, eq=False)
class Ellipsoid:
    """Exact distance to an ellipsoid. centre: (3,); semi_axes: (3,) nm; frame: (3, 3), rows are the unit vectors of the axes.

    The nearest point to y (in the frame, all yᵢ ≥ 0) is xᵢ = eᵢ² yᵢ / (t + eᵢ²) with the largest root t of Σ (eᵢ yᵢ / (t + eᵢ²))² = 1
    (Eberly 2013, "Distance from a point to an ellipse, an ellipsoid, or a hyperellipsoid"). The function is convex and falls, so that
    Newton's steps from the left of the root never pass it.
    """

    centre: Floats
    semi_axes: Floats
    frame: Floats

    def __call__(self, points: Floats) -> Floats:
        """(P, 3) → (P,)."""
        order = np.argsort(-self.semi_axes)
        e = self.semi_axes[order]
        y = np.maximum(np.abs((points - self.centre) @ self.frame[order].T), 1e-9 * e)
        # s = t + e₂² > 0; each term alone bounds the root from below.
        lift = e**2 - e[2] ** 2
        s = (e * y - lift).max(axis=1)
        active = np.arange(len(y))
        for _ in range(100):
            parts = (e * y[active]) / (s[active, None] + lift)
            value = (parts**2).sum(axis=1) - 1
            step = value / (2 * (parts**2 / (s[active, None] + lift)).sum(axis=1))
            s[active] += step
            active = active[step > 1e-12 * s[active]]
            if not len(active):
                break
        nearest = e**2 * y / (s[:, None] + lift)
        inside = ((y / e) ** 2).sum(axis=1) < 1
        distance = np.linalg.norm(y - nearest, axis=1)
        return np.asarray(np.where(inside, -distance, distance))


@dataclass(frozen=True, eq=False)
class Union:
    """min over the parts: exact outside."""

    parts: tuple[Field, ...]

    def __call__(self, points: Floats) -> Floats:
        """(P, 3) → (P,)."""
        return np.asarray(np.minimum.reduce([part(points) for part in self.parts]))


@dataclass(frozen=True, eq=False)
class Intersection:
    """max over the parts: exact inside."""

    parts: tuple[Field, ...]

    def __call__(self, points: Floats) -> Floats:
        """(P, 3) → (P,)."""
        return np.asarray(np.maximum.reduce([part(points) for part in self.parts]))


@dataclass(frozen=True, eq=False)
class Outside:
    """−f: what is not in a body."""

    part: Field

    def __call__(self, points: Floats) -> Floats:
        """(P, 3) → (P,)."""
        return -self.part(points)


@dataclass(frozen=True, eq=False)
class Blend:
    """Two bodies with a fillet: min(a, b) − w (1 − |a − b| / w)₊² / 4, which is min where they are apart by w nm or more.

    Its gradient is a convex combination of theirs, hence no longer than 1.
    """

    first: Field
    second: Field
    width: float

    def __call__(self, points: Floats) -> Floats:
        """(P, 3) → (P,)."""
        a, b = self.first(points), self.second(points)
        share = np.maximum(1 - np.abs(a - b) / self.width, 0)
        return np.asarray(np.minimum(a, b) - self.width * share**2 / 4)


@dataclass(frozen=True, eq=False)
class Shared:
    """A body that several compartments are cut from: its values at the last array of points are kept, so that each is computed once."""

    part: Field
    _last: list[tuple[Floats, Floats]] = field(default_factory=list, repr=False)

    def __call__(self, points: Floats) -> Floats:
        """(P, 3) → (P,)."""
        if not self._last or self._last[0][0] is not points:
            self._last[:] = [(points, self.part(points))]
        return self._last[0][1]
