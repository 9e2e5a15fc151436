"""Star shapes: the radius as a function of direction, by least squares over the surface."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.shapes.harmonics.basis import check_degree, real_harmonics
from cellml.shapes.harmonics.coefficients import Harmonics
from cellml.types import Surface

Floats = NDArray[np.float64]

_HIDDEN = 0.01  # of all directions, that may meet the surface from behind: slivers and wrinkles of extracted surfaces do


def fit_star(surface: Surface, degree: int, *, centre: Floats | None = None) -> Harmonics:
    """The radius of a star-shaped surface up to a degree.

    min Σ_v w_v (r_v − Σ c_lm y_lm(n_v))² over its vertices v, with n_v the direction from the centre and w_v the solid angle of a third of
    the faces around it: the sum is the integral over directions, whatever the density of vertices.

    centre: (3,) nm; the centroid of the enclosed volume if None. Raises CellmlError for surfaces that are not closed around the centre, are
    not star-shaped about it (faces of more than 1 % of all directions are seen from behind), or have fewer vertices than coefficients.
    """
    check_degree(degree)
    middle = volume_centroid(surface) if centre is None else np.asarray(centre, np.float64).reshape(3)
    arms = surface.vertices - middle
    used = np.unique(surface.faces)
    check_samples(len(used), degree, surface.name)
    radius = np.linalg.norm(arms[used], axis=1)
    weights = _seen(arms, surface)[used]
    basis = real_harmonics(arms[used], degree)
    return Harmonics(weighted_fit(basis, radius[:, None], weights).T, middle, surface.name)


def volume_centroid(surface: Surface) -> Floats:
    """Centroid of the enclosed volume, (3,) nm. Raises CellmlError where nothing is enclosed."""
    start = surface.vertices.mean(axis=0)
    corners = surface.vertices[surface.faces] - start
    volumes = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6.0
    if volumes.sum() <= 0:
        raise CellmlError(f"{surface.name!r} encloses {volumes.sum():.3g} nm³; repair it, so that its faces are outwards (cellml mesh).")
    return np.asarray(start + volumes @ corners.sum(axis=1) / (4.0 * volumes.sum()))


def weighted_fit(basis: NDArray[Any], values: Floats, weights: Floats) -> Floats:
    """Coefficients (K, C) of least squares Σ w |values − basis c|², basis: (N, K); values: (N, C); weights: (N,) ≥ 0.

    By normal equations, which are near the unit matrix where the weights are areas of the sphere; products are made in the precision of
    the basis. Raises CellmlError where the samples lie so unevenly that the coefficients are not determined.
    """
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    root = np.sqrt(weights).astype(basis.dtype)[:, None]
    heavy, right = basis * root, values.astype(basis.dtype) * root
    try:
        factor = cho_factor((heavy.T @ heavy).astype(np.float64))  # of one array: NumPy computes half of it
    except LinAlgError:
        raise CellmlError(
            f"{basis.shape[1]} coefficients are not determined by {len(basis)} samples, which leave parts of the sphere empty; "
            "lower the degree, or refine the surface."
        ) from None
    found = cho_solve(factor, (heavy.T @ right).astype(np.float64))
    rest = right - heavy @ found.astype(basis.dtype)
    return np.asarray(found + cho_solve(factor, (heavy.T @ rest).astype(np.float64)))  # one step of refinement, to round-off


def check_samples(vertices: int, degree: int, name: str) -> None:
    """Raise CellmlError where there are fewer vertices than coefficients."""
    most = int(vertices**0.5) - 1
    if degree > most:
        raise CellmlError(
            f"{name!r} has {vertices} vertices, and degree {degree} has {(degree + 1) ** 2} coefficients; take degree {most} or less, "
            "or refine the surface."
        )


def solid_angles(directions: Floats, faces: NDArray[np.int64]) -> Floats:
    """Signed solid angles of faces (F, 3) between directions (D, 3) of length 1.

    tan(Ω/2) = n₁·(n₂×n₃) / (1 + n₁·n₂ + n₂·n₃ + n₃·n₁) (Van Oosterom & Strackee 1983, eq. 8)
    """
    a, b, c = (directions[faces[:, i]] for i in range(3))
    above = np.einsum("ij,ij->i", a, np.cross(b, c))
    below = 1.0 + np.einsum("ij,ij->i", a, b) + np.einsum("ij,ij->i", b, c) + np.einsum("ij,ij->i", c, a)
    return np.asarray(2.0 * np.arctan2(above, below))


def _seen(arms: Floats, surface: Surface) -> Floats:
    """Solid angle of each vertex, (V,). Raises CellmlError where a ray from the centre meets the surface not exactly once."""
    length = np.linalg.norm(arms, axis=1, keepdims=True)
    if not (length > 0).all():
        raise CellmlError(f"A vertex of {surface.name!r} lies on the centre; it is not star-shaped about it.")
    angles = solid_angles(arms / length, surface.faces)
    behind = int((angles < 0).sum())
    around = angles.sum() / (4.0 * np.pi)
    if -angles[angles < 0].sum() > _HIDDEN * 4.0 * np.pi or abs(around - 1.0) > 1e-6:
        raise CellmlError(
            f"{surface.name!r} is not star-shaped about its centre: {behind} of its {len(angles)} faces are seen from behind, and it "
            f"covers {around:.3f} of all directions. Use fit_vector, which takes any closed surface without handles."
        )
    return np.asarray(
        np.bincount(surface.faces.ravel(), weights=np.repeat(np.maximum(angles, 0.0) / 3.0, 3), minlength=len(arms)), np.float64
    )
