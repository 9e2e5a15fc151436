"""Readers of meshes, surfaces and contours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from target import Target


def _mesh() -> Any:
    from cellml.types import TetMesh

    points = np.array([[0.0, 0, 0], [10, 0, 0], [0, 10, 0], [0, 0, 10], [10, 10, 10]])
    return TetMesh(points, np.array([[0, 1, 2, 3], [4, 1, 3, 2]]), np.array([1, 2]), region_names={1: "cell", 2: "organelle"})


def _meshes(*names: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        from cellml.io import write_mesh

        for name in names:
            write_mesh(_mesh(), folder / name, **({"version": "2.2"} if name.startswith("old") else {}))

    return make


def _mesh_read(path: Path) -> Any:
    from cellml.io import read_mesh

    return read_mesh(path)


def _surfaces(*names: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        from cellml.io import write_surface
        from cellml.types import Surface

        vertices = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]) * 100
        for name in names:
            write_surface(Surface(vertices, np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]]), "t"), folder / name)

    return make


def _surface_read(path: Path) -> Any:
    from cellml.io import read_surface

    return read_surface(path)


def _tagged_read(path: Path) -> Any:
    from cellml.io.tagged_surfaces import read_tagged_surfaces

    return read_tagged_surfaces(path)


def _mdl(folder: Path) -> None:
    from dataclasses import replace

    from cellml.io import write_mesh

    write_mesh(replace(_mesh(), regions=np.array([1, 1]), region_names={1: "cell"}), folder / "a.mdl")


def _imod(folder: Path) -> None:
    from cellml.io.imod import write_imod
    from cellml.io.imod_model import ImodContour, ImodModel, ImodObject

    contour = ImodContour(np.array([[1.0, 2, 3], [4, 5, 3], [4, 2, 3]]))
    write_imod(ImodModel((ImodObject((contour,), "cell"),), (20, 20, 10)), folder / "a.mod")


def _imod_read(path: Path) -> Any:
    from cellml.io.imod import read_imod

    return read_imod(path)


TARGETS = (
    Target("vtu", ".vtu", _meshes("a.vtu"), _mesh_read),
    Target("xdmf", ".xdmf", _meshes("a.xdmf"), _mesh_read),
    Target("gmsh", ".msh", _meshes("a.msh", "old.msh"), _mesh_read),
    Target("dolfin_xml", ".xml", _meshes("a.xml"), _mesh_read),
    Target("dolfin_hdf5", ".h5", _meshes("a.h5"), _mesh_read),
    Target("off", ".off", _surfaces("a.off"), _surface_read),
    Target("ply", ".ply", _surfaces("a.ply"), _surface_read),
    Target("stl", ".stl", _surfaces("a.stl"), _surface_read),
    Target("obj", ".obj", _surfaces("a.obj"), _tagged_read),
    Target("mdl", ".mdl", _mdl, _tagged_read),
    Target("imod", ".mod", _imod, _imod_read),
)
