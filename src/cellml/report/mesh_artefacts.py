"""Tetrahedral meshes with their nodal fields and certificates, as a run leaves them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import FileError
from cellml.types import TetMesh


@dataclass(frozen=True)
class MeshArtefact:
    """A mesh of one object.

    role: "truth", "prediction" or "" (neither); object_id: the truth object's number as text, the file's stem where the role is "";
    fields: nodal values by name, each (P,); certificate: what the mesher certified, empty if nothing.
    """

    role: str
    object_id: str
    mesh: TetMesh
    fields: Mapping[str, NDArray[np.float64]]
    certificate: Mapping[str, Any]


def read_mesh_artefact(path: Path) -> MeshArtefact:
    """Read FILE.vtu (points in nm) and FILE.json beside it, or certificate.json in its folder. Raises FileError for a damaged file."""
    # meshio.read ends the interpreter on a file that it cannot read; its reader of one format raises instead.
    from meshio import vtu

    try:
        found = vtu.read(str(path))
        tets = np.concatenate([block.data for block in found.cells if block.type == "tetra"])
        mesh = TetMesh(found.points, tets, np.ones(len(tets), np.int32), name=path.stem)
    except Exception as error:
        raise FileError(f"{path.name} cannot be read as a tetrahedral mesh ({type(error).__name__}: {error}).") from error
    role, object_id = _role(path.stem)
    values = {name: np.asarray(v, dtype=float) for name, v in found.point_data.items() if np.ndim(v) == 1 and len(v) == len(mesh.points)}
    return MeshArtefact(role, object_id, mesh, values, _certificate(path))


def _role(stem: str) -> tuple[str, str]:
    match = re.fullmatch(r"(truth|prediction)_(.+)", stem)
    return (match.group(1), match.group(2)) if match else ("", stem)


def _certificate(path: Path) -> Mapping[str, Any]:
    for candidate in (path.with_suffix(".json"), path.with_name("certificate.json")):
        if candidate.exists():
            try:
                values = json.loads(candidate.read_text(encoding="utf-8"))
            except ValueError as error:
                raise FileError(f"{candidate.name} is not valid JSON ({error}).") from error
            return values if isinstance(values, dict) else {}
    return {}
