"""How much of each segmented object was inferred: inside, and at the boundary that decides its shape.

An object rests mostly on inferred structure if its mean inferred share (`cellml.tomography.information`) is above a limit, 1/2 unless
another is given, over its voxels or over those of them that touch another object or the background.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError, FileError
from cellml.io.csv_table import read_csv
from cellml.tomography.information import label_sums, object_information
from cellml.types import Labels, Volume

_COLUMNS = ("label", "voxels", "inferred_share", "boundary_share", "mostly_inferred")


@dataclass(frozen=True)
class InferredObject:
    """inferred_share, boundary_share: means over all voxels of a label and over those at its boundary (NaN where it has none); deviation:
    mean of an ensemble's standard deviation in grey values, NaN without one; mostly_inferred: whether a share is above the limit.
    """

    label: int
    voxels: int
    inferred_share: float
    boundary_share: float
    deviation: float
    mostly_inferred: bool


def inferred_objects(labels: Labels, share: Volume, *, deviation: Volume | None = None, limit: float = 0.5) -> list[InferredObject]:
    """One entry for each label but 0, by number.

    labels: instances or classes; share, and deviation in grey values: volumes of the same (Z, Y, X). Raises CellmlError where shapes differ
    and for a limit outside 0 … 1.
    """
    require_limit(limit)
    inside = object_information(labels, share)
    edge = object_information(Labels(np.where(boundary(labels.data), labels.data, 0), labels.spacing), share)
    spread = {} if deviation is None else object_information(labels, deviation)
    voxels, _ = label_sums(labels.data, share.data)
    return [
        InferredObject(n, voxels[n], inside[n], edge.get(n, nan), spread.get(n, nan), max(inside[n], edge.get(n, 0.0)) > limit)
        for n in sorted(inside)
    ]


def require_limit(limit: float) -> None:
    """Raise CellmlError unless a limit is a share."""
    if not 0 <= limit <= 1:
        raise CellmlError(f"inferred_limit={limit} must be a share from 0 to 1: objects above it are marked as mostly inferred.")


def boundary(labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Voxels of (Z, Y, X) labels one of whose six face neighbours has another label; the faces of the volume are no boundary."""
    found = np.zeros(labels.shape, bool)
    for axis in range(3):
        moved, edge = np.moveaxis(labels, axis, 0), np.moveaxis(found, axis, 0)
        differs = moved[1:] != moved[:-1]
        edge[1:] |= differs
        edge[:-1] |= differs
    return found


def write_inferred_objects(objects: Sequence[InferredObject], path: str | Path) -> None:
    """Write a CSV table: label, voxels, inferred_share, boundary_share, mostly_inferred and, for an ensemble, deviation."""
    from cellml.io import atomic_path

    spread = any(not isnan(one.deviation) for one in objects)
    columns = (*_COLUMNS, "deviation") if spread else _COLUMNS
    with atomic_path(path) as aside, Path(aside).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows([_text(getattr(one, name)) for name in columns] for one in objects)


def read_inferred_objects(path: str | Path) -> list[InferredObject]:
    """Read what `write_inferred_objects` wrote. Raises FileError for a table of another kind."""
    try:
        return [_object(line) for line in read_csv(path)[1]]
    except (KeyError, ValueError) as error:
        raise FileError(
            f"{path} is no table of inferred shares by object ({type(error).__name__}: {error}); "
            "make it with cellml information labels=… table=…, or cellml infer information=…."
        ) from error


def _text(value: bool | int | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else "" if isnan(value) else f"{value:.5g}"


def _object(line: dict[str, str]) -> InferredObject:
    share, edge, deviation = (float(line.get(name) or "nan") for name in ("inferred_share", "boundary_share", "deviation"))
    return InferredObject(int(line["label"]), int(line["voxels"]), share, edge, deviation, line["mostly_inferred"] == "true")
