"""The objects that a pipeline follows through all its samples: a point in each, and the ends that are asked about."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from cellml.errors import CellmlError, FileError
from cellml.evaluation.objects import ObjectChoice
from cellml.pipeline.geometry import deepest_point, voxel_of
from cellml.sim.ends import AUTOMATIC, Place, Places
from cellml.types import Labels, Triple, Volume


@dataclass(frozen=True)
class Followed:
    """name: also of its files; point_nm: (z, y, x), in every sample the object is what lies there; places: ends that are asked about, or
    None for those of its mesh in the reference segmentation.
    """

    name: str
    point_nm: Triple
    places: Places | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain containers."""
        ends = None if self.places is None else {name: asdict(place) for name, place in self.places.found.items()}
        return {"name": self.name, "point_nm": list(self.point_nm), "places": ends}


def chosen_objects(labels: Labels, choice: ObjectChoice) -> list[Followed]:
    """Objects of a segmentation by size. Raises CellmlError where none is of that size, with the sizes there are."""
    import numpy as np

    picked = choice.pick(labels)
    if not picked:
        sizes = np.sort(np.unique(labels.data[labels.data > 0], return_counts=True)[1])[::-1]
        largest = ", ".join(map(str, sizes[:5].tolist())) or "none"
        raise CellmlError(
            f"The segmentation has no object of {choice.min_voxels} to {choice.max_voxels} voxels (largest: {largest}); set "
            "objects.min_voxels and objects.max_voxels, or name points in objects.table."
        )
    return [Followed(str(number), deepest_point(labels, number)) for number in picked]


def read_objects_table(path: str | Path, within: Labels | Volume | None = None) -> list[Followed]:
    """A JSON list of {"name", "point_nm": [z, y, x], "places": {"largest_cut": {"plane", "centroid", "area"}} or null}.

    within: the grid (Z, Y, X) in which all points must lie. Raises FileError for another content, CellmlError, naming the
    entry, for a point outside.
    """
    try:
        entries = json.loads(Path(path).read_text(encoding="utf-8"))
        found = [followed_of(entry) for entry in entries]
    except OSError as error:
        raise FileError(f"{path} cannot be read ({error.strerror}).") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileError(f'{path} is no table of objects ({error!r}); it must be [{{"name": "a", "point_nm": [z, y, x]}}, …].') from error
    if not found or len({one.name for one in found}) < len(found):
        raise FileError(f"{path} must name at least one object, and each name once; it has {len(found)}.")
    if within is not None:
        for one in found:
            _require_within(one, within, path)
    return found


def _require_within(one: Followed, within: Labels | Volume, path: str | Path) -> None:
    try:
        voxel_of(within, one.point_nm)
    except CellmlError as error:
        raise CellmlError(f"{path}, object {one.name!r}: {error}") from error


def followed_of(entry: Mapping[str, Any]) -> Followed:
    """The inverse of `Followed.as_dict`. Raises KeyError, TypeError or ValueError for another content."""
    return Followed(_file_name(entry["name"]), _point(entry["point_nm"]), _places(entry.get("places")))


def _file_name(name: Any) -> str:
    text = str(name)
    if not text or any(not (c.isalnum() or c in "-_.") for c in text) or text[0] == ".":
        raise ValueError(f"the name {text!r} is no name of a file: letters, digits, - and _ only")
    return text


def _point(value: Sequence[float]) -> Triple:
    z, y, x = (float(v) for v in value)
    if not all(isfinite(v) for v in (z, y, x)):
        raise ValueError(f"the point {[z, y, x]} has a coordinate that is no number")
    return z, y, x


def _places(entries: Mapping[str, Any] | None) -> Places | None:
    if entries is None:
        return None
    missing = dict.fromkeys((name for name in AUTOMATIC if name not in entries), "it was not given")
    return Places({name: Place(e["plane"], _point(e["centroid"]), float(e["area"])) for name, e in entries.items()}, missing)
