"""Lagrange elements of order 1 and 2 on tetrahedra that are straight or curved (isoparametric P2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.sim.domain import Domain
from cellml.sim.errors import SimulationError
from cellml.types import TetMesh

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Projection = Callable[[Floats], Floats]


@dataclass(frozen=True, eq=False)
class FacetSet:
    """Quadrature on a set of facets.

    nodes: (K,) nodes of the space on the facets; element_nodes: (F, n) nodes of the tetrahedron behind each facet; values: (F, n, Q) its
    basis functions; weights: (F, Q) in µm²; points, normals: (F, Q, 3) in µm and unit vectors (outward on the boundary); inner: number of
    facets that lie inside the mesh.
    """

    nodes: Ints
    element_nodes: Ints
    values: Floats
    weights: Floats
    points: Floats
    normals: Floats
    inner: int

    @property
    def area(self) -> float:
        """Area in µm²."""
        return float(self.weights.sum())


@dataclass(frozen=True, eq=False)
class Space:
    """Continuous functions that are polynomials of order 1 or 2 in each tetrahedron of a mesh.

    order: 1 or 2; curved: by name of a facet set, the function (K, 3) → (K, 3) in µm that moves points onto the true surface. Where a facet
    set is curved, the middles of its edges are moved and every tetrahedron is the image of the reference one under a quadratic map, without
    which P2 on a curved shape converges like P1 (Ciarlet & Raviart 1972). degree: exactness of the quadrature in tetrahedra, 2·order if
    left out (on facets always 2·order).
    Nodes are numbered: first the corners, as in `Domain`, then for order 2 the middles of the edges. Raises SimulationError for another
    order and for a curved tetrahedron that overlaps itself.
    """

    mesh: TetMesh
    order: int = 1
    curved: Mapping[str, Projection] = field(default_factory=dict)
    degree: int | None = None

    def __post_init__(self) -> None:
        if self.order not in (1, 2):
            raise SimulationError(f"Elements of order {self.order!r} on {self.mesh.name!r}: cellml has order 1 and order 2.")

    @cached_property
    def domain(self) -> Domain:
        """The P1 space on the same mesh; its nodes are the first of this space."""
        return Domain(self.mesh)

    @cached_property
    def fem_mesh(self) -> Any:
        """scikit-fem's mesh, MeshTet or, where a facet set is curved, MeshTet2, in µm."""
        return curve(self.domain, self.curved) if self.curved else self.domain.fem_mesh

    @cached_property
    def basis(self) -> Any:
        """scikit-fem's basis."""
        from skfem import Basis

        basis = Basis(self.fem_mesh, self._element(), intorder=self._degree)
        if self.curved and (basis.mapping.detDF(basis.X) * np.sign(np.median(basis.mapping.detDF(basis.X), axis=1))[:, None] <= 0).any():
            raise SimulationError(
                f"Curving {', '.join(sorted(self.curved))} of {self.mesh.name!r} makes a tetrahedron overlap itself; "
                "refine the mesh there, or leave the facets straight."
            )
        return basis

    @property
    def _degree(self) -> int:
        return 2 * self.order if self.degree is None else self.degree

    def _element(self) -> Any:
        from skfem import ElementTetP1, ElementTetP2

        return ElementTetP1() if self.order == 1 else ElementTetP2()

    @property
    def size(self) -> int:
        """Number of nodes N."""
        return int(self.basis.N)

    @cached_property
    def nodes(self) -> Floats:
        """Positions of the nodes, (N, 3) in µm."""
        return np.ascontiguousarray(self.basis.doflocs.T)

    @cached_property
    def element_nodes(self) -> Ints:
        """Nodes of each tetrahedron, (T, n), n = 4 or 10."""
        return np.ascontiguousarray(self.basis.element_dofs.T.astype(np.int64))

    @cached_property
    def weights(self) -> Floats:
        """Quadrature weights, (T, Q) in µm³."""
        return np.asarray(self.basis.dx)

    @cached_property
    def values(self) -> Floats:
        """Basis functions at the quadrature points, (n, Q); the same in every tetrahedron."""
        return np.stack([np.asarray(self.basis.basis[i][0])[0] for i in range(self.basis.Nbfun)])

    @cached_property
    def gradients(self) -> Floats:
        """Gradients of the basis functions, (T, n, 3, Q) in 1/µm."""
        stacked = np.stack([self.basis.basis[i][0].grad for i in range(self.basis.Nbfun)])
        return np.ascontiguousarray(stacked.transpose(2, 0, 1, 3))

    @cached_property
    def points(self) -> Floats:
        """Quadrature points, (T, Q, 3) in µm."""
        return np.ascontiguousarray(np.asarray(self.basis.global_coordinates()).transpose(1, 2, 0))

    def at_quadrature(self, field: Floats) -> Floats:
        """A nodal field (N, …) at the quadrature points, (T, Q, …)."""
        return np.asarray(np.einsum("tn...,nq->tq...", field[self.element_nodes], self.values))

    def facets(self, name: str, *, degree: int | None = None) -> FacetSet:
        """Quadrature, exact to a degree (2·order if left out), on the facets of a name.

        Raises CellmlError if there are none, or one bounds no tetrahedron.
        """
        from skfem import FacetBasis

        index = facet_numbers(self.domain, name)
        basis = FacetBasis(self.fem_mesh, self._element(), facets=index, intorder=2 * self.order if degree is None else degree)
        values = np.stack([np.broadcast_to(np.asarray(basis.basis[i][0]), basis.dx.shape) for i in range(basis.Nbfun)], axis=1)
        return FacetSet(
            nodes=np.unique(self.basis.get_dofs(index).flatten()).astype(np.int64),
            element_nodes=np.ascontiguousarray(basis.element_dofs.T.astype(np.int64)),
            values=values,
            weights=np.asarray(basis.dx),
            points=np.ascontiguousarray(np.asarray(basis.global_coordinates()).transpose(1, 2, 0)),
            normals=np.ascontiguousarray(np.asarray(basis.normals).transpose(1, 2, 0)),
            inner=int((self.fem_mesh.f2t[1, index] >= 0).sum()),
        )

    def everywhere(self, field: Floats) -> Floats:
        """A nodal field (N, …) at all points of the mesh, (P, …), NaN where a point belongs to no tetrahedron."""
        corners = len(self.domain.nodes)
        values = np.full((len(self.mesh.points), *field.shape[1:]), np.nan)
        values[self.domain.nodes] = field[:corners]
        return values


def facet_numbers(domain: Domain, name: str) -> Ints:
    """scikit-fem's numbers (F,) of the facets that carry a name. Raises SimulationError if one is no face of any tetrahedron."""
    facets = np.sort(domain.local(domain.mesh.facets_named(name)), axis=1)
    if len(facets) == 0:
        raise SimulationError(f"{domain.mesh.name!r} has the name {name!r} but no facet that carries it.")
    count = np.int64(len(domain.nodes))
    known = np.sort(domain.fem_mesh.facets.T.astype(np.int64), axis=1)
    keys, wanted = ((f[:, 0] * count + f[:, 1]) * count + f[:, 2] for f in (known, facets))
    order = np.argsort(keys)
    place = np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)
    if (keys[order][place] != wanted).any():
        stray = int((keys[order][place] != wanted).sum())
        raise SimulationError(
            f"{stray} of the {len(facets)} facets named {name!r} on {domain.mesh.name!r} bound no tetrahedron; mesh it again."
        )
    return np.unique(order[place])


def curve(domain: Domain, projections: Mapping[str, Projection]) -> Any:
    """scikit-fem's MeshTet2 whose edges on each named facet set have their middle on the true surface (projection (K, 3) → (K, 3), µm)."""
    from dataclasses import replace

    from skfem import MeshTet2

    mesh = MeshTet2.from_mesh(domain.fem_mesh)
    places = mesh.doflocs.copy()
    corners = domain.fem_mesh.p.shape[1]
    for name, project in projections.items():
        middles = np.unique(mesh.dofs.get_facet_dofs(facet_numbers(domain, name)).flatten())
        middles = middles[middles >= corners]
        moved = np.asarray(project(places[:, middles].T), dtype=float)
        if moved.shape != (len(middles), 3) or not np.isfinite(moved).all():
            raise SimulationError(f"The projection of {name!r} must give {len(middles)} finite points (x, y, z), got shape {moved.shape}.")
        places[:, middles] = moved.T
    return replace(mesh, doflocs=places)


def by_region(mesh: TetMesh, values: Any, what: str) -> list[Any]:
    """One value for each tetrahedron's region, (T,), from one value for all or a mapping by region name (or number as text).

    Raises SimulationError if a region has no value or a name is no region, listing both.
    """
    if not isinstance(values, Mapping):
        return [values] * len(mesh.tets)
    numbers = np.unique(mesh.regions)
    names = {int(n): mesh.region_names.get(int(n), str(int(n))) for n in numbers}
    missing, unknown = sorted(set(names.values()) - set(values)), sorted(set(values) - set(names.values()))
    if missing or unknown:
        raise SimulationError(
            f"{what} of {mesh.name!r} by region: missing for {', '.join(missing) or 'none'}, "
            f"unknown region {', '.join(unknown) or 'none'}; the mesh has {', '.join(sorted(names.values()))}."
        )
    return [values[names[int(n)]] for n in mesh.regions]
