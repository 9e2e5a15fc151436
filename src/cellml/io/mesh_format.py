"""What a module of one mesh format offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.types import TetMesh


@dataclass(frozen=True)
class Extras:
    """What goes with a mesh into a file.

    point_data: arrays (P, …) by name; cell_data: arrays (T, …) of the tetrahedra; unit: of the coordinates as they are given; version: of
    the format, where it has several; beside: final names of the files beside the first.
    """

    point_data: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    cell_data: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    unit: str = "nm"
    version: str = ""
    beside: tuple[str, ...] = ()

    def refuse_data(self, form: str) -> None:
        """Raise CellmlError if there is data that a format has no place for."""
        if self.point_data or self.cell_data:
            names = ", ".join([*self.point_data, *self.cell_data])
            raise CellmlError(f"{form} keeps the mesh alone, not the data {names}; write .vtu or .xdmf for these.")


class MeshFormat(Protocol):
    """A module of one format; where it needs files beside the named one, it says so in BESIDE, with {name} and {stem} to fill in."""

    def read(self, path: Path) -> tuple[TetMesh, str]:
        """The mesh in the coordinates of the file, and the unit that the file notes ("nm" where it notes none)."""

    def write(self, mesh: TetMesh, paths: list[Path], extras: Extras) -> None:
        """Write the file and those beside it, in the order of BESIDE."""
