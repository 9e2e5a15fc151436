"""Where ImageJ and OME keep voxel size, origin and channel names in a TIFF."""

from __future__ import annotations

from typing import Any

from cellml.io.header import ImageHeader, positive, triple
from cellml.io.units import nanometres
from cellml.types import Triple


def imagej_metadata(header: ImageHeader) -> dict[str, Any]:
    """ImageJ's description: unit, z spacing, and the origin in pixels, whose coordinate is (pixel − origin) · size."""
    spacing, origin = header.frame()
    pixels = {f"{axis}origin": -o / s for axis, o, s in zip("zyx", origin, spacing, strict=True)}
    return {"axes": "TZCYXS", "unit": "nm", "spacing": spacing[0], **pixels, "Info": header.note()}


def ome_metadata(header: ImageHeader) -> dict[str, Any]:
    """OME's attributes: PhysicalSize, the Position of each plane, channel names."""
    spacing, origin = header.frame()
    sizes = {f"PhysicalSize{axis}{key}": value for axis, s in zip("ZYX", spacing, strict=True) for key, value in (("", s), ("Unit", "nm"))}
    lengths = dict(zip(header.axes, header.shape, strict=True))
    planes = lengths.get("T", 1) * lengths.get("C", 1) * lengths["Z"]
    plane: dict[str, Any] = {}
    for axis, values in (
        ("Z", [origin[0] + spacing[0] * (k % lengths["Z"]) for k in range(planes)]),
        ("Y", [origin[1]] * planes),
        ("X", [origin[2]] * planes),
    ):
        plane |= {f"Position{axis}": values, f"Position{axis}Unit": ["nm"] * planes}
    channels = {"Channel": {"Name": list(header.channels)}} if header.channels else {}
    return {"axes": header.axes, **sizes, "Plane": plane, **channels, "Name": header.name or "image", "Description": header.note()}


def tiff_frame(tif: Any) -> dict[str, Any]:
    """spacing, origin, missing and channels of an open TiffFile, and the free text that may hold a note."""
    if tif.is_ome:
        return _ome(tif)
    if tif.is_imagej:
        return _imagej(tif)
    return {"missing": "it is a plain TIFF, without the voxel size of ImageJ or OME", "text": ""}


def _imagej(tif: Any) -> dict[str, Any]:
    metadata = tif.imagej_metadata or {}
    text = metadata.get("Info", "")
    unit, step = metadata.get("unit"), metadata.get("spacing")
    factor = nanometres(unit)
    if factor is None:
        said = f"its unit is {unit!r}" if unit else "its ImageJ description has no unit"
        return {"missing": f"{said}, which is no length", "text": text}
    x, y = (_pixel_size(tif.pages[0], tag) for tag in ("XResolution", "YResolution"))
    if step is None or x is None or y is None:
        return {"missing": "its ImageJ description has a unit, but not the step between slices and both pixel sizes", "text": text}
    spacing = positive([float(step) * factor, y * factor, x * factor])
    origin: Triple | None = None
    pixels = triple([metadata.get(f"{axis}origin", 0.0) for axis in "zyx"])
    if spacing is not None and pixels is not None:
        origin = triple([0.0 - pixel * size for pixel, size in zip(pixels, spacing, strict=True)])
    return {"spacing": spacing, "origin": origin, "missing": f"its ImageJ voxel size is {step} × {y} × {x} {unit}", "text": text}


def _pixel_size(page: Any, name: str) -> float | None:
    tag = page.tags.get(name)
    if tag is None or not tag.value[0]:
        return None
    # A ratio of two 32-bit numbers holds nine digits: 1.052, not 1.0520000000950358.
    return float(f"{tag.value[1] / tag.value[0]:.9g}")


def _ome(tif: Any) -> dict[str, Any]:
    import tifffile

    image = _first(tifffile.xml2dict(tif.ome_metadata).get("OME", {}).get("Image"))
    pixels = _first(image.get("Pixels"))
    # The schema's default unit is the micrometre, where a size stands without one.
    sizes = [_length(pixels, f"PhysicalSize{axis}", default="µm") for axis in "ZYX"]
    plane = _first(pixels.get("Plane"))
    position = [_length(plane, f"Position{axis}", default=None) for axis in "ZYX"]
    channel = pixels.get("Channel") or []
    names = [str(one.get("Name", "")) for one in (channel if isinstance(channel, list) else [channel])]
    lacking = [axis for axis, size in zip("ZYX", sizes, strict=True) if size is None]
    return {
        "spacing": None if lacking else positive(sizes),
        "origin": None if None in position else triple(position),
        "missing": f"its OME description has no PhysicalSize{'/'.join(lacking)} in a length"
        if lacking
        else "its OME voxel size is not positive",
        "channels": tuple(names) if all(names) else (),
        "text": image.get("Description", ""),
    }


def _first(found: Any) -> dict[str, Any]:
    one = found[0] if isinstance(found, list) and found else found
    return one if isinstance(one, dict) else {}


def _length(element: dict[str, Any], key: str, *, default: str | None) -> float | None:
    factor = nanometres(element.get(f"{key}Unit", default))
    try:
        return float(element[key]) * factor if factor is not None else None
    except (KeyError, TypeError, ValueError):
        return None
