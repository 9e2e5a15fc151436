"""What a report needs to know of an information map, or of the objects that it was carried into: a small JSON file beside each.

`NAME_information.json` stands beside the map NAME.mrc, or beside the table NAME.csv of objects, and names the files that belong together.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cellml.errors import FileError
from cellml.io.location import Location, locate
from cellml.tomography.inferred_spectrum import InferredSpectrum

PATTERN = "*_information.json"
_SPECTRUM = ("radius", "direction", "inferred", "total", "unmeasured")


@dataclass(frozen=True, eq=False)
class MapRecord:
    """An information map. map, volume: files; deviation: of an ensemble ("" without one); members: repairs whose mean it judges;
    tilts: (N,) degrees; weighting: in words, what counted as measured; window_nm: of the map, (z, y, x); inferred_share: of the whole
    volume's energy, unmeasured_share: the part of it where nothing measured had a weight; spectrum: shares by frequency and direction.
    """

    map: str
    volume: str
    deviation: str
    members: int
    tilts: Sequence[float]
    weighting: str
    window_nm: Sequence[float]
    inferred_share: float
    unmeasured_share: float
    spectrum: InferredSpectrum


@dataclass(frozen=True)
class ObjectsRecord:
    """Objects that a map was carried into. labels, map, table: files; limit: share above which an object counts as mostly inferred."""

    labels: str
    map: str
    table: str
    limit: float


def record_path(file: str | os.PathLike[str]) -> Path:
    """The record beside a map or a table: `inferred.mrc` → `inferred_information.json`."""
    path = locate(file).path
    return path.with_name(f"{path.name.partition('.')[0]}_information.json")


def write_record(record: MapRecord | ObjectsRecord) -> Path:
    """Write a record beside its map or table, files named from its own folder on; returns its path."""
    from cellml.io.atomic import write_json

    own = record.map if isinstance(record, MapRecord) else record.table
    path = record_path(own)
    values = asdict(record)
    for name in ("map", "volume", "deviation", "labels", "table"):
        if values.get(name):
            values[name] = _from_folder(values[name], path.parent)
    if isinstance(record, MapRecord):
        values["spectrum"] = {name: np.round(getattr(record.spectrum, name), 8).tolist() for name in _SPECTRUM}
    write_json(path, {"cellml": type(record).__name__, **values})
    return path


def read_record(path: str | os.PathLike[str]) -> MapRecord | ObjectsRecord:
    """Read a record; its files are named from the current folder on. Raises FileError for a file of another kind."""
    path = Path(path)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        kind = {kind.__name__: kind for kind in (MapRecord, ObjectsRecord)}[values.pop("cellml")]
        for name in ("map", "volume", "deviation", "labels", "table"):
            if values.get(name):
                values[name] = _from_here(values[name], path.parent)
        if kind is MapRecord:
            values["spectrum"] = _spectrum(values["spectrum"])
        return kind(**values)  # type: ignore[no-any-return]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise FileError(
            f"{path} is no record of an information map ({type(error).__name__}: {error}); make it again with cellml information."
        ) from error


def _spectrum(values: Mapping[str, Any]) -> InferredSpectrum:
    radius, direction, *energies = (np.asarray(values[name], np.float64) for name in _SPECTRUM)
    if {energy.shape for energy in energies} != {(len(radius) - 1, len(direction) - 1)}:
        raise ValueError(f"energies of shapes {[e.shape for e in energies]} for {len(radius)} × {len(direction)} edges")
    return InferredSpectrum(radius, direction, *energies)


def _from_folder(reference: str, folder: Path) -> str:
    """A file named from a folder on where it lies in it or below, so that the folder may move; else by its whole path."""
    location, folder = locate(reference), folder.resolve()
    path = location.path.resolve()
    return str(Location(path.relative_to(folder) if path.is_relative_to(folder) else path, location.member))


def _from_here(reference: str, folder: Path) -> str:
    location = locate(reference)
    return str(Location(folder / location.path, location.member))
