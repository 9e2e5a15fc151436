"""Diffusion in time inside a sealed shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.sim.direct import factorise
from cellml.sim.domain import Domain
from cellml.sim.errors import SimulationError

_EULER_START = 2


@dataclass(frozen=True, eq=False)
class Transient:
    """Concentration in time, in units of the final uniform concentration.

    times: (S + 1,) in s, from 0; amount, lowest, highest: (S + 1,) integral over the volume in µm³, smallest and largest nodal value after
    each step (at time 0 the released amount stands, and lowest and highest are NaN: all of it sits in one place); snapshots: nodal
    concentration (N,) by number of the step.
    """

    times: NDArray[np.float64]
    amount: NDArray[np.float64]
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]
    snapshots: dict[int, NDArray[np.float64]]


def surface_release(domain: Domain, facets: NDArray[np.int64]) -> NDArray[np.float64]:
    """The load b_i = (V/A) ∫_Γ φ_i of an amount that stands evenly on facets (F, 3) of nodes; Σb = V in µm³."""
    areas = domain.facet_areas(facets)
    load = np.bincount(facets.ravel(), weights=np.repeat(areas / 3.0, 3), minlength=len(domain.nodes))
    return np.asarray(load * domain.volume / load.sum())


def point_release(domain: Domain, point: tuple[float, float, float]) -> NDArray[np.float64]:
    """The load b_i = V φ_i(x) of an amount that stands at one point (x, y, z) in nm; Σb = V in µm³.

    Raises SimulationError if the point is outside the mesh.
    """
    tet, weights = _barycentric(domain, np.array(point))
    if weights.min() < -1e-9:
        nearest = float(np.linalg.norm(domain.mesh.points - np.array(point), axis=1).min())
        raise SimulationError(f"The point {point} nm is outside {domain.mesh.name!r}; the nearest corner of it is {nearest:.0f} nm away.")
    load = np.zeros(len(domain.nodes))
    load[domain.local(tet)] = np.clip(weights, 0.0, None) * domain.volume / np.clip(weights, 0.0, None).sum()
    return load


def diffuse(domain: Domain, D: float, load: NDArray[np.float64], *, end: float, steps: int, scheme: str, snapshots: int = 1) -> Transient:
    """Follow a released amount by ∂u/∂t = D∇²u, ∂ₙu = 0.

    The release b needs no initial concentration: the first step is (M + Δt D K) u¹ = b. Every later one solves for the increment δ,
      backward Euler  (M + Δt D K) δ = −Δt D K uⁿ
      BDF2            (3/2 M + Δt D K) δ = −Δt D K uⁿ + 1/2 M (uⁿ − uⁿ⁻¹)
    with one factor for all steps of a scheme. 1ᵀK = 0 makes each step conserve 1ᵀM u, and as increments fade, so does their round-off.

    D in µm²/s; load: (N,) in µm³; end in s; scheme: "backward_euler" (order 1) or "bdf2" (order 2; its first steps are backward Euler,
    which damps the singular start).
    """
    M, K = domain.mass, (end / steps * D) * domain.stiffness
    weights = M @ np.ones_like(load)
    euler = factorise(M + K)
    bdf2 = factorise(1.5 * M + K) if scheme == "bdf2" and steps > _EULER_START else None
    kept = {round(steps * (k + 1) / snapshots) for k in range(snapshots)}
    level = load.sum() / weights.sum()
    previous = u = level + euler(load - level * weights)
    rows, fields = [(float(load.sum()), np.nan, np.nan)], {}
    for number in range(1, steps + 1):
        if number > _EULER_START and bdf2 is not None:
            previous, u = u, u + bdf2(0.5 * (M @ (u - previous)) - K @ u)
        elif number > 1:
            previous, u = u, u - euler(K @ u)
        rows.append((float(weights @ u), float(u.min()), float(u.max())))
        if number in kept:
            fields[number] = u
    amount, lowest, highest = np.array(rows).T
    return Transient(np.linspace(0.0, end, steps + 1), amount, lowest, highest, fields)


def _barycentric(domain: Domain, point: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The tetrahedron (4,) that holds a point in nm, or comes nearest to it, and the point's barycentric coordinates (4,) there."""
    corners = domain.mesh.points[domain.mesh.tets]
    edges = np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2)
    last = np.linalg.solve(edges, (point - corners[:, 0])[:, :, None])[:, :, 0]
    weights = np.column_stack([1.0 - last.sum(axis=1), last])
    best = int(weights.min(axis=1).argmax())
    return domain.mesh.tets[best], weights[best]
