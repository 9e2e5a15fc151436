"""The harmonic coordinate between an inner frame and the membrane."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.shapes.organelles.host import Host
from cellml.types import Triple

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]


def harmonic_coordinate(inside: Mask, inner: Mask, spacing: Triple) -> Floats:
    """Solve ∇²u = 0 with u = 0 on the inner frame and u = 1 on the membrane; (Z, Y, X), 0 in the frame, NaN outside.

    Seven-point finite differences; both surfaces lie half-way between a voxel in them and one that is not, as label volumes have them.
    Where the host reaches the border of the volume it goes on outside: no flux there. u falls from membrane to frame without any other
    extremum, so that it orders all points between the two, whatever their shapes.
    inside, inner: (Z, Y, X), the host and the frame in it; spacing: (z, y, x) in nm. Raises CellmlError where there is nothing between the
    two, and where a piece of the host touches neither.
    """
    free = inside & ~inner
    if not free.any() or not inner.any():
        raise CellmlError(
            f"There is nothing between the frames: {int(inner.sum())} voxels of inner frame in a host of {int(inside.sum())}."
        )
    matrix, right = _system(free, inner, inside, spacing)
    anchored = np.asarray(matrix.sum(axis=1)).ravel() > 0
    _require_anchored(free, anchored)
    u = np.full(inside.shape, np.nan)
    u[inner] = 0.0
    u[free] = np.clip(_solve(matrix, right), 0.0, 1.0)
    return u


def coordinate_in(host: Host) -> Floats:
    """The coordinate of a host, (Z, Y, X): 0 in its inner frame, 1 beyond the outer one and outside of it."""
    return np.nan_to_num(harmonic_coordinate(host.within, host.inner, host.spacing), nan=1.0)


def _system(free: Mask, inner: Mask, inside: Mask, spacing: Triple) -> tuple[Any, Floats]:
    """Σ_j (u_i − u_j) / h² over free neighbours, + (u_i − value) / (h · h/2) at a surface."""
    from scipy.sparse import coo_matrix

    number = np.full(free.shape, -1, np.int64)
    count = int(free.sum())
    number[free] = np.arange(count)
    diagonal, right = np.zeros(count), np.zeros(count)
    rows, columns, values = [], [], []
    for axis, h in enumerate(spacing):
        weight = 1.0 / h**2
        low, high = _pairs(number, axis)
        both = (low >= 0) & (high >= 0)
        rows += [low[both], high[both]]
        columns += [high[both], low[both]]
        values += [np.full(int(both.sum()), -weight)] * 2
        np.add.at(diagonal, np.concatenate([low[both], high[both]]), weight)
        for own, other_inner, other_inside in (
            (low, _pairs(inner, axis)[1], _pairs(inside, axis)[1]),
            (high, _pairs(inner, axis)[0], _pairs(inside, axis)[0]),
        ):
            for wall, value in ((other_inner, 0.0), (~other_inside, 1.0)):
                at = own[(own >= 0) & wall]
                np.add.at(diagonal, at, 2 * weight)
                np.add.at(right, at, 2 * weight * value)
    every = np.arange(count)
    entries = np.concatenate([*values, diagonal])
    place = (np.concatenate([*rows, every]), np.concatenate([*columns, every]))
    return coo_matrix((entries, place), shape=(count, count)).tocsr(), right


def _pairs(field: NDArray[Any], axis: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Values of each voxel and of its next neighbour along an axis, flat."""
    moved = np.moveaxis(field, axis, 0)
    return moved[:-1].ravel(), moved[1:].ravel()


def _require_anchored(free: Mask, anchored: NDArray[np.bool_]) -> None:
    from scipy.ndimage import label

    pieces, count = label(free)
    touched = np.bincount(pieces[free][anchored], minlength=count + 1)[1:] > 0
    if not touched.all():
        raise CellmlError(
            f"{int((~touched).sum())} of {count} pieces of the host touch neither the frame nor the membrane: the host fills the whole "
            "volume. Give a volume with some background around it."
        )


def _solve(matrix: Any, right: Floats) -> Floats:
    from pyamg import smoothed_aggregation_solver
    from scipy.sparse.linalg import spsolve

    if matrix.shape[0] < 2000:
        return np.asarray(spsolve(matrix.tocsc(), right))
    return np.asarray(smoothed_aggregation_solver(matrix, max_coarse=300).solve(right, tol=1e-8, accel="cg", maxiter=200))
