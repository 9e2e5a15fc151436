"""A foreign surface as one closed shape, or the reason why it is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cellml.errors import CellmlError
from cellml.meshing.topology import surface_topology
from cellml.types import Surface

_FRAGMENT = 0.02  # of the volume, which may be dropped as a fragment
_COARSER = (1.0, 1.5, 2.2)  # grids, as multiples of the first, on which narrow handles are closed
_FIRST_GRID = 45  # voxels along the cube root of the volume
_FACES = 6000  # of a surface that was made anew


@dataclass(frozen=True, eq=False)
class ClosedShape:
    """A closed, oriented, manifold surface of one part, and what was done to get it, "" where nothing was."""

    surface: Surface
    account: str


def closed_shape(surface: Surface, *, genus: int | None = None) -> ClosedShape:
    """One closed part: repaired (`cellml.surfaces.repair`), fragments of less than 2 % of its volume dropped.

    genus: 0 to have handles closed that are narrower than a voxel, by making the surface anew on coarser and coarser grids; None leaves
    them. Raises CellmlError, with the reason, where the surface has several parts that count, encloses nothing, cannot be repaired, or
    keeps its handles.
    """
    from cellml.surfaces.repair import repair

    made, log = repair(surface)
    made, dropped = _largest_part(made)
    account = [*log, *dropped]
    if genus is not None and genus_of(made) > genus:
        handles = genus_of(made)
        made, spacing = _without_handles(made, genus)
        account.append(f"closed {handles - genus_of(made)} narrow handles, on a grid of {spacing:.3g} nm")
    return ClosedShape(made, "; ".join(account))


def genus_of(surface: Surface) -> int:
    """Handles of a closed surface, by V − E + F = 2 (parts − handles)."""
    topology = surface_topology(surface.faces)
    return topology.components - topology.euler // 2


def _largest_part(surface: Surface) -> tuple[Surface, list[str]]:
    from cellml.surfaces.half_edges import face_components, match_half_edges
    from cellml.surfaces.orientation import volumes_of_parts
    from cellml.surfaces.welding import without_unused

    count, part = face_components(match_half_edges(surface.vertices, surface.faces))
    if count == 1:
        return surface, []
    volumes = np.abs(volumes_of_parts(surface.vertices, surface.faces, part, count))
    rest = 1.0 - volumes.max() / volumes.sum()
    if rest > _FRAGMENT:
        shares = ", ".join(f"{100 * v / volumes.sum():.0f} %" for v in np.sort(volumes)[::-1][:4])
        raise CellmlError(f"{surface.name!r} has {count} parts, of {shares} of its volume; a shape has one. Give each its own name.")
    kept = surface.faces[part == volumes.argmax()]
    return Surface(*without_unused(surface.vertices, kept), name=surface.name), [
        f"dropped {count - 1} fragments ({100 * rest:.2g} % of the volume)"
    ]


def _without_handles(surface: Surface, genus: int) -> tuple[Surface, float]:
    from cellml.report.decimate import decimate
    from cellml.surfaces import condition, extract_surface, signed_distance_of

    first = float(np.cbrt(abs(surface.volume()))) / _FIRST_GRID
    for factor in _COARSER:
        made = extract_surface(signed_distance_of(surface, spacing_nm=first * factor))
        try:
            made, _ = _largest_part(made)
        except CellmlError:
            continue
        if genus_of(made) <= genus:
            fewer = decimate(made, _FACES)
            topology = surface_topology(fewer.faces)
            sound = topology.closed and topology.manifold and topology.oriented and genus_of(fewer) <= genus
            kept = fewer if sound else condition(made, sizing=_edge_of(made, _FACES))
            return Surface(kept.vertices, kept.faces, name=surface.name), first * factor
    raise CellmlError(
        f"{surface.name!r} has {genus_of(surface)} handles that stay open on a grid of {first * _COARSER[-1]:.3g} nm; it is no ball."
    )


def _edge_of(surface: Surface, faces: int) -> float:
    """Edge of equilateral triangles, nm, of which so many have the surface's area."""
    return float(np.sqrt(4.0 / np.sqrt(3.0) * surface.areas().sum() / faces))
