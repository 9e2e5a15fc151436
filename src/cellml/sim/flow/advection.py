"""What a flow carries: the advection of P1 concentrations."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from cellml.sim.domain import Domain
from cellml.sim.errors import SimulationError
from cellml.sim.flow.stokes import Flow
from cellml.sim.mechanics.assembly import scatter_matrix, scatter_vector
from cellml.sim.mechanics.space import Floats, Space

_log = logging.getLogger(__name__)
_DEGREE = 3  # concentration × velocity of order 2 is of degree 3
_UPWIND = ("none", "streamline", "algebraic")
_FACET_DEGREE = 4  # two concentrations × velocity of order 2


def advection_matrix(domain: Domain, flow: Flow | Floats, *, diffusivity: float, outflow: Sequence[str] = (), upwind: str = "none") -> Any:
    """C_ij = −∫ φ_j w·∇φ_i + ∮_outflow max(w·n, 0) φ_i φ_j, sparse (N, N) in µm³/s, in the node numbering of a Domain.

    flow: a Flow on the same mesh, or nodal velocities (N, 3) in µm/s; diffusivity: in µm²/s; outflow: facet sets through which the fluid
    leaves and takes solute with it. The conservative form: ∂c/∂t + ∇·(wc) = D Δc becomes M ċ + (D K + C) c = 0, and 1ᵀC = 0 for every
    velocity, to round-off, as long as nothing flows out. Of a Flow the velocity of order 2 is used at the quadrature points, and since
    Taylor–Hood makes it divergence-free against every φ_i, C1 = 0 as well in a vessel without through-flow (straight tetrahedra): uniform
    concentrations stay uniform. Both hold for each kind of upwind:
      "none"        second order; a mesh Péclet number above 1 is logged as a warning, concentrations will wiggle
      "streamline"  adds ∫ τ (w·∇φ_i)(w·∇φ_j), τ = h/(2|w|) (coth Pe − 1/Pe) (Brooks & Hughes 1982): fewer wiggles, exact in 1D
      "algebraic"   adds the least symmetric diffusion after which D K + C has no positive off-diagonal (Kuzmin & Turek 2002): no wiggles,
                    no negative values (with a lumped mass matrix and backward Euler), but order 1
    Raises SimulationError for velocities of another mesh, a diffusivity that is not positive and an unknown upwind.
    """
    if upwind not in _UPWIND:
        raise SimulationError(f"The upwinding {upwind!r} is unknown; cellml has {', '.join(_UPWIND)}.")
    space = Space(domain.mesh, 1, degree=_DEGREE)
    w = _velocity(space, flow)
    speed = np.einsum("tqi,tniq->tnq", w, space.gradients, optimize=True)
    local = -np.einsum("tnq,mq,tq->tnm", speed, space.values, space.weights, optimize=True)
    number = peclet_number(domain, flow, diffusivity)
    if upwind == "streamline":
        local += np.einsum("tnq,tmq,tq->tnm", speed, speed, space.weights * _delay(space, w, number)[:, None], optimize=True)
    elif upwind == "none" and number.max() > 1.0:
        _warn(domain, number)
    C = scatter_matrix(space.element_nodes, space.element_nodes, local, (space.size, space.size))
    for name in outflow:
        C = C + _through(space, flow, name, leaving=True)[0]
    return (C + _least_diffusion(diffusivity * domain.stiffness + C) if upwind == "algebraic" else C).tocsr()


def _warn(domain: Domain, number: Floats) -> None:
    _log.warning(
        "The mesh Péclet number of %r reaches %.3g (above 1 in %.0f %% of its tetrahedra): concentrations will wiggle. "
        "Refine the mesh along the flow, or ask for upwinding.",
        domain.mesh.name,
        number.max(),
        100.0 * float((number > 1.0).mean()),
    )


def _least_diffusion(A: Any) -> Any:
    """The symmetric matrix with row sums 0 whose off-diagonals are −max(0, A_ij, A_ji)."""
    from scipy.sparse import diags

    wanted = A.maximum(A.T).maximum(0)
    wanted = wanted - diags(wanted.diagonal())
    return diags(np.asarray(wanted.sum(axis=1)).ravel()) - wanted


def inflow_load(domain: Domain, flow: Flow | Floats, name: str, concentration: float) -> Floats:
    """b_i = ∮ max(−w·n, 0) c_in φ_i, (N,): the solute that fluid of a given concentration brings in through a facet set per second."""
    return concentration * _through(Space(domain.mesh, 1, degree=_DEGREE), flow, name, leaving=False)[1]


def peclet_number(domain: Domain, flow: Flow | Floats, diffusivity: float) -> Floats:
    """|w| h / (2D) of each tetrahedron, (T,), with its mean velocity w and its length h = 2|w| / Σ_a |w·∇φ_a| along it (Tezduyar 1992)."""
    if not (np.isfinite(diffusivity) and diffusivity > 0.0):
        raise SimulationError(f"The diffusivity is {diffusivity!r} µm²/s; it must be positive.")
    space = Space(domain.mesh, 1, degree=_DEGREE)
    w = _velocity(space, flow)
    speed, along = _mean_speed(space, w)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(along > 0.0, speed**2 / (along * diffusivity), 0.0))


def _mean_speed(space: Space, w: Floats) -> tuple[Floats, Floats]:
    mean = np.einsum("tqi,tq->ti", w, space.weights) / space.weights.sum(axis=1)[:, None]
    along = np.abs(np.einsum("ti,tni->tn", mean, space.gradients[..., 0])).sum(axis=1)
    return np.linalg.norm(mean, axis=1), along


def _delay(space: Space, w: Floats, number: Floats) -> Floats:
    """τ (T,) in s. coth Pe − 1/Pe is Pe/3 where the difference would cancel."""
    _, along = _mean_speed(space, w)
    safe = np.maximum(number, 1e-3)
    gain = np.where(number > 1e-3, 1.0 / np.tanh(safe) - 1.0 / safe, number / 3.0)
    return np.asarray(np.where(along > 0.0, gain / np.maximum(along, 1e-300), 0.0))


def _velocity(space: Space, flow: Flow | Floats) -> Floats:
    """The velocity at the quadrature points, (T, Q, 3). A Flow on curved tetrahedra is read at the same reference points."""
    if isinstance(flow, Flow):
        if flow.space.mesh is not space.mesh and not np.array_equal(flow.space.mesh.tets, space.mesh.tets):
            raise SimulationError(f"The flow was solved on {flow.space.mesh.name!r}, another mesh than {space.mesh.name!r}.")
        return Space(space.mesh, 2, degree=_DEGREE).at_quadrature(flow.nodal)
    if np.shape(flow) != (space.size, 3) or not np.isfinite(flow).all():
        raise SimulationError(f"Nodal velocities on {space.mesh.name!r} must be finite and ({space.size}, 3), got {np.shape(flow)}.")
    return space.at_quadrature(flow)


def _through(space: Space, flow: Flow | Floats, name: str, *, leaving: bool) -> tuple[Any, Floats]:
    facets = space.facets(name, degree=_FACET_DEGREE)
    if isinstance(flow, Flow):
        inside = Space(space.mesh, 2).facets(name, degree=_FACET_DEGREE)
        w = np.einsum("fni,fnq->fqi", flow.nodal[inside.element_nodes], inside.values)
    else:
        w = np.einsum("fni,fnq->fqi", flow[facets.element_nodes], facets.values)
    normal = np.einsum("fqi,fqi->fq", w, facets.normals)
    amount = facets.weights * np.maximum(normal if leaving else -normal, 0.0)
    matrix = np.einsum("fnq,fmq,fq->fnm", facets.values, facets.values, amount)
    load = np.einsum("fnq,fq->fn", facets.values, amount)
    nodes, size = facets.element_nodes, space.size
    return scatter_matrix(nodes, nodes, matrix, (size, size)), scatter_vector(nodes, load, size)
