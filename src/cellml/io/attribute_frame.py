"""Voxel size, origin and axes in the attributes of HDF5 and Zarr arrays, under the names that are in use."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cellml.io.header import ImageHeader, positive, read_note, triple

# (name, nm per unit): voxel_nm is ours; resolution and voxel_size are those of CREMI, element_size_um that of ilastik and Fiji.
_SIZES = (("voxel_nm", 1.0), ("resolution", 1.0), ("voxel_size", 1.0), ("element_size_um", 1000.0))
_ORIGINS = ("origin_nm", "offset")


def attribute_frame(attributes: Sequence[Mapping[str, Any]], *, labels: str = "") -> dict[str, Any]:
    """Arguments of ImageHeader from attributes, the nearest first (the array's, then its groups'). labels: axes that the format names."""
    note: dict[str, Any] = read_note(_text(attributes[0].get("cellml"))) if attributes else {}
    found: dict[str, Any] = {"axes": note.get("logical") or labels or _axes(attributes[0] if attributes else {}), **note}
    for holder in attributes:
        for name, factor in _SIZES:
            if name in holder:
                size = triple(holder[name])
                found["spacing"] = positive([value * factor for value in size]) if size is not None else None
                found["missing"] = f"its attribute {name} is {_shown(holder[name])}"
                return found | _origin(attributes)
    return found | _origin(attributes) | {"missing": f"it has none of the attributes {', '.join(name for name, _ in _SIZES)}"}


def frame_attributes(header: ImageHeader) -> dict[str, Any]:
    """The attributes that `attribute_frame` reads back."""
    spacing, origin = header.frame()
    return {"voxel_nm": list(spacing), "origin_nm": list(origin), "axes": header.axes, "cellml": header.note()}


def _origin(attributes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    found = [triple(holder[name]) for holder in attributes for name in _ORIGINS if name in holder]
    return {"origin": found[0]} if found else {}


def _axes(holder: Mapping[str, Any]) -> str:
    """Letters from `axes`, or from the `axistags` of ilastik; "" where they say something else."""
    if "axistags" in holder:
        try:
            return "".join(str(tag["key"]) for tag in json.loads(_text(holder["axistags"]))["axes"]).upper()
        except (TypeError, ValueError, KeyError):
            return ""
    text = _text(holder.get("axes")).upper()
    return text if text.isalpha() else ""


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value) if isinstance(value, str) else ""


def _shown(value: Any) -> str:
    return str(np.asarray(value).tolist())
