"""How far a P1 solution is from the P2 solution on the same mesh.

Quadratic elements are linear ones plus one bubble 4λ_iλ_j on each edge. In that hierarchical basis the P2 system is

    [ K   B ] [d_v]   [ 0 ]
    [ Bᵀ  C ] [d_e] = [ r ],      r_e = ∫ f b_e − ∫ ∇u₁ · ∇b_e,

where u₁ is the P1 solution, d = u₂ − u₁, and the residual is zero at the vertices because u₁ solves K u₁ = f there. The energy
‖d‖² = dᵀr is the difference of the P1 and the P2 value of every quantity that is an energy: conductance, mean first-passage time and, up
to higher order, the smallest eigenvalue. It is the hierarchical-basis error estimator of Deuflhard, Leinen and Yserentant (1989), solved
by conjugate gradients that use the P1 factor on the vertices and the diagonal of C on the edges; the number of iterations does not grow
with the mesh.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.sim.direct import Solve
from cellml.sim.domain import Domain

# The energy is exact to the square of this relative accuracy of d.
_TOLERANCE = 1e-3
_MOST_ITERATIONS = 200


@dataclass(frozen=True, eq=False)
class Enrichment:
    """Edge bubbles on top of the P1 space of a Domain."""

    domain: Domain

    @cached_property
    def _basis(self) -> Any:
        from skfem import Basis, ElementTetP2

        return Basis(self.domain.fem_mesh, ElementTetP2())

    @cached_property
    def edges(self) -> NDArray[np.int64]:
        """Node pairs, (E, 2), in increasing order within a pair."""
        return np.sort(self.domain.fem_mesh.edges.T.astype(np.int64), axis=1)

    @cached_property
    def _vertex_to_p2(self) -> Any:
        """P1 functions written in scikit-fem's nodal P2 basis: (N + E, N)."""
        from scipy.sparse import csr_array, eye_array, vstack

        count, vertices = len(self.edges), self._vertices
        rows = np.repeat(np.arange(count), 2)
        midpoints = csr_array((np.full(2 * count, 0.5), (rows, self.edges.ravel())), shape=(count, vertices))
        return vstack([eye_array(vertices, format="csr"), midpoints]).tocsr()

    @property
    def _vertices(self) -> int:
        return len(self.domain.nodes)

    @cached_property
    def _blocks(self) -> tuple[Any, Any]:
        """B (N, E) and C (E, E) in µm."""
        from skfem.models.poisson import laplace

        whole = laplace.assemble(self._basis).tocsr()
        to_edges = whole[:, self._vertices :]
        return (self._vertex_to_p2.T @ to_edges).tocsr(), to_edges[self._vertices :].tocsr()

    def edge_residual(self, u: NDArray[np.float64], density: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """r_e = ∫ f b_e − ∫ ∇u · ∇b_e for nodal values u and f = density (zero if None), (E,)."""
        from skfem import LinearForm

        coupling, _ = self._blocks
        residual = -(coupling.T @ u)
        if density is not None:
            source = self._basis.with_element(self.domain.basis.elem).interpolate(density)
            residual += LinearForm(lambda v, w: w.f * v).assemble(self._basis, f=source)[self._vertices :]
        return np.asarray(residual)

    def energy(
        self, residual: NDArray[np.float64], solve_vertices: Solve, free_vertices: NDArray[np.int64], fixed_facets: NDArray[np.int64]
    ) -> float:
        """‖u₂ − u₁‖² = dᵀr for an edge residual (E,).

        solve_vertices: inverse of K on free_vertices (or an operator close to it); fixed_facets: (F, 3) node triples on which the solution
        is prescribed. The unit is that of u² µm.
        """
        from scipy.sparse import block_array

        coupling, bubbles = self._blocks
        free_edges = self._edges_off(fixed_facets)
        K = self.domain.stiffness[free_vertices][:, free_vertices]
        B, C = coupling[free_vertices][:, free_edges], bubbles[free_edges][:, free_edges]
        A = block_array([[K, B], [B.T, C]], format="csr")
        diagonal, split = C.diagonal(), len(free_vertices)

        def precondition(r: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.concatenate([solve_vertices(r[:split]), r[split:] / diagonal])

        right = np.concatenate([np.zeros(split), residual[free_edges]])
        return float(_conjugate_gradients(A, right, precondition) @ right)

    def _edges_off(self, facets: NDArray[np.int64]) -> NDArray[np.int64]:
        """Numbers of the edges that do not belong to any of the facets (F, 3)."""
        pairs = np.sort(np.concatenate([facets[:, [0, 1]], facets[:, [0, 2]], facets[:, [1, 2]]]), axis=1)
        keys = self.edges[:, 0] * self._vertices + self.edges[:, 1]
        return np.flatnonzero(~np.isin(keys, pairs[:, 0] * self._vertices + pairs[:, 1]))


def _conjugate_gradients(A: Any, b: NDArray[np.float64], precondition: Solve) -> NDArray[np.float64]:
    """Solve A x = b from x = 0 until the preconditioned residual has fallen by _TOLERANCE."""
    x, r = np.zeros_like(b), b.copy()
    z = precondition(r)
    p, rz = z, float(r @ z)
    stop = _TOLERANCE**2 * rz
    for _ in range(_MOST_ITERATIONS):
        if rz <= stop:
            break
        q = A @ p
        step = rz / float(p @ q)
        x, r = x + step * p, r - step * q
        z = precondition(r)
        rz, old = float(r @ z), rz
        p = z + (rz / old) * p
    return x
