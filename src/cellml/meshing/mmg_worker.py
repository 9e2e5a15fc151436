"""Run MMG in a process of its own: `python -m cellml.meshing.mmg_worker INPUT.npz OUTPUT.npz`.

MMG ends the interpreter on some meshes and does not return on others, so nothing else lives in this process. It imports numpy and the
compiled part of mmgpy only, so that starting it costs a fraction of a second.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


def main(source: str, destination: str) -> None:
    """Read a mesh and passes from `source`, optimise, write the mesh to `destination`.

    The mesh of the last finished pass is written. source holds points (P, 3), tets (T, 4), regions (T,), triangles (F, 3), triangle_tags
    (F,), ridges (E, 2) and `passes`, a JSON list of MMG options; destination receives points, tets, regions, triangles, triangle_tags,
    passes_run, cpu_s and versions.
    """
    import mmgpy

    with np.load(source, allow_pickle=False) as data:
        mesh = _build(mmgpy, data)
        passes: list[dict[str, Any]] = json.loads(str(data["passes"]))
    versions = json.dumps({"mmgpy": mmgpy.__version__, "mmg": mmgpy.MMG_VERSION})
    for number, options in enumerate(passes, start=1):
        mesh.remesh(verbose=-1, **options)
        _write(Path(destination), **_arrays(mesh), passes_run=number, cpu_s=time.process_time(), versions=versions)


def _write(destination: Path, **arrays: Any) -> None:
    """Write aside, then rename: whenever this process is ended, the best finished pass is there whole."""
    aside = destination.with_suffix(".part.npz")
    np.savez(aside, **arrays)
    aside.replace(destination)


def _arrays(mesh: Any) -> dict[str, Any]:
    tets, regions = mesh.get_elements_with_refs()
    triangles, tags = mesh.get_triangles_with_refs()
    return {"points": mesh.get_vertices(), "tets": tets, "regions": regions, "triangles": triangles, "triangle_tags": tags}


def _build(mmgpy: Any, data: Any) -> Any:
    mesh = mmgpy.MmgMesh3D()
    ridges = data["ridges"].astype(np.int32)
    sizes = {"vertices": len(data["points"]), "tetrahedra": len(data["tets"]), "triangles": len(data["triangles"]), "edges": len(ridges)}
    mesh.set_mesh_size(**sizes)
    mesh.set_vertices(data["points"])
    mesh.set_tetrahedra(data["tets"].astype(np.int32), data["regions"].astype(np.int64))
    mesh.set_triangles(data["triangles"].astype(np.int32), data["triangle_tags"].astype(np.int64))
    if len(ridges):
        mesh.set_edges(ridges, np.ones(len(ridges), np.int64))
        mesh.set_ridge_edges(np.arange(len(ridges), dtype=np.int32))
    return mesh


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
