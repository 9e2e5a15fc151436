"""Residual estimator of the energy error, in the volume.

For −∇·(D ∇u) + κ u = f with P1 elements (Verfürth, A Posteriori Error Estimation Techniques for Finite Element Methods, 2013, sections 1.4
and 4.3; the weights that hold for any κ are those of Verfürth 1998):

    η_T² = α_T² ‖f − κ u_h‖²_T + Σ_F c_F D_F^(−1/2) α_F ‖J_F‖²_F,        α_S = min(h_S / √D, 1 / √κ),

with J_F = −Σ D ∂ₙu_h over both sides inside (c = ½, half to each side), q − α u_h − D ∂ₙu_h where flux or permeability is prescribed (c = 1
on the boundary), and 0 where u is. Where κ = 0 that is h²/D ‖f‖² and h/D ‖J‖². Prescribed values that are not piecewise linear add
D/h_F ‖g − g_h‖²_F. No constant is taken in; the ratio to the true error (the effectivity) is stated where it was measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.sim.adaptive.edges import Floats, Index
from cellml.sim.adaptive.elements import Elements
from cellml.sim.adaptive.problem import on_triangles
from cellml.sim.adaptive.quadrature import TET_POINTS, TET_WEIGHTS, TRIANGLE_POINTS, TRIANGLE_WEIGHTS
from cellml.sim.adaptive.solution import Solved
from cellml.sim.domain import UM_PER_NM
from cellml.sim.errors import SimulationError


@dataclass(frozen=True, eq=False)
class Indicators:
    """η_T² by term, (T,) each: element residual, jumps across inner faces, flux conditions, prescribed values."""

    interior: Floats
    jumps: Floats
    fluxes: Floats
    values: Floats

    @property
    def squared(self) -> Floats:
        """η_T², (T,)."""
        return self.interior + self.jumps + self.fluxes + self.values

    @property
    def total(self) -> float:
        """η = √Σ η_T², an estimate of the energy norm √a(e, e) up to a constant."""
        return float(np.sqrt(self.squared.sum()))


def residual_indicators(solved: Solved) -> Indicators:
    """The estimator for a P1 solution; see the module for the equation."""
    elements = solved.elements
    tets, faces = elements.mesh.tets, elements.faces
    residual = elements.source - elements.decay[:, None] * (solved.u[tets] @ TET_POINTS.T)
    length = _length(elements.diameters, elements.diffusion, elements.decay)
    interior = length**2 * elements.volumes * (residual**2 @ TET_WEIGHTS)

    jump, conditioned = _jumps(solved)
    share = np.where(faces.sides[:, 1] >= 0, 0.5, 1.0)
    squared = elements.facet_areas(faces.corners) * (jump**2 @ TRIANGLE_WEIGHTS) * share
    D, kappa = (np.where(faces.sides >= 0, field[faces.sides], np.nan) for field in (elements.diffusion, elements.decay))
    D, kappa = np.nanmax(D, axis=1), np.nanmin(kappa, axis=1)
    weighted = squared * _length(_face_diameters(elements), D, kappa) / np.sqrt(D)
    jumps, fluxes = (np.where(part, weighted, 0.0)[faces.numbers].sum(axis=1) for part in (~conditioned, conditioned))
    return Indicators(interior, jumps, fluxes, _unmatched_values(solved))


def _length(h: Floats, D: Floats, kappa: Floats) -> Floats:
    """min(h / √D, 1 / √κ)."""
    return np.asarray(1.0 / np.maximum(np.sqrt(D) / h, np.sqrt(kappa)))


def _face_diameters(elements: Elements) -> Floats:
    corners = elements.mesh.points[elements.faces.corners] * UM_PER_NM
    return np.asarray(np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1))


def normal_fluxes(elements: Elements, u: Floats) -> Floats:
    """D ∂ₙu through the face opposite each corner, outwards, (T, 4)."""
    flux = elements.diffusion[:, None] * elements.gradient(u)
    # The gradient of a barycentric coordinate points away from its face, inwards.
    size = np.linalg.norm(elements.gradients, axis=2)
    return np.asarray(-np.einsum("tk,tik->ti", flux, elements.gradients) / size)


def _jumps(solved: Solved) -> tuple[Floats, NDArray[np.bool_]]:
    """J at the quadrature points of each face, (F, Q), and which faces have a condition on flux, (F,)."""
    elements, faces = solved.elements, solved.elements.faces
    out = normal_fluxes(elements, solved.u)
    total = np.bincount(faces.numbers.ravel(), weights=out.ravel(), minlength=len(faces.corners))
    jump = np.repeat(-np.asarray(total, float)[:, None], len(TRIANGLE_WEIGHTS), axis=1)
    conditioned = faces.sides[:, 1] < 0
    for name, exchange in elements.problem.exchange.items():
        facets = elements.facets(name)
        number = face_numbers(elements, facets, name)
        alpha, q = (on_triangles(elements.mesh, facets, f, TRIANGLE_POINTS) for f in (exchange.permeability, exchange.flux))
        np.add.at(jump, number, q - alpha * (solved.u[facets] @ TRIANGLE_POINTS.T))
        conditioned[number] = True
    if len(elements.fixed_facets):
        jump[face_numbers(elements, elements.fixed_facets, ", ".join(elements.problem.values))] = 0.0
    return jump, conditioned


def face_numbers(elements: Elements, facets: Index, name: str) -> Index:
    """Numbers of facets (F, 3) among the faces of the mesh. Raises SimulationError if one is no face of a tetrahedron."""
    number = elements.faces.find(facets)
    if (number < 0).any():
        stray = int((number < 0).sum())
        raise SimulationError(f"{stray} facets named {name!r} are faces of no tetrahedron of {elements.mesh.name!r}; mesh it again.")
    return number


def _unmatched_values(solved: Solved) -> Floats:
    """D/h ‖g − g_h‖² on facets with prescribed values, given to their tetrahedra, (T,)."""
    elements, total = solved.elements, np.zeros(len(solved.mesh.tets))
    for name, given in elements.problem.values.items():
        if not callable(given):
            continue
        facets = elements.facets(name)
        number = face_numbers(elements, facets, name)
        missed = on_triangles(elements.mesh, facets, given, TRIANGLE_POINTS) - solved.u[facets] @ TRIANGLE_POINTS.T
        side = elements.faces.sides[number, 0]
        squared = elements.facet_areas(facets) * (missed**2 @ TRIANGLE_WEIGHTS)
        total += np.bincount(side, squared * elements.diffusion[side] / elements.diameters[side], minlength=len(total))
    return total
