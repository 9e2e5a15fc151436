"""Writes gmsh's MSH 4.1 in binary: one volume for each region, one surface for each facet tag."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from cellml.types import TetMesh

_KIND = {2: 2, 3: 4}  # gmsh's numbers of triangles and tetrahedra, by dimension


def write(mesh: TetMesh, path: Path, comment: str, point_data: Mapping[str, NDArray[Any]]) -> None:
    """Write the sections in the order of gmsh's manual; entities and their physical groups have the numbers of regions and tags.

    All nodes are listed with the first volume, so that they keep their order. point_data: arrays (P,), (P, 3) or (P, 9).
    """
    groups = {2: np.unique(mesh.facet_tags).tolist(), 3: np.unique(mesh.regions).tolist()}
    with path.open("wb") as file:
        file.write(b"$MeshFormat\n4.1 1 8\n" + np.int32(1).tobytes() + b"\n$EndMeshFormat\n")
        file.write(f"$Comments\n{comment}\n$EndComments\n{_names(mesh)}$Entities\n".encode())
        _entities(file, mesh, groups)
        file.write(b"\n$EndEntities\n$Nodes\n")
        _nodes(file, mesh, groups[3][0])
        file.write(b"\n$EndNodes\n$Elements\n")
        _elements(file, mesh, groups)
        file.write(b"\n$EndElements\n")
        for name, values in point_data.items():
            _node_data(file, name, np.asarray(values, dtype=float).reshape(len(mesh.points), -1))


def _names(mesh: TetMesh) -> str:
    named = [(dimension, names) for dimension, names in ((3, mesh.region_names), (2, mesh.facet_names))]
    lines = [f'{dimension} {number} "{name}"\n' for dimension, names in named for number, name in names.items()]
    return f"$PhysicalNames\n{len(lines)}\n{''.join(lines)}$EndPhysicalNames\n" if lines else ""


def _entities(file: IO[bytes], mesh: TetMesh, groups: Mapping[int, list[int]]) -> None:
    file.write(_sizes(0, 0, len(groups[2]), len(groups[3])))
    box = np.concatenate([mesh.points.min(axis=0), mesh.points.max(axis=0)]).tobytes()
    for dimension in (2, 3):
        for number in groups[dimension]:
            file.write(_integers(number) + box + _sizes(1) + _integers(number) + _sizes(0))


def _nodes(file: IO[bytes], mesh: TetMesh, volume: int) -> None:
    count = len(mesh.points)
    file.write(_sizes(1, count, 1, count) + _integers(3, volume, 0) + _sizes(count))
    file.write(np.arange(1, count + 1, dtype=np.uint64).tobytes() + mesh.points.tobytes())


def _elements(file: IO[bytes], mesh: TetMesh, groups: Mapping[int, list[int]]) -> None:
    count = len(mesh.facets) + len(mesh.tets)
    file.write(_sizes(len(groups[2]) + len(groups[3]), count, 1, count))
    first = 1
    for dimension, cells, numbers in ((2, mesh.facets, mesh.facet_tags), (3, mesh.tets, mesh.regions)):
        for number in groups[dimension]:
            chosen = cells[numbers == number]
            rows = np.column_stack([np.arange(first, first + len(chosen)), chosen + 1])
            file.write(_integers(dimension, number, _KIND[dimension]) + _sizes(len(chosen)) + rows.astype(np.uint64).tobytes())
            first += len(chosen)


def _node_data(file: IO[bytes], name: str, values: NDArray[np.float64]) -> None:
    file.write(f'$NodeData\n1\n"{name}"\n1\n0.0\n3\n0\n{values.shape[1]}\n{len(values)}\n'.encode())
    rows = np.empty(len(values), [("node", np.int32), ("values", np.float64, (values.shape[1],))])
    rows["node"], rows["values"] = np.arange(1, len(values) + 1), values
    file.write(rows.tobytes() + b"\n$EndNodeData\n")


def _sizes(*values: int) -> bytes:
    return np.array(values, np.uint64).tobytes()


def _integers(*values: int) -> bytes:
    return np.array(values, np.int32).tobytes()
