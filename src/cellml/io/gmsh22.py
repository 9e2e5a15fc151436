"""Writes gmsh's MSH 2.2 as text: the one version and form that STEPS imports (`steps.utilities.meshio.importGmsh`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.types import TetMesh

_TRIANGLE, _TETRAHEDRON = 2, 4


def write(mesh: TetMesh, path: Path, comment: str, point_data: Mapping[str, NDArray[Any]]) -> None:
    """Write nodes with every digit, triangles, then tetrahedra, each with its number as physical and elementary group.

    Only names that occur are listed, for STEPS takes each for a group with members. point_data: arrays (P,), (P, 3) or (P, 9).
    """
    with path.open("w", encoding="utf-8", newline="\n") as file:
        # The comment stands after the format, where every reader passes over sections that it does not know.
        file.write(f"$MeshFormat\n2.2 0 8\n$EndMeshFormat\n$Comments\n{comment}\n$EndComments\n")
        file.writelines(_names(mesh))
        file.write(f"$Nodes\n{len(mesh.points)}\n")
        file.writelines(f"{n} {x!r} {y!r} {z!r}\n" for n, (x, y, z) in enumerate(mesh.points.tolist(), 1))
        file.write(f"$EndNodes\n$Elements\n{len(mesh.facets) + len(mesh.tets)}\n")
        file.writelines(_elements(1, _TRIANGLE, mesh.facet_tags, mesh.facets))
        file.writelines(_elements(1 + len(mesh.facets), _TETRAHEDRON, mesh.regions, mesh.tets))
        file.write("$EndElements\n")
        for name, values in point_data.items():
            file.writelines(_node_data(name, np.asarray(values, dtype=float).reshape(len(mesh.points), -1)))


def _names(mesh: TetMesh) -> Iterator[str]:
    used = [(3, n, mesh.region_names[n]) for n in np.unique(mesh.regions).tolist() if n in mesh.region_names]
    used += [(2, n, mesh.facet_names[n]) for n in np.unique(mesh.facet_tags).tolist() if n in mesh.facet_names]
    if used:
        yield f"$PhysicalNames\n{len(used)}\n"
        yield from (f'{dimension} {number} "{"_".join(name.split())}"\n' for dimension, number, name in used)
        yield "$EndPhysicalNames\n"


def _elements(first: int, kind: int, groups: NDArray[np.int32], cells: NDArray[np.int64]) -> Iterator[str]:
    rows = np.column_stack([np.arange(first, first + len(cells)), groups, groups, cells + 1]).tolist()
    for number, physical, elementary, *corners in rows:
        yield f"{number} {kind} 2 {physical} {elementary} {' '.join(map(str, corners))}\n"


def _node_data(name: str, values: NDArray[np.float64]) -> Iterator[str]:
    yield f'$NodeData\n1\n"{name}"\n1\n0.0\n3\n0\n{values.shape[1]}\n{len(values)}\n'
    yield from (f"{n} {' '.join(map(repr, row))}\n" for n, row in enumerate(values.tolist(), 1))
    yield "$EndNodeData\n"
