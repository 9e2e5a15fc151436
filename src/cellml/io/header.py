"""What a file says about the array in it, before any voxel is read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from cellml.errors import CellmlError
from cellml.types import Triple

AXES = "TCZYX"


@dataclass(frozen=True)
class ImageHeader:
    """The frame of a stored array.

    shape, dtype, axes: as stored, one letter of TCZYX for each dimension ("" where the file does not say); spacing, origin: (z, y, x)
    in nm, None where missing; missing: why the spacing is; channels, name, kind ("instance", "semantic" or None) and names: as in
    Volume and Labels; logical: the axes that the writer meant ("" where not known), which may hold axes of length 1 that a format drops.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    axes: str = ""
    spacing: Triple | None = None
    origin: Triple | None = None
    missing: str = "it holds no voxel size"
    channels: tuple[str, ...] = ()
    name: str = ""
    kind: str | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    logical: str = ""

    @property
    def nbytes(self) -> int:
        """Bytes of the whole array."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    def frame(self) -> tuple[Triple, Triple]:
        """Spacing and origin of an array that is being written, where both are known."""
        if self.spacing is None:
            raise CellmlError(f"{self.name!r} has no voxel size, so it cannot be written.")
        return self.spacing, self.origin or (0.0, 0.0, 0.0)

    def note(self) -> str:
        """What few formats have a place for, as one line of ASCII JSON: axes, channels, name, kind and label names."""
        plain = {"axes": self.logical or self.axes, "channels": list(self.channels), "name": self.name, "kind": self.kind}
        return json.dumps({"cellml": {**plain, "names": {str(number): name for number, name in self.names.items()}}})


class StoredArray(Protocol):
    """What every format offers to read from and write to: an array behind slices, in stored axis order."""

    def __getitem__(self, index: Any, /) -> Any: ...


@dataclass(frozen=True)
class Stored:
    """An open file: its header and its array."""

    header: ImageHeader
    array: StoredArray


class WritableArray(StoredArray, Protocol):
    """An array that takes blocks."""

    def __setitem__(self, index: Any, block: Any, /) -> None: ...


def read_note(text: Any) -> dict[str, Any]:
    """The arguments of ImageHeader that `ImageHeader.note` put into a text; empty for any other text."""
    try:
        note = json.loads(text)["cellml"]
        return {
            "channels": tuple(str(channel) for channel in note["channels"]),
            "name": str(note["name"]),
            "kind": note["kind"] if note["kind"] in ("instance", "semantic") else None,
            "names": {int(number): str(name) for number, name in note["names"].items()},
            "logical": note["axes"] if note["axes"] in ("ZYX", "CZYX", "TZYX", "TCZYX") else "",
        }
    except (TypeError, ValueError, KeyError, AttributeError):
        return {}


def triple(values: Any) -> Triple | None:
    """Three finite floats, or None."""
    try:
        z, y, x = (float(value) for value in np.asarray(values, dtype=float).reshape(-1))
    except (TypeError, ValueError):
        return None
    return (z, y, x) if np.isfinite([z, y, x]).all() else None


def positive(values: Any) -> Triple | None:
    """Three positive finite floats, or None: a zero or negative voxel size says nothing."""
    found = triple(values)
    return found if found is not None and min(found) > 0 else None


def given_spacing(spacing_nm: Any, key: str = "spacing_nm") -> Triple:
    """Check a voxel size given by the user as `key`, (z, y, x) in nm. Raises CellmlError naming it."""
    found = positive(spacing_nm)
    if found is None:
        raise CellmlError(f"{key} must be three positive numbers (z, y, x) in nm, such as {key}=[10,10,10]; got {spacing_nm!r}.")
    return found


Loader = Callable[[], Any]


class Lazy:
    """An array that is loaded whole at the first read, for formats that cannot be read in part."""

    def __init__(self, load: Loader) -> None:
        self._load = load
        self._array: Any = None

    def __getitem__(self, index: Any) -> Any:
        if self._array is None:
            self._array = self._load()
        return self._array[index]
