"""TIFF that is spread over several files: they stand in the folder of the one that was named."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from cellml.errors import FileError
from cellml.io.beside import stands_beside
from cellml.io.plain_xml import require_plain_xml
from cellml.memory import require_memory

_SLOT = 8  # bytes that tifffile takes for each plane that is promised, before it looks for it


def require_sound_ome(tif: Any, path: Path) -> None:
    """Look at the OME-XML of an open tifffile.TiffFile before tifffile acts on it.

    Raises FileError where it names files outside of the folder of `path` or defines entities, and CellmlError where it promises more
    planes than their mere list has room for in the free memory. XML that cannot be parsed is left to tifffile, which says so.
    """
    if not tif.is_ome:
        return
    require_plain_xml(path, str(tif.ome_metadata))
    try:
        root = ElementTree.fromstring(tif.ome_metadata)
    except ElementTree.ParseError:
        return
    for element in root.iter():
        if (name := element.get("FileName")) and element.text != root.get("UUID"):  # that one is this file, whatever it was called
            _require_inside(path.parent / name, path)
        if element.tag.endswith("Pixels"):
            planes = math.prod(int(element.get(f"Size{axis}", 1)) for axis in "ZCT")
            require_memory(planes * _SLOT, f"The list of {planes} planes that {path} promises", "It is damaged; fetch it again.")


def require_own_pages(series: Any, path: Path) -> None:
    """Raise FileError where pages of a tifffile.TiffPageSeries stand in files outside of the folder of `path`."""
    own = series.keyframe.parent.filehandle.path
    pages = series.pages if series.is_multifile else ()
    for place in {own, *(page.parent.filehandle.path for page in pages if page is not None)}:
        _require_inside(Path(place), path)


def require_promised_pages(series: Any, path: Path) -> None:
    """Raise FileError where ImageJ's text promises more pages than a file holds that are not stored in one piece.

    tifffile would fill them with zeros, one by one, were they millions. OME-TIFF may leave planes out, as stopped acquisitions do.
    """
    if series.kind != "imagej" or series.dataoffset is not None:
        return
    held = len(series.keyframe.parent.pages)
    if len(series) > held:
        raise FileError(
            f"{path} is truncated or damaged: its text promises {len(series)} pages, and it holds {held}. Fetch or make it again."
        )


def _require_inside(place: Path, path: Path) -> None:
    if not stands_beside(place, path):
        raise FileError(f"{path} takes pages from {place}, outside of its own folder, which is not followed; put the files side by side.")
