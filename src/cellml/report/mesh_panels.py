"""What the panels of a picture of a mesh show: faces with a colour each, and what the colours mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cellml.io.mesh_functions import find_facets
from cellml.meshing.quality import dihedral_angles
from cellml.report.cutaway import Pose, behind, skin
from cellml.report.palette import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION, YELLOW, distinct_colour, rgb
from cellml.types import TetMesh

Floats = NDArray[np.float64]

REGION_COLOURS = (SKY, ORANGE, GREEN, PURPLE, BLUE, YELLOW, VERMILLION)
MEMBRANE_COLOURS = ("#c3c9d2", VERMILLION, SKY, YELLOW, PURPLE, GREEN, BLUE)
QUALITY_MAP, BEST_DIHEDRAL = "viridis", 70.53  # of a regular tetrahedron, arccos(1/3) in degrees


@dataclass(frozen=True)
class Panel:
    """Triangles (F, 3) of a mesh to be drawn, oriented outwards.

    values: (F,) either the number of a group, named and coloured (#rrggbb) by `groups`, or degrees of the quality map where there are no
    groups.
    """

    title: str
    faces: NDArray[np.int64]
    values: Floats
    groups: Mapping[int, tuple[str, str]] = field(default_factory=dict)

    def colours(self) -> Floats:
        """Red, green and blue of each triangle, (F, 3) in [0, 1]."""
        if not self.groups:
            from matplotlib import colormaps

            return np.asarray(colormaps[QUALITY_MAP](self.values / BEST_DIHEDRAL)[:, :3])
        table = np.zeros((max(self.groups) + 1, 3))
        for number, (_, colour) in self.groups.items():
            table[number] = rgb(colour)
        return np.asarray(table[self.values.astype(np.int64)])


def panels(mesh: TetMesh, pose: Pose) -> list[Panel]:
    """The whole surface with its membranes, and the mesh cut open towards the eye, by region and by smallest dihedral angle."""
    whole, _ = skin(mesh, np.ones(len(mesh.tets), bool))
    faces, tet = skin(mesh, behind(mesh, pose))
    worst = dihedral_angles(mesh.points, mesh.tets[tet]).min(axis=1)
    return [
        _membranes(mesh, whole),
        Panel("Regions, cut open", faces, mesh.regions[tet].astype(float) - mesh.regions.min(), _regions(mesh)),
        Panel("Smallest dihedral angle, cut open", faces, worst),
    ]


def _regions(mesh: TetMesh) -> dict[int, tuple[str, str]]:
    """Name and colour of each region by its number, counted from the lowest."""
    numbers, lowest = np.unique(mesh.regions).tolist(), int(mesh.regions.min())
    colours = _colours(REGION_COLOURS, len(numbers))
    return {n - lowest: (mesh.region_names.get(n, f"region {n}"), colour) for n, colour in zip(numbers, colours, strict=True)}


def _membranes(mesh: TetMesh, outer: NDArray[np.int64]) -> Panel:
    """The outer surface by facet tag, the tag of the largest area in grey; facets without a tag are a group of their own."""
    place = find_facets(outer, mesh.facets)
    tags = np.where(place >= 0, np.append(mesh.facet_tags, 0)[place], -1)
    a, b, c = (mesh.points[outer[:, i]] for i in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    found, group = np.unique(tags, return_inverse=True)
    rank = np.argsort(np.argsort(-np.bincount(group, weights=area)))
    colours = _colours(MEMBRANE_COLOURS, len(found))
    names = [mesh.facet_names.get(tag, f"tag {tag}") if tag >= 0 else "surface" for tag in found.tolist()]
    groups = {int(rank[n]): (names[n], colours[rank[n]]) for n in range(len(found))}
    return Panel("Surface, by membrane", outer, rank[group].astype(float), dict(sorted(groups.items())))


def _colours(palette: tuple[str, ...], count: int) -> list[str]:
    return [palette[n] if n < len(palette) else distinct_colour(n) for n in range(count)]
