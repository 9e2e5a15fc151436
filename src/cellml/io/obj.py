"""Wavefront OBJ: one object (`o`) a surface, one group (`g`) a tag.

Text with 17 digits, so that float64 survives. Names are words: blanks become underscores, and the names as they are stand in a comment
with the unit. Regions of a tetrahedral mesh have no place in it. Faces are sorted by tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from cellml.errors import FileError
from cellml.io.mesh_names import KEY
from cellml.io.surface_names import SurfaceNames, read_surface_line, surface_line, words
from cellml.io.tagged_surface import TaggedSurface
from cellml.types import Surface

_BLANK = r"\s"


@dataclass
class _Object:
    """One object while it is read. first: number of its first vertex; faces: numbers of vertices of the whole file, from 0."""

    noted: SurfaceNames
    first: int
    faces: list[tuple[int, int, int]] = field(default_factory=list)
    tags: list[int] = field(default_factory=list)
    groups: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.groups = {word: tag for tag, word in words(self.noted.tags, _BLANK).items()}

    def tag(self, group: str) -> int:
        """The number of a group, a new one where its name is met for the first time; 0 where there is no group."""
        return self.groups.setdefault(group, max([0, *self.groups.values()]) + 1) if group else 0


def read(path: Path) -> tuple[list[TaggedSurface], str]:
    """Read all objects with their groups, polygons cut into fans of triangles, and the unit."""
    points: list[tuple[float, float, float]] = []
    objects, group = [_Object(SurfaceNames(path.stem), 0)], ""
    for line in path.read_text(encoding="utf-8").splitlines():
        kind, _, rest = line.strip().partition(" ")
        if kind == "#" and rest.startswith(KEY):
            objects.append(_Object(read_surface_line(rest, path), len(points)))
        elif kind == "o" and objects[-1].noted.vertices is None:
            objects.append(_Object(SurfaceNames(rest.strip() or path.stem), len(points)))
        elif kind == "g":
            group = rest.strip()
        elif kind == "v":
            x, y, z = (float(number) for number in rest.split()[:3])
            points.append((x, y, z))
        elif kind == "f":
            _add_face(objects[-1], rest, group, len(points))
    made = [_tagged(each, np.array(points), path) for each in objects if each.faces or each.noted.vertices]
    if not made:
        raise FileError(f"{path} holds no triangles ({len(points)} vertices).")
    return made, objects[-1].noted.unit


def write(surfaces: Sequence[TaggedSurface], path: Path, unit: str) -> None:
    """Write all surfaces, one after the other."""
    first = 1
    with path.open("w", encoding="utf-8") as file:
        for tagged in surfaces:
            file.writelines(_lines(tagged, unit, first))
            first += len(tagged.surface.vertices)


def _lines(tagged: TaggedSurface, unit: str, first: int) -> Iterator[str]:
    yield f"# {surface_line(tagged, unit)}\no {re.sub(_BLANK, '_', tagged.surface.name)}\n"
    yield from (f"v {x!r} {y!r} {z!r}\n" for x, y, z in tagged.surface.vertices.tolist())
    for tag, group in {0: "", **words(tagged.used, _BLANK)}.items():
        faces = (tagged.surface.faces[tagged.tags == tag] + first).tolist()
        if faces and tagged.used:
            yield f"g {group}\n"
        yield from (f"f {a} {b} {c}\n" for a, b, c in faces)


def _add_face(target: _Object, rest: str, group: str, points: int) -> None:
    corners = [int(corner.split("/")[0]) for corner in rest.split()]
    corners = [corner - 1 if corner > 0 else points + corner for corner in corners]
    tag = target.tag(group)
    for b, c in pairwise(corners[1:]):
        target.faces.append((corners[0], b, c))
        target.tags.append(tag)


def _tagged(each: _Object, points: np.ndarray, path: Path) -> TaggedSurface:
    faces = np.array(each.faces, np.int64).reshape(-1, 3)
    if faces.size and (faces.max() >= len(points) or faces.min() < 0):
        raise FileError(f"{path} is damaged: a face points at vertex {faces.max() + 1}, but there are {len(points)}.")
    if each.noted.vertices is None:  # of another program: objects may use vertices that stand anywhere
        used, inverse = np.unique(faces, return_inverse=True)
        vertices, faces = points[used], inverse.reshape(-1, 3)
    else:
        vertices, faces = points[each.first : each.first + each.noted.vertices], faces - each.first
    each.noted.check(path, len(vertices), len(faces))
    names = {tag: each.noted.tags.get(tag, group) for group, tag in each.groups.items()}
    return TaggedSurface(Surface(vertices, faces, each.noted.name), np.array(each.tags), names)
