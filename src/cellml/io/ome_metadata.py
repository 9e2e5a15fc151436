"""The metadata of OME-Zarr (OME-NGFF 0.4 and 0.5): multiscales, axes, coordinate transformations, channel and label names."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cellml.io.header import ImageHeader, positive, read_note, triple
from cellml.io.units import nanometres

_TYPES = {"T": "time", "C": "channel"}


def ome_attributes(header: ImageHeader, *, version: str, factors: Sequence[tuple[int, int, int]] = ((1, 1, 1),)) -> dict[str, Any]:
    """The attributes of a group whose array "0" holds an image: version "0.4" beside each other, "0.5" under the key `ome`.

    factors: how much coarser the arrays "0", "1" … are along (z, y, x); a coarse voxel stands where the middle of its voxels is.
    """
    axes = [{"name": a.lower(), "type": _TYPES.get(a, "space"), **({"unit": "nanometer"} if a in "ZYX" else {})} for a in header.axes]
    datasets = [
        {"path": str(number), "coordinateTransformations": _transformations(header, factor)} for number, factor in enumerate(factors)
    ]
    multiscale = {"name": header.name, "axes": axes, "datasets": datasets}
    ome: dict[str, Any] = {"multiscales": [multiscale]}
    if header.channels:
        ome["omero"] = {"channels": [{"label": label, "color": "FFFFFF", "active": True} for label in header.channels]}
    if header.kind is not None:
        named = [{"label-value": number, "name": name} for number, name in header.names.items()]
        ome["image-label"] = {"properties": named} if named else {}  # the format has no empty lists
    if version == "0.5":
        return {"ome": {"version": version, **ome}, **json.loads(header.note())}
    for part in (multiscale, ome.get("omero", {}), ome.get("image-label", {})):
        part["version"] = version
    return {**{key: value for key, value in ome.items() if value}, **json.loads(header.note())}


def _transformations(header: ImageHeader, factor: Sequence[int]) -> list[dict[str, Any]]:
    size, origin = header.frame()
    spacing = {axis: s * f for axis, s, f in zip("ZYX", size, factor, strict=True)}
    first = {axis: o + s * (f - 1) / 2 for axis, o, s, f in zip("ZYX", origin, size, factor, strict=True)}
    return [
        {"type": "scale", "scale": [spacing.get(axis, 1.0) for axis in header.axes]},
        {"type": "translation", "translation": [first.get(axis, 0.0) for axis in header.axes]},
    ]


def multiscale_of(attributes: Mapping[str, Any]) -> dict[str, Any] | None:
    """The first multiscale image that a group's attributes describe, or None."""
    found = _ome(attributes).get("multiscales")
    first = found[0] if isinstance(found, list) and found else None
    return first if isinstance(first, dict) and first.get("datasets") else None


def ome_frame(attributes: Mapping[str, Any], multiscale: Mapping[str, Any], level: int) -> dict[str, Any]:
    """Arguments of ImageHeader for one level of a multiscale image. An axis without a unit makes the voxel size missing."""
    axes = [axis if isinstance(axis, dict) else {"name": axis} for axis in multiscale.get("axes", [])]
    letters = "".join(str(axis.get("name", "?")) for axis in axes).upper()
    frame: dict[str, Any] = {"axes": letters, "name": str(multiscale.get("name") or ""), **_names(attributes)}
    note = read_note(json.dumps(dict(attributes)))
    if note.get("logical") == letters:
        frame |= note
    scale, shift = _composed(multiscale, level, len(axes))
    factors = {letter: nanometres(axis.get("unit")) for letter, axis in zip(letters, axes, strict=True)}
    lacking = [letter.lower() for letter in "ZYX" if letter in letters and factors[letter] is None]
    if scale is None or lacking or not set("ZYX") <= set(letters):
        why = f"its axes {', '.join(lacking)} have no unit of length" if lacking else "it has no scale for z, y and x"
        return frame | {"missing": why}
    order = [letters.index(letter) for letter in "ZYX"]
    factor = np.array([factors[letter] for letter in "ZYX"], dtype=float)
    return frame | {
        "spacing": positive(scale[order] * factor),
        "origin": triple(shift[order] * factor),
        "missing": f"its scale is {scale.tolist()}",
    }


def _composed(multiscale: Mapping[str, Any], level: int, dimensions: int) -> tuple[Any, Any]:
    """Scale and shift of a level, x → scale · x + shift: its own transformations, then those of the whole image.

    The scale is None where none is given, or where a step is of another kind.
    """
    scale, shift, given = np.ones(dimensions), np.zeros(dimensions), False
    own = multiscale["datasets"][level].get("coordinateTransformations") or []
    for step in [*own, *(multiscale.get("coordinateTransformations") or [])]:
        if isinstance(step.get("scale"), list) and len(step["scale"]) == dimensions:
            factors = np.asarray(step["scale"], dtype=float)
            scale, shift, given = scale * factors, shift * factors, True
        elif isinstance(step.get("translation"), list) and len(step["translation"]) == dimensions:
            shift = shift + np.asarray(step["translation"], dtype=float)
        elif step.get("type") != "identity":
            return None, shift
    return (scale if given else None), shift


def _names(attributes: Mapping[str, Any]) -> dict[str, Any]:
    ome = _ome(attributes)
    channels = (ome.get("omero") or {}).get("channels") or []
    labels = [str(channel.get("label", "")) for channel in channels]
    found: dict[str, Any] = {"channels": tuple(labels)} if all(labels) else {}
    if "image-label" in ome:
        properties = (ome["image-label"] or {}).get("properties") or []
        found["names"] = {int(p["label-value"]): str(p["name"]) for p in properties if "label-value" in p and "name" in p}
    return found


def _ome(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = attributes.get("ome")
    return inner if isinstance(inner, Mapping) else attributes
