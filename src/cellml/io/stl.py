"""STL as text: one solid a tag, named after it.

17 digits, so that float64 survives, which the binary form (float32, no names) would not. STL has no shared vertices, no numbers of tags, no
unit and no comments: corners are joined where they coincide exactly, tags are numbered as they come, and faces are sorted by tag.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cellml.errors import FileError
from cellml.io.off import only
from cellml.io.surface_names import words
from cellml.io.tagged_surface import TaggedSurface
from cellml.types import Surface

_WITHOUT = "untagged"


def read(path: Path) -> tuple[list[TaggedSurface], str]:
    """Read the solids of a text file as the tags of one surface; lengths are taken as nm."""
    if not path.read_bytes()[:80].lstrip().startswith(b"solid"):
        raise FileError(f"{path} is no STL text; a binary STL has no solids with names, read it with read_surface.")
    corners: list[list[float]] = []
    tags, names, number, is_open = list[int](), dict[int, str](), 0, False
    for line in path.read_text(encoding="utf-8").splitlines():
        kind, _, rest = line.strip().partition(" ")
        if kind == "solid":
            is_open, name = True, rest.strip()
            number = 0 if name in ("", _WITHOUT) else len(names) + 1
            names |= {number: name} if number else {}
        elif kind == "vertex":
            corners.append([float(word) for word in rest.split()])
        elif kind == "endfacet":
            tags.append(number)
        elif kind == "endsolid":
            is_open = False
    if is_open or not tags or len(corners) != 3 * len(tags):
        raise FileError(f"{path} is truncated or no STL text: {len(tags)} whole facets, {len(corners)} corners, its last solid not ended.")
    points, joined = np.unique(np.array(corners, float).reshape(-1, 3), axis=0, return_inverse=True)
    return [TaggedSurface(Surface(points, np.asarray(joined).reshape(-1, 3), path.stem), np.array(tags), names)], "nm"


def write(surfaces: Sequence[TaggedSurface], path: Path, unit: str) -> None:
    """Write one surface. Raises CellmlError for several surfaces. The unit is not noted: STL has no place for it."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(_lines(only(surfaces, "STL")))


def _lines(tagged: TaggedSurface) -> Iterator[str]:
    points = tagged.surface.vertices
    for tag, solid in {0: _WITHOUT, **words(tagged.used, r"[\r\n]")}.items():
        faces = tagged.surface.faces[tagged.tags == tag]
        if len(faces) == 0:
            continue
        yield f"solid {solid}\n"
        for corners, (i, j, k) in zip(points[faces].tolist(), _normals(points, faces).tolist(), strict=True):
            yield f"facet normal {i:.6g} {j:.6g} {k:.6g}\nouter loop\n"
            yield from (f"vertex {x!r} {y!r} {z!r}\n" for x, y, z in corners)
            yield "endloop\nendfacet\n"
        yield f"endsolid {solid}\n"


def _normals(points: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.float64]:
    a, b, c = (points[faces[:, i]] for i in range(3))
    normal = np.cross(b - a, c - a)
    return np.asarray(normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-300))
