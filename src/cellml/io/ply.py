"""PLY, binary with float64 coordinates: one surface; its faces have the property `tag`.

The names and the unit stand in a comment of the header. Regions of a tetrahedral mesh have no place in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cellml.errors import FileError
from cellml.io.off import only
from cellml.io.surface_names import noted, surface_line
from cellml.io.tagged_surface import TaggedSurface
from cellml.types import Surface


def read(path: Path) -> tuple[list[TaggedSurface], str]:
    """Read one surface, its tags where its faces have the property `tag`, and the unit; trimesh's own errors for damaged files."""
    import trimesh

    loaded = trimesh.load_mesh(path, file_type="ply", process=False, skip_materials=True)
    surface = Surface(loaded.vertices, loaded.faces, noted(path).name)
    if not len(surface.faces):
        raise FileError(f"{path} holds no triangles.")
    face = loaded.metadata["_ply_raw"]["face"]
    tags = np.asarray(face["data"]["tag"] if "tag" in face["properties"] else np.zeros(len(surface.faces)), np.int32)
    if len(tags) != len(surface.faces):
        raise FileError(f"{path} has {len(tags)} tags for {len(surface.faces)} triangles; write its polygons as triangles first.")
    return [TaggedSurface(surface, tags, noted(path).tags)], noted(path).unit


def write(surfaces: Sequence[TaggedSurface], path: Path, unit: str) -> None:
    """Write one surface; the property `tag` only where there are tags. Raises CellmlError for several surfaces."""
    tagged = only(surfaces, "PLY")
    has_tags = bool(tagged.tags.any())
    header = f"ply\nformat binary_little_endian 1.0\ncomment {surface_line(tagged, unit)}\nelement vertex {len(tagged.surface.vertices)}\n"
    header += "".join(f"property double {axis}\n" for axis in "xyz")
    header += f"element face {len(tagged.surface.faces)}\nproperty list uchar int vertex_indices\n"
    header += "property int tag\n" * has_tags + "end_header\n"
    rows = np.empty(len(tagged.surface.faces), [("corners", "u1"), ("face", "<i4", (3,)), *([("tag", "<i4")] if has_tags else [])])
    rows["corners"], rows["face"] = 3, tagged.surface.faces
    if has_tags:
        rows["tag"] = tagged.tags
    path.write_bytes(header.encode("ascii") + tagged.surface.vertices.astype("<f8").tobytes() + rows.tobytes())
