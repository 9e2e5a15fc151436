"""Reading and writing of volumes, labels, tilt series, surfaces and meshes.

Everything enters and leaves cellml here: axis orders become (Z, Y, X), lengths become nanometres, and a file appears under its final
name only when it is complete. The format follows from the suffix; each format's library is imported when a file of it is met.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_PUBLIC = {
    "ArraySink": "cellml.io.sink",
    "ImageSource": "cellml.io.source",
    "TaggedSurface": "cellml.io.tagged_surface",
    "TiltSource": "cellml.io.tilts",
    "atomic_path": "cellml.io.atomic",
    "compartments": "cellml.io.tagged_surface",
    "create_array": "cellml.io.sink",
    "create_tilts": "cellml.io.tilt_writing",
    "membranes": "cellml.io.tagged_surface",
    "open_image": "cellml.io.source",
    "open_tilts": "cellml.io.tilts",
    "read_labels": "cellml.io.volumes",
    "read_mesh": "cellml.io.meshes",
    "read_surface": "cellml.io.surfaces",
    "read_tagged_surfaces": "cellml.io.tagged_surfaces",
    "read_tilts": "cellml.io.tilts",
    "read_volume": "cellml.io.volumes",
    "write_json": "cellml.io.atomic",
    "write_labels": "cellml.io.volumes",
    "write_membranes": "cellml.io.tagged_surfaces",
    "write_mesh": "cellml.io.meshes",
    "write_surface": "cellml.io.surfaces",
    "write_tagged_surfaces": "cellml.io.tagged_surfaces",
    "write_text": "cellml.io.atomic",
    "write_tilts": "cellml.io.tilt_writing",
    "write_volume": "cellml.io.volumes",
}

if TYPE_CHECKING:
    from cellml.io.atomic import atomic_path, write_json, write_text
    from cellml.io.meshes import read_mesh, write_mesh
    from cellml.io.sink import ArraySink, create_array
    from cellml.io.source import ImageSource, open_image
    from cellml.io.surfaces import read_surface, write_surface
    from cellml.io.tagged_surface import TaggedSurface, compartments, membranes
    from cellml.io.tagged_surfaces import read_tagged_surfaces, write_membranes, write_tagged_surfaces
    from cellml.io.tilt_writing import create_tilts, write_tilts
    from cellml.io.tilts import TiltSource, open_tilts, read_tilts
    from cellml.io.volumes import read_labels, read_volume, write_labels, write_volume

__all__ = [
    "ArraySink",
    "ImageSource",
    "TaggedSurface",
    "TiltSource",
    "atomic_path",
    "compartments",
    "create_array",
    "create_tilts",
    "membranes",
    "open_image",
    "open_tilts",
    "read_labels",
    "read_mesh",
    "read_surface",
    "read_tagged_surfaces",
    "read_tilts",
    "read_volume",
    "write_json",
    "write_labels",
    "write_membranes",
    "write_mesh",
    "write_surface",
    "write_tagged_surfaces",
    "write_text",
    "write_tilts",
    "write_volume",
]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'cellml.io' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
