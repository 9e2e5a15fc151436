"""Surfaces of labelled objects with few enough facets to be turned, moved and compared by the hundred."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.types import Labels, Surface, Triple

FACETS = 500  # of an organelle
HOST_FACETS = 60_000
_ACROSS = 7  # voxels across the ball of equal volume in the grid that an organelle's surface is taken from
_HOST_VOXELS = 60_000


def outline(mask: NDArray[np.bool_], spacing: Triple, facets: int = FACETS, name: str = "organelle") -> Surface:
    """The closed surface of an object, (Z, Y, X), with about `facets` triangles, in the frame of the mask (its first voxel at 0).

    Taken from the smooth signed distance on a grid that suits the size, which is closed, manifold and free of crossings by construction,
    then reduced by quadric edge collapse; where the reduced surface crosses itself or is no manifold any more, it is reduced less or not at
    all. One of HOST_FACETS or more, of a host, is not reduced. Encloses the volume of the voxels. Raises CellmlError for an empty mask.
    """
    from cellml.report.decimate import decimate
    from cellml.surfaces import extract_surface

    if not mask.any():
        raise CellmlError(f"{name!r} has no voxel, so it has no surface.")
    volume = float(mask.sum()) * float(np.prod(spacing))
    coarse, step, offset = _coarser(mask, spacing, volume, facets)
    whole = _one_piece(extract_surface(Labels(coarse, step, offset, name=name), smoothing=0.7, keep_volume=False))
    if facets >= HOST_FACETS:
        return scaled(whole, volume, name)
    for target in (facets, 2 * facets, 4 * facets):
        reduced = decimate(whole, target)
        if is_sound(reduced):
            return scaled(reduced, volume, name)
    return scaled(whole, volume, name)


def _coarser(mask: NDArray[np.bool_], spacing: Triple, volume: float, facets: int) -> tuple[NDArray[np.bool_], Triple, Triple]:
    """Majority of blocks of voxels, their spacing, and the centre of the first, so that the object has about as many voxels as it needs."""
    wanted = float(np.cbrt(volume / _HOST_VOXELS)) if facets >= HOST_FACETS else float(np.cbrt(6 * volume / np.pi)) / _ACROSS
    blocks = tuple(max(1, min(int(wanted / s), n // 3)) for s, n in zip(spacing, mask.shape, strict=True))
    padded = np.pad(mask, [(0, -n % b) for n, b in zip(mask.shape, blocks, strict=True)])
    z, y, x = (n // b for n, b in zip(padded.shape, blocks, strict=True))
    share = padded.reshape(z, blocks[0], y, blocks[1], x, blocks[2]).mean(axis=(1, 3, 5))
    coarse = share >= 0.5
    if not coarse.any():
        return _largest(mask), spacing, (0.0, 0.0, 0.0)
    dz, dy, dx = (s * b for s, b in zip(spacing, blocks, strict=True))
    oz, oy, ox = (0.5 * s * (b - 1) for s, b in zip(spacing, blocks, strict=True))
    return _largest(coarse), (dz, dy, dx), (oz, oy, ox)


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    from scipy.ndimage import label

    pieces, count = label(mask)
    return np.asarray(pieces == 1 + int(np.bincount(pieces.ravel())[1:].argmax())) if count > 1 else mask


def _one_piece(surface: Surface) -> Surface:
    """The largest closed piece and the cavities in it, without the crumbs that smoothing pinched off."""
    from cellml.meshing.topology import components, edges_of

    _, edge_of = edges_of(surface.faces)
    order = np.argsort(edge_of.ravel(), kind="stable")
    touching = (order // 3).reshape(-1, 2)
    count, piece = components(len(surface.faces), touching[:, 0], touching[:, 1])
    if count == 1:
        return surface
    volumes = np.array([Surface(surface.vertices, surface.faces[piece == k]).volume() for k in range(count)])
    kept = (volumes < 0) | (np.arange(count) == volumes.argmax())
    used, faces = np.unique(surface.faces[kept[piece]], return_inverse=True)
    return Surface(surface.vertices[used], faces.reshape(-1, 3), surface.name)


def is_sound(surface: Surface) -> bool:
    """Whether a surface is a closed, oriented manifold of positive volume that does not cross itself, decided exactly."""
    from cellml.meshing.intersections import crossing_facets, flat_facets
    from cellml.meshing.topology import surface_topology

    topology = surface_topology(surface.faces)
    if not (topology.closed and topology.manifold and topology.oriented and surface.volume() > 0):
        return False
    return len(flat_facets(surface.vertices, surface.faces)) == 0 and len(crossing_facets(surface.vertices, surface.faces)) == 0


def scaled(surface: Surface, volume: float, name: str | None = None) -> Surface:
    """The surface about its own centroid with another volume in nm³. Raises CellmlError for one that encloses nothing."""
    own = surface.volume()
    if not own > 0 or not np.isfinite(volume) or not volume > 0:
        raise CellmlError(f"{surface.name!r} encloses {own:.3g} nm³ and cannot be given {volume:.3g} nm³; is it closed and right side out?")
    centre = centroid(surface)
    return Surface(centre + (surface.vertices - centre) * np.cbrt(volume / own), surface.faces, name or surface.name)


def centroid(surface: Surface) -> NDArray[np.float64]:
    """Centre of mass of what a closed surface encloses, (3,) nm: Σ (a·(b × c)) (a + b + c) / 4 over Σ a·(b × c), about a nearby point."""
    near = surface.vertices.mean(axis=0)
    a, b, c = (surface.vertices[surface.faces[:, i]] - near for i in range(3))
    weight = np.einsum("ij,ij->i", a, np.cross(b, c))
    return np.asarray(near + (weight[:, None] * (a + b + c)).sum(axis=0) / (4 * weight.sum()))
