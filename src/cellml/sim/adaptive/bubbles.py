"""Edge bubbles on top of P1: the quadratic part of P2 in its hierarchical basis.

b_e = 4 λ_i λ_j for each edge e = (i, j). The residual of a P1 solution against these functions says what P1 misses; the P2 solution, and
with it error estimates of higher order, follows from one system in both kinds of functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import factorial
from typing import Any

import numpy as np

from cellml.sim.adaptive.edges import TET_EDGES, TRIANGLE_EDGES, Floats, Index, edge_keys, edges_of
from cellml.sim.adaptive.elements import Elements
from cellml.sim.adaptive.problem import on_tets, on_triangles
from cellml.sim.adaptive.quadrature import TET_POINTS, TET_WEIGHTS, TRIANGLE_POINTS, TRIANGLE_WEIGHTS


def _mean_of_product(factors: tuple[tuple[int, ...], ...]) -> float:
    """Mean over a tetrahedron of a product of barycentric coordinates: 3! Π α! / (3 + Σ α)!, with 4 for each bubble."""
    powers = [0, 0, 0, 0]
    for factor in factors:
        for corner in factor:
            powers[corner] += 1
    value = 6.0 / factorial(3 + sum(powers))
    for power in powers:
        value *= factorial(power)
    return value * 4.0 ** sum(len(factor) == 2 for factor in factors)


_FUNCTIONS = [(i,) for i in range(4)] + [(int(i), int(j)) for i, j in TET_EDGES]
_MASS = np.array([_mean_of_product(pair) for pair in product(_FUNCTIONS, repeat=2)]).reshape(10, 10)
_BUBBLES_AT_TET_POINTS = 4.0 * TET_POINTS[:, TET_EDGES[:, 0]] * TET_POINTS[:, TET_EDGES[:, 1]]
_BUBBLES_AT_TRIANGLE_POINTS = 4.0 * TRIANGLE_POINTS[:, TRIANGLE_EDGES[:, 0]] * TRIANGLE_POINTS[:, TRIANGLE_EDGES[:, 1]]


@dataclass(frozen=True, eq=False)
class Bubbles:
    """The P2 space of a problem, points first, then edges: P + E functions."""

    elements: Elements

    @cached_property
    def _edges(self) -> tuple[Index, Index]:
        return edges_of(self.elements.mesh.tets, TET_EDGES)

    @property
    def edges(self) -> Index:
        """End points, (E, 2)."""
        return self._edges[0]

    @property
    def numbers(self) -> Index:
        """Edges of each tetrahedron, (T, 6)."""
        return self._edges[1]

    @property
    def size(self) -> int:
        """P + E."""
        return len(self.elements.mesh.points) + len(self.edges)

    @property
    def _functions(self) -> Index:
        """The ten functions of each tetrahedron, (T, 10)."""
        return np.hstack([self.elements.mesh.tets, len(self.elements.mesh.points) + self.numbers])

    @cached_property
    def _local(self) -> Floats:
        """∫_T D ∇φ_i·∇φ_j + κ φ_i φ_j, (T, 10, 10)."""
        elements = self.elements
        local = (elements.diffusion * elements.volumes)[:, None, None] * _stiffness(elements.gradients)
        return np.asarray(local + (elements.decay * elements.volumes)[:, None, None] * _MASS)

    def energies(self, v: Floats) -> Floats:
        """∫_T D |∇v|² + κ v² of a function (P + E,), (T,)."""
        nodal = v[self._functions]
        return np.asarray(np.einsum("ti,tij,tj->t", nodal, self._local, nodal))

    @cached_property
    def matrix(self) -> Any:
        """a(φ_i, φ_j) in the whole space, sparse (P + E, P + E)."""
        elements, points = self.elements, len(self.elements.mesh.points)
        total = _scatter(self._functions, self._local, self.size)
        for name, exchange in elements.problem.exchange.items():
            facets = elements.facets(name)
            alpha = on_triangles(elements.mesh, facets, exchange.permeability, TRIANGLE_POINTS) * elements.facet_areas(facets)[:, None]
            shape = np.hstack([TRIANGLE_POINTS, _BUBBLES_AT_TRIANGLE_POINTS])
            local = np.einsum("fq,q,qi,qj->fij", alpha, TRIANGLE_WEIGHTS, shape, shape)
            total = total + _scatter(np.hstack([facets, points + self._find(facets[:, TRIANGLE_EDGES])]), local, self.size)
        return total

    def functional(self, density: Any, facets: Any) -> Floats:
        """∫ density φ + Σ ∫ w φ ds for all functions of the space, (P + E,)."""
        elements, count = self.elements, len(self.edges)
        values = on_tets(elements.mesh, density, TET_POINTS) * elements.volumes[:, None]
        local = np.einsum("tq,q,qe->te", values, TET_WEIGHTS, _BUBBLES_AT_TET_POINTS)
        bubbles = np.bincount(self.numbers.ravel(), local.ravel(), minlength=count)
        for name, given in facets.items():
            own = elements.facets(name)
            values = on_triangles(elements.mesh, own, given, TRIANGLE_POINTS) * elements.facet_areas(own)[:, None]
            local = np.einsum("fq,q,qe->fe", values, TRIANGLE_WEIGHTS, _BUBBLES_AT_TRIANGLE_POINTS)
            bubbles += np.bincount(self._find(own[:, TRIANGLE_EDGES]).ravel(), local.ravel(), minlength=count)
        return np.concatenate([elements.functional(density, facets), bubbles])

    @cached_property
    def load(self) -> Floats:
        """The right-hand side of the problem, (P + E,)."""
        problem = self.elements.problem
        return self.functional(problem.source, {name: exchange.flux for name, exchange in problem.exchange.items()})

    @cached_property
    def free(self) -> Index:
        """Functions without a prescribed value: free points, and edges that lie on no facet with prescribed values."""
        count, points = len(self.edges), len(self.elements.mesh.points)
        held = self._find(self.elements.fixed_facets[:, TRIANGLE_EDGES]).ravel()
        return np.concatenate([self.elements.free, points + np.setdiff1d(np.arange(count), held)])

    def _find(self, ends: Index) -> Index:
        return np.searchsorted(edge_keys(self.edges), edge_keys(ends))


def _stiffness(gradients: Floats) -> Floats:
    """Means of ∇φ_i·∇φ_j over each tetrahedron, (T, 10, 10), from the gradients of barycentric coordinates (T, 4, 3)."""
    G = np.einsum("tik,tjk->tij", gradients, gradients)
    i, j = TET_EDGES.T
    local = np.empty((len(G), 10, 10))
    local[:, :4, :4] = G
    # ∇b_e = 4 (λ_i ∇λ_j + λ_j ∇λ_i), and λ has the mean 1/4.
    local[:, :4, 4:] = G[:, :, j] + G[:, :, i]
    local[:, 4:, :4] = local[:, :4, 4:].transpose(0, 2, 1)
    M = _MASS[:4, :4]
    left, right = (i, j), (j, i)
    local[:, 4:, 4:] = 16.0 * sum(
        M[np.ix_(a, b)] * G[:, c[:, None], d[None, :]] for a, c in zip(left, right, strict=True) for b, d in zip(left, right, strict=True)
    )
    return local


def _scatter(cells: Index, local: Floats, size: int) -> Any:
    from scipy.sparse import coo_array

    width = cells.shape[1]
    rows, columns = np.repeat(cells, width, axis=1).ravel(), np.tile(cells, (1, width)).ravel()
    return coo_array((local.ravel(), (rows, columns)), shape=(size, size)).tocsr()
