"""Motions that strain nothing, and the loads and supports that decide them."""

from __future__ import annotations

import numpy as np

from cellml.sim.domain import components
from cellml.sim.errors import SimulationError
from cellml.sim.mechanics.space import Floats, Ints, Space

_SAME = 1e-8


def rigid_modes(points: Floats) -> Floats:
    """Three translations and three rotations about the centroid of points (N, 3), (3N, 6); rotations are scaled to move 1 at most."""
    centred = points - points.mean(axis=0)
    modes = np.zeros((len(points), 3, 6))
    modes[:, :, :3] = np.eye(3)
    for axis in range(3):
        modes[:, :, 3 + axis] = np.cross(np.eye(3)[axis], centred)
    modes[:, :, 3:] /= np.linalg.norm(centred, axis=1).max()
    return modes.reshape(-1, 6)


def free_motions(space: Space, held: Ints) -> Floats:
    """Orthonormal combinations of rigid modes that move none of the held unknowns, as nodal motions (3N, k), 0 ≤ k ≤ 6.

    Raises SimulationError if the mesh falls into parts that share no face: each has six motions of its own.
    """
    if (parts := components(space.mesh)) > 1:
        raise SimulationError(
            f"{space.mesh.name!r} falls into {parts} parts that share no face and can move apart; solve each part as a mesh of its own."
        )
    modes = rigid_modes(space.nodes)
    if len(held) == 0:
        return modes
    # The triangular factor has the singular values of the tall matrix; a full SVD of that would be square in the held unknowns.
    _, singular, right = np.linalg.svd(np.linalg.qr(modes[held], mode="r"))
    rank = int((singular > _SAME * max(singular[0], 1.0)).sum())
    return np.asarray(modes @ right[rank:].T)


def require_balance(space: Space, motions: Floats, force: Floats) -> None:
    """Raise SimulationError, with net force and torque, if nodal forces (3N,) do work on a free rigid motion (3N, k)."""
    if np.abs(motions.T @ force).max(initial=0.0) <= _SAME * np.abs(force).sum():
        return
    forces, centred = force.reshape(-1, 3), space.nodes - space.nodes.mean(axis=0)
    net, torque = forces.sum(axis=0), np.cross(centred, forces).sum(axis=0)
    raise SimulationError(
        f"{space.mesh.name!r} can move as a rigid body in {motions.shape[1]} ways and the loads push it: net force "
        f"{np.array2string(net, precision=3)} pN, torque {np.array2string(torque, precision=3)} pN·µm. Hold a facet set by a displacement, "
        "or balance the loads."
    )


def statically_determinate(motions: Floats, held: Ints) -> Ints:
    """The k unknowns that, held as well, stop k free motions (3N, k) and bear no force under balanced loads; by pivoted QR."""
    from scipy.linalg import qr

    if motions.shape[1] == 0:
        return np.zeros(0, np.int64)
    free = np.setdiff1d(np.arange(len(motions)), held)
    _, _, pivots = qr(motions[free].T, mode="economic", pivoting=True)
    return np.asarray(np.sort(free[pivots[: motions.shape[1]]]))


def without_motion(space: Space, u: Floats, motions: Floats) -> Floats:
    """The displacement (N, 3) less its part along free motions (3N, k): afterwards ∫ u·r = 0 for each of them."""
    if motions.shape[1] == 0:
        return u
    shapes = [space.at_quadrature(motions[:, k].reshape(-1, 3)) for k in range(motions.shape[1])]
    inside = space.at_quadrature(u)
    gram = np.array([[np.einsum("tq,tqi,tqi->", space.weights, a, b) for b in shapes] for a in shapes])
    along = np.array([np.einsum("tq,tqi,tqi->", space.weights, a, inside) for a in shapes])
    return np.asarray(u - (motions @ np.linalg.solve(gram, along)).reshape(-1, 3))
