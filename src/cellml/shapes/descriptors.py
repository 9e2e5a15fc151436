"""Numbers that describe a shape, for comparing populations and for classifying by a forest.

All of them are integrals over the enclosed body or its surface, so that they hardly depend on how the surface is cut into triangles: of two
meshes of one shape they agree up to the distance between the meshes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.types import Surface

Floats = NDArray[np.float64]

SIZES = ("volume_nm3", "area_nm2", "length_nm", "width_nm", "thickness_nm", "mean_width_nm")  # grow with the shape: logarithms in tables
DESCRIPTORS = (
    *SIZES,
    *("sphericity", "solidity", "elongation", "flatness", "skewness", "neck", "head_place", "neck_place", "slenderness", "taper"),
)
_SECTIONS = 12


def descriptors(surface: Surface, axis: Sequence[float] | None = None) -> dict[str, float]:
    """Sixteen numbers of a closed, outward oriented surface in nm.

    volume_nm3, area_nm2; length_nm, width_nm, thickness_nm: extents along the principal axes of the body's second moments; mean_width_nm:
    ∫ H dA / 2π, the mean distance of parallel planes that enclose the body if it is convex (Santaló 1976, III.13.6); sphericity
    π^⅓ (6V)^⅔ / A; solidity: volume over that of the convex hull; elongation, flatness: square roots of the second largest over the largest
    and of the least over the second largest moment; skewness: of the volume along `axis`.

    Of 12 plane sections across `axis`, without the outermost: neck (narrowest over widest, as square roots of areas), head_place (of the
    widest, 0 … 1 along the axis), neck_place (of the narrowest), slenderness (diameter of the mean section's disk over the length along
    the axis), taper (area of the first third over that of all).

    axis: (3,) direction x, y, z of the sections, from the base of a spine to its head; the longest principal axis where None, of which the
    end with the wider sections comes last. Raises CellmlError for a surface that encloses nothing.
    """
    from scipy.spatial import ConvexHull

    vertices, faces = surface.vertices, surface.faces
    volume, area = surface.volume(), float(surface.areas().sum())
    if not volume > 0:
        raise CellmlError(
            f"{surface.name!r} encloses {volume:.3g} nm³; descriptors need a closed surface whose faces are counter-clockwise from outside."
        )
    centre, covariance = _moments(vertices, faces, volume)
    moments, axes = np.linalg.eigh(covariance)
    centred = vertices - centre
    extents = np.ptp(centred @ axes, axis=0)
    along = axes[:, 2] if axis is None else _unit(axis)
    sections = _section_areas(centred, faces, along)
    if axis is None and sections[: _SECTIONS // 2].sum() > sections[_SECTIONS // 2 :].sum():
        along, sections = -along, sections[::-1]
    place = np.sort(centred @ along)
    radii, length = np.sqrt(sections[1:-1]), float(place[-1] - place[0])
    return {
        "volume_nm3": volume,
        "area_nm2": area,
        "length_nm": float(extents[2]),
        "width_nm": float(extents[1]),
        "thickness_nm": float(extents[0]),
        "mean_width_nm": _mean_width(centred, faces),
        "sphericity": float(np.pi ** (1 / 3) * (6 * volume) ** (2 / 3) / area),
        "solidity": float(volume / ConvexHull(centred).volume),
        "elongation": float(np.sqrt(moments[1] / moments[2])),
        "flatness": float(np.sqrt(max(moments[0], 0.0) / moments[1])),
        "skewness": _skewness(centred, faces, along, volume),
        "neck": float(radii.min() / max(radii.max(), 1e-30)),
        "head_place": (int(radii.argmax()) + 1.5) / _SECTIONS,
        "neck_place": (int(radii.argmin()) + 1.5) / _SECTIONS,
        "slenderness": float(2 * np.sqrt(sections.mean() / np.pi) / length),
        "taper": float(sections[: _SECTIONS // 3].sum() / max(sections.sum(), 1e-30)),
    }


def descriptor_table(surfaces: Sequence[Surface], axis: Sequence[float] | None = None) -> tuple[tuple[str, ...], Floats]:
    """Names (K,) and values (N, K) of the descriptors of surfaces, with the logarithms of those that are sizes."""
    rows = [descriptors(surface, axis) for surface in surfaces]
    if not rows:
        raise CellmlError("There is no surface to describe.")
    names = tuple(rows[0])
    return names, np.array([[np.log(row[name]) if name in SIZES else row[name] for name in names] for row in rows])


def centroid(surface: Surface) -> Floats:
    """Centre of the enclosed body, (3,) in nm. Raises CellmlError for a surface that encloses nothing."""
    volume = surface.volume()
    if not volume:
        raise CellmlError(f"{surface.name!r} encloses no volume, so that it has no centroid.")
    return _moments(surface.vertices, surface.faces, volume)[0]


def _unit(axis: Sequence[float]) -> Floats:
    vector = np.asarray(axis, float).reshape(-1)
    length = float(np.linalg.norm(vector))
    if vector.shape != (3,) or not np.isfinite(length) or length == 0:
        raise CellmlError(f"axis must be three numbers (x, y, z), not all zero, got {axis!r}.")
    return vector / length


def _moments(vertices: Floats, faces: NDArray[np.int64], volume: float) -> tuple[Floats, Floats]:
    """Centroid (3,) and covariance (3, 3) of the body, from signed tetrahedra with the origin.

    ∫ x xᵀ over a tetrahedron (0, a, b, c) of volume v is v/20 (a aᵀ + b bᵀ + c cᵀ + s sᵀ), s = a + b + c.
    """
    shift = vertices.mean(axis=0)  # far from the origin the differences would lose digits
    corners = (vertices - shift)[faces]
    signed = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6.0
    total = corners.sum(axis=1)
    centre = (signed[:, None] * total).sum(axis=0) / 4.0 / volume
    second = np.einsum("f,fki,fkj->ij", signed, corners, corners) + np.einsum("f,fi,fj->ij", signed, total, total)
    return centre + shift, second / 20.0 / volume - np.outer(centre, centre)


def _skewness(centred: Floats, faces: NDArray[np.int64], along: Floats, volume: float) -> float:
    """Third standardised moment of the body along a direction, for vertices about its centroid.

    The mean of a product of three linear functions over a tetrahedron with values 0, a, b, c at its corners: the mean of t³ is
    h₃(0, a, b, c)/20, where h₃ is the sum of all monomials of degree three; that of t² is h₂/10.
    """
    corners = centred[faces]
    signed = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6.0
    t = corners @ along
    one, two, three = t.sum(axis=1), (t**2).sum(axis=1), (t**3).sum(axis=1)
    third = (one**3 + 3 * one * two + 2 * three) / 6.0
    second = (one**2 + two) / 2.0
    variance = float((signed * second).sum() / 10.0 / volume)
    return float((signed * third).sum() / 20.0 / volume / max(variance, 1e-30) ** 1.5)


def _section_areas(vertices: Floats, faces: NDArray[np.int64], along: Floats) -> Floats:
    """Areas (12,) in nm² of plane sections across a direction, in the middle of twelve equal parts of the extent.

    Where a plane cuts faces it does so in oriented segments p → q around the section, whose area is ½ |Σ n · (p × q)|.
    """
    height = vertices @ along
    low, high = float(height.min()), float(height.max())
    found = np.zeros(_SECTIONS)
    for number in range(_SECTIONS):
        level = height - (low + (number + 0.5) / _SECTIONS * (high - low))
        level[level == 0] = 1e-9 * (high - low)  # a vertex on the plane counts as above it
        above = level[faces] > 0
        cut = above.any(axis=1) & ~above.all(axis=1)
        alone = np.where(above[cut].sum(axis=1) == 1, above[cut].argmax(axis=1), above[cut].argmin(axis=1))
        rows = np.arange(len(alone))
        corner, after, before = (faces[cut][rows, (alone + turn) % 3] for turn in range(3))
        p, q = (_between(vertices, level, corner, other) for other in (after, before))
        turned = np.where(above[cut].sum(axis=1) == 1, 1.0, -1.0)
        found[number] = 0.5 * abs(float((turned * (np.cross(p, q) @ along)).sum()))
    return found


def _between(vertices: Floats, level: Floats, one: NDArray[np.int64], other: NDArray[np.int64]) -> Floats:
    share = level[one] / (level[one] - level[other])
    return np.asarray(vertices[one] + share[:, None] * (vertices[other] - vertices[one]))


def _mean_width(vertices: Floats, faces: NDArray[np.int64]) -> float:
    """∫ H dA / 2π = Σ |e| θ_e / 4π over edges e with exterior dihedral angle θ_e, negative where concave, in nm."""
    normals = np.cross(vertices[faces[:, 1]] - vertices[faces[:, 0]], vertices[faces[:, 2]] - vertices[faces[:, 0]])
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)
    edges = faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    owner = np.repeat(np.arange(len(faces)), 3)
    order = np.lexsort(np.sort(edges, axis=1).T)
    first, second = order[::2], order[1::2]  # the two sides of each edge of a closed manifold
    direction = vertices[edges[first, 1]] - vertices[edges[first, 0]]
    length = np.linalg.norm(direction, axis=1)
    one, other = normals[owner[first]], normals[owner[second]]
    sine = np.einsum("ij,ij->i", np.cross(one, other), direction) / np.maximum(length, 1e-30)
    angle = np.arctan2(sine, np.einsum("ij,ij->i", one, other))
    return float((length * angle).sum() / (4 * np.pi))
