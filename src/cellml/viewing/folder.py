"""The folder of a view in a browser: OME-Zarr, precomputed meshes, the viewer's state, and a page that says how to open it."""

from __future__ import annotations

import json
import logging
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cellml.errors import CellmlError, FileError
from cellml.io.atomic import gigabytes
from cellml.io.source import ImageSource
from cellml.types import Triple
from cellml.viewing.meshes import NamedSurface, write_precomputed
from cellml.viewing.pyramid import contrast, write_pyramid
from cellml.viewing.state import ViewLayer, link, viewer_state

MARK = "state.json"
_DENSEST = 20  # times smaller than their voxels, at most, are compressed images

_log = logging.getLogger(__name__)


def write_view(
    output: Path,
    *,
    image: ImageSource | None,
    labels: Sequence[tuple[str, ImageSource]],
    uncertainty: Sequence[tuple[str, ImageSource]],
    surfaces: Sequence[NamedSurface],
    url: str,
) -> dict[str, Any]:
    """Write the folder, which appears when it is complete, and return the viewer's state.

    With an image, labels are label images of its store (volume.zarr/labels/NAME), as OME-Zarr has them; else each has a store of its own,
    as uncertainty has. url: where the folder will be served from. Raises FileError where the disk has not a twentieth of their size free.
    """
    from cellml.io import atomic_path

    _require_room(output, [*([] if image is None else [image]), *(one for _, one in (*labels, *uncertainty))])
    with atomic_path(output) as folder:
        folder.mkdir()
        layers = _write_layers(folder, image, labels, uncertainty, surfaces)
        spacing, shape, origin = _sight(image, [*labels, *uncertainty], surfaces)
        state = viewer_state(layers, url, spacing=spacing, shape=shape, origin=origin)
        (folder / MARK).write_text(json.dumps(state, indent=2), encoding="utf-8")
        (folder / "README.md").write_text(_readme(state, layers, url), encoding="utf-8")
    return state


def _require_room(output: Path, sources: Sequence[ImageSource]) -> None:
    place = next(parent for parent in output.absolute().parents if parent.exists())
    size = sum(math.prod(source.shape) * max(1, len(source.channels)) * source.dtype.itemsize for source in sources)
    free = shutil.disk_usage(place).free
    if size > _DENSEST * free:
        raise FileError(
            f"The view of {', '.join(source.name for source in sources)} holds {gigabytes(size)} before they are compressed, and "
            f"{gigabytes(free)} are free in {place}. Choose another disk, or view a part."
        )


def _write_layers(
    folder: Path,
    image: ImageSource | None,
    labels: Sequence[tuple[str, ImageSource]],
    uncertainty: Sequence[tuple[str, ImageSource]],
    surfaces: Sequence[NamedSurface],
) -> list[ViewLayer]:
    layers = []
    for source in [*([] if image is None else [image]), *(one for _, one in (*labels, *uncertainty))]:
        if source.frames > 1:
            _log.warning("%s has %d times; a browser is shown the first (napari shows all).", source.name, source.frames)
    if image is not None:
        write_pyramid(image, folder / "volume.zarr")
        channels = len(image.channels) if "C" in image.axes else 0
        layers.append(ViewLayer("image", image.name, ("volume.zarr",), contrast(image)[:2], channels=channels))
    for name, source in uncertainty:
        write_pyramid(source, folder / f"{name}.zarr")
        channels = len(source.channels) if "C" in source.axes else 0
        layers.append(ViewLayer("uncertainty", name, (f"{name}.zarr",), contrast(source)[:2], channels=channels))
    for name, source in labels:
        inside = f"labels/{name}" if image is not None else ""
        store = "volume.zarr" if inside else f"{name}.zarr"
        write_pyramid(source, folder / store, inside, labels=True)
        layers.append(ViewLayer("labels", name, (f"{store}/{inside}".rstrip("/"),)))
    if image is not None and labels:
        _list_labels(folder / "volume.zarr", [name for name, _ in labels])
    if surfaces:
        numbers = write_precomputed(surfaces, folder)
        layers.append(ViewLayer("meshes", "meshes", ("meshes", "properties"), segments=numbers))
    return layers


def _list_labels(store: Path, names: list[str]) -> None:
    import zarr

    zarr.open_group(store, mode="a")["labels"].attrs.update({"ome": {"version": "0.5", "labels": names}})


def _sight(
    image: ImageSource | None, others: Sequence[tuple[str, ImageSource]], surfaces: Sequence[NamedSurface]
) -> tuple[Triple, Sequence[int], Triple]:
    """Spacing, shape and origin of what is looked at: the image, the first of the others, or the box of the surfaces at 1 nm."""
    import numpy as np

    first = image if image is not None else others[0][1] if others else None
    if first is not None:
        return first.spacing, first.shape, first.origin
    points = np.concatenate([one.surface.vertices for one in surfaces])
    low, high = points.min(axis=0)[::-1], points.max(axis=0)[::-1]
    size = [max(1, int(n)) for n in np.ceil(high - low)]
    return (1.0, 1.0, 1.0), size, (float(low[0]), float(low[1]), float(low[2]))


def _readme(state: dict[str, Any], layers: Sequence[ViewLayer], url: str) -> str:
    rows = "\n".join(f"| {layer.name} | {layer.kind} | {', '.join(f'`{path}`' for path in layer.paths)} |" for layer in layers)
    return f"""# A view for Neuroglancer

Serve this folder at {url} with the headers of CORS (`cellml view output=FOLDER serve=true` does so for a folder that is there), and
open this address in a browser with WebGL 2:

<{link(state)}>

Or open any Neuroglancer and paste `state.json` under “Edit JSON state” ({{}}). Served from elsewhere, replace {url} in it.

| layer | kind | files |
|---|---|---|
{rows}

The stores are OME-Zarr 0.5 with several levels; `cellml`, napari and others read them too. Lengths are nanometres.
"""


def served_state(folder: Path, url: str) -> dict[str, Any]:
    """The state of a view that was written before, with its files at `url`, wherever it was to be served from then.

    Raises FileError where state.json is none of a view.
    """
    try:
        state: dict[str, Any] = json.loads((folder / MARK).read_text(encoding="utf-8"))
        for layer in state["layers"]:
            found = layer["source"]
            moved = [_moved(str(one), folder, url) for one in (found if isinstance(found, list) else [found])]
            layer["source"] = moved if isinstance(found, list) else moved[0]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FileError(f"{folder / MARK} is no state of a view ({error}); write it anew with overwrite=true.") from error
    return state


def _moved(source: str, folder: Path, url: str) -> str:
    """zarr://WHEREVER/volume.zarr as zarr://URL/volume.zarr: the longest end of it that lies in the folder stays."""
    kind, _, address = source.partition("://")
    parts = address.split("/")
    inside = next(("/".join(parts[n:]) for n in range(len(parts)) if parts[n] and (folder / "/".join(parts[n:])).exists()), None)
    return source if inside is None else f"{kind}://{url}/{inside}"


def require_folder(output: Path, overwrite: bool) -> None:
    """Raise CellmlError unless a view may be written there: nothing, an empty folder, or, with overwrite, an older view."""
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return
    if not output.is_dir() or not (output / MARK).is_file():
        raise CellmlError(f"{output} is no view (it has no {MARK}) and is not replaced; choose another folder with output=…")
    if not overwrite:
        raise CellmlError(f"{output} holds a view already; replace it with overwrite=true, or choose another folder with output=…")
