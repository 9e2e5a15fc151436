"""OFF: one surface; a tag stands behind the corners of its face as the format's index of a colour.

Text with 17 digits, so that float64 survives. OFF has no names; they stand in a comment, with the unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from cellml.errors import CellmlError, FileError
from cellml.io.surface_names import noted, surface_line
from cellml.io.tagged_surface import TaggedSurface
from cellml.types import Surface


def read(path: Path) -> tuple[list[TaggedSurface], str]:
    """Read one surface of triangles, its tags where each face has one whole number more, and the unit."""
    rows = [words for line in path.read_text(encoding="utf-8").splitlines() if (words := line.partition("#")[0].split())]
    if not rows or rows[0][0] != "OFF":
        raise FileError(f"{path} does not begin with OFF.")
    rows[0] = rows[0][1:]
    (vertices, faces, *_), *body = [row for row in rows if row]
    points = np.array([row[:3] for row in body[: int(vertices)]], float).reshape(-1, 3)
    cells = [list(map(int, row)) for row in body[int(vertices) : int(vertices) + int(faces)]]
    if len(points) < int(vertices) or len(cells) < int(faces) or any(len(cell) < 4 for cell in cells):
        raise FileError(f"{path} is truncated: it promises {vertices} vertices and {faces} faces, but has {len(points)} and {len(cells)}.")
    if any(cell[0] != 3 for cell in cells):
        raise FileError(f"{path} has faces with {max(cell[0] for cell in cells)} corners; cellml reads triangles.")
    names, tags = noted(path), [cell[4] if len(cell) == 5 else 0 for cell in cells]
    surface = Surface(points, np.array([cell[1:4] for cell in cells], np.int64), names.name)
    return [TaggedSurface(surface, np.array(tags), names.tags)], names.unit


def write(surfaces: Sequence[TaggedSurface], path: Path, unit: str) -> None:
    """Write one surface. Raises CellmlError for several, which OFF has no place for."""
    with path.open("w", encoding="ascii") as file:
        file.writelines(_lines(only(surfaces, "OFF"), unit))


def only(surfaces: Sequence[TaggedSurface], form: str) -> TaggedSurface:
    """The one surface that a format can hold. Raises CellmlError otherwise."""
    if len(surfaces) != 1:
        raise CellmlError(f"{form} holds one surface, not {len(surfaces)}; write one file for each, or .obj or .mdl for all.")
    return surfaces[0]


def _lines(tagged: TaggedSurface, unit: str) -> Iterator[str]:
    yield f"OFF\n# {surface_line(tagged, unit)}\n{len(tagged.surface.vertices)} {len(tagged.surface.faces)} 0\n"
    yield from (f"{x!r} {y!r} {z!r}\n" for x, y, z in tagged.surface.vertices.tolist())
    faces = tagged.surface.faces.tolist()
    if tagged.tags.any():
        yield from (f"3 {a} {b} {c} {tag}\n" for (a, b, c), tag in zip(faces, tagged.tags.tolist(), strict=True))
    else:
        yield from (f"3 {a} {b} {c}\n" for a, b, c in faces)
