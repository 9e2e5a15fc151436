"""The shapes of a population before anything is done to them: cheap to list, so that workers read and repair them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from cellml.errors import CellmlError, FileError
from cellml.types import Surface

_log = logging.getLogger(__name__)
_SURFACES = (".off", ".ply", ".obj", ".stl")
_MESHES = (".vtu", ".msh", ".xdmf")
_LOOKED_AT = 5  # of the shapes, to judge the unit of all


@dataclass(frozen=True, eq=False)
class Member:
    """One shape. name: unique in its population; group: what it belongs together with (an image stack); kind: its class, "" where unknown.

    shape: a closed surface in nm as it was stored, a file of a surface or of a tetrahedral mesh, or (volume in nm³, area in nm²) where no
    more is known than that; unit: of the coordinates in the file of a surface, None for what it notes.
    """

    name: str
    group: str
    kind: str
    shape: Surface | Path | tuple[float, float]
    unit: str | None = None

    @property
    def is_mesh(self) -> bool:
        """Whether it is a file of tetrahedra."""
        return isinstance(self.shape, Path) and self.shape.suffix.lower() in _MESHES


def members_of(source: str | Path, *, unit: str | None = None, group_pattern: str | None = None) -> tuple[Member, ...]:
    """The shapes of "spines", of a folder of surfaces or of tetrahedral meshes, of a table of volumes and areas, or of any source that
    `cellml.shapes.reading.read_population` reads.

    A table is a CSV file with the columns name, volume_nm3 and area_nm2, such as `cellml populate` writes (rows without numbers are left
    out); unit, group_pattern: as in `read_population`. Raises FileError for a source that is not there, CellmlError where no shape is left,
    a name comes twice, or a unit is told of what has its own.
    """
    path = Path(source).expanduser()
    if str(source) in ("spines", "spines:base"):
        from cellml.data.spine_meshes import all_spines

        found = [Member(name, group, kind, surface) for name, surface, group, kind in all_spines()]
    elif path.is_dir() and path.suffix != ".zarr":
        found = _files(path, unit)
    elif path.suffix == ".csv" and _is_table(path):
        found = _rows(path)
    else:
        from cellml.shapes.reading import read_population

        read = read_population(source, unit=unit)
        found = [Member(*one) for one in zip(read.names, read.groups, read.classes, read.surfaces, strict=True)]
    if group_pattern is not None:
        from cellml.shapes.reading import group_of

        found = [replace(m, group=group_of(m.name, group_pattern)) for m in found]
    _require_unique(found, source)
    return tuple(found)


def idealisable(members: Sequence[Member]) -> None:
    """Raise CellmlError where a shape is a file of tetrahedra, which says how it is to be meshed already."""
    meshes = [member.name for member in members if member.is_mesh]
    if meshes:
        raise CellmlError(
            f"idealised= needs surfaces, or the table of an earlier run, but {meshes[0]!r} and {len(meshes) - 1} more are tetrahedra. "
            "Run populate on them without it first, and give its table.csv as the source."
        )


def warn_of_unit(members: Sequence[Member], source: str | Path) -> None:
    """Warn where the surfaces, by a few of them, have a size that says that their unit is another one."""
    from cellml.io import read_surface
    from cellml.io.likely_size import warn_of_size

    found = []
    for member in members[:: max(1, len(members) // _LOOKED_AT)][:_LOOKED_AT]:
        if isinstance(member.shape, Surface):
            found.append(member.shape)
        elif isinstance(member.shape, Path) and not member.is_mesh:
            with suppress(CellmlError):  # a damaged file is a matter of its own row
                found.append(read_surface(member.shape, unit=member.unit))
    warn_of_size(found, str(source))


def _files(folder: Path, unit: str | None) -> list[Member]:
    """Files of tetrahedra where the folder holds any, else of surfaces; the folder below it that a file lies in is its group."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for suffixes in (_MESHES, _SURFACES):
        chosen = [path for path in files if path.suffix.lower() in suffixes]
        if chosen and suffixes is _MESHES and unit is not None:
            raise CellmlError(f"unit={unit} is of surfaces, but {folder} holds meshes in nm, such as {chosen[0].name}; leave it out.")
        if chosen:
            return [Member(p.relative_to(folder).as_posix(), p.parent.relative_to(folder).as_posix(), "", p, unit) for p in chosen]
    raise FileError(f"{folder} holds no shapes; populate reads meshes ({', '.join(_MESHES)}) and surfaces ({', '.join(_SURFACES)}).")


def _is_table(path: Path) -> bool:
    from cellml.report.rows import read_rows

    if not path.is_file():
        raise FileError(f"There is no {path}.")
    rows = read_rows(path)
    return bool(rows) and {"name", "volume_nm3", "area_nm2"} <= set(rows[0])


def _rows(path: Path) -> list[Member]:
    from cellml.report.rows import read_rows

    rows = read_rows(path)
    whole = [row for row in rows if row["volume_nm3"] and row["area_nm2"]]
    if len(whole) < len(rows):
        _log.warning("%d of %d rows of %s have no volume and area, and are left out.", len(rows) - len(whole), len(rows), path)
    try:
        return [
            Member(r["name"], r.get("group") or "", r.get("class") or "", (float(r["volume_nm3"]), float(r["area_nm2"]))) for r in whole
        ]
    except ValueError as error:
        raise FileError(f"{path} holds something in volume_nm3 or area_nm2 that is no number ({error}).") from error


def _require_unique(members: Sequence[Member], source: str | Path) -> None:
    if not members:
        raise CellmlError(f"{source} holds no shape that can be simulated.")
    names = [member.name for member in members]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise CellmlError(f"Names of shapes are unique, but {len(twice)} come more than once in {source}, such as {twice[0]!r}.")
