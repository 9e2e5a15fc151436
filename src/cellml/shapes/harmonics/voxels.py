"""Star shapes from voxels: the radius at the faces where the object ends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.shapes.harmonics.basis import check_degree, real_harmonics
from cellml.shapes.harmonics.coefficients import Harmonics
from cellml.shapes.harmonics.star import check_samples, weighted_fit
from cellml.types import Labels

Floats = NDArray[np.float64]

_HIDDEN = 0.02  # share of the solid angle of faces seen from behind, above which the object is no star


def fit_star_voxels(labels: Labels, degree: int, *, label: int | None = None, centre: Floats | None = None) -> Harmonics:
    """The radius of a star-shaped object of voxels up to a degree, without a surface in between.

    Where a voxel of the object has a neighbour outside, the true surface crosses the line between their centres; without further knowledge
    its place is even in between, so the middle of the face is an estimate without bias. min Σ_f w_f (r_f − Σ c_lm y_lm(n_f))² over those
    faces, with w_f = A_f cos(angle between n_f and the face's normal) / r_f² the face's solid angle: the faces cover each direction once
    (those seen from behind take away what is covered twice).

    label: which (all that is not 0, if None); centre: (3,) nm, x, y, z; the centroid of the voxels if None. Raises CellmlError for an
    absent object, one that meets the volume's border, one that is not star-shaped about the centre, and fewer faces than coefficients.
    """
    check_degree(degree)
    mask = np.asarray(labels.data != 0 if label is None else labels.data == label)
    points, normals = boundary_faces(mask, labels)
    check_samples(len(points), degree, labels.name)
    middle = _centroid(mask, labels) if centre is None else np.asarray(centre, np.float64).reshape(3)
    arms = points - middle
    radius = np.linalg.norm(arms, axis=1)
    angles = np.einsum("ij,ij->i", arms, normals) / radius**3
    around, behind = angles.sum() / (4 * np.pi), -angles[angles < 0].sum() / (4 * np.pi)
    if behind > _HIDDEN or abs(around - 1) > _HIDDEN:
        raise CellmlError(
            f"{labels.name!r} is not star-shaped about its centre: {100 * behind:.1f} % of directions meet its surface from behind, and it "
            f"covers {around:.3f} of all. Take its surface (cellml.surfaces.extract_surface) and fit_vector."
        )
    weights = np.maximum(angles, 0.0)
    values = weighted_fit(real_harmonics(arms, degree, np.float32), radius[:, None], weights)  # faces are known to half a voxel
    return Harmonics(values.T, middle, labels.name)


def boundary_faces(mask: NDArray[np.bool_], labels: Labels) -> tuple[Floats, Floats]:
    """Middles of the voxel faces between inside and outside, (F, 3) nm, columns (x, y, z), and their outward area vectors (F, 3) nm²."""
    if not mask.any():
        raise CellmlError(f"{labels.name!r} holds no such object.")
    if any(mask.take(end, axis=axis).any() for axis in range(3) for end in (0, -1)):
        raise CellmlError(f"The object of {labels.name!r} meets the border of the volume, which cuts it; leave it out, or crop less.")
    spacing, origin = np.array(labels.spacing), np.array(labels.origin)
    points, normals = [], []
    for axis in range(3):
        ahead = np.moveaxis(mask, axis, 0)
        place = np.argwhere(ahead[1:] != ahead[:-1])
        outwards = np.where(ahead[tuple(place.T)], 1.0, -1.0)
        index = np.insert(place[:, 1:].astype(float), axis, place[:, 0] + 0.5, axis=1)
        normal = np.zeros((len(place), 3))
        normal[:, axis] = outwards * spacing.prod() / spacing[axis]
        points.append(index * spacing + origin)
        normals.append(normal)
    return np.concatenate(points)[:, ::-1], np.concatenate(normals)[:, ::-1]


def _centroid(mask: NDArray[np.bool_], labels: Labels) -> Floats:
    index = [np.average(np.arange(n), weights=mask.sum(axis=tuple(a for a in range(3) if a != axis))) for axis, n in enumerate(mask.shape)]
    return (np.array(index) * labels.spacing + labels.origin)[::-1]
