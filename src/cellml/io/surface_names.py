"""What a surface file notes in a comment: the names of its tags, its unit and its counts, as one line of JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cellml.errors import FileError
from cellml.io.mesh_names import KEY
from cellml.io.tagged_surface import TaggedSurface

_HEAD = 65536  # bytes in which the first line of names stands


@dataclass(frozen=True)
class SurfaceNames:
    """name: of the surface; unit: of its coordinates; tags: names by number; vertices, faces: how many it has."""

    name: str
    unit: str = "nm"
    tags: Mapping[int, str] = field(default_factory=dict)
    vertices: int | None = None
    faces: int | None = None

    def check(self, path: Path, vertices: int, faces: int) -> None:
        """Raise FileError if a file holds fewer vertices or faces than it notes: text that is cut off between two lines looks whole."""
        if (self.vertices is not None and vertices < self.vertices) or (self.faces is not None and faces < self.faces):
            raise FileError(
                f"{path} is truncated: it promises {self.vertices} vertices and {self.faces} faces, but has {vertices} and {faces}. "
                "Fetch or make it again."
            )


def surface_line(tagged: TaggedSurface, unit: str) -> str:
    """`cellml_names {…}` in ASCII, fit for comments of all text formats."""
    counts = {"vertices": len(tagged.surface.vertices), "faces": len(tagged.surface.faces)}
    names = {"name": tagged.surface.name, "unit": unit, "tags": tagged.used, **counts}
    return f"{KEY} {json.dumps(names)}".replace("*", "\\u002a")  # a star could end or open a comment of MDL


def read_surface_line(line: str, path: Path) -> SurfaceNames:
    """The names in a line that holds `cellml_names {…}`. Raises FileError if it is damaged."""
    text = line.partition(KEY)[2].strip().removesuffix("*/").strip()
    try:
        names: dict[str, Any] = dict(json.loads(text))
        tags = {int(number): str(name) for number, name in dict(names.get("tags") or {}).items()}
        counts = (int(names["vertices"]), int(names["faces"]))
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise FileError(f"{path} is damaged: its {KEY} are no JSON of names ({error}).") from error
    return SurfaceNames(str(names.get("name", path.stem)), str(names.get("unit", "nm")), tags, *counts)


def noted(path: Path) -> SurfaceNames:
    """The first names in a file; its stem and nm where there are none."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    for line in head.split(b"\n"):
        if KEY.encode() in line:
            return read_surface_line(line.decode("ascii", errors="replace"), path)
    return SurfaceNames(path.stem)


def words(names: Mapping[int, str], forbidden: str) -> dict[int, str]:
    """A word for each tag: its name with underscores for what the pattern `forbidden` matches; its number behind where two are the same."""
    made: dict[int, str] = {}
    for tag, name in sorted(names.items()):
        word = re.sub(forbidden, "_", name) or "_"
        made[tag] = f"{word}_{tag}" if word in made.values() else word
    return made
