"""Meshes for viewers: the surfaces in a file, and Neuroglancer's precomputed format of triangles."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.types import Surface

_SURFACES = (".ply", ".obj", ".stl", ".off")


@dataclass(frozen=True, eq=False)
class NamedSurface:
    """A surface, lengths in nm, under the name that a viewer shows."""

    name: str
    surface: Surface


def read_surfaces(path: str | Path) -> list[NamedSurface]:
    """The surfaces of a file: that of a surface file, or the closed ones of every compartment of a tetrahedral mesh."""
    from cellml.io import compartments, read_mesh, read_surface

    path = Path(path)
    if path.suffix.lower() in _SURFACES:
        return [NamedSurface(path.stem, read_surface(path))]
    return [NamedSurface(f"{path.stem} {one.surface.name}", one.surface) for one in compartments(read_mesh(path))]


def write_precomputed(surfaces: Sequence[NamedSurface], folder: Path) -> list[int]:
    """Write surfaces as `neuroglancer_legacy_mesh`, numbered 1, 2 …, and their names as segment properties; returns the numbers.

    folder: gets meshes/info, meshes/N:0 (manifest) and meshes/N (triangles), and properties/info. Raises CellmlError without a surface.
    """
    if not surfaces:
        raise CellmlError("There is no surface to show: the meshes hold none.")
    meshes, properties = folder / "meshes", folder / "properties"
    meshes.mkdir(parents=True)
    properties.mkdir()
    numbers = list(range(1, len(surfaces) + 1))
    _write(meshes / "info", {"@type": "neuroglancer_legacy_mesh"})
    for number, one in zip(numbers, surfaces, strict=True):
        _write(meshes / f"{number}:0", {"fragments": [str(number)]})
        (meshes / str(number)).write_bytes(fragment(one.surface))
    labels = {"id": "label", "type": "label", "values": [one.name for one in surfaces]}
    inline = {"ids": [str(number) for number in numbers], "properties": [labels]}
    _write(properties / "info", {"@type": "neuroglancer_segment_properties", "inline": inline})
    return numbers


def fragment(surface: Surface) -> bytes:
    """The bytes of a surface: uint32 count of vertices, float32 (V, 3) x, y, z in nm, uint32 (F, 3) corners; little endian."""
    vertices: NDArray[Any] = surface.vertices.astype("<f4")
    return np.array([len(vertices)], "<u4").tobytes() + vertices.tobytes() + surface.faces.astype("<u4").tobytes()


def _write(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")
