"""Curvatures of triangle surfaces at their vertices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.meshing.quality import surface_angles
from cellml.meshing.topology import edges_of
from cellml.surfaces.face_shape import area_vectors
from cellml.surfaces.smoothing import vertex_normals
from cellml.types import Surface

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curvature:
    """Curvatures at vertices, each (V,); not a number on the border of an open surface and at vertices without faces.

    mean, first, second: nm⁻¹, positive where the surface bulges outwards, first ≥ second (principal curvatures); gaussian: nm⁻²;
    area: nm², the part of the surface that belongs to the vertex; defect: angle defect 2π − Σθ, radians, which sums to 2πχ on closed
    surfaces (Gauss–Bonnet), exactly.
    """

    mean: Floats
    gaussian: Floats
    first: Floats
    second: Floats
    area: Floats
    defect: Floats


def curvature(surface: Surface) -> Curvature:
    """Mean, Gaussian and principal curvatures by discrete differential geometry (Meyer et al. 2003).

    Over the mixed Voronoi area A of a vertex: K = (2π − Σθ) / A (eq. 9), and H from the mean curvature normal
    2 H n = 1/2A Σ (cot α + cot β)(x_i − x_j) (eq. 8), its sign that of its component along the outward normal; κ = H ± √(H² − K).
    Raises CellmlError where a face has no area.
    """
    vertices, faces = surface.vertices, surface.faces
    corners = vertices[faces]
    if len(faces) == 0 or (np.linalg.norm(area_vectors(corners), axis=1) == 0).any():
        raise CellmlError(f"{surface.name!r} has no faces, or some without area, where curvature has no meaning; repair it first.")
    angles = np.radians(surface_angles(vertices, faces))
    cotangents = 1.0 / np.tan(angles)
    count = len(vertices)
    area = _sum(faces, _mixed_areas(corners, angles, cotangents), count)
    total = _sum(faces, angles, count)
    border = _border(surface)
    defect = np.where(border, np.nan, 2 * np.pi - total)
    bend = _mean_curvature_normals(vertices, faces, cotangents)
    with np.errstate(invalid="ignore", divide="ignore"):
        normal = bend / (2.0 * area[:, None])
        outward = np.einsum("ij,ij->i", normal, vertex_normals(vertices, faces))
        mean = np.where(border, np.nan, 0.5 * np.sign(outward) * np.linalg.norm(normal, axis=1))
        gaussian = defect / area
        spread = np.sqrt(np.maximum(mean**2 - gaussian, 0.0))
    return Curvature(mean, gaussian, mean + spread, mean - spread, area, defect)


def _mixed_areas(corners: Floats, angles: Floats, cotangents: Floats) -> Floats:
    """The part of each triangle that belongs to each of its corners, (F, 3): its Voronoi cell, cut off at obtuse angles (Meyer, fig. 4)."""
    triangle = np.linalg.norm(area_vectors(corners), axis=1)[:, None]
    square = np.stack([((corners[:, i] - corners[:, (i + 1) % 3]) ** 2).sum(axis=1) for i in range(3)], axis=1)  # of edge i, i + 1
    # At corner i: edge (i, i + 1) faces corner i + 2, edge (i - 1, i) faces corner i + 1.
    voronoi = (square * np.roll(cotangents, -2, axis=1) + np.roll(square, 1, axis=1) * np.roll(cotangents, -1, axis=1)) / 8.0
    obtuse = angles > np.pi / 2
    blunt = np.asarray(obtuse.any(axis=1))[:, None]
    return np.where(blunt, np.where(obtuse, triangle / 2.0, triangle / 4.0), voronoi)


def _mean_curvature_normals(vertices: Floats, faces: NDArray[np.int64], cotangents: Floats) -> Floats:
    """Σ (cot α + cot β)(x_i − x_j) over the neighbours of each vertex, (V, 3)."""
    total = np.zeros_like(vertices)
    for k in range(3):
        i, j = faces[:, k], faces[:, (k + 1) % 3]
        pull = cotangents[:, (k + 2) % 3, None] * (vertices[i] - vertices[j])
        np.add.at(total, i, pull)
        np.add.at(total, j, -pull)
    return total


def _sum(faces: NDArray[np.int64], values: Floats, count: int) -> Floats:
    return np.asarray(np.bincount(faces.ravel(), weights=values.ravel(), minlength=count))


def _border(surface: Surface) -> NDArray[np.bool_]:
    """Vertices on open edges or without faces."""
    edges, edge_of = edges_of(surface.faces)
    uses = np.bincount(edge_of.ravel(), minlength=len(edges))
    border = np.ones(len(surface.vertices), bool)
    border[surface.faces] = False
    border[edges[uses == 1]] = True
    return border
