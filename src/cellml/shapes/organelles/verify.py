"""Whether organelles overlap, decided exactly on their surfaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.types import Surface

Index = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Overlaps:
    """What an exact comparison of all surfaces found.

    crossing: pairs of facets of different surfaces that share at least a point, of `facets` facets in all; between: names of the surfaces
    that do; outside: organelles that are not inside the host or are inside its nucleus; nested: (inner, outer) organelles within another.
    """

    crossing: int
    facets: int
    between: tuple[tuple[str, str], ...]
    outside: tuple[str, ...]
    nested: tuple[tuple[str, str], ...]

    @property
    def count(self) -> int:
        """Crossing pairs of facets, organelles out of place and organelles within others: 0 where nothing overlaps."""
        return self.crossing + len(self.outside) + len(self.nested)


def find_overlaps(organelles: Sequence[Surface], host: Surface, nucleus: Surface | None = None) -> Overlaps:
    """Compare every organelle with every other, the membrane and the nucleus.

    Whether facets meet is decided without round-off (`cellml.meshing.intersections`), contact included. Surfaces that do not meet are
    wholly inside or wholly outside of one another, so that one vertex decides: by its winding number, which is a whole number away from
    surfaces.
    """
    walls = [host, *([nucleus] if nucleus is not None else [])]
    every = [*organelles, *walls]
    pairs, facets = _crossing(every)
    names = sorted({tuple(sorted((every[a].name, every[b].name))) for a, b in pairs.tolist()})
    outside = [] if not organelles else _outside(organelles, host, nucleus)
    return Overlaps(len(pairs), facets, tuple((a, b) for a, b in names), tuple(outside), tuple(_nested(organelles)))


def crosses(candidate: Surface, others: Sequence[Surface]) -> bool:
    """Whether a surface shares a point with one of others, exactly; facets whose boxes are clear of the candidate's are not looked at."""
    low, high = candidate.vertices.min(axis=0), candidate.vertices.max(axis=0)
    near = [_within(other, low, high) for other in others]
    return len(_crossing([candidate, *(surface for surface in near if len(surface.faces))])[0]) > 0


def _within(surface: Surface, low: Floats, high: Floats) -> Surface:
    """The facets of a surface whose boxes meet a box."""
    if (surface.vertices.min(axis=0) > high).any() or (surface.vertices.max(axis=0) < low).any():
        return Surface(np.zeros((0, 3)), np.zeros((0, 3), np.int64), surface.name)
    corners = surface.vertices[surface.faces]
    met = ((corners.min(axis=1) <= high) & (corners.max(axis=1) >= low)).all(axis=1)
    used, faces = np.unique(surface.faces[met], return_inverse=True)
    return Surface(surface.vertices[used], faces.reshape(-1, 3), surface.name)


def _crossing(surfaces: Sequence[Surface]) -> tuple[Index, int]:
    """Owners (N, 2) of the facets of different surfaces that meet, and how many facets there are."""
    from cellml.meshing.intersections import crossing_facets

    if len(surfaces) < 2:
        return np.zeros((0, 2), np.int64), sum(len(s.faces) for s in surfaces)
    offsets = np.cumsum([0, *(len(s.vertices) for s in surfaces)])
    points = np.concatenate([s.vertices for s in surfaces])
    faces = np.concatenate([s.faces + offset for s, offset in zip(surfaces, offsets[:-1], strict=True)])
    owner = np.repeat(np.arange(len(surfaces)), [len(s.faces) for s in surfaces])
    return owner[crossing_facets(points, faces, owner)].reshape(-1, 2), len(faces)


def _outside(organelles: Sequence[Surface], host: Surface, nucleus: Surface | None) -> list[str]:
    from cellml.surfaces.winding import winding_number

    points = np.array([organelle.vertices[0] for organelle in organelles])
    wrong = winding_number(host.vertices, host.faces, points) < 0.5
    if nucleus is not None:
        wrong |= winding_number(nucleus.vertices, nucleus.faces, points) >= 0.5
    return [organelles[k].name for k in np.flatnonzero(wrong).tolist()]


def _nested(organelles: Sequence[Surface]) -> list[tuple[str, str]]:
    from cellml.surfaces.winding import winding_number

    found = []
    points = np.array([organelle.vertices[0] for organelle in organelles]).reshape(-1, 3)
    for k, outer in enumerate(organelles):
        low, high = outer.vertices.min(axis=0), outer.vertices.max(axis=0)
        near = np.flatnonzero(((points >= low) & (points <= high)).all(axis=1) & (np.arange(len(points)) != k))
        if len(near):
            held = winding_number(outer.vertices, outer.faces, points[near]) >= 0.5
            found += [(organelles[row].name, outer.name) for row in near[held].tolist()]
    return found
