"""Surfaces made fit for computation: even angles and the edge lengths wanted, with features and volume kept.

In the spirit of GAMer 2 (Lee et al. 2020; Yu et al. 2008): smoothing weighted by the local structure tensor and by normals, decimation and
refinement, edge flips. Every move is undone that turns a face over, spoils its shape, changes the volume or lets the surface cross itself.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.meshing.quality import surface_angles
from cellml.meshing.topology import Index
from cellml.surfaces.collapses import collapse_edges
from cellml.surfaces.edge_table import edge_table
from cellml.surfaces.face_shape import area_vectors
from cellml.surfaces.flips import flip_edges
from cellml.surfaces.guards import move_where_allowed
from cellml.surfaces.smoothing import angle_smoothed, normal_smoothed, vertex_normals
from cellml.surfaces.splits import split_edges
from cellml.types import Surface

Floats = NDArray[np.float64]
Sizing = float | Floats | Callable[[Floats], Floats]

_POLISHING_ROUNDS = 6
_FEW = 0.01  # changes of the mesh, as part of its faces, that end the passes


def condition(
    surface: Surface,
    *,
    sizing: Sizing | None = None,
    passes: int = 5,
    smoothing_steps: int = 3,
    denoise_steps: int = 0,
    angles: tuple[float, float] = (20.0, 130.0),
) -> Surface:
    """Bring a surface's angles toward 20–130° and its edges to a wanted length, keeping its topology, volume and features.

    surface: closed, oriented and manifold, without self-intersections (see `cellml.surfaces.repair`).
    sizing: edge length in nm: one number, one for each vertex (V,) (see `cellml.surfaces.sizing`), or a function of points (N, 3) in nm;
    None keeps the number of faces, with even lengths.
    passes: of splits, collapses, flips and smoothing. smoothing_steps: angle-weighted smoothing steps in each pass.
    denoise_steps: steps of normal smoothing before all; they take out noise and the terraces of thick sections.
    angles: degrees; polishing goes on until all lie within.

    The volume stays that of the input to round-off, or to what the guards allow. Raises CellmlError for surfaces that are not closed
    manifolds and sizes that are not positive.
    """
    if len(surface.faces) == 0:
        raise CellmlError(f"{surface.name!r} has no faces; there is nothing to condition.")
    edge_table(surface.faces)
    centre = surface.vertices.mean(axis=0)
    vertices, faces = surface.vertices - centre, surface.faces
    size = _sizes(surface, sizing)
    volume = Surface(vertices, faces).volume()
    for _ in range(denoise_steps):
        vertices = _settle(vertices, faces, normal_smoothed(vertices, faces), volume)
    for _ in range(passes):
        vertices, faces, size, changes = _remesh(vertices, faces, size)
        for _ in range(smoothing_steps):
            vertices = _settle(vertices, faces, angle_smoothed(vertices, faces), volume)
            faces, _ = flip_edges(vertices, faces, rounds=1)
        if changes < _FEW * len(faces) and _excess(vertices, faces, angles) <= 0:
            break
    vertices, faces = _polish(vertices, faces, size, volume, angles)
    for _ in range(2):
        vertices = _settle(vertices, faces, vertices, volume)
    return Surface(vertices + centre, faces, name=surface.name)


def even_size(surface: Surface) -> float:
    """Edge of the equilateral triangle with the mean area of a surface's faces, nm."""
    return float(np.sqrt(4.0 / np.sqrt(3.0) * surface.areas().mean()))


def _sizes(surface: Surface, sizing: Sizing | None) -> Floats:
    if sizing is None:
        sizing = even_size(surface)
    values = sizing(surface.vertices) if callable(sizing) else sizing
    size = np.array(np.broadcast_to(np.asarray(values, np.float64), (len(surface.vertices),)))
    if not (np.isfinite(size) & (size > 0)).all():
        raise CellmlError(
            f"The sizing of {surface.name!r} must be positive everywhere; it goes from {size.min():.3g} to {size.max():.3g} nm."
        )
    return size


def _remesh(vertices: Floats, faces: Index, size: Floats) -> tuple[Floats, Index, Floats, int]:
    vertices, faces, size, splits = split_edges(vertices, faces, size)
    faces, _ = flip_edges(vertices, faces)
    vertices, faces, size, collapses = collapse_edges(vertices, faces, size)
    vertices, faces, size, mended = collapse_edges(vertices, faces, size, bad_faces=True, longest=2.0)
    faces, _ = flip_edges(vertices, faces)
    return vertices, faces, size, splits + collapses + mended


def _excess(vertices: Floats, faces: Index, angles: tuple[float, float]) -> float:
    """Degrees by which the worst angle lies out of bounds."""
    found = surface_angles(vertices, faces)
    return float(max(angles[0] - found.min(), found.max() - angles[1]))


def _polish(vertices: Floats, faces: Index, size: Floats, volume: float, angles: tuple[float, float]) -> tuple[Floats, Index]:
    """Flip, collapse and smooth until the worst angles are within bounds, or nothing helps."""
    best, result = np.inf, (vertices, faces)
    for _ in range(_POLISHING_ROUNDS):
        excess = _excess(vertices, faces, angles)
        if excess < best:
            best, result = excess, (vertices, faces)
        if excess <= 0:
            break
        vertices, faces, size, _ = collapse_edges(vertices, faces, size, bad_faces=True, longest=2.0)
        faces, _ = flip_edges(vertices, faces)
        vertices = _settle(vertices, faces, angle_smoothed(vertices, faces), volume)
    return result


def _settle(vertices: Floats, faces: Index, wanted: Floats, volume: float) -> Floats:
    """Move vertices where that is allowed, with a common step along their normals that gives the volume back."""
    normals = vertex_normals(wanted, faces)
    swept = float(np.einsum("ij,ij->", area_vectors(wanted[faces]), normals[faces].mean(axis=1)))
    missing = volume - Surface(wanted, faces).volume()
    return move_where_allowed(vertices, faces, wanted + (missing / swept * normals if swept > 0 else 0.0))
